// Package facts loads everything that policy looks at for one person in one app: the account,
// its company, the vendor's rules and the app, with one statement or as part of a caller's. It
// decides nothing and writes nothing.
package facts

import (
	"context"
	"slices"
	"strings"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/client"
	"countersign/internal/db"
	"countersign/internal/policy"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// App is the client that someone signs in to.
type App struct {
	ID, Name, HomeURL string
	ExemptUntil       time.Time
	DisabledAt        time.Time
	Known             bool
}

// Facts are what a decision rests on, besides the proofs.
type Facts struct {
	User   user.User
	Tenant tenant.Tenant
	Vendor tenant.Installation
	App    App
	policy.Account

	Kinds    string // the person's authenticators as KindsOfUser read them
	Versions Versions
}

// Versions are how often each row behind the facts has changed in what a decision reads. While
// they are the same, a decision on the same proofs is, too. App is 0 where there is no such client.
type Versions struct{ User, Tenant, Vendor, App int64 }

// Allowed is what vendor and company allow as a second step.
func (f Facts) Allowed() policy.Allowed {
	return policy.AllowedIn(f.Tenant, f.Vendor)
}

// KindsOfUser are the kinds of authenticators that the user u has, in one order; those that
// are disabled or suspended have a minus before them.
const KindsOfUser = `COALESCE((
	SELECT string_agg(CASE WHEN au.disabled_at = 0 THEN au.kind ELSE '-' || au.kind END, ' ' ORDER BY au.kind, au.id)
	FROM authenticators au WHERE au.tenant_id = u.tenant_id AND au.user_id = u.id), '')`

// isNewcomer holds for a user u who has finished no sign-in yet. It looks for sessions only where that matters: the
// company gives newcomers time, and there is no date for this one.
const isNewcomer = `
	t.set_up_days > 0 AND u.set_up_by = 0 AND u.first_factor_at = 0 AND u.signed_in_at = 0 AND NOT EXISTS (
		SELECT 1 FROM sessions ns WHERE ns.tenant_id = u.tenant_id AND ns.user_id = u.id)`

// Columns are the columns of Facts, for a statement that joins the user as u, the tenant as t,
// the installation as i and, with a LEFT JOIN, the client as c.
const Columns = `
	u.id, u.email, u.name, u.role, u.language, u.security_version, u.password_flagged_at, u.disabled_at,
	u.second_step_at, u.first_factor_at, u.released_at, u.recovery_until, u.set_up_by, u.password_reset_at,
	u.exempt_until, u.newcomer_until, u.set_up_laters_used,` + isNewcomer + ` AS newcomer,
	u.version, t.version, i.version, COALESCE(c.version, 0), ` + KindsOfUser + ` AS kinds,
	t.tenant_id, t.name, t.kind, t.mandate, t.mandate_from, t.switched_on_at, t.switched_off_at, t.remember_days,
	t.methods, t.choice, t.roles, t.set_up_by, t.set_up_days, t.set_up_laters, t.suspended_at,
	t.vendor_methods, t.vendor_days, t.covered_apps,
	t.lock_after, t.lock_minutes, t.networks, t.network_scope,` + seldom + `,
	i.name, i.mandate, i.mandate_from, i.remember_days, i.methods,
	COALESCE(c.id, ''), COALESCE(c.name, ''), COALESCE(c.home_url, ''),
	COALESCE(c.exempt_until, 0), COALESCE(c.disabled_at, 0)`

// Reader scans Columns. Its zero value is not usable: call Into.
type Reader struct {
	into    *Facts
	user    userTimes
	tenant  tenantTimes
	seldom  seldomSet
	mandate int64 // of the vendor
	app     appTimes
}

type userTimes struct {
	flagged, disabled, ownChoice, firstFactor, released, recovery, setUpBy, reset, exempt, newcomer int64
}

type tenantTimes struct {
	mandate, on, off, setUpBy, suspended int64
}

type appTimes struct{ exempt, disabled int64 }

// Into returns a Reader that fills f.
func Into(f *Facts) *Reader { return &Reader{into: f} }

// Targets are where to scan Columns into.
func (r *Reader) Targets() []any {
	u, t, i, a := &r.into.User, &r.into.Tenant, &r.into.Vendor, &r.into.App
	v := &r.into.Versions
	return []any{
		&u.ID, &u.Email, &u.Name, &u.Role, &u.Language, &u.SecurityVersion, &r.user.flagged, &r.user.disabled,
		&r.user.ownChoice, &r.user.firstFactor, &r.user.released, &r.user.recovery, &r.user.setUpBy, &r.user.reset,
		&r.user.exempt, &r.user.newcomer, &r.into.LatersUsed, &r.into.Newcomer,
		&v.User, &v.Tenant, &v.Vendor, &v.App, &r.into.Kinds,
		&t.ID, &t.Name, &t.Kind, &t.Mandate.Mode, &r.tenant.mandate, &r.tenant.on, &r.tenant.off, &t.RememberDays,
		&t.Methods, &t.Choice, &t.Roles, &r.tenant.setUpBy, &t.SetUpDays, &t.SetUpLaters, &r.tenant.suspended,
		&t.Ceiling.Methods, &t.Ceiling.Days, &t.Apps,
		&t.Lock.After, &t.Lock.Minutes, &t.Networks, &t.NetworkScope,
		&r.seldom.shadow, &r.seldom.steps,
		&i.Name, &i.Mandate.Mode, &r.mandate, &i.RememberDays, &i.Methods,
		&a.ID, &a.Name, &a.HomeURL, &r.app.exempt, &r.app.disabled,
	}
}

// Decode turns what was scanned into Facts. maxRememberDays is the configuration's ceiling, which
// no one may exceed.
func (r *Reader) Decode(clientID string, maxRememberDays int) {
	f := r.into
	f.Vendor.RememberDays = min(f.Vendor.RememberDays, maxRememberDays)
	f.Vendor.Mandate.From = db.Time(r.mandate)
	f.decodeUser(r.user)
	f.decodeTenant(r.tenant)
	f.Tenant.Shadow, f.Tenant.Steps = r.seldom.decode()
	f.decodeApp(r.app, clientID)
}

func (f *Facts) decodeUser(at userTimes) {
	f.User.TenantID = f.Tenant.ID
	f.User.SecondStepAt = db.Time(at.ownChoice)
	f.User.PasswordFlaggedAt = db.Time(at.flagged)
	f.User.DisabledAt = db.Time(at.disabled)
	f.Account = policy.Account{
		FirstFactorAt: db.Time(at.firstFactor),
		ReleasedAt:    db.Time(at.released),
		RecoveryUntil: db.Time(at.recovery),
		SetUpBy:       db.Time(at.setUpBy),
		NewcomerUntil: db.Time(at.newcomer),
		Newcomer:      f.Newcomer,
		LatersUsed:    f.LatersUsed,
		ExemptUntil:   db.Time(at.exempt),
		ResetAt:       db.Time(at.reset),
	}
	for word := range strings.FieldsSeq(f.Kinds) {
		kind, lost := strings.CutPrefix(word, "-")
		if lost {
			f.Lost = appendNew(f.Lost, authenticator.Kind(kind))
		} else {
			f.Has = appendNew(f.Has, authenticator.Kind(kind))
		}
	}
}

func appendNew(all []authenticator.Kind, k authenticator.Kind) []authenticator.Kind {
	if slices.Contains(all, k) {
		return all
	}
	return append(all, k)
}

func (f *Facts) decodeTenant(at tenantTimes) {
	f.Tenant.Mandate.From = db.Time(at.mandate)
	f.Tenant.SwitchedOnAt = db.Time(at.on)
	f.Tenant.SwitchedOffAt = db.Time(at.off)
	f.Tenant.SetUpBy = db.Time(at.setUpBy)
	f.Tenant.SuspendedAt = db.Time(at.suspended)
}

func (f *Facts) decodeApp(at appTimes, clientID string) {
	f.App.ExemptUntil, f.App.DisabledAt = db.Time(at.exempt), db.Time(at.disabled)
	f.App.Known = f.App.ID != ""
	if clientID == client.PortalID {
		f.App = App{ID: client.PortalID, Name: f.Vendor.Name, Known: true}
	}
}

// Load reads the facts of a user and a client. There is no row where there is no such user.
func Load(ctx context.Context, tx *db.Tx, userID, clientID string, maxRememberDays int) (f Facts, err error) {
	r := Into(&f)
	err = tx.QueryRow(ctx, `
		SELECT `+Columns+`
		FROM users u
		JOIN tenants t ON t.tenant_id = u.tenant_id
		JOIN installation i ON i.id = 'installation'
		LEFT JOIN clients c ON c.id = $1
		WHERE u.tenant_id = $2 AND u.id = $3`, clientID, tx.Tenant, userID).Scan(r.Targets()...)
	r.Decode(clientID, maxRememberDays)
	return f, err
}

// Open reports whether the account and the app may be used at all.
func (f *Facts) Open() bool {
	return f.User.DisabledAt.IsZero() && f.Tenant.SuspendedAt.IsZero() && f.App.Known && f.App.DisabledAt.IsZero()
}

// Input gathers the facts for one decision. enrollable are the kinds that people can set up by
// themselves in this installation, want the levels that the client asked for.
func (f *Facts) Input(
	now time.Time, enrollable []authenticator.Kind, want []string, proofs []authenticator.Proof,
) policy.Input {
	in := policy.Input{
		Now:              now,
		Vendor:           f.Vendor.Name,
		Installation:     f.Vendor.Mandate,
		InstallationDays: f.Vendor.RememberDays,
		Methods:          f.Vendor.Methods,
		Tenant:           f.Tenant,
		AppID:            f.App.ID,
		AppName:          f.App.Name,
		AppExemptUntil:   f.App.ExemptUntil,
		PasswordFlagged:  !f.User.PasswordFlaggedAt.IsZero(),
		Account:          f.Account,
		Bindable:         enrollable,
		Proofs:           proofs,
		OwnChoice:        !f.User.SecondStepAt.IsZero(),
		OwnPages:         f.App.ID == client.PortalID,
		Administers:      f.User.Role != user.Agent,
		Role:             string(f.User.Role),
		UserID:           f.User.ID,
	}
	for _, level := range want {
		in.Want = append(in.Want, policy.Level(level))
	}
	return in
}
