package storybook

import (
	"time"

	"countersign/internal/message/email"
)

// letters is every mail; the last one carries what somebody with bad intentions would
// choose as a name.
func letters(now time.Time) []Letter {
	const (
		vendor, app, place, browser, ip = "Harbor", "Harbor Dashboard", "Valencia, Spain", "Firefox, Linux", "203.0.113.24"
		link, notMe                     = "https://sign-in.harbor.example/l/bG9uZy1yYW5kb20tdG9rZW4", "https://sign-in.harbor.example/not-me/bG9uZy1yYW5kb20tdG9rZW4"
		newPassword                     = "https://sign-in.harbor.example/password/bG9uZy1yYW5kb20tdG9rZW4"
	)
	code := email.SignInCode{Vendor: vendor, AppName: app, Company: "Ortiz & Sons", Code: "483920", Reference: "K7-MZ", Link: link, NotMeLink: notMe,
		IP: ip, Place: place, Browser: browser, At: now, ExpiresAt: now.Add(10 * time.Minute)}
	hostile := code
	hostile.Company = "evil.test/login <b>Pay now</b>\r\nBcc: x@evil.test"
	hostile.Browser, hostile.Place = "\u202eemorhC\u202c, http://evil.test", ""
	return []Letter{
		{"code", code},
		{"password-known", email.PasswordKnown{Vendor: vendor, AppName: app, IP: ip, Place: place, Browser: browser, At: now, NotMeLink: notMe}},
		{"not-me-alert", email.NotMeAlert{Vendor: vendor, UserName: "Maria Ortiz", UserEmail: "maria@harbor.example", IP: ip, Place: place, Browser: browser, At: now}},
		{"new-browser", email.NewBrowser{Vendor: vendor, AppName: app, IP: ip, Place: place, Browser: browser, At: now, NotMeLink: notMe}},
		{"remembered-reuse", email.RememberedReuse{Vendor: vendor, AppName: app, IP: ip, Place: place, Browser: browser, At: now, NotMeLink: notMe}},
		{"method-added", email.MethodChanged{Vendor: vendor, Company: "Ortiz & Sons", Kind: "totp", Label: "Work phone", Added: true, IP: "203.0.113.9", Place: "Lisbon, Portugal", Browser: "Firefox on Linux", At: now, NotMeLink: "https://sign-in.example/not-me/x"}},
		{"method-removed", email.MethodChanged{Vendor: vendor, Company: "Ortiz & Sons", Kind: "passkey", Label: "", IP: "203.0.113.9", Place: "Lisbon, Portugal", Browser: "Firefox on Linux", At: now, NotMeLink: "https://sign-in.example/not-me/x"}},
		{"password-changed", email.AccountChanged{Vendor: vendor, Company: "Ortiz & Sons", What: "password.changed", IP: ip, Place: place, Browser: browser, At: now, NotMeLink: notMe}},
		{"password-reset", email.AccountChanged{Vendor: vendor, Company: "Ortiz & Sons", What: "password reset", IP: ip, Place: place, Browser: browser, At: now, NotMeLink: notMe}},
		{"reset-link", email.PasswordLink{Vendor: vendor, Company: "Ortiz & Sons", Email: "maria@harbor.example", Asked: true, Link: newPassword, IP: ip, Place: place, Browser: browser, At: now, ExpiresAt: now.Add(30 * time.Minute)}},
		{"invitation", email.PasswordLink{Vendor: vendor, Company: "Ortiz & Sons", Email: "maria@harbor.example", Invitation: true, Link: newPassword, At: now, ExpiresAt: now.Add(120 * time.Hour)}},
		{"invitation-again", email.PasswordLink{Vendor: vendor, Company: "Ortiz & Sons", Email: "maria@harbor.example", Invitation: true, Asked: true, Link: newPassword, IP: ip, Place: place, Browser: browser, At: now, ExpiresAt: now.Add(120 * time.Hour)}},
		{"second-step-on", email.AccountChanged{Vendor: vendor, Company: "Ortiz & Sons", What: "second_step.on", IP: ip, Place: place, Browser: browser, At: now, NotMeLink: notMe}},
		{"second-step-off", email.AccountChanged{Vendor: vendor, Company: "Ortiz & Sons", What: "second_step.off", IP: ip, Place: place, Browser: browser, At: now, NotMeLink: notMe}},
		{"method-reported", email.MethodChanged{Vendor: vendor, Kind: "passkey", Label: "Laptop", Reported: true, IP: ip, Place: place, Browser: browser, At: now}},
		{"address-code", email.AddressCode{Vendor: vendor, Company: "Ortiz & Sons", Code: "483920", Reference: "K7-MZ", IP: ip, Place: place, Browser: browser, At: now, ExpiresAt: now.Add(10 * time.Minute)}},
		{"address-taken", email.AddressTaken{Vendor: vendor, IP: ip, Place: place, Browser: browser, At: now}},
		{"address-changed-old", email.AddressChanged{Vendor: vendor, Company: "Ortiz & Sons", Old: "m•••@h•••.example", New: "m•••@o•••.example", UndoLink: "https://sign-in.harbor.example/undo/x", UndoUntil: now.Add(72 * time.Hour), IP: ip, Place: place, Browser: browser, At: now}},
		{"address-changed-new", email.AddressChanged{Vendor: vendor, Company: "Ortiz & Sons", Old: "m•••@h•••.example", New: "m•••@o•••.example", NotMeLink: notMe, IP: ip, Place: place, Browser: browser, At: now}},
		{"address-changed-left", email.AddressChanged{Vendor: vendor, Company: "Ortiz & Sons", Old: "m•••@h•••.example", New: "m•••@o•••.example", NotMeLink: notMe, Left: true, IP: ip, Place: place, Browser: browser, At: now}},
		{"address-restored-old", email.AddressRestored{Vendor: vendor, Old: "m•••@h•••.example", New: "m•••@o•••.example", ToOld: true, At: now}},
		{"address-restored-new", email.AddressRestored{Vendor: vendor, Old: "m•••@h•••.example", New: "m•••@o•••.example", At: now}},
		{"address-alert", email.AddressAlert{Vendor: vendor, UserName: "Maria Ortiz", UserEmail: "maria@harbor.example", IP: ip, Place: place, Browser: browser, At: now}},
		{"passkey-copied", email.PasskeyCopied{Vendor: vendor, AppName: app, Label: "Laptop", IP: ip, Place: place, Browser: browser, At: now, NotMeLink: notMe}},
		{"admission", email.Admission{Vendor: vendor, Link: "https://sign-in.harbor.example/continue/x", IP: ip, Place: place, Browser: browser, At: now, ExpiresAt: now.Add(time.Hour)}},
		{"by-hand-password", email.ByHand{Vendor: vendor, What: "password set", At: now}},
		{"by-hand-wait-ended", email.ByHand{Vendor: vendor, What: "methods wait_ended", At: now}},
		{"by-hand-disabled", email.ByHand{Vendor: vendor, What: "user disabled", At: now}},
		{"by-hand-methods-suspended", email.ByHand{Vendor: vendor, What: "methods suspended", At: now}},
		{"by-hand-enabled", email.ByHand{Vendor: vendor, What: "user enabled", At: now}},
		{"by-hand-address", email.ByHand{Vendor: vendor, What: "user address", Old: "m•••@h•••.example", New: "m•••@o•••.example", At: now}},
		{"receiver-gone", email.ReceiverGone{Vendor: vendor, Label: "My phone", At: now}},
		{"restored", email.Restored{Vendor: vendor, Company: "Ortiz & Sons", State: now.Add(-10 * time.Hour), At: now}},
		{"ceiling-company", email.SpendingCeiling{Vendor: vendor, Company: "Ortiz & Sons", Ceiling: 25_000_000, At: now}},
		{"ceiling-range", email.SpendingCeiling{Vendor: vendor, Account: "range:+4915112345", Ceiling: 2_000_000, At: now}},
		{"texts-paused", email.TextsPaused{Vendor: vendor, Company: "Ortiz & Sons", Country: "DE (+49)", At: now}},
		{"restored-unknown", email.Restored{Vendor: vendor, Company: "Ortiz & Sons", At: now}},
		{"trial", email.Trial{Vendor: vendor, Host: "https://sign-in.harbor.example", At: now}},
		{"code-hostile", hostile},
	}
}
