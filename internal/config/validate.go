package config

import (
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Validate returns every mistake at once, each naming its key and what to do.
func (c Config) Validate() error {
	return errors.Join(c.checkPublicURL(), c.checkListener(), c.checkDatabase(), c.SMTP.check(), c.Limits.check())
}

func (c Config) checkPublicURL() error {
	u, err := url.Parse(c.PublicURL)
	switch {
	case c.PublicURL == "":
		return errors.New(`public_url is missing: give the address that people will see, such as "https://sign-in.example.com"`)
	case err != nil || u.Hostname() == "" || u.Opaque != "":
		return errors.New(`public_url is not an address: write it like "https://sign-in.example.com"`)
	case u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil || strings.ContainsAny(c.PublicURL, "?#"):
		return errors.New("public_url must end with the host (and port): remove what follows it")
	case u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())):
		return errors.New("public_url must begin with https:// (http:// is for localhost only)")
	case c.PublicURL != strings.ToLower(c.PublicURL) || u.Port() == "443" && u.Scheme == "https" || u.Port() == "80" && u.Scheme == "http":
		return errors.New("public_url must stand as browsers write it: small letters, and no :443 or :80")
	}
	return nil
}

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
		if _, err := netip.ParsePrefix(p); err != nil {
			mistakes = append(mistakes, fmt.Errorf(`trusted_proxies: %q is not a network such as "10.0.0.0/8"`, p))
		} else if strings.HasSuffix(p, "/0") {
			mistakes = append(mistakes, fmt.Errorf("trusted_proxies: %s would let everybody choose their address; name the proxies only", p))
		}
	}
	switch c.LogLevel {
	case "debug", "info", "warn", "error":
	default:
		mistakes = append(mistakes, errors.New("log_level must be debug, info, warn or error"))
	}
	if c.KeyFile == "" {
		mistakes = append(mistakes, errors.New("key_file is missing: name a file; it is created at the first start"))
	}
	if (c.TLS.CertFile == "") != (c.TLS.KeyFile == "") {
		mistakes = append(mistakes, errors.New("tls.cert_file and tls.key_file belong together: give both or neither"))
	}
	return errors.Join(mistakes...)
}

// hostPort holds for "host:port", with the host possibly empty or an address in brackets.
func hostPort(s string) bool {
	_, port, err := net.SplitHostPort(s)
	n, numeric := strconv.Atoi(port)
	return err == nil && numeric == nil && n >= 0 && n <= 65535
}

func (c Config) checkDatabase() error {
	u := c.Database.URL.Reveal()
	for _, prefix := range []string{"sqlite:", "postgres://", "postgresql://"} {
		if rest, ok := strings.CutPrefix(u, prefix); ok && rest != "" {
			return nil
		}
	}
	return errors.New(`database.url must be "sqlite:FILE" or "postgres://…"`)
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
	wrong(s.Username == "" && s.Password != "", "smtp.password without smtp.username: give both or neither")
	wrong(s.Username != "" && s.Password == "", "smtp.username without smtp.password: give both or neither")
	wrong(s.Timeout < time.Second || s.Timeout > 50*time.Second, "smtp.timeout must be between 1s and 50s")
	wrong((s.Bounces.Listen == "") != (s.Bounces.Domain == ""), "smtp.bounces.listen and smtp.bounces.domain belong together: give both or neither")
	wrong(s.Bounces.Listen != "" && !hostPort(s.Bounces.Listen), `smtp.bounces.listen must be an address and a port, such as "127.0.0.1:2525"`)
	return errors.Join(mistakes...)
}
