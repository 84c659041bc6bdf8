package company

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"countersign/internal/access"
	"countersign/internal/audit"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/people"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// Changes are what the vendor and the owner may decide about a company. A nil field stays as it is.
type Changes struct {
	Name          *string
	Suspended     *bool
	Mandate       *tenant.Mandate
	On            *bool     // the company's own switch
	onFrom        time.Time // with On: when it begins; zero = at once
	RememberDays  *int
	SMSCountries  *tenant.Countries
	Methods       *tenant.Methods
	Choice        *tenant.Choice
	Roles         *tenant.Roles  // of which it is required
	StepDays      *int           // between the steps in which it is turned on; 0 = everyone at once
	StepStop      *int           // percent of those asked who could not sign in, above which no step begins; 0 = no limit
	StepsContinue bool           // after they were stopped
	Apps          *tenant.Apps   // exempt ones in which it applies anyway
	Shadow        *tenant.Shadow // rules to try on sign-ins; the zero value ends that
	SetUpBy       *time.Time     // the zero time ends the deadline
	SetUpDays     *int           // how long newcomers have to set up a method
	SetUpLaters   *int           // how many sign-ins someone may finish before that
	Lock          *tenant.AccountLock
	Networks      *tenant.Networks
	NetworkScope  *tenant.NetworkScope
	VendorMethods *tenant.Methods // what the vendor allows the company at the most
	VendorDays    *int            // and for how long it may remember browsers
	ConfirmName   string          // the company's name, typed by a person who suspends it or switches it off
	Reason        string          // why it is suspended or resumed; people must give one
	Seen          Marks           // what they saw of the settings that they change

	decision *Decision // what the vendor decides, in place of all others
}

// step is one change with the right that it needs and the audit row that records it.
type step struct {
	action access.Action
	event  audit.Action
	what   string
	run    setter
}

// setter writes one change of tx.Tenant.
type setter func(ctx context.Context, tx *db.Tx) error

// apply makes the changes, each with its audit row.
func (s *Service) apply(ctx context.Context, tx *db.Tx, a access.Actor, t tenant.Tenant, c Changes) error {
	for _, step := range c.steps() {
		if err := access.Check(a, step.action, access.Target{TenantID: t.ID}); err != nil {
			return err
		}
		if err := c.Seen.current(t, step.action); err != nil {
			return err
		}
		if err := s.permit(ctx, tx, a, t, step.action, c); err != nil {
			return err
		}
		if err := step.run(ctx, tx); err != nil {
			return fmt.Errorf("%s: %w", step.action, err)
		}
		if err := record(ctx, tx, a, step.event, step.what); err != nil {
			return err
		}
	}
	return nil
}

// steps are the changes in the order in which they are made.
func (c Changes) steps() steps { return append(c.byVendor(), c.byCompany()...) }

// first is the action that is tried first.
func (c Changes) first() access.Action {
	if c.decision != nil {
		return access.SetMandate
	}
	if all := c.steps(); len(all) > 0 {
		return all[0].action
	}
	return access.ViewCompany
}

// permit refuses what the vendor has decided for the company, no matter who asks.
func (s *Service) permit(
	ctx context.Context, tx *db.Tx, a access.Actor, t tenant.Tenant, action access.Action, c Changes,
) error {
	switch action {
	case access.SwitchOn:
		return c.checkSteps(a, t, tx.Now)
	case access.SwitchOff:
		if err := s.unlocked(ctx, tx, a, t); err != nil {
			return err
		}
		return c.confirmed(a, t)
	case access.SetApps:
		return known(ctx, tx, t.Apps, *c.Apps)
	case access.SetShadow:
		return checkShadow(*c.Shadow, tx.Now)
	case access.SuspendCompany:
		return c.maySuspend(a, t)
	case access.SetNetworks:
		return c.inside(a)
	case access.SetLock:
		if c.Lock.After > s.Limits.LockAfterMax {
			return errLockAfter
		}
	case access.SetSMSCountries:
		if err := within(*c.SMSCountries, s.Countries); err != nil {
			return fault.New(fault.Invalid, "tenant.country_ruled_out").Because(err)
		}
	}
	return nil
}

// maySuspend fails for the vendor's own company, and if a person gives no reason or has not typed the name of the
// company that they suspend.
func (c Changes) maySuspend(a access.Actor, t tenant.Tenant) error {
	if _, err := people.CleanReason(a, c.Reason); err != nil {
		return err
	}
	switch {
	case !*c.Suspended:
		return nil
	case t.Kind == tenant.Vendor:
		return errVendor
	}
	return c.confirmed(a, t)
}

// errVendor: without its staff no one could administer the installation any more.
var errVendor = fault.New(fault.Conflict, "company.vendor_suspended")

var errConfirmName = fault.New(fault.Invalid, "company.confirm_name")

// confirmed fails if a person has not typed the company's name. Typing makes them stop and think; a click does not.
func (c Changes) confirmed(a access.Actor, t tenant.Tenant) error {
	if a.Kind == access.Person && strings.TrimSpace(c.ConfirmName) != strings.TrimSpace(t.Name) {
		return errConfirmName
	}
	return nil
}

// steps collects changes.
type steps []step

func (s *steps) add(action access.Action, event audit.Action, what string, run setter) {
	*s = append(*s, step{action, event, what, run})
}

func (s *steps) addSteps(what string, run setter) {
	s.add(access.SwitchOn, audit.TenantSteps, what, run)
}

// set makes a setter of a value.
func set[T any](value T, fn func(ctx context.Context, tx *db.Tx, value T) error) setter {
	return func(ctx context.Context, tx *db.Tx) error { return fn(ctx, tx, value) }
}

// byVendor are the changes of what a company is, and what the vendor decides.
func (c Changes) byVendor() (out steps) {
	if c.Name != nil {
		out.add(access.RenameCompany, audit.TenantRenamed, *c.Name, set(*c.Name, tenant.Rename))
	}
	if c.Suspended != nil && *c.Suspended {
		out.add(access.SuspendCompany, audit.TenantSuspended, c.Reason, suspend)
	}
	if c.Suspended != nil && !*c.Suspended {
		out.add(access.SuspendCompany, audit.TenantResumed, c.Reason, tenant.Resume)
	}
	if c.Mandate != nil {
		out.add(access.SetMandate, audit.TenantMandate, mandateText(*c.Mandate), set(*c.Mandate, tenant.SetMandate))
	}
	if c.VendorMethods != nil {
		out.add(access.SetMandate, audit.TenantMethods, "at the most "+methodsText(*c.VendorMethods),
			set(*c.VendorMethods, tenant.SetVendorMethods))
	}
	if c.VendorDays != nil {
		out.add(access.SetMandate, audit.TenantRememberDays, "at the most "+daysLimitText(*c.VendorDays),
			set(*c.VendorDays, tenant.SetVendorDays))
	}
	return out
}

// suspend stops every sign-in to tx.Tenant. What its people have open ends for good, even if the company is resumed.
func suspend(ctx context.Context, tx *db.Tx) error {
	if err := tenant.Suspend(ctx, tx); err != nil {
		return err
	}
	if err := user.EndEveryone(ctx, tx); err != nil {
		return fmt.Errorf("end sessions: %w", err)
	}
	return nil
}

// byCompany are the changes of what a company decides.
func (c Changes) byCompany() (out steps) {
	if c.On != nil && *c.On {
		what, run := "on", tenant.SwitchOn
		if !c.onFrom.IsZero() {
			what, run = "on from "+timeText(c.onFrom), set(c.onFrom, tenant.SwitchOnFrom)
		}
		out.add(access.SwitchOn, audit.TenantSwitched, what, run)
	}
	if c.On != nil && !*c.On {
		out.add(access.SwitchOff, audit.TenantSwitched, "off", tenant.SwitchOff)
	}
	c.bySteps(&out)
	if c.RememberDays != nil {
		days := fmt.Sprint(*c.RememberDays)
		out.add(access.SetRememberDays, audit.TenantRememberDays, days, set(*c.RememberDays, tenant.SetRememberDays))
	}
	if c.SMSCountries != nil {
		countries := cmp.Or(string(*c.SMSCountries), "as the installation says")
		out.add(access.SetSMSCountries, audit.TenantSMSCountries, countries, set(*c.SMSCountries, tenant.SetCountries))
	}
	if c.Methods != nil {
		out.add(access.SetMethods, audit.TenantMethods, methodsText(*c.Methods), set(*c.Methods, tenant.SetMethods))
	}
	if c.Choice != nil {
		out.add(access.SetChoice, audit.TenantChoice, choiceText(*c.Choice), set(*c.Choice, tenant.SetChoice))
	}
	if c.Roles != nil {
		out.add(access.SetRoles, audit.TenantRoles, rolesText(*c.Roles), set(*c.Roles, tenant.SetRoles))
	}
	if c.Apps != nil {
		out.add(access.SetApps, audit.TenantApps, appsText(*c.Apps), set(*c.Apps, tenant.SetApps))
	}
	if c.SetUpBy != nil {
		out.add(access.SetDeadline, audit.TenantDeadline, timeText(*c.SetUpBy), set(*c.SetUpBy, tenant.SetDeadline))
	}
	if c.SetUpDays != nil {
		out.add(access.SetDeadline, audit.TenantDeadline, daysText(*c.SetUpDays),
			set(*c.SetUpDays, tenant.SetSetUpDays))
	}
	if c.SetUpLaters != nil {
		out.add(access.SetDeadline, audit.TenantDeadline, latersText(*c.SetUpLaters),
			set(*c.SetUpLaters, tenant.SetSetUpLaters))
	}
	if c.Shadow != nil {
		out.add(access.SetShadow, audit.TenantShadow, shadowText(*c.Shadow), set(*c.Shadow, tenant.SetShadow))
	}
	if c.Lock != nil {
		out.add(access.SetLock, audit.TenantLock, lockText(*c.Lock), set(*c.Lock, setLock))
	}
	if c.NetworkScope != nil {
		out.add(access.SetNetworks, audit.TenantNetworks, scopeText(*c.NetworkScope),
			set(*c.NetworkScope, tenant.SetNetworkScope))
	}
	if c.Networks != nil {
		out.add(access.SetNetworks, audit.TenantNetworks, networksText(*c.Networks), set(*c.Networks, setNetworks))
	}
	return out
}

func daysLimitText(days int) string {
	if days == tenant.InheritDays {
		return "as the installation says"
	}
	return fmt.Sprint(days)
}

func choiceText(c tenant.Choice) string { return cmp.Or(string(c), "required") }

// rolesText is a list of roles as audit rows show it.
func rolesText(r tenant.Roles) string { return cmp.Or(string(r), "everyone") }

// appsText is a list of exempt apps as audit rows show it.
func appsText(a tenant.Apps) string { return cmp.Or(string(a), "none that the vendor exempts") }

func shadowText(s tenant.Shadow) string {
	if s.Until.IsZero() {
		return "off"
	}
	rules := choiceText(s.Choice) + " of " + rolesText(s.Roles) + " with " + methodsText(s.Methods)
	return rules + " from " + timeText(s.From) + " until " + timeText(s.Until)
}

func daysText(days int) string {
	if days == 0 {
		return "no time of their own for newcomers"
	}
	return fmt.Sprintf("%d days for newcomers from their first sign-in", days)
}

func latersText(limit int) string {
	if limit == 0 {
		return "no limit of sign-ins before set-up"
	}
	return fmt.Sprintf("at most %d sign-ins before set-up", limit)
}

// setLock changes how accounts are locked, also before a password is known to be right.
func setLock(ctx context.Context, tx *db.Tx, l tenant.AccountLock) error {
	if err := tenant.SetLock(ctx, tx, l); err != nil {
		return err
	}
	return user.WriteDomainRules(ctx, tx)
}

var errLockAfter = fault.New(fault.Invalid, "tenant.lock_after_max")

// defaultLock applies to a company without a lock of its own: a wait that grows to that many minutes.
func (s *Service) defaultLock() tenant.AccountLock {
	return tenant.AccountLock{After: s.Limits.PasswordSlowFrom, Minutes: int(s.Limits.PasswordSlowMax / time.Minute)}
}

func lockText(l tenant.AccountLock) string {
	if !l.IsSet() {
		return "as the installation says"
	}
	return fmt.Sprintf("after %d failures, for %d minutes", l.After, l.Minutes)
}

func mandateText(m tenant.Mandate) string {
	return cmp.Or(string(m.Mode), "inherit") + " from " + timeText(m.From)
}

func methodsText(m tenant.Methods) string { return cmp.Or(string(m), "all") }

// timeText is an instant as audit rows show it.
func timeText(t time.Time) string {
	switch {
	case t.IsZero():
		return "-"
	case t.Equal(db.Forever):
		return "forever"
	}
	return t.Format(time.RFC3339)
}
