package access

import (
	"cmp"
	"fmt"

	"countersign/internal/audit"
	"countersign/internal/db"
	"countersign/internal/fault"
)

// Refusal is that an actor may not do what they asked for, or may not know whom it concerns. Its fault is the cause's.
type Refusal struct {
	Actor  Actor
	Action Action
	Target Target // empty where the actor may not know it
	Cause  error
}

// Error is for the log.
func (r *Refusal) Error() string { return fmt.Sprintf("%s: %v", r.Action, r.Cause) }

// Unwrap returns the cause.
func (r *Refusal) Unwrap() error { return r.Cause }

// own reports whether the refusal belongs in the log of the actor's own company, where the target may be elsewhere.
func (r *Refusal) own() bool { return !r.Actor.Staff() }

// Tenant is in whose log the refusal belongs. What the vendor's staff may not do to a company is that company's to
// know. What the people of a company try elsewhere is for their own company to know.
func (r *Refusal) Tenant() string {
	if r.own() {
		return cmp.Or(r.Actor.TenantID, db.Installation)
	}
	return cmp.Or(r.Target.TenantID, db.Installation)
}

// Event is what the log says: the action that was tried, the rule that forbids it, and the person that it concerns
// where they belong to the same company as the log.
func (r *Refusal) Event() audit.Event {
	e := audit.Event{
		Action:    r.Action.event(),
		Result:    audit.Refused,
		Reason:    fault.Of(r.Cause).Message,
		ActorID:   r.Actor.ID(),
		SubjectID: string(r.Action),
		Origin:    r.Actor.Origin,
	}
	if r.Target.TenantID == r.Tenant() {
		e.UserID = r.Target.UserID
	}
	return e
}

// events are the events of the actions that change something.
var events = map[Action]audit.Action{
	AddPerson:          audit.UserCreated,
	InvitePerson:       audit.UserInvited,
	RemindPerson:       audit.UserReminded,
	ExportPeople:       audit.PeopleExported,
	ExportActivity:     audit.ActivityExported,
	ImportPeople:       audit.UserCreated,
	ChangeRole:         audit.UserRole,
	ChangeAddress:      audit.UserAddress,
	SetPassword:        audit.PasswordSet,
	Demote:             audit.UserRole,
	DisablePerson:      audit.UserDisabled,
	EnablePerson:       audit.UserEnabled,
	SignOutPerson:      audit.UserSignedOut,
	ExemptPerson:       audit.UserExempted,
	RestoreMethod:      audit.MethodRestored,
	ResetMethods:       audit.MethodsReset,
	LeaveToEmail:       audit.MethodsReset,
	CreateCompany:      audit.TenantCreated,
	RenameCompany:      audit.TenantRenamed,
	SuspendCompany:     audit.TenantSuspended,
	SetMandate:         audit.TenantMandate,
	SwitchOn:           audit.TenantSwitched,
	SwitchOff:          audit.TenantSwitched,
	SetMethods:         audit.TenantMethods,
	SetChoice:          audit.TenantChoice,
	SetRoles:           audit.TenantRoles,
	SetApps:            audit.TenantApps,
	SetDeadline:        audit.TenantDeadline,
	SetShadow:          audit.TenantShadow,
	SetBranding:        audit.TenantBranding,
	SetRememberDays:    audit.TenantRememberDays,
	SetSMSCountries:    audit.TenantSMSCountries,
	SetLock:            audit.TenantLock,
	SetNetworks:        audit.TenantNetworks,
	OverrideMandate:    audit.TenantSwitched,
	ChangeInstallation: audit.InstallationChanged,
	CreateApp:          audit.ClientCreated,
	ChangeApp:          audit.ClientChanged,
	ExemptApp:          audit.ClientExempted,
	DisableApp:         audit.ClientDisabled,
	RotateAppSecret:    audit.ClientSecretReplaced,
}

// event is what the log calls an action. What only looks, and what has no event of its own, shares one.
func (a Action) event() audit.Action {
	if e, known := events[a]; known {
		return e
	}
	return audit.AdministrationRefused
}
