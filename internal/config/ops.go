package config

import (
	"errors"
	"net"
	"net/url"
	"time"

	"countersign/internal/secret"
)

// Ops is the listener for the operators of the program: health, readiness, metrics, profiles.
type Ops struct {
	Listen    string        `toml:"listen" doc:"Address and port of the listener for health, metrics and profiles, such as \"127.0.0.1:9090\". Empty: there is none."`
	Auth      string        `toml:"auth" doc:"Who may ask without a token: machine (listen is a loopback address) or network (anyone who reaches the address, which is yours to guard)."`
	Token     secret.Text   `toml:"token" doc:"What to send as Authorization: Bearer, 20 characters or more. /healthz and the bare answer of /readyz need none."`
	TokenFile string        `toml:"token_file" doc:"A file that holds ops.token instead."`
	Drain     time.Duration `toml:"drain" doc:"How long a stop goes on answering while /readyz already says no, for load balancers to look elsewhere. Some seconds more than they take to notice."`
}

// Whom the ops listener believes.
const (
	AuthMachine = "machine"
	AuthNetwork = "network"
)

// Tracing sends spans to an OpenTelemetry collector.
type Tracing struct {
	Endpoint    string      `toml:"endpoint" doc:"Where spans go, by OTLP over HTTP as JSON, such as \"http://127.0.0.1:4318/v1/traces\". Empty: nothing is traced."`
	SampleRatio float64     `toml:"sample_ratio" doc:"The share of requests that are traced, chosen at random: 1 traces all, 0.1 one in ten. A trusted proxy may choose by its own traceparent."`
	Service     string      `toml:"service" doc:"The name of this installation in traces."`
	Token       secret.Text `toml:"token" doc:"What the collector wants as Authorization: Bearer. Only over https, or to this machine."`
	TokenFile   string      `toml:"token_file" doc:"A file that holds tracing.token instead."`
}

const (
	shortestToken = 20
	longestDrain  = time.Minute
)

func (o Ops) check() error {
	var mistakes []error
	wrong := func(bad bool, words string) {
		if bad {
			mistakes = append(mistakes, errors.New(words))
		}
	}
	wrong(o.Auth != AuthMachine && o.Auth != AuthNetwork, `ops.auth must be "machine" or "network"`)
	wrong(o.Token != "" && len(o.Token) < shortestToken,
		"ops.token must have 20 characters or more: openssl rand -hex 20 makes one")
	wrong(o.Drain < 0 || o.Drain > longestDrain, "ops.drain must be between 0s and 1m")
	if o.Listen == "" {
		return errors.Join(mistakes...)
	}
	host, _, _ := net.SplitHostPort(o.Listen)
	wrong(!hostPort(o.Listen), `ops.listen must be an address and a port, such as "127.0.0.1:9090"`)
	wrong(hostPort(o.Listen) && !loopback(host) && o.Token == "" && o.Auth != AuthNetwork,
		`ops.listen is reached from other machines: give ops.token_file, or ops.auth = "network" where a firewall keeps others away`)
	return errors.Join(mistakes...)
}

func (t Tracing) check() error {
	var mistakes []error
	if !(t.SampleRatio > 0 && t.SampleRatio <= 1) {
		mistakes = append(mistakes, errors.New("tracing.sample_ratio must be more than 0 and at most 1"))
	}
	u, err := url.Parse(t.Endpoint)
	switch {
	case t.Endpoint == "":
	case err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil:
		mistakes = append(mistakes,
			errors.New(
				`tracing.endpoint must be an address such as "http://127.0.0.1:4318/v1/traces", without a password in it`))
	case t.Token != "" && u.Scheme != "https" && !loopback(u.Hostname()):
		mistakes = append(mistakes,
			errors.New("tracing.token would travel in the clear: let tracing.endpoint begin with https"))
	}
	return errors.Join(mistakes...)
}
