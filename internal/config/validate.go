package config

import (
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Validate returns every mistake at once, each naming its key and what to do.
func (c Config) Validate() error {
	return errors.Join(c.checkPublicURL(), c.checkListener(), c.checkDatabase(), c.SMTP.check(), c.SMS.check(),
		c.Push.check(), c.Ops.check(), c.Tracing.check(), c.Limits.check())
}

func (c Config) checkPublicURL() error {
	u, err := url.Parse(c.PublicURL)
	switch {
	case c.PublicURL == "":
		return errors.New(
			`public_url is missing: give the address that people will see, such as "https://sign-in.example.com"`)
	case err != nil || u.Hostname() == "" || u.Opaque != "":
		return errors.New(`public_url is not an address: write it like "https://sign-in.example.com"`)
	case u.RawQuery != "" || u.Fragment != "" || u.User != nil || strings.ContainsAny(c.PublicURL, "?#"):
		return errors.New("public_url must end with the host (and port) or a path: remove what follows it")
	case u.Path != "" && !publicPath.MatchString(u.EscapedPath()):
		return errors.New(
			`the path in public_url must look like "/sign-in": small letters, digits and hyphens, without a slash at its end`)
	case u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())):
		return errors.New("public_url must begin with https:// (http:// is for localhost only)")
	case c.PublicURL != strings.ToLower(c.PublicURL) || u.Port() == "443" && u.Scheme == "https" || u.Port() == "80" &&
		u.Scheme == "http":
		return errors.New("public_url must stand as browsers write it: small letters, and no :443 or :80")
	}
	return nil
}

// publicPath is what may follow the host: it is put before every path of ours, and never escaped.
var publicPath = regexp.MustCompile(`^(/[a-z0-9][a-z0-9-]*)+$`)

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

func (c Config) checkListener() error {
	var mistakes []error
	if !hostPort(c.Listen) {
		mistakes = append(mistakes, errors.New(`listen must be an address and a port, such as "127.0.0.1:8080"`))
	}
	for _, p := range c.TrustedProxies {
		mistakes = append(mistakes, checkProxy(p))
	}
	switch c.LogLevel {
	case "debug", "info", "warn", "error":
	default:
		mistakes = append(mistakes, errors.New("log_level must be debug, info, warn or error"))
	}
	switch c.LogRequests {
	case "debug", "info", "off":
	default:
		mistakes = append(mistakes, errors.New("log_requests must be debug, info or off"))
	}
	if c.KeyFile == "" {
		mistakes = append(mistakes, errors.New("key_file is missing: name a file; it is created at the first start"))
	}
	if (c.TLS.CertFile == "") != (c.TLS.KeyFile == "") {
		mistakes = append(mistakes, errors.New("tls.cert_file and tls.key_file belong together: give both or neither"))
	}
	return errors.Join(mistakes...)
}

// A network of proxies may not be wider than these. Anyone who is inside chooses the address
// that limits are counted by and that the record shows.
const (
	widestProxies4 = 8  // 10.0.0.0/8
	widestProxies6 = 16 // no provider has more
)

func checkProxy(s string) error {
	p, err := netip.ParsePrefix(s)
	switch {
	case err != nil:
		return fmt.Errorf(`trusted_proxies: %q is not a network such as "10.0.0.0/8"`, s)
	case p.Addr().Is4In6():
		return fmt.Errorf(`trusted_proxies: write %s as IPv4, such as "10.0.0.0/8"`, s)
	case p != p.Masked():
		return fmt.Errorf("trusted_proxies: %s has bits behind its mask: is it %s or %s/%d?", s, p.Masked(), p.Addr(),
			p.Addr().BitLen())
	case p.Addr().Is4() && p.Bits() < widestProxies4, p.Addr().Is6() && p.Bits() < widestProxies6 && p != private6:
		return fmt.Errorf("trusted_proxies: %s would let everyone choose their address; name the proxies only", s)
	}
	return nil
}

// private6 are the addresses that no network outside routes (RFC 4193).
var private6 = netip.MustParsePrefix("fc00::/7")

// hostPort holds for "host:port", with the host possibly empty or an address in brackets.
func hostPort(s string) bool {
	_, port, err := net.SplitHostPort(s)
	n, numeric := strconv.Atoi(port)
	return err == nil && numeric == nil && n >= 0 && n <= 65535
}

func (c Config) checkDatabase() error {
	var mistakes []error
	if !databaseURL(c.Database.URL.Reveal()) {
		mistakes = append(mistakes, errors.New(`database.url must be "sqlite:FILE" or "postgres://…"`))
	}
	if c.Database.ClockSkew < time.Second {
		mistakes = append(mistakes, errors.New("database.clock_skew must be at least 1s"))
	}
	if c.Database.Durability != Require && c.Database.Durability != Ignore {
		mistakes = append(mistakes, errors.New(`database.durability must be "require" or "ignore"`))
	}
	return errors.Join(mistakes...)
}

func databaseURL(u string) bool {
	for _, prefix := range []string{"sqlite:", "postgres://", "postgresql://"} {
		if rest, ok := strings.CutPrefix(u, prefix); ok && rest != "" {
			return true
		}
	}
	return false
}

func (s SMTP) check() error {
	var mistakes []error
	wrong := func(bad bool, words string) {
		if bad {
			mistakes = append(mistakes, errors.New(words))
		}
	}
	wrong(s.Host == "", "smtp.host is missing: name the server that takes your mail")
	wrong(s.Port < 1 || s.Port > 65535, "smtp.port must be between 1 and 65535")
	_, err := mail.ParseAddress(s.From)
	wrong(err != nil, `smtp.from must be a mail address, such as "Harbor <sign-in@example.com>"`)
	switch s.TLS {
	case "starttls", "implicit":
	case "none":
		wrong(!loopback(s.Host), `smtp.tls "none" is for a server on this machine only: use "starttls" or "implicit"`)
	default:
		wrong(true, `smtp.tls must be "starttls", "implicit" or "none"`)
	}
	wrong(s.Addresses != "ascii" && s.Addresses != "utf8", `smtp.addresses must be "ascii" or "utf8"`)
	wrong(s.Username == "" && s.Password != "", "smtp.password without smtp.username: give both or neither")
	wrong(s.Username != "" && s.Password == "", "smtp.username without smtp.password: give both or neither")
	wrong(s.Timeout < time.Second || s.Timeout > 50*time.Second, "smtp.timeout must be between 1s and 50s")
	d := s.DKIM
	wrong(d != DKIM{} && (d.Domain == "" || d.Selector == "" || d.KeyFile == ""),
		"smtp.dkim.domain, smtp.dkim.selector and smtp.dkim.key_file belong together: give all or none")
	wrong((s.Bounces.Listen == "") != (s.Bounces.Domain == ""),
		"smtp.bounces.listen and smtp.bounces.domain belong together: give both or neither")
	wrong(s.Bounces.Listen != "" && !hostPort(s.Bounces.Listen),
		`smtp.bounces.listen must be an address and a port, such as "127.0.0.1:2525"`)
	return errors.Join(mistakes...)
}
