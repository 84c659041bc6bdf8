package email

import "cmp"

func (SignInCode) kind() string      { return "code" }
func (PasswordKnown) kind() string   { return "password_known" }
func (NotMeAlert) kind() string      { return "not_me_alert" }
func (NewBrowser) kind() string      { return "new_browser" }
func (RememberedReuse) kind() string { return "remembered_reuse" }
func (Restored) kind() string        { return "restored" }
func (MethodChanged) kind() string   { return "method_changed" }
func (AccountChanged) kind() string  { return "account_changed" }

func (c SignInCode) letter(w *writer) letter {
	app, reference := cmp.Or(cleanName(c.AppName), w.from(c.Vendor)), cleanName(c.Reference)
	lead := w.say("mail.code.truth", "App", app)
	if company := defang(c.Company); company != "" {
		lead = w.say("mail.code.truth_company", "App", app, "Company", company)
	}
	l := letter{
		Subject:    w.say("mail.code.subject", "App", app, "Reference", reference),
		Preheader:  w.say("mail.code.preheader", "App", app, "Reference", reference),
		Title:      w.say("mail.code.title"),
		Lead:       lead,
		Vendor:     w.from(c.Vendor),
		Code:       cleanName(c.Code),
		Until:      w.say("mail.code.until", "Time", w.time(c.ExpiresAt, c.IP)),
		Never:      w.say("mail.code.never", "Vendor", w.from(c.Vendor)),
		Link:       webAddress(c.Link),
		LinkLead:   w.say("mail.code.link"),
		LinkText:   w.say("mail.code.link_text"),
		Button:     w.say("mail.code.button"),
		NotMe:      w.say("mail.not_me.code"),
		NotMeLink:  webAddress(c.NotMeLink),
		FactsTitle: w.say("mail.facts"),
		Facts:      w.originLines(origin{c.IP, c.Place, c.Browser, c.At}),
		Footer:     w.say("mail.footer", "Vendor", cleanName(c.Vendor)),
	}
	l.Facts = append(l.Facts, line{w.say("word.reference"), reference})
	return l
}

// notice is a mail about an app that asks for nothing but a look.
type notice struct {
	vendor, app, notMe   string
	subject, title, text string // keys
	origin
}

func (n notice) letter(w *writer) letter {
	app := cmp.Or(cleanName(n.app), w.from(n.vendor))
	lead := w.say(n.text, "App", app)
	return letter{
		Subject:    w.say(n.subject, "App", app),
		Preheader:  lead,
		Title:      w.say(n.title),
		Lead:       lead,
		Vendor:     w.from(n.vendor),
		NotMe:      w.say("mail.not_me.plain"),
		NotMeLink:  webAddress(n.notMe),
		FactsTitle: w.say("mail.facts"),
		Facts:      append([]line{{w.say("word.app"), app}}, w.originLines(n.origin)...),
		Footer:     w.say("mail.footer", "Vendor", cleanName(n.vendor)),
	}
}

func (c PasswordKnown) letter(w *writer) letter {
	return notice{c.Vendor, c.AppName, c.NotMeLink,
		"mail.password_known.subject", "mail.password_known.title", "mail.password_known.text",
		origin{c.IP, c.Place, c.Browser, c.At}}.letter(w)
}

func (c NewBrowser) letter(w *writer) letter {
	return notice{c.Vendor, c.AppName, c.NotMeLink,
		"mail.new_browser.subject", "mail.new_browser.title", "mail.new_browser.text",
		origin{c.IP, c.Place, c.Browser, c.At}}.letter(w)
}

func (c RememberedReuse) letter(w *writer) letter {
	return notice{c.Vendor, c.AppName, c.NotMeLink,
		"mail.remembered_reuse.subject", "mail.remembered_reuse.title", "mail.remembered_reuse.text",
		origin{c.IP, c.Place, c.Browser, c.At}}.letter(w)
}

func (c NotMeAlert) letter(w *writer) letter {
	who := defang(cmp.Or(c.UserName, c.UserEmail))
	lead := w.say("mail.not_me_alert.text", "User", who, "Email", cleanName(c.UserEmail))
	if c.Stuck {
		lead = w.say("mail.not_me_alert.text_stuck", "User", who, "Email", cleanName(c.UserEmail))
	}
	return letter{
		Subject:    w.say("mail.not_me_alert.subject", "User", who),
		Preheader:  lead,
		Title:      w.say("mail.not_me_alert.title"),
		Lead:       lead,
		Vendor:     cleanName(c.Vendor),
		FactsTitle: w.say("mail.facts"),
		Facts:      w.originLines(origin{c.IP, c.Place, c.Browser, c.At}),
		Footer:     w.say("mail.footer_alert", "Vendor", cleanName(c.Vendor)),
	}
}

func (c Restored) letter(w *writer) letter {
	company := defang(c.Company)
	lead := w.say("mail.restored.text_unknown", "Company", company)
	if !c.State.IsZero() {
		lead = w.say("mail.restored.text", "Company", company, "State", w.words.Time(c.State))
	}
	return letter{
		Subject:    w.say("mail.restored.subject", "Vendor", cleanName(c.Vendor)),
		Preheader:  lead,
		Title:      w.say("mail.restored.title"),
		Lead:       lead,
		Vendor:     cleanName(c.Vendor),
		FactsTitle: w.say("mail.restored.facts"),
		Facts:      []line{{w.say("word.time"), w.words.Time(c.At)}},
		Footer:     w.say("mail.footer_alert", "Vendor", cleanName(c.Vendor)),
	}
}

// methodName is the catalogue key of a kind of sign-in method.
func methodName(kind string) string {
	switch kind {
	case "passkey":
		return "method.passkey"
	case "totp":
		return "method.totp"
	case "push":
		return "method.push"
	case "sms":
		return "method.sms"
	case "email":
		return "method.email"
	case "backup":
		return "method.backup"
	}
	return "method.other"
}

func (c MethodChanged) letter(w *writer) letter {
	name := w.say(methodName(c.Kind))
	subject, title, text := "mail.method_removed.subject", "mail.method_removed.title", "mail.method_removed.text"
	if c.Added {
		subject, title, text = "mail.method_added.subject", "mail.method_added.title", "mail.method_added.text"
	}
	if c.Reported {
		subject, title = "mail.method_suspended.subject", "mail.method_suspended.title"
		text = "mail.method_suspended.text"
	}
	lead := w.say(text, "Vendor", w.from(c.Vendor), "Method", name)
	facts := []line{{w.say("word.method"), name}}
	if label := defang(c.Label); label != "" {
		facts = append(facts, line{w.say("word.name"), label})
	}
	return letter{
		Subject:    w.say(subject, "Vendor", w.from(c.Vendor)),
		Preheader:  lead,
		Title:      w.say(title),
		Lead:       lead,
		Vendor:     w.from(c.Vendor),
		NotMe:      w.say("mail.not_me.method"),
		NotMeLink:  webAddress(c.NotMeLink),
		FactsTitle: w.say("mail.facts"),
		Facts:      append(facts, w.originLines(origin{c.IP, c.Place, c.Browser, c.At})...),
		Footer:     w.say("mail.footer_account", "Vendor", cleanName(c.Vendor)),
	}
}

func (c AccountChanged) letter(w *writer) letter {
	vendor := w.from(c.Vendor)
	l := letter{
		Vendor:     vendor,
		NotMe:      w.say("mail.not_me.method"),
		NotMeLink:  webAddress(c.NotMeLink),
		FactsTitle: w.say("mail.facts"),
		Facts:      w.originLines(origin{c.IP, c.Place, c.Browser, c.At}),
		Footer:     w.say("mail.footer_account", "Vendor", cleanName(c.Vendor)),
	}
	switch c.What {
	case "password reset":
		l.Subject, l.Title = w.say("mail.password_reset.subject", "Vendor", vendor), w.say("mail.password_reset.title")
		l.Lead, l.NotMe = w.say("mail.password_reset.text", "Vendor", vendor), w.say("mail.password_reset.not_me")
	case "second_step.on":
		l.Subject, l.Title, l.Lead = w.say("mail.second_step_on.subject", "Vendor", vendor),
			w.say("mail.second_step_on.title"), w.say("mail.second_step_on.text", "Vendor", vendor)
	case "second_step.off":
		l.Subject, l.Title, l.Lead = w.say("mail.second_step_off.subject", "Vendor", vendor),
			w.say("mail.second_step_off.title"), w.say("mail.second_step_off.text", "Vendor", vendor)
	default:
		l.Subject, l.Title, l.Lead = w.say("mail.password_changed.subject", "Vendor", vendor),
			w.say("mail.password_changed.title"), w.say("mail.password_changed.text", "Vendor", vendor)
	}
	l.Preheader = l.Lead
	return l
}
