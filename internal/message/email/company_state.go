package email

// CompanyState tells the owners and admins of a company that the vendor has suspended it, or resumed it.
type CompanyState struct {
	Vendor, Company string
	Suspended       bool
	Reason          string // as it was typed; empty: none was given
	By              ChangedBy
}

func (CompanyState) kind() string { return "company_state" }

func (c CompanyState) letter(w *writer) letter {
	vendor, company := cleanName(c.Vendor), defang(c.Company)
	l := letter{
		Subject:    w.say("mail.resumed.subject", "Company", company),
		Title:      w.say("mail.resumed.title", "Company", company),
		Lead:       w.say("mail.resumed.text", "Company", company),
		Vendor:     vendor,
		FactsTitle: w.say("mail.changed.facts"),
		Facts:      w.changedBy(c.By, vendor),
		Never:      w.say("mail.state.ask", "Vendor", vendor),
		Footer:     w.say("mail.footer_alert", "Vendor", vendor),
	}
	if c.Suspended {
		l.Subject = w.say("mail.suspended.subject", "Company", company)
		l.Title = w.say("mail.suspended.title", "Company", company)
		l.Lead = w.say("mail.suspended.text", "Company", company, "Vendor", vendor)
	}
	if c.Reason != "" {
		l.Facts = append([]line{{w.say("console.reason"), defang(c.Reason)}}, l.Facts...)
	}
	l.Preheader = l.Lead
	return l
}
