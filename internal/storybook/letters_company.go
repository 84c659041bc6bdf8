package storybook

import (
	"time"

	"countersign/internal/message/email"
)

// alert is a letter to the owners of a company.
func alert(what email.Alert, by email.ChangedBy) email.CompanyAlert {
	return email.CompanyAlert{
		Vendor:   "Harbor",
		Company:  "Ortiz & Sons",
		What:     what,
		Name:     "Tom Becker",
		Email:    "tom@harbor.example",
		Count:    64,
		Accounts: 12,
		By:       by,
	}
}

// companyLetters are about a whole company and the roles in it.
func companyLetters(vendor string, maria email.ChangedBy, now time.Time) []Letter {
	return append(alerts(maria), []Letter{
		{"protection-lowered", lowered(maria, now)},
		{"protection-lowered-vendor", lowered(email.ChangedBy{Name: "Nora Quist", Vendor: true, At: now}, now)},
		{"protection-lowered-server", lowered(email.ChangedBy{Vendor: true, At: now}, now)},
		{"mandate-announced", email.MandateAnnounced{
			Vendor:  vendor,
			Company: "Ortiz & Sons",
			From:    now.AddDate(0, 0, 20),
			Locked:  true,
			By:      email.ChangedBy{Name: "Nora Quist", Vendor: true, At: now},
		}},
		{"mandate-announced-now", email.MandateAnnounced{
			Vendor:  vendor,
			Company: "Ortiz & Sons",
			By:      email.ChangedBy{Vendor: true, At: now},
		}},
		{"steps-stopped", stepsStopped(vendor, now)},
		{"company-suspended", email.CompanyState{
			Vendor:    vendor,
			Company:   "Ortiz & Sons",
			Suspended: true,
			Reason:    "Invoices unpaid since June",
			By:        email.ChangedBy{Name: "Nora Quist", Vendor: true, At: now},
		}},
		{"company-resumed", email.CompanyState{
			Vendor:  vendor,
			Company: "Ortiz & Sons",
			By:      email.ChangedBy{Vendor: true, At: now},
		}},
		{"role-changed", email.RoleChanged{
			Vendor:  vendor,
			Company: "Ortiz & Sons",
			Was:     "agent",
			Is:      "admin",
			By:      maria,
		}},
		{"role-changed-owners", email.RoleChanged{
			Vendor:  vendor,
			Company: "Ortiz & Sons",
			Name:    "Tom Becker",
			Email:   "tom@harbor.example",
			Was:     "supervisor",
			Is:      "owner",
			By:      maria,
		}},
		{"owner-added", email.RoleChanged{
			Vendor:  vendor,
			Company: "Ortiz & Sons",
			Name:    "Tom Becker",
			Email:   "tom@harbor.example",
			Is:      "owner",
			By:      maria,
		}},
	}...)
}

// alerts are what owners are told of what someone did.
func alerts(maria email.ChangedBy) []Letter {
	last := alert(email.AlertMethodsReset, maria)
	last.Next = maria.At.Add(time.Hour)
	return []Letter{
		{"alert-methods-reset-last", last},
		{"alert-users-exported", alert(email.AlertUsersExported, maria)},
		{"alert-activity-exported", alert(email.AlertActivityExported, maria)},
		{"alert-methods-reset", alert(email.AlertMethodsReset, maria)},
		{"alert-exempted", alert(email.AlertExempted, maria)},
		{"alert-exempted-many", alert(email.AlertExemptedMany, maria)},
		{"alert-failures", alert(email.AlertFailures, maria)},
		{"alert-support-contact", alert(email.AlertSupport, maria)},
	}
}

// lowered is a letter about every setting that can be less strict.
func lowered(by email.ChangedBy, now time.Time) email.ProtectionLowered {
	word := func(w string) email.SettingValue { return email.SettingValue{Word: w} }
	number := func(n int) email.SettingValue { return email.SettingValue{Number: n} }
	c := email.ProtectionLowered{Vendor: "Harbor", Company: "Ortiz & Sons", By: by}
	c.Changes = []email.LoweredSetting{
		{Setting: email.SettingSteps, Was: number(0), Is: number(3)},
		{Setting: email.SettingSwitch, Was: word("on"), Is: word("off")},
		{Setting: email.SettingChoice, Was: word("required"), Is: word("optional")},
		{Setting: email.SettingRoles, Was: word(""), Is: word("owner admin supervisor")},
		{Setting: email.SettingMethods, Was: word("passkey"), Is: word("passkey totp sms")},
		{
			Setting: email.SettingRememberDays,
			Was:     email.SettingValue{Number: 7},
			Is:      email.SettingValue{Number: 30},
		},
		{Setting: email.SettingDeadline, Is: email.SettingValue{At: now.Add(72 * time.Hour)}},
		{
			Setting: email.SettingMandate,
			Was:     word("mandatory"),
			Is:      email.SettingValue{Word: "mandatory", At: now.Add(24 * time.Hour)},
		},
		{Setting: email.SettingMandate, Was: word("default_on"), Is: word("default_off")},
		{Setting: email.SettingSetUpDays, Was: number(7), Is: number(30)},
		{Setting: email.SettingSetUpLaters, Was: number(3)},
		{Setting: email.SettingLockAfter, Was: number(3), Is: number(10)},
		{Setting: email.SettingNetworks, Was: word("203.0.113.0/24, 2001:db8:7::/48")},
		{Setting: email.SettingLockMinutes, Was: number(30), Is: number(5)},
	}
	return c
}

// stepsStopped tells that too many people could not sign in.
func stepsStopped(vendor string, now time.Time) email.StepsStopped {
	return email.StepsStopped{
		Vendor:  vendor,
		Company: "Ortiz & Sons",
		Asked:   24,
		Failed:  6,
		Percent: 10,
		Step:    1,
		At:      now,
		Link:    "https://sign-in.harbor.example/company/security",
	}
}
