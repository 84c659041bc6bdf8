package push

import (
	"cmp"
	"encoding/json"
	"time"

	"countersign/internal/locale"
)

// Template names the only kind of push there is.
const Template = "code"

// Code is what a push says.
type Code struct {
	Vendor, AppName, Company string
	Code, Reference          string
	IP, Place, Browser       string
	Binding                  bool // it proves a new receiver rather than signing in
	At, ExpiresAt            time.Time
}

// Shown is what the service worker gets. A notification shows Title and Body and nothing
// else: the code stays behind the lock of the phone until someone opens it (SEC-25).
type Shown struct {
	Title     string    `json:"title"`
	Body      string    `json:"body"`
	Lang      string    `json:"lang"`
	Code      string    `json:"code"`
	Reference string    `json:"reference"`
	App       string    `json:"app"`
	Company   string    `json:"company"`
	Place     string    `json:"place"`
	Browser   string    `json:"browser"`
	IP        string    `json:"ip"`
	Binding   bool      `json:"binding"`
	At        time.Time `json:"at"`
	Until     time.Time `json:"until"`
	Ack       string    `json:"ack,omitempty"` // says to us which push was shown; opens nothing
}

// What names may take, in characters, so that everything fits into one push.
const (
	maxName    = 60
	maxBrowser = 80
)

func word(p *locale.Printer, c Code, ack string) ([]byte, error) {
	app := locale.Line(cmp.Or(c.AppName, c.Vendor), maxName)
	s := Shown{
		Lang:      p.Lang(),
		Code:      c.Code,
		Reference: c.Reference,
		App:       app,
		Company:   locale.Line(c.Company, maxName),
		Place:     locale.Line(c.Place, maxBrowser),
		Browser:   locale.Line(c.Browser, maxBrowser),
		IP:        c.IP,
		Binding:   c.Binding,
		At:        c.At,
		Until:     c.ExpiresAt,
		Ack:       ack,
	}
	s.Title, s.Body = p.T("push.title", "App", app), p.T("push.body", "Reference", c.Reference)
	if c.Binding {
		s.Title, s.Body = p.T("push.title_binding", "App", app), p.T("push.body_binding")
	}
	return json.Marshal(s)
}
