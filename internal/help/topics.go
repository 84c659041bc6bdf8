package help

// topic is one page of help. Title to Notes are catalogue keys.
type topic struct {
	For    audience
	Name   string // in its address
	Title  string
	Intro  string
	Steps  []string
	Points []string
	Notes  []string
	See    []string // names of other topics of the same audience
	Story  string   // the page of the storybook that its picture shows; empty where there is none
	Rights bool     // shows the table of who may do what
}

// named finds the topic of an address.
func named(of audience, name string) (topic, bool) {
	for _, t := range topics {
		if t.For == of && t.Name == name {
			return t, true
		}
	}
	return topic{}, false
}

// topics is everything that the help tells, in the order in which it is listed.
var topics = []topic{
	{
		For:   everyone,
		Name:  "sign-in",
		Title: "help.sign_in",
		Intro: "help.sign_in.intro",
		Steps: []string{
			"help.sign_in.step_1",
			"help.sign_in.step_2",
			"help.sign_in.step_3",
		},
		Notes: []string{
			"help.sign_in.note_1",
			"help.sign_in.note_2",
		},
		See:   []string{"no-code", "remembered"},
		Story: "code",
	},
	{
		For:   everyone,
		Name:  "no-code",
		Title: "help.no_code",
		Intro: "help.no_code.intro",
		Steps: []string{
			"help.no_code.step_1",
			"help.no_code.step_2",
			"help.no_code.step_3",
			"help.no_code.step_4",
		},
		Notes: []string{"help.no_code.note_1"},
		See:   []string{"locked-out"},
	},
	{
		For:   everyone,
		Name:  "authenticator",
		Title: "help.authenticator",
		Intro: "help.authenticator.intro",
		Steps: []string{
			"help.authenticator.step_1",
			"help.authenticator.step_2",
			"help.authenticator.step_3",
			"help.authenticator.step_4",
			"help.authenticator.step_5",
		},
		Notes: []string{"help.authenticator.note_1"},
		See:   []string{"backup-codes", "new-phone"},
		Story: "bind/totp",
	},
	{
		For:   everyone,
		Name:  "passkey",
		Title: "help.passkey",
		Intro: "help.passkey.intro",
		Steps: []string{
			"help.passkey.step_1",
			"help.passkey.step_2",
			"help.passkey.step_3",
		},
		Notes: []string{"help.passkey.note_1"},
		See:   []string{"backup-codes"},
	},
	{
		For:   everyone,
		Name:  "backup-codes",
		Title: "help.backup_codes",
		Intro: "help.backup_codes.intro",
		Steps: []string{
			"help.backup_codes.step_1",
			"help.backup_codes.step_2",
			"help.backup_codes.step_3",
		},
		See: []string{"locked-out"},
	},
	{
		For:   everyone,
		Name:  "new-phone",
		Title: "help.new_phone",
		Intro: "help.new_phone.intro",
		Steps: []string{
			"help.new_phone.step_1",
			"help.new_phone.step_2",
			"help.new_phone.step_3",
			"help.new_phone.step_4",
		},
		See: []string{"authenticator", "locked-out"},
	},
	{
		For:   everyone,
		Name:  "locked-out",
		Title: "help.locked_out",
		Intro: "help.locked_out.intro",
		Steps: []string{
			"help.locked_out.step_1",
			"help.locked_out.step_2",
			"help.locked_out.step_3",
		},
		Notes: []string{
			"help.locked_out.note_1",
			"help.locked_out.note_2",
		},
		See: []string{"backup-codes"},
	},
	{
		For:   everyone,
		Name:  "remembered",
		Title: "help.remembered",
		Intro: "help.remembered.intro",
		Steps: []string{
			"help.remembered.step_1",
			"help.remembered.step_2",
		},
		Notes: []string{
			"help.remembered.note_1",
			"help.remembered.note_2",
		},
		See: []string{"sign-in"},
	},
	{
		For:   everyone,
		Name:  "not-me",
		Title: "help.not_me",
		Intro: "help.not_me.intro",
		Steps: []string{
			"help.not_me.step_1",
			"help.not_me.step_2",
			"help.not_me.step_3",
		},
		Notes: []string{"help.not_me.note_1"},
		See:   []string{"password"},
	},
	{
		For:   everyone,
		Name:  "password",
		Title: "help.password",
		Intro: "help.password.intro",
		Steps: []string{
			"help.password.step_1",
			"help.password.step_2",
			"help.password.step_3",
		},
		Notes: []string{"help.password.note_1"},
		See:   []string{"not-me"},
	},
	{
		For:   administrators,
		Name:  "enable",
		Title: "help.enable",
		Intro: "help.enable.intro",
		Steps: []string{
			"help.enable.step_1",
			"help.enable.step_2",
			"help.enable.step_3",
			"help.enable.step_4",
		},
		Notes: []string{
			"help.enable.note_1",
			"help.enable.note_2",
			"help.enable.note_3",
		},
		See:   []string{"status", "pending", "methods"},
		Story: "company/enable/choose",
	},
	{
		For:   administrators,
		Name:  "disable",
		Title: "help.disable",
		Intro: "help.disable.intro",
		Steps: []string{
			"help.disable.step_1",
			"help.disable.step_2",
		},
		Notes: []string{
			"help.disable.note_1",
			"help.disable.note_2",
		},
		See:   []string{"locked"},
		Story: "company/security/disable",
	},
	{
		For:   administrators,
		Name:  "status",
		Title: "help.status",
		Intro: "help.status.intro",
		Points: []string{
			"help.status.point_1",
			"help.status.point_2",
			"help.status.point_3",
			"help.status.point_4",
		},
		See:   []string{"pending"},
		Story: "company/users",
	},
	{
		For:   administrators,
		Name:  "pending",
		Title: "help.pending",
		Intro: "help.pending.intro",
		Steps: []string{
			"help.pending.step_1",
			"help.pending.step_2",
			"help.pending.step_3",
		},
		Notes: []string{"help.pending.note_1"},
		See:   []string{"status", "add-users"},
		Story: "company/users/remind",
	},
	{
		For:   administrators,
		Name:  "add-users",
		Title: "help.add_users",
		Intro: "help.add_users.intro",
		Steps: []string{
			"help.add_users.step_1",
			"help.add_users.step_2",
			"help.add_users.step_3",
		},
		Notes: []string{"help.add_users.note_1"},
		See:   []string{"pending", "roles"},
	},
	{
		For:   administrators,
		Name:  "methods",
		Title: "help.methods",
		Intro: "help.methods.intro",
		Steps: []string{
			"help.methods.step_1",
			"help.methods.step_2",
			"help.methods.step_3",
		},
		Notes: []string{"help.methods.note_1"},
		See:   []string{"enable", "locked"},
		Story: "company/security/methods",
	},
	{
		For:   administrators,
		Name:  "reset",
		Title: "help.reset",
		Intro: "help.reset.intro",
		Steps: []string{
			"help.reset.step_1",
			"help.reset.step_2",
			"help.reset.step_3",
		},
		Notes: []string{
			"help.reset.note_1",
			"help.reset.note_2",
		},
		See:   []string{"roles", "activity"},
		Story: "company/user/reset",
	},
	{
		For:   administrators,
		Name:  "locked",
		Title: "help.locked",
		Intro: "help.locked.intro",
		Points: []string{
			"help.locked.point_1",
			"help.locked.point_2",
			"help.locked.point_3",
		},
		See: []string{"enable"},
	},
	{
		For:   administrators,
		Name:  "activity",
		Title: "help.activity",
		Intro: "help.activity.intro",
		Steps: []string{
			"help.activity.step_1",
			"help.activity.step_2",
		},
		Notes: []string{"help.activity.note_1"},
		See:   []string{"reset"},
		Story: "company/activity",
	},
	{
		For:   administrators,
		Name:  "check",
		Title: "help.check",
		Intro: "help.check.intro",
		Steps: []string{
			"help.check.step_1",
			"help.check.step_2",
			"help.check.step_3",
		},
		Notes: []string{"help.check.note_1"},
		See:   []string{"enable", "pending"},
		Story: "company/check",
	},
	{
		For:   administrators,
		Name:  "time",
		Title: "help.time",
		Intro: "help.time.intro",
		Points: []string{
			"help.time.point_1",
			"help.time.point_2",
			"help.time.point_3",
			"help.time.point_4",
		},
		Notes: []string{"help.time.note_1"},
		See:   []string{"enable", "pending", "many"},
	},
	{
		For:   administrators,
		Name:  "unusual",
		Title: "help.unusual",
		Intro: "help.unusual.intro",
		Steps: []string{
			"help.unusual.step_1",
			"help.unusual.step_2",
			"help.unusual.step_3",
		},
		Notes: []string{
			"help.unusual.note_1",
			"help.unusual.note_2",
		},
		See: []string{"methods", "time"},
	},
	{
		For:   administrators,
		Name:  "many",
		Title: "help.many",
		Intro: "help.many.intro",
		Steps: []string{
			"help.many.step_1",
			"help.many.step_2",
			"help.many.step_3",
		},
		Notes: []string{"help.many.note_1"},
		See:   []string{"pending", "time", "roles"},
	},
	{
		For:   administrators,
		Name:  "branding",
		Title: "help.branding",
		Intro: "help.branding.intro",
		Steps: []string{
			"help.branding.step_1",
			"help.branding.step_2",
			"help.branding.step_3",
		},
		Notes: []string{
			"help.branding.note_1",
			"help.branding.note_2",
		},
		See:   []string{"roles"},
		Story: "company/branding/own",
	},
	{
		For:   administrators,
		Name:  "roles",
		Title: "help.roles",
		Intro: "help.roles.intro",
		Points: []string{
			"help.roles.point_1",
			"help.roles.point_2",
			"help.roles.point_3",
			"help.roles.point_4",
		},
		Notes:  []string{"help.roles.note_1"},
		See:    []string{"add-users"},
		Rights: true,
	},
}
