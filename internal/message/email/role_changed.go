package email

// RoleChanged tells a person that they have another role, or the owners of their company where someone became an
// owner or is one no more.
type RoleChanged struct {
	Vendor, Company string
	Name, Email     string // whose role it is; empty in the letter to the person
	Was, Is         string // roles, as they are stored; Was is empty where the person is new
	By              ChangedBy
}

func (RoleChanged) kind() string { return "role_changed" }

func (c RoleChanged) letter(w *writer) letter {
	vendor, company, role := cleanName(c.Vendor), defang(c.Company), w.say(roleName(c.Is))
	value := w.say("mail.changed.value", "Is", role, "Was", w.say(roleName(c.Was)))
	l := letter{
		Subject:    w.say("mail.role_changed.subject", "Company", company),
		Title:      w.say("mail.role_changed.title"),
		Lead:       w.say("mail.role_changed.text", "Company", company, "Role", role),
		Vendor:     vendor,
		FactsTitle: w.say("mail.changed.facts"),
		Facts:      append([]line{{w.say("word.role"), value}}, w.changedBy(c.By, vendor)...),
		Never:      w.say("mail.role_changed.ask", "Company", company),
		Footer:     w.say("mail.footer_account", "Vendor", vendor),
	}
	if c.Was == "" {
		l.Facts[0].Value = role
	}
	if c.Email != "" {
		who := defang(c.Name)
		l.Subject = w.say("mail.role_changed.subject_other", "User", who, "Company", company)
		l.Title = w.say("mail.role_changed.title_other")
		l.Lead = w.say("mail.role_changed.text_other",
			"User", who, "Email", cleanName(c.Email), "Company", company, "Role", role)
		if c.Was == "" {
			l.Subject = w.say("mail.person_added.subject", "User", who, "Company", company)
			l.Title = w.say("mail.person_added.title")
			l.Lead = w.say("mail.person_added.text",
				"User", who, "Email", cleanName(c.Email), "Company", company, "Role", role)
		}
		l.Never = w.say("mail.changed.ask", "Vendor", vendor)
		l.Footer = w.say("mail.footer_alert", "Vendor", vendor)
	}
	l.Preheader = l.Lead
	return l
}

// roleName is the catalogue key of a role.
func roleName(role string) string {
	switch role {
	case "owner":
		return "role.owner"
	case "admin":
		return "role.admin"
	case "supervisor":
		return "role.supervisor"
	case "operator":
		return "role.operator"
	case "support":
		return "role.support"
	}
	return "role.agent"
}
