package help

import "countersign/internal/access"

// actionKeys name what a company's administrators may do.
var actionKeys = map[access.Action]string{
	access.ListPeople:      "help.can.list_people",
	access.AddPerson:       "help.can.add_person",
	access.InvitePerson:    "help.can.invite_person",
	access.ImportPeople:    "help.can.import_people",
	access.ChangeRole:      "help.can.change_role",
	access.ChangeAddress:   "help.can.change_address",
	access.DisablePerson:   "help.can.disable_person",
	access.EnablePerson:    "help.can.enable_person",
	access.ListMethods:     "help.can.list_methods",
	access.RestoreMethod:   "help.can.restore_method",
	access.ResetMethods:    "help.can.reset_methods",
	access.LeaveToEmail:    "help.can.leave_to_email",
	access.RemindPerson:    "help.can.remind_person",
	access.SignOutPerson:   "help.can.sign_out_person",
	access.ExemptPerson:    "help.can.exempt_person",
	access.ViewCompany:     "help.can.view_company",
	access.RenameCompany:   "help.can.rename_company",
	access.SwitchOn:        "help.can.switch_on",
	access.SwitchOff:       "help.can.switch_off",
	access.SetMethods:      "help.can.set_methods",
	access.SetChoice:       "help.can.set_choice",
	access.SetRoles:        "help.can.set_roles",
	access.SetApps:         "help.can.set_apps",
	access.SetDeadline:     "help.can.set_deadline",
	access.SetRememberDays: "help.can.set_remember_days",
	access.SetSMSCountries: "help.can.set_sms_countries",
	access.ExportPeople:    "help.can.export_people",
	access.SetShadow:       "help.can.set_shadow",
	access.ExportActivity:  "help.can.export_activity",
	access.ViewSharing:     "help.can.view_sharing",
	access.SetLock:         "help.can.set_lock",
	access.SetNetworks:     "help.can.set_networks",
	access.SetBranding:     "help.can.set_branding",
	access.ViewActivity:    "help.can.view_activity",
}

// reachKeys say whom a role may do something to.
var reachKeys = map[access.Reach]string{
	"":                  "help.roles.none",
	"yes":               "help.reach.yes",
	"everyone":          "help.reach.everyone",
	"lower roles":       "help.reach.lower",
	"lower, not owners": "help.reach.lower_not_owners",
	"lower and equal":   "help.reach.lower_and_equal",
}
