// Package tenant owns the installation's settings and its tenants (people read:
// companies), and what each has decided about a second step. It refuses to judge a
// sign-in: it says what was decided and when, policy says what follows.
package tenant

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/typed"
)

// Mode is the vendor's decision about a second step, for the installation or one tenant.
type Mode string

// The modes. Inherit is for tenants only: the installation's mode applies.
const (
	Inherit    Mode = ""
	Mandatory  Mode = "mandatory"   // on and locked, from an instant
	DefaultOn  Mode = "default_on"  // on; the tenant may switch it off
	DefaultOff Mode = "default_off" // off; the tenant may switch it on
)

// ParseMode reads a mode as it is written in commands; "inherit" is Inherit.
func ParseMode(s string) (Mode, error) {
	switch m := Mode(s); m {
	case Mandatory, DefaultOn, DefaultOff, Inherit:
		return m, nil
	case "inherit":
		return Inherit, nil
	}
	return "", fault.New(fault.Invalid, "tenant.unknown_mode")
}

// Mandate is a mode and the instant from which it holds; zero is always.
type Mandate struct {
	Mode Mode
	From time.Time
}

// OrInherited is the mandate that holds for a tenant: its own, or the installation's where it inherits.
func (m Mandate) OrInherited(installation Mandate) Mandate {
	if m.Mode == Inherit {
		return installation
	}
	return m
}

// Locks reports whether the vendor requires a second step by now, which no one below may take back. A mode that this
// version does not know is as strict as Mandatory.
func (m Mandate) Locks(now time.Time) bool {
	return m.Mode != DefaultOff && m.Mode != DefaultOn && !now.Before(m.From)
}

// Kinds of tenant: a customer of the vendor, or the vendor's own staff.
const (
	Company = "company"
	Vendor  = "vendor"
)

// InheritDays says that the installation's number of remembered days applies.
const InheritDays = -1

// Methods are the second steps that someone allows, as words apart by spaces; empty allows
// every one. A word that this version does not know allows nothing.
type Methods string

// Allow reports whether a kind is among them.
func (m Methods) Allow(kind string) bool {
	return m == "" || slices.Contains(strings.Fields(string(m)), kind)
}

// Choice says who decides in a company whether a second step is asked.
type Choice string

// The choices. One that this version does not know is Required.
const (
	Required Choice = ""
	Optional Choice = "optional" // each user, for themself
	// Adaptive is Required, but browsers are remembered unless the person says otherwise, and a remembered one is asked
	// as well where a sign-in is unusual.
	Adaptive Choice = "adaptive"
)

// Tenant is one company.
type Tenant struct {
	ID, Name, Kind string
	Mandate        Mandate
	SwitchedOnAt   time.Time // by the company's owner
	SwitchedOffAt  time.Time
	Ceiling        Ceiling // the vendor's
	RememberDays   int     // 0 to 30, or InheritDays
	Methods        Methods
	Choice         Choice
	Roles          Roles // of which it is required, where Choice is not Optional
	Apps           Apps  // exempt ones in which it applies anyway
	SMSCountries   Countries
	SetUpBy        time.Time // until then people without a method are reminded; zero = set-up comes first
	SetUpDays      int       // how long newcomers have from their first sign-in; 0 = no time of their own
	SetUpLaters    int       // how many sign-ins someone may finish before they set a method up; 0 = no limit
	Steps          Steps     // how it is turned on
	Lock           AccountLock
	Networks       Networks
	NetworkScope   NetworkScope
	CreatedAt      time.Time
	SuspendedAt    time.Time
	Shadow         Shadow // rules that it considers
}

const columns = `tenant_id, name, kind, mandate, mandate_from, switched_on_at, switched_off_at, remember_days,
	methods, choice, roles, sms_countries, set_up_by, set_up_days, set_up_laters, lock_after, lock_minutes,
	networks, network_scope, created_at, suspended_at, shadow_methods, shadow_choice, shadow_roles, shadow_from,
	shadow_until, vendor_methods, vendor_days, covered_apps, step_days, step_stop, steps_stopped_at, steps_resumed_at,
	steps_delay`

func scan(row db.Row) (t Tenant, err error) {
	var delay int64
	err = row.Scan(
		&t.ID,
		&t.Name,
		&t.Kind,
		&t.Mandate.Mode,
		db.ScanTime(&t.Mandate.From),
		db.ScanTime(&t.SwitchedOnAt),
		db.ScanTime(&t.SwitchedOffAt),
		&t.RememberDays,
		&t.Methods,
		&t.Choice,
		&t.Roles,
		&t.SMSCountries,
		db.ScanTime(&t.SetUpBy),
		&t.SetUpDays,
		&t.SetUpLaters,
		&t.Lock.After,
		&t.Lock.Minutes,
		&t.Networks,
		&t.NetworkScope,
		db.ScanTime(&t.CreatedAt),
		db.ScanTime(&t.SuspendedAt),
		&t.Shadow.Methods,
		&t.Shadow.Choice,
		&t.Shadow.Roles,
		db.ScanTime(&t.Shadow.From),
		db.ScanTime(&t.Shadow.Until),
		&t.Ceiling.Methods,
		&t.Ceiling.Days,
		&t.Apps,
		&t.Steps.Days,
		&t.Steps.StopAt,
		db.ScanTime(&t.Steps.StoppedAt),
		db.ScanTime(&t.Steps.ResumedAt),
		&delay,
	)
	t.Steps.Delay = time.Duration(delay) * time.Microsecond
	return t, err
}

var errUnknown = fault.New(fault.NotFound, "tenant.unknown")

var goodID = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,38}[a-z0-9]$`)

// Create adds a tenant. An empty id is replaced by a new one; an id is never used again.
func Create(ctx context.Context, tx *db.Tx, id, name, kind string) (Tenant, error) {
	name, err := CleanName(name)
	if err != nil {
		return Tenant{}, err
	}
	if id == "" {
		id = tx.NewID()
	}
	if !goodID.MatchString(id) || id == db.Installation {
		return Tenant{}, fault.New(fault.Invalid, "tenant.bad_id")
	}
	t := Tenant{
		ID:           id,
		Name:         name,
		Kind:         kind,
		RememberDays: InheritDays,
		CreatedAt:    tx.Now,
	}
	n, err := tx.Exec(ctx, `
		INSERT INTO tenants (tenant_id, name, kind, mandate, mandate_from, switched_on_at, switched_off_at,
			remember_days, created_at, suspended_at)
		VALUES ($1, $2, $3, '', 0, 0, 0, $4, $5, 0)
			ON CONFLICT (tenant_id) DO NOTHING`, t.ID, t.Name, t.Kind, t.RememberDays, tx.Now)
	if err == nil && n == 0 {
		err = fault.New(fault.Conflict, "tenant.id_taken")
	}
	return t, err
}

// ByID loads a tenant.
func ByID(ctx context.Context, tx *db.Tx, id string) (Tenant, error) {
	t, err := scan(tx.QueryRow(ctx, `SELECT `+columns+` FROM tenants WHERE tenant_id = $1`, id))
	if db.IsNoRows(err) {
		return t, errUnknown
	}
	return t, err
}

// Find loads a tenant by id or exact name. The id wins, so that a company cannot hide another one by taking its id as a
// name.
func Find(ctx context.Context, tx *db.Tx, idOrName string) (Tenant, error) {
	rows, err := tx.Query(ctx, `SELECT `+columns+` FROM tenants WHERE tenant_id = $1 OR name = $1`, idOrName)
	found, err := db.Collect(rows, err, scan)
	if err != nil {
		return Tenant{}, err
	}
	if i := slices.IndexFunc(found, func(t Tenant) bool { return t.ID == idOrName }); i >= 0 {
		return found[i], nil
	}
	switch len(found) {
	case 0:
		return Tenant{}, errUnknown
	case 1:
		return found[0], nil
	}
	return Tenant{}, fault.New(fault.Conflict, "tenant.ambiguous_name")
}

// List returns every tenant by name.
func List(ctx context.Context, tx *db.Tx) ([]Tenant, error) {
	rows, err := tx.Query(ctx, `SELECT `+columns+` FROM tenants WHERE tenant_id <> '' ORDER BY name, tenant_id`)
	return db.Collect(rows, err, scan)
}

// Place is where a tenant stands in the list: the next page begins after the last one of this page.
type Place struct{ Name, ID string }

// State is whether the people of a tenant can sign in.
type State string

// The states.
const (
	Active    State = "active"
	Suspended State = "suspended"
)

// Search is which tenants are listed, by name. What is empty selects everything.
type Search struct {
	Text  string // part of the name or of the id
	State State
	After Place
	Limit int
}

// ListAfter returns up to q.Limit tenants by name, after a place; the zero Place begins the list.
func ListAfter(ctx context.Context, tx *db.Tx, q Search) ([]Tenant, error) {
	text := "%" + db.EscapeLike(strings.ToLower(strings.TrimSpace(q.Text))) + "%"
	rows, err := tx.Query(ctx, `
		SELECT `+columns+` FROM tenants WHERE tenant_id <> '' AND (name, tenant_id) > ($1, $2)
			AND (lower(name) LIKE $3 ESCAPE '\' OR tenant_id LIKE $3 ESCAPE '\')
			AND ($4 = '' OR ($4 = 'suspended') = (suspended_at > 0))
		ORDER BY name, tenant_id LIMIT $5`, q.After.Name, q.After.ID, text, string(q.State), q.Limit)
	return db.Collect(rows, err, scan)
}

// Vendors lists the tenants in which the vendor's own staff are.
func Vendors(ctx context.Context, tx *db.Tx) (out []string, err error) {
	return tx.Texts(ctx, `SELECT tenant_id FROM tenants WHERE kind = 'vendor' AND tenant_id <> '' ORDER BY tenant_id`)
}

// SetMandate records the vendor's decision for one tenant.
func SetMandate(ctx context.Context, tx *db.Tx, m Mandate) error {
	return changed(tx.Exec(ctx, `UPDATE tenants SET mandate = $1, mandate_from = $2, version = version + 1
		WHERE tenant_id = $3`, string(m.Mode), m.From, tx.Tenant))
}

// SwitchOn records that the company switched its second step on, for everyone at once.
func SwitchOn(ctx context.Context, tx *db.Tx) error {
	return changed(tx.Exec(ctx, `UPDATE tenants SET switched_on_at = $1, switched_off_at = 0, step_days = 0,
		step_stop = 0, steps_stopped_at = 0, steps_resumed_at = 0, steps_delay = 0, version = version + 1
		WHERE tenant_id = $2`, tx.Now, tx.Tenant))
}

// SwitchOff records that the company switched its second step off.
func SwitchOff(ctx context.Context, tx *db.Tx) error {
	return changed(tx.Exec(ctx, `UPDATE tenants SET switched_off_at = $1, switched_on_at = 0, step_days = 0,
		step_stop = 0, steps_stopped_at = 0, steps_resumed_at = 0, steps_delay = 0, version = version + 1
		WHERE tenant_id = $2`, tx.Now, tx.Tenant))
}

// SetRememberDays limits how long the tenant's browsers may be remembered: 0 to 30, or InheritDays.
func SetRememberDays(ctx context.Context, tx *db.Tx, days int) error {
	if days < InheritDays || days > MaxRememberDays {
		return fault.New(fault.Invalid, "tenant.remember_days")
	}
	return changed(tx.Exec(ctx, `UPDATE tenants SET remember_days = $1, version = version + 1
		WHERE tenant_id = $2`, days, tx.Tenant))
}

// Suspend stops every sign-in and session of the tenant; Resume lifts it.
func Suspend(ctx context.Context, tx *db.Tx) error {
	return changed(tx.Exec(ctx, `UPDATE tenants SET suspended_at = $1, version = version + 1
		WHERE tenant_id = $2`, tx.Now, tx.Tenant))
}

// Resume lets the tenant's people sign in again.
func Resume(ctx context.Context, tx *db.Tx) error {
	return changed(tx.Exec(ctx, `UPDATE tenants SET suspended_at = 0, version = version + 1
		WHERE tenant_id = $1`, tx.Tenant))
}

// Rename changes the tenant's name.
func Rename(ctx context.Context, tx *db.Tx, name string) error {
	name, err := CleanName(name)
	if err != nil {
		return err
	}
	return changed(tx.Exec(ctx, `UPDATE tenants SET name = $1 WHERE tenant_id = $2`, name, tx.Tenant))
}

// Lock takes the tenant's row until the transaction ends, so that of two changes which depend on each other the second
// sees what the first has left.
func Lock(ctx context.Context, tx *db.Tx) error {
	return changed(tx.Exec(ctx, `UPDATE tenants SET created_at = created_at WHERE tenant_id = $1`, tx.Tenant))
}

func changed(n int64, err error) error {
	if err == nil && n == 0 {
		return errUnknown
	}
	return err
}

// CleanName returns a name that people will read as it is stored. It refuses what can't be seen
// and could disturb a mail or a log, nothing at all, and more than 80 characters; the fault
// names the character.
func CleanName(s string) (string, error) {
	s, err := typed.Line(s)
	if err != nil {
		return "", fault.New(fault.Invalid, "text.unseen").Because(err)
	}
	if s == "" || len([]rune(s)) > 80 {
		return "", fault.New(fault.Invalid, "name.invalid")
	}
	return s, nil
}
