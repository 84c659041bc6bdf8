package config

import "testing"

func TestPushSettings(t *testing.T) {
	good := func(change func(*Push)) error {
		p := defaultPush()
		change(&p)
		return p.check()
	}
	for name, change := range map[string]func(*Push){
		"the default": func(*Push) {}, "off": func(p *Push) { p.Receivers = Off },
		"a mail address": func(p *Push) { p.Contact = "ops@example.com" },
		"mailto":         func(p *Push) { p.Contact = "mailto:ops@example.com" },
		"an address":     func(p *Push) { p.Contact = "https://example.com/contact" },
		"services":       func(p *Push) { p.Services = []string{"push.example.com", "localhost:9443"} },
	} {
		if err := good(change); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, change := range map[string]func(*Push){
		"receivers": func(p *Push) { p.Receivers = "yes" }, "http": func(p *Push) { p.Contact = "http://example.com" },
		"words":   func(p *Push) { p.Contact = "ask Maria" },
		"no time": func(p *Push) { p.Timeout = 0 }, "long": func(p *Push) { p.Timeout = 1 << 62 },
		"a path":     func(p *Push) { p.Services = []string{"push.example.com/x"} },
		"a scheme":   func(p *Push) { p.Services = []string{"https://push.example.com"} },
		"an account": func(p *Push) { p.Services = []string{"a@push.example.com"} },
		"everything": func(p *Push) { p.Services = []string{""} },
		"capitals":   func(p *Push) { p.Services = []string{"Push.example.com"} },
	} {
		if good(change) == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
