package email

import (
	"bytes"
	"embed"
	"fmt"
	html "html/template"
	text "text/template"
	"time"

	"countersign/internal/locale"
)

//go:embed templates
var templateFiles embed.FS

// One layout says every mail; what a mail does not have, it leaves out. A mistake in a
// template stops the program before it starts.
var (
	htmlLetter = html.Must(html.New("letter.html").Option("missingkey=error").ParseFS(templateFiles,
		"templates/letter.html"))
	textLetter = text.Must(text.New("letter.txt").Option("missingkey=error").ParseFS(templateFiles,
		"templates/letter.txt"))
)

// Mail is one message in one language, ready to be put into MIME.
type Mail struct {
	Subject string // one line, no code in it
	Text    string // plain text, lines end in "\n"
	HTML    string
}

// Content is what a mail is about: one of the structs of this file.
type Content interface {
	kind() string
	letter(w *writer) letter
}

// SignInCode carries the code and the link of one sign-in.
type SignInCode struct {
	Vendor, AppName, Company string
	Code, Reference          string
	Link, NotMeLink          string
	IP, Place, Browser       string
	At, ExpiresAt            time.Time
}

// PasswordKnown tells a person that someone has their password and fails the second step.
type PasswordKnown struct {
	Vendor, AppName    string
	IP, Place, Browser string
	At                 time.Time
	NotMeLink          string
}

// NotMeAlert tells owners and admins that a user reported a sign-in.
type NotMeAlert struct {
	Vendor, UserName, UserEmail string
	IP, Place, Browser          string
	At                          time.Time
	Stuck                       bool // no owner of the company can sign in with what is set up
}

// NewBrowser tells a person of a sign-in in a browser never seen before.
type NewBrowser struct {
	Vendor, AppName    string
	IP, Place, Browser string
	At                 time.Time
	NotMeLink          string
}

// MethodChanged tells a person that a sign-in method was added to their account, or removed.
type MethodChanged struct {
	Vendor, Company    string
	Kind, Label        string // the kind as it is stored, and the person's own name for it
	Added              bool
	Reported           bool // suspended because the sign-in that it was set up in was reported
	IP, Place, Browser string
	At                 time.Time
	NotMeLink          string
}

// AccountChanged tells a person that something about their account was changed.
type AccountChanged struct {
	Vendor, Company    string
	What               string // "password.changed", "password reset", "second_step.on", "second_step.off"
	IP, Place, Browser string
	At                 time.Time
	NotMeLink          string
}

// Restored tells the owner of a company that the data went back to an earlier state.
type Restored struct {
	Vendor, Company string
	State           time.Time // the state that it went back to; zero where no one knows
	At              time.Time // when that was
}

// RememberedReuse tells a person that an old token of a remembered browser was used again,
// which means that someone copied it.
type RememberedReuse struct {
	Vendor, AppName    string
	IP, Place, Browser string
	At                 time.Time
	NotMeLink          string
}

// Look is what an installation, and a company in it, make of their mails. Its zero value means our colours, and times
// in UTC.
type Look struct {
	Accent  Accent
	Company string                         // the company's own name for what its people sign in to; empty: the vendor's name
	Support Contact                        // the company's own; the zero value is none
	Zone    func(ip string) *time.Location // of the place that an address is in; nil = unknown
}

// Contact is where a company's people find help.
type Contact struct{ Email, URL, Phone string }

// Accent is the colour of buttons and links ("#rrggbb"), on light mails and on dark ones. Text
// on it is white and nearly black.
type Accent struct{ Light, Dark string }

var ourAccent = Accent{Light: "#0a6b50", Dark: "#58cfa6"}

// Render says c in the language of p. It fails where a sentence is missing: no mail at all is
// better than one that a person cannot understand.
func Render(p *locale.Printer, look Look, c Content) (Mail, error) {
	w := &writer{
		words:   p,
		zone:    look.Zone,
		accent:  look.Accent,
		company: defang(look.Company),
	}
	if w.accent == (Accent{}) {
		w.accent = ourAccent
	}
	l := c.letter(w)
	if w.err != nil {
		return Mail{}, w.err
	}
	l.writer = w
	l.Support = supportLines(look.Support)
	var plain, rich bytes.Buffer
	if err := textLetter.Execute(&plain, l); err != nil {
		return Mail{}, fmt.Errorf("text of mail %s: %w", c.kind(), err)
	}
	if err := htmlLetter.Execute(&rich, l); err != nil {
		return Mail{}, fmt.Errorf("HTML of mail %s: %w", c.kind(), err)
	}
	return Mail{Subject: l.Subject, Text: plain.String(), HTML: rich.String()}, nil
}
