package access

import (
	"fmt"
	"strings"

	"countersign/internal/user"
)

// Action is something that an administrator does.
type Action string

// The actions that concern people.
const (
	ListPeople    Action = "people.list"
	AddPerson     Action = "people.add"
	InvitePerson  Action = "people.invite"
	ImportPeople  Action = "people.import"
	ChangeRole    Action = "people.role"
	ChangeAddress Action = "people.address"
	SetPassword   Action = "people.password"
	Demote        Action = "people.demote"
	DisablePerson Action = "people.disable"
	EnablePerson  Action = "people.enable"
	ListMethods   Action = "people.methods"
	RestoreMethod Action = "people.restore_method"
	ResetMethods  Action = "people.reset_methods"
	LeaveToEmail  Action = "people.leave_to_email"
	RemindPerson  Action = "people.remind"
	SignOutPerson Action = "people.sign_out"
	ExemptPerson  Action = "people.exempt"
)

// The actions that concern a company.
const (
	ListCompanies   Action = "company.list"
	ViewCompany     Action = "company.view"
	CreateCompany   Action = "company.create"
	RenameCompany   Action = "company.rename"
	SuspendCompany  Action = "company.suspend"
	SetMandate      Action = "company.mandate"
	SwitchOn        Action = "company.switch_on"
	SwitchOff       Action = "company.switch_off"
	SetMethods      Action = "company.methods"
	SetChoice       Action = "company.choice"
	SetRoles        Action = "company.roles"
	SetApps         Action = "company.apps"
	SetDeadline     Action = "company.deadline"
	SetShadow       Action = "company.shadow"
	SetRememberDays Action = "company.remember_days"
	SetSMSCountries Action = "company.sms_countries"
	SetLock         Action = "company.account_lock"
	SetNetworks     Action = "company.networks"
	SetBranding     Action = "company.branding"
	ExportPeople    Action = "company.export_people"
	ViewActivity    Action = "activity.view"
	ExportActivity  Action = "activity.export"
	ViewSharing     Action = "company.sharing"
	OverrideMandate Action = "company.override_mandate"
	RemoveLastOwner Action = "company.remove_last_owner"
)

// The actions that concern the installation and its apps.
const (
	ViewInstallation   Action = "installation.view"
	ChangeInstallation Action = "installation.change"
	ViewDelivery       Action = "installation.delivery"
	ViewApps           Action = "apps.view"
	CreateApp          Action = "apps.create"
	ChangeApp          Action = "apps.change"
	ExemptApp          Action = "apps.exempt"
	DisableApp         Action = "apps.disable"
	RotateAppSecret    Action = "apps.secret"
)

// Reach says whom a role may do an action to.
type Reach string

// The reaches. For a company or the installation there is only yes or none.
const (
	none           Reach = ""
	yes            Reach = "yes"
	everyone       Reach = "everyone"          // themselves, too: for looking
	lower          Reach = "lower roles"       // never themselves
	lowerButOwners Reach = "lower, not owners" // never themselves
	lowerAndPeers  Reach = "lower and equal"   // never themselves
)

type subject string

const (
	people       subject = "People"
	company      subject = "Companies"
	installation subject = "The installation"
)

// rule is one row of the table.
type rule struct {
	action        Action
	subject       subject
	text          string
	withoutTenant bool // concerns no particular company
	operator      Reach
	support       Reach
	owner         Reach
	admin         Reach
	supervisor    Reach
}

// reach is what the table gives an actor. Agents get nothing.
func (r rule) reach(a Actor) Reach {
	switch a.staffRole() {
	case user.Operator:
		return r.operator
	case user.Support:
		return r.support
	}
	if a.Vendor {
		return none // in the vendor's tenant only its staff administers
	}
	switch a.Role {
	case user.Owner:
		return r.owner
	case user.Admin:
		return r.admin
	case user.Supervisor:
		return r.supervisor
	}
	return none
}

func find(a Action) (rule, bool) {
	for _, r := range rules {
		if r.action == a {
			return r, true
		}
	}
	return rule{}, false
}

// person and the functions below make rows; what is not named is refused.
func person(a Action, text string, owner, admin, supervisor Reach) rule {
	return rule{
		action:     a,
		subject:    people,
		text:       text,
		operator:   lowerAndPeers,
		owner:      owner,
		admin:      admin,
		supervisor: supervisor,
	}
}

// byOperator is the row with another reach of the vendor's operators.
func (r rule) byOperator(reach Reach) rule {
	r.operator = reach
	return r
}

// look is a row about reading: support may, too.
func look(a Action, s subject, text string, reach, supervisor Reach) rule {
	return rule{
		action:     a,
		subject:    s,
		text:       text,
		operator:   reach,
		support:    reach,
		owner:      reach,
		admin:      reach,
		supervisor: supervisor,
	}
}

func ofCompany(a Action, text string, owner, admin Reach) rule {
	return rule{
		action:   a,
		subject:  company,
		text:     text,
		operator: yes,
		owner:    owner,
		admin:    admin,
	}
}

func ofVendor(a Action, s subject, text string, support Reach) rule {
	return rule{
		action:   a,
		subject:  s,
		text:     text,
		operator: yes,
		support:  support,
	}
}

// rules is the table.
var rules = []rule{
	look(ListPeople, people, "List people and look at one", everyone, everyone),
	person(AddPerson, "Add a person with a role", lowerAndPeers, lower, none),
	person(InvitePerson, "Send or withdraw an invitation", lowerAndPeers, lower, none),
	person(ImportPeople, "Import people with a role", lowerAndPeers, lower, none),
	person(ChangeRole, "Change a role; the new one must be in reach, too", lowerAndPeers, lower, none),
	{action: Demote, subject: people, text: "Give an owner or an operator another role"},
	person(ChangeAddress, "Change an email address", lower, lower, none).byOperator(lowerButOwners),
	person(SetPassword, "Set a password or import a hash", none, none, none).byOperator(lowerButOwners),
	person(DisablePerson, "Disable a person", lowerAndPeers, lower, none),
	person(EnablePerson, "Enable a person", lowerAndPeers, lower, none),
	look(ListMethods, people, "List a person's sign-in methods", everyone, everyone),
	person(RestoreMethod, "Restore a suspended method", lower, lower, none).byOperator(lower),
	person(ResetMethods, "Reset a person's methods", lower, lower, none).byOperator(lowerButOwners),
	person(LeaveToEmail, "Reset a person's methods where they can set up no other: email alone protects them then",
		lower, none, none).byOperator(lowerButOwners),
	person(RemindPerson, "Remind a person to set up a method", lowerAndPeers, lower, lower),
	person(SignOutPerson, "Sign a person out everywhere", lowerAndPeers, lower, none),
	person(ExemptPerson, "Give a person more time to set up a method", lower, lower, none).byOperator(lower),

	{
		action:        ListCompanies,
		subject:       company,
		text:          "List all companies",
		withoutTenant: true,
		operator:      yes,
		support:       yes,
	},
	look(ViewCompany, company, "View a company's settings", yes, none),
	{
		action:        CreateCompany,
		subject:       company,
		text:          "Create a company",
		withoutTenant: true,
		operator:      yes,
	},
	ofCompany(RenameCompany, "Rename a company", yes, none),
	ofVendor(SuspendCompany, company, "Suspend a company and resume it", none),
	ofVendor(SetMandate, company, "Set the vendor's mandate for a company", none),
	ofVendor(OverrideMandate, company, "Record a company as switched off while the vendor requires 2FA", none),
	ofCompany(SwitchOn, "Switch two-factor authentication on", yes, yes),
	ofCompany(SwitchOff, "Switch two-factor authentication off", yes, none),
	ofCompany(SetMethods, "Set the allowed methods", yes, yes),
	ofCompany(SetChoice, "Make it required or optional", yes, none),
	ofCompany(SetRoles, "Set which roles it is required of", yes, none),
	ofCompany(SetApps, "Require it in apps that the vendor exempts", yes, none),
	ofCompany(SetDeadline, "Set the deadline for set-up", yes, yes),
	ofCompany(SetShadow, "Try coming rules on sign-ins without enforcing them", yes, none),
	ofCompany(SetRememberDays, "Set how long browsers are remembered", yes, yes),
	ofCompany(SetSMSCountries, "Set the countries of text messages", yes, yes),
	ofCompany(SetNetworks, "Set the networks that people may sign in from", yes, none),
	ofCompany(SetBranding, "Set the name, logo, colour and support contact that its people see", yes, yes),
	ofCompany(SetLock, "Set when accounts are locked after failures", yes, yes),
	{
		action:  RemoveLastOwner,
		subject: company,
		text:    "Leave a company without an active owner (`--force`)",
	},
	ofCompany(ExportPeople, "Export the list of people", yes, yes),
	look(ViewActivity, company, "View the activity", yes, none),
	ofCompany(ExportActivity, "Export the activity", yes, yes),
	ofCompany(ViewSharing, "View evidence that several people use an account", yes, yes),

	ofVendor(ViewInstallation, installation, "View the installation's settings", yes),
	ofVendor(ChangeInstallation, installation, "Change the installation's settings", none),
	ofVendor(ViewDelivery, installation, "View how mails and text messages arrive", yes),
	ofVendor(ViewApps, installation, "View apps", yes),
	ofVendor(CreateApp, installation, "Create an app", none),
	ofVendor(ChangeApp, installation, "Change an app", none),
	ofVendor(ExemptApp, installation, "Exempt an app from two-factor authentication, and require it again", none),
	ofVendor(DisableApp, installation, "Disable an app and enable it", none),
	ofVendor(RotateAppSecret, installation, "Replace an app's secret", none),
}

const preface = `# Who may do what

This page is written from the table that the program decides by (` + "`internal/access`" + `): run
` + "`go test ./internal/access -update`" + ` after changing it.

- A person acts only in their own company. The vendor's staff, operators and support, act in every company.
- The roles in order: agent, supervisor, admin, owner, support, operator. "Lower roles" are the people below the
  actor; "lower and equal" adds the people with the same role. Agents administer nothing.
- One operator alone takes over no owner and no other operator: only the command line sets their password, changes
  their address, resets their methods or gives them another role.
- Nobody changes their own account as an administrator: they use their profile.
- Roles of the vendor's staff exist in the vendor's own tenant only, and only its operators give them.
- The command line on the server may do everything. It is for emergencies, and every use is in the activity log.
- API keys and SCIM have no rights yet.
- A company keeps at least one active owner who can sign in. Only the command line can override
  that, with ` + "`--force`" + `.
- While the vendor requires two-factor authentication, a company cannot switch it off.
- What is not in the table is refused.
`

// Markdown prints the table for the documentation.
func Markdown() string {
	var b strings.Builder
	b.WriteString(preface)
	var last subject
	for _, r := range rules {
		if r.subject != last {
			last = r.subject
			fmt.Fprintf(&b, "\n## %s\n\n", r.subject)
			b.WriteString(
				"| action | name | operator | support | owner | admin | supervisor |\n|---|---|---|---|---|---|---|\n")
		}
		fmt.Fprintf(&b, "| %s | `%s` |", r.text, r.action)
		for _, reach := range []Reach{r.operator, r.support, r.owner, r.admin, r.supervisor} {
			if reach == none {
				reach = "–"
			}
			fmt.Fprintf(&b, " %s |", reach)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// Actions are all actions, in the order of the table.
func Actions() []Action {
	out := make([]Action, len(rules))
	for i, r := range rules {
		out[i] = r.action
	}
	return out
}

// Right is what the roles of a company may do of one action.
type Right struct {
	Action                   Action
	Owner, Admin, Supervisor Reach
}

// OfCompanies is the table without what only the vendor's staff or the command line may do.
func OfCompanies() []Right {
	var out []Right
	for _, r := range rules {
		if r.owner != none || r.admin != none || r.supervisor != none {
			out = append(out, Right{r.action, r.owner, r.admin, r.supervisor})
		}
	}
	return out
}
