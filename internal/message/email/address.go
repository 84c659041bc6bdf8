package email

import "time"

// AddressCode carries the code that proves a new address of an account. It has no link.
type AddressCode struct {
	Vendor, Company    string
	Code, Reference    string
	IP, Place, Browser string
	At, ExpiresAt      time.Time
}

// AddressTaken tells a person that someone else wished to use their address.
type AddressTaken struct {
	Vendor             string
	IP, Place, Browser string
	At                 time.Time
}

// AddressChanged tells of a change of address.
type AddressChanged struct {
	Vendor, Company    string
	Old, New           string    // masked
	UndoLink           string    // to those who can undo it
	UndoUntil          time.Time // until then
	NotMeLink          string    // to the new address, and to one that cannot be brought back
	Left               bool      // it goes to one that is no longer in use
	IP, Place, Browser string
	At                 time.Time
}

// AddressRestored tells that a change of address was undone.
type AddressRestored struct {
	Vendor, Company string
	Old, New        string // masked; Old is in use again
	ToOld           bool   // it goes to the old one
	At              time.Time
}

// AddressAlert tells owners and admins that a person undid a change that was not theirs.
type AddressAlert struct {
	Vendor, UserName, UserEmail string
	IP, Place, Browser          string // where the change was asked for
	At                          time.Time
}

// PasskeyCopied tells a person that two devices seem to hold one of their passkeys.
type PasskeyCopied struct {
	Vendor, AppName    string
	Label              string // the person's own name for it
	IP, Place, Browser string
	At                 time.Time
	NotMeLink          string
}

func (AddressCode) kind() string     { return "address_code" }
func (AddressTaken) kind() string    { return "address_taken" }
func (AddressChanged) kind() string  { return "address_changed" }
func (AddressRestored) kind() string { return "address_restored" }
func (AddressAlert) kind() string    { return "address_alert" }
func (PasskeyCopied) kind() string   { return "passkey_copied" }

func (c AddressCode) letter(w *writer) letter {
	vendor, reference := w.from(c.Vendor), cleanName(c.Reference)
	lead := w.say("mail.address_code.text", "Vendor", vendor)
	if company := defang(c.Company); company != "" {
		lead = w.say("mail.address_code.text_company", "Vendor", vendor, "Company", company)
	}
	l := letter{
		Subject:    w.say("mail.address_code.subject", "Vendor", vendor, "Reference", reference),
		Preheader:  w.say("mail.address_code.preheader", "Vendor", vendor, "Reference", reference),
		Title:      w.say("mail.address_code.title"),
		Lead:       lead,
		Vendor:     vendor,
		Code:       cleanName(c.Code),
		Until:      w.say("mail.code.until", "Time", w.time(c.ExpiresAt, c.IP)),
		Never:      w.say("mail.code.never", "Vendor", vendor),
		FactsTitle: w.say("mail.facts"),
		Facts:      w.originLines(origin{c.IP, c.Place, c.Browser, c.At}),
		Footer:     w.say("mail.address_code.footer", "Vendor", cleanName(c.Vendor)),
	}
	l.Facts = append(l.Facts, line{w.say("word.reference"), reference})
	return l
}

func (c AddressTaken) letter(w *writer) letter {
	vendor := w.from(c.Vendor)
	lead := w.say("mail.address_taken.text", "Vendor", vendor)
	return letter{
		Subject:    w.say("mail.address_taken.subject", "Vendor", vendor),
		Preheader:  lead,
		Title:      w.say("mail.address_taken.title"),
		Lead:       lead,
		Vendor:     vendor,
		FactsTitle: w.say("mail.facts"),
		Facts:      w.originLines(origin{c.IP, c.Place, c.Browser, c.At}),
		Footer:     w.say("mail.address_code.footer", "Vendor", cleanName(c.Vendor)),
	}
}

func (c AddressChanged) letter(w *writer) letter {
	vendor := w.from(c.Vendor)
	l := letter{
		Subject:    w.say("mail.address_changed.subject", "Vendor", vendor),
		Title:      w.say("mail.address_changed.title"),
		Vendor:     vendor,
		Lead:       w.say("mail.address_changed.text_new", "Vendor", vendor),
		FactsTitle: w.say("mail.facts"),
		Facts:      append(w.addressLines(c.Old, c.New), w.originLines(origin{c.IP, c.Place, c.Browser, c.At})...),
		Footer:     w.say("mail.footer_account", "Vendor", cleanName(c.Vendor)),
		NotMe:      w.say("mail.not_me.method"),
		NotMeLink:  webAddress(c.NotMeLink),
	}
	if c.Left || c.UndoLink != "" {
		l.Lead = w.say("mail.address_changed.text", "Vendor", vendor)
	}
	if c.UndoLink != "" {
		l.NotMe, l.NotMeLink = w.say("mail.address_changed.undo", "Time", w.time(c.UndoUntil, c.IP)),
			webAddress(c.UndoLink)
	}
	l.Preheader = l.Lead
	return l
}

// addressLines names the two addresses of a change.
func (w *writer) addressLines(old, new string) []line {
	return []line{{w.say("word.address_old"), cleanName(old)}, {w.say("word.address_new"), cleanName(new)}}
}

func (c AddressRestored) letter(w *writer) letter {
	vendor := w.from(c.Vendor)
	lead := w.say("mail.address_restored.text_new", "Vendor", vendor)
	if c.ToOld {
		lead = w.say("mail.address_restored.text", "Vendor", vendor)
	}
	return letter{
		Subject:    w.say("mail.address_restored.subject", "Vendor", vendor),
		Preheader:  lead,
		Title:      w.say("mail.address_restored.title"),
		Lead:       lead,
		Vendor:     vendor,
		FactsTitle: w.say("mail.restored.facts"),
		Facts:      append(w.addressLines(c.Old, c.New), line{w.say("word.time"), w.words.Time(c.At)}),
		Footer:     w.say("mail.footer_account", "Vendor", cleanName(c.Vendor)),
	}
}

func (c AddressAlert) letter(w *writer) letter {
	who := defang(c.UserName)
	lead := w.say("mail.address_alert.text", "User", who, "Email", cleanName(c.UserEmail))
	return letter{
		Subject:    w.say("mail.address_alert.subject", "User", who),
		Preheader:  lead,
		Title:      w.say("mail.address_alert.title"),
		Lead:       lead,
		Vendor:     cleanName(c.Vendor),
		FactsTitle: w.say("mail.facts"),
		Facts:      w.originLines(origin{c.IP, c.Place, c.Browser, c.At}),
		Footer:     w.say("mail.footer_alert", "Vendor", cleanName(c.Vendor)),
	}
}

func (c PasskeyCopied) letter(w *writer) letter {
	l := notice{c.Vendor, c.AppName, c.NotMeLink, "mail.passkey_copied.subject", "mail.passkey_copied.title",
		"mail.passkey_copied.text", origin{c.IP, c.Place, c.Browser, c.At}}.letter(w)
	if label := defang(c.Label); label != "" {
		l.Facts = append([]line{{w.say("word.name"), label}}, l.Facts...)
	}
	return l
}
