package email

import (
	"time"

	"countersign/internal/locale"
)

// Mail is one message in one language, ready to be put into MIME.
type Mail struct {
	Subject string // one line, no code in it
	Text    string // plain text, lines end in "\n"
	HTML    string
}

// Content is what a mail is about: one of the structs of this file.
type Content interface{ kind() string }

// SignInCode carries the code and the link of one sign-in.
type SignInCode struct {
	Vendor, AppName, Company string
	Code, Reference          string
	Link, NotMeLink          string
	IP, Place, Browser       string
	At, ExpiresAt            time.Time
}

// PasswordKnown tells a person that somebody has their password and fails the second step.
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
}

// NewBrowser tells a person of a sign-in in a browser never seen before.
type NewBrowser struct {
	Vendor, AppName    string
	IP, Place, Browser string
	At                 time.Time
	NotMeLink          string
}

// RememberedReuse tells a person that an old token of a remembered browser was used again,
// which means that somebody copied it.
type RememberedReuse struct {
	Vendor, AppName    string
	IP, Place, Browser string
	At                 time.Time
	NotMeLink          string
}

func (SignInCode) kind() string      { return "code" }
func (PasswordKnown) kind() string   { return "password_known" }
func (NotMeAlert) kind() string      { return "not_me_alert" }
func (NewBrowser) kind() string      { return "new_browser" }
func (RememberedReuse) kind() string { return "remembered_reuse" }

// Render says c in the language of p.
func Render(p *locale.Printer, c Content) (Mail, error) {
	return Mail{Subject: c.kind()}, nil
}
