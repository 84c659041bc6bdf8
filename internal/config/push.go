package config

import (
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"strings"
	"time"
)

// Push is how codes go to browsers that receive them (Web Push).
type Push struct {
	Receivers string        `toml:"receivers" doc:"on, or off: then no one can set a code receiver up, and codes go to none. Pushes need a way out to the push services of browser makers."`
	Contact   string        `toml:"contact" doc:"Where push services reach those who run this: an https address or a mail address. Empty: public_url, or the address of smtp.from where that is not https."`
	Services  []string      `toml:"services" doc:"Push services of your own that may be at private addresses, as host or host:port. All others are reached at public addresses only."`
	CAFile    string        `toml:"ca_file" doc:"Certificate authorities to believe instead of the system's, in PEM."`
	Timeout   time.Duration `toml:"timeout" doc:"The longest that one push may take."`
}

func defaultPush() Push { return Push{Receivers: On, Timeout: 10 * time.Second} }

func (p Push) check() error {
	m := &mistakes{}
	m.wrong(p.Receivers != On && p.Receivers != Off, `push.receivers must be "on" or "off"`)
	m.wrong(p.Contact != "" && !isContact(p.Contact),
		`push.contact must be an https address or a mail address, such as "ops@example.com"`)
	m.wrong(p.Timeout < time.Second || p.Timeout > 50*time.Second, "push.timeout must be between 1s and 50s")
	for _, s := range p.Services {
		m.wrong(!isService(s), fmt.Sprintf(`push.services: %q is not a host such as "push.example.com"`, s))
	}
	return errors.Join(*m...)
}

func isContact(s string) bool {
	if u, err := url.Parse(s); err == nil && u.Scheme == "https" && u.Host != "" {
		return true
	}
	_, err := mail.ParseAddress(strings.TrimPrefix(s, "mailto:"))
	return err == nil
}

// isService holds for a host, with or without a port, and for nothing with a scheme or path.
func isService(s string) bool {
	u, err := url.Parse("https://" + s)
	return err == nil && u.Hostname() != "" && u.Host == s && s == strings.ToLower(s)
}
