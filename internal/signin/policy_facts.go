package signin

import (
	"slices"
	"strings"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/db"
	"countersign/internal/policy"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// PortalID is the client id of Countersign's own pages, which are always covered.
const PortalID = "countersign"

// app is what a sign-in needs to know of its client.
type app struct {
	ID, Name, HomeURL string
	ExemptUntil       time.Time
	DisabledAt        time.Time
	Known             bool
}

// policyFacts is everything around a flow or a session that policy looks at. One statement
// reads it, together with the flow or the session itself.
type policyFacts struct {
	User   user.User
	Tenant tenant.Tenant
	Vendor tenant.Installation
	App    app
	policy.Account

	has        string // Has, as it was read
	vendorDays int    // of the installation as it is stored, before the configuration's ceiling
}

// kindsOfUser are the kinds of authenticators that the user u has, in one order; those that
// are disabled or suspended have a minus before them.
const kindsOfUser = `COALESCE((
	SELECT string_agg(CASE WHEN au.disabled_at = 0 THEN au.kind ELSE '-' || au.kind END, ' ' ORDER BY au.kind, au.id)
	FROM authenticators au WHERE au.tenant_id = u.tenant_id AND au.user_id = u.id), '')`

const factColumns = `
	u.id, u.email, u.name, u.role, u.language, u.security_version, u.password_flagged_at, u.disabled_at, u.second_step_at,
	u.first_factor_at, u.released_at, u.recovery_until, u.set_up_by, u.password_reset_at, ` + kindsOfUser + `,
	t.tenant_id, t.name, t.kind, t.mandate, t.mandate_from, t.switched_on_at, t.switched_off_at, t.remember_days, t.methods, t.choice, t.set_up_by, t.suspended_at,
	i.name, i.mandate, i.mandate_from, i.remember_days, i.methods,
	COALESCE(c.id, ''), COALESCE(c.name, ''), COALESCE(c.home_url, ''), COALESCE(c.exempt_until, 0), COALESCE(c.disabled_at, 0)`

// factsReader scans factColumns; settle turns the stored instants into times afterwards.
type factsReader struct {
	w                                                              *policyFacts
	flagged, disabled, own, from, on, off, setUp, suspended, iFrom int64
	exempt, appDisabled                                            int64
	firstFactor, released, recovery, ownDeadline, reset            int64
}

func (r *factsReader) targets() []any {
	w := r.w
	return []any{
		&w.User.ID, &w.User.Email, &w.User.Name, &w.User.Role, &w.User.Language, &w.User.SecurityVersion,
		&r.flagged, &r.disabled, &r.own, &r.firstFactor, &r.released, &r.recovery, &r.ownDeadline, &r.reset, &w.has,
		&w.Tenant.ID, &w.Tenant.Name, &w.Tenant.Kind, &w.Tenant.Mandate.Mode, &r.from, &r.on, &r.off, &w.Tenant.RememberDays, &w.Tenant.Methods, &w.Tenant.Choice, &r.setUp, &r.suspended,
		&w.Vendor.Name, &w.Vendor.Mandate.Mode, &r.iFrom, &w.Vendor.RememberDays, &w.Vendor.Methods,
		&w.App.ID, &w.App.Name, &w.App.HomeURL, &r.exempt, &r.appDisabled,
	}
}

// ceiling is the configuration's number of remembered days, which nobody may exceed.
func (r *factsReader) decode(clientID string, ceiling int) {
	w := r.w
	w.vendorDays = w.Vendor.RememberDays
	w.Vendor.RememberDays = min(w.Vendor.RememberDays, ceiling)
	w.User.TenantID = w.Tenant.ID
	w.Account = policy.Account{
		FirstFactorAt: db.Time(r.firstFactor),
		ReleasedAt:    db.Time(r.released),
		RecoveryUntil: db.Time(r.recovery),
		SetUpBy:       db.Time(r.ownDeadline),
		ResetAt:       db.Time(r.reset),
	}
	for kind := range strings.FieldsSeq(w.has) {
		into, name := &w.Has, strings.TrimPrefix(kind, "-")
		if name != kind {
			into = &w.Lost
		}
		if k := authenticator.Kind(name); !slices.Contains(*into, k) {
			*into = append(*into, k)
		}
	}
	w.User.SecondStepAt, w.Tenant.SetUpBy = db.Time(r.own), db.Time(r.setUp)
	w.User.PasswordFlaggedAt, w.User.DisabledAt = db.Time(r.flagged), db.Time(r.disabled)
	w.Tenant.Mandate.From, w.Tenant.SwitchedOnAt, w.Tenant.SwitchedOffAt = db.Time(r.from), db.Time(r.on), db.Time(r.off)
	w.Tenant.SuspendedAt, w.Vendor.Mandate.From = db.Time(r.suspended), db.Time(r.iFrom)
	w.App.ExemptUntil, w.App.DisabledAt = db.Time(r.exempt), db.Time(r.appDisabled)
	w.App.Known = w.App.ID != ""
	if clientID == PortalID {
		w.App = app{ID: PortalID, Name: w.Vendor.Name, Known: true}
	}
}

// open reports whether the account and the app may be used at all.
func (w *policyFacts) open() bool {
	return w.User.DisabledAt.IsZero() && w.Tenant.SuspendedAt.IsZero() && w.App.Known && w.App.DisabledAt.IsZero()
}

// input gathers the facts for one decision.
func (w *policyFacts) input(bindable []authenticator.Kind, now time.Time, want []policy.Level, proofs []authenticator.Proof) policy.Input {
	return policy.Input{
		Now: now, Vendor: w.Vendor.Name, Installation: w.Vendor.Mandate, InstallationDays: w.Vendor.RememberDays, Methods: w.Vendor.Methods,
		Tenant: w.Tenant, AppName: w.App.Name, AppExemptUntil: w.App.ExemptUntil,
		PasswordFlagged: !w.User.PasswordFlaggedAt.IsZero(), Want: want, Account: w.Account, Bindable: bindable,
		Proofs: proofs, OwnChoice: !w.User.SecondStepAt.IsZero(), OwnPages: w.App.ID == PortalID,
	}
}

func levels(values []string) []policy.Level {
	var out []policy.Level
	for _, v := range values {
		out = append(out, policy.Level(v))
	}
	return out
}
