package main

import (
	"encoding/json"
	"strings"
	"time"

	"countersign/internal/app"
	"countersign/internal/audit"
	"countersign/internal/authenticator"
	"countersign/internal/backup"
	"countersign/internal/client"
	"countersign/internal/config"
	"countersign/internal/configminimum"
	"countersign/internal/keyring"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// The documents of --output json. Their fields are part of the command line's interface
// (docs/operations/command-line.md): fields may be added, and none changes its meaning.

type mandateDocument struct {
	Mode string     `json:"mode"`
	From *time.Time `json:"from"`
}

func mandateOf(m tenant.Mandate) mandateDocument {
	mode := string(m.Mode)
	if mode == "" {
		mode = "inherit"
	}
	return mandateDocument{mode, at(m.From)}
}

type tenantDocument struct {
	ID            string          `json:"id"`
	Name          string          `json:"name"`
	Kind          string          `json:"kind"`
	Mandate       mandateDocument `json:"mandate"`
	SwitchedOnAt  *time.Time      `json:"switched_on_at"`
	SwitchedOffAt *time.Time      `json:"switched_off_at"`
	RememberDays  *int            `json:"remember_days"`        // null: as the installation says
	Methods       []string        `json:"methods"`              // null: all
	VendorMethods []string        `json:"vendor_methods"`       // null: those that all companies may allow
	VendorDays    *int            `json:"vendor_remember_days"` // null: as for all companies
	Choice        string          `json:"choice"`
	Roles         []string        `json:"roles"`         // null: all
	CoverApps     []string        `json:"cover_apps"`    // null: none that the vendor exempts
	SMSCountries  []string        `json:"sms_countries"` // null: as the installation says
	SetUpBy       *time.Time      `json:"set_up_by"`
	SetUpDays     int             `json:"set_up_days"`   // 0: newcomers have no time of their own
	SetUpLaters   int             `json:"set_up_laters"` // 0: no limit
	StepDays      int             `json:"steps_days"`    // 0: everyone at once
	StepStop      int             `json:"steps_stop"`    // percent; 0: no limit
	StepsStopped  *time.Time      `json:"steps_stopped_at"`
	LockAfter     *int            `json:"lock_after"` // null: as the installation says
	LockMinutes   *int            `json:"lock_minutes"`
	Networks      []string        `json:"networks"` // null: from anywhere
	NetworkScope  string          `json:"network_scope"`
	SuspendedAt   *time.Time      `json:"suspended_at"`
	CreatedAt     *time.Time      `json:"created_at"`
}

func tenantOf(t tenant.Tenant) tenantDocument {
	d := tenantDocument{
		ID:            t.ID,
		Name:          t.Name,
		Kind:          t.Kind,
		Mandate:       mandateOf(t.Mandate),
		SwitchedOnAt:  at(t.SwitchedOnAt),
		SwitchedOffAt: at(t.SwitchedOffAt),
		Methods:       words(string(t.Methods)),
		VendorMethods: words(string(t.Ceiling.Methods)),
		Choice:        shownChoice(t.Choice),
		Roles:         words(string(t.Roles)),
		CoverApps:     words(string(t.Apps)),
		SMSCountries:  words(string(t.SMSCountries)),
		SetUpBy:       at(t.SetUpBy),
		SetUpDays:     t.SetUpDays,
		SetUpLaters:   t.SetUpLaters,
		StepDays:      t.Steps.Days,
		StepStop:      t.Steps.StopAt,
		StepsStopped:  at(t.Steps.StoppedAt),
		NetworkScope:  string(t.NetworkScope),
		SuspendedAt:   at(t.SuspendedAt),
		CreatedAt:     at(t.CreatedAt),
	}
	if days := t.Ceiling.Days.Days(); days != tenant.InheritDays {
		d.VendorDays = &days
	}
	if t.RememberDays != tenant.InheritDays {
		d.RememberDays = &t.RememberDays
	}
	if d.NetworkScope == "" {
		d.NetworkScope = "everyone"
	}
	for _, n := range t.Networks.List() {
		d.Networks = append(d.Networks, n.Prefix.String())
	}
	if t.Lock.IsSet() {
		d.LockAfter, d.LockMinutes = &t.Lock.After, &t.Lock.Minutes
	}
	return d
}

type installationDocument struct {
	Name         string          `json:"name"`
	Mandate      mandateDocument `json:"mandate"`
	RememberDays int             `json:"remember_days"`
	Methods      []string        `json:"methods"` // null: all
	SupportEmail string          `json:"support_email"`
	SupportURL   string          `json:"support_url"`
	SupportPhone string          `json:"support_phone"`
	Accent       string          `json:"accent"`        // "#rrggbb"; empty: ours
	LogoSHA256   string          `json:"logo_hash"`     // of the logo; empty: ours
	OwnWhy       []string        `json:"why_languages"` // in which the vendor has words of their own
	SetUpAt      *time.Time      `json:"set_up_at"`
}

func installationOf(i tenant.Installation, ownWhy []string) installationDocument {
	return installationDocument{
		Name:         i.Name,
		Mandate:      mandateOf(i.Mandate),
		RememberDays: i.RememberDays,
		Methods:      words(string(i.Methods)),
		SupportEmail: i.SupportEmail,
		SupportURL:   i.SupportURL,
		SupportPhone: i.SupportPhone,
		Accent:       i.Accent,
		LogoSHA256:   i.LogoHash,
		OwnWhy:       ownWhy,
		SetUpAt:      at(i.SetUpAt),
	}
}

type userDocument struct {
	ID         string           `json:"id"`
	Tenant     string           `json:"tenant"`
	Email      string           `json:"email"`
	Name       string           `json:"name"`
	Role       string           `json:"role"`
	Language   string           `json:"language"`
	ReportedAt *time.Time       `json:"password_reported_at"`
	CreatedAt  *time.Time       `json:"created_at"`
	DisabledAt *time.Time       `json:"disabled_at"`
	Methods    []methodDocument `json:"methods,omitempty"` // user show
}

func userOf(u user.User) userDocument {
	return userDocument{
		ID:         u.ID,
		Tenant:     u.TenantID,
		Email:      u.Email,
		Name:       u.Name,
		Role:       string(u.Role),
		Language:   u.Language,
		ReportedAt: at(u.PasswordFlaggedAt),
		CreatedAt:  at(u.CreatedAt),
		DisabledAt: at(u.DisabledAt),
	}
}

type methodDocument struct {
	ID      string     `json:"id"`
	Kind    string     `json:"kind"`
	State   string     `json:"state"` // works, disabled or suspended
	Label   string     `json:"label"`
	SetUpAt *time.Time `json:"set_up_at"`
}

func methodsOf(all []authenticator.Authenticator) (out []methodDocument) {
	for _, a := range all {
		out = append(out, methodDocument{a.ID, string(a.Kind), stateOf(a), a.Label, at(a.BoundAt)})
	}
	return out
}

type clientDocument struct {
	ID             string     `json:"id"`
	Name           string     `json:"name"`
	Kind           string     `json:"kind"`
	State          string     `json:"state"` // covered, exempt or disabled
	HomeURL        string     `json:"home_url"`
	RedirectURIs   []string   `json:"redirect_uris"`
	PostLogoutURIs []string   `json:"post_logout_uris"`
	SigningAlg     string     `json:"signing_alg"`  // ES256 or RS256
	PKCE           string     `json:"pkce"`         // required or optional
	ExemptUntil    *time.Time `json:"exempt_until"` // the year 9999: for good
	CreatedAt      *time.Time `json:"created_at"`
	DisabledAt     *time.Time `json:"disabled_at"`
	Secret         string     `json:"secret,omitempty"` // this once, when it is made
}

func clientOf(c client.Client) clientDocument {
	d := clientDocument{
		ID:             c.ID,
		Name:           c.Name,
		Kind:           c.Kind,
		State:          "covered",
		HomeURL:        c.HomeURL,
		RedirectURIs:   append([]string{}, c.RedirectURIs...),
		PostLogoutURIs: append([]string{}, c.PostLogoutURIs...),
		SigningAlg:     c.SigningAlg,
		PKCE:           pkceOf(c),
		ExemptUntil:    at(c.ExemptUntil),
		CreatedAt:      at(c.CreatedAt),
		DisabledAt:     at(c.DisabledAt),
	}
	switch {
	case c.Disabled():
		d.State = "disabled"
	case !c.Covered(now()):
		d.State = "exempt"
	}
	return d
}

// changeDocument is what a command has changed.
type changeDocument struct {
	ID      string  `json:"id"`
	Changed changed `json:"changed"`
}

type eventDocument struct {
	At        *time.Time `json:"at"`
	ID        string     `json:"id"`
	Action    string     `json:"action"`
	Result    string     `json:"result"`
	Reason    string     `json:"reason,omitempty"`
	UserID    string     `json:"user_id,omitempty"`
	ClientID  string     `json:"client_id,omitempty"`
	Method    string     `json:"method,omitempty"`
	Level     string     `json:"level,omitempty"`
	SubjectID string     `json:"subject_id,omitempty"`
	ActorID   string     `json:"actor_id,omitempty"`
	IP        string     `json:"ip,omitempty"`
	Place     string     `json:"place,omitempty"`
	Browser   string     `json:"browser,omitempty"`
	RequestID string     `json:"request_id,omitempty"`
}

func eventOf(r audit.Row) eventDocument {
	return eventDocument{
		At:        at(r.At),
		ID:        r.ID,
		Action:    string(r.Action),
		Result:    string(r.Result),
		Reason:    r.Reason,
		UserID:    r.UserID,
		ClientID:  r.ClientID,
		Method:    r.Method,
		Level:     r.Level,
		SubjectID: r.SubjectID,
		ActorID:   r.ActorID,
		IP:        r.IP,
		Place:     r.Place,
		Browser:   r.Browser,
		RequestID: r.RequestID,
	}
}

type chainDocument struct {
	Tenant   string `json:"tenant"`
	Intact   bool   `json:"intact"`
	Checked  int    `json:"checked"`
	Unsealed int    `json:"unsealed"`
	FirstBad string `json:"first_bad,omitempty"`
	Why      string `json:"why,omitempty"`
}

type keyDocument struct {
	ID    string         `json:"id"`
	Use   string         `json:"use"`           // sign or seal
	Alg   string         `json:"alg,omitempty"` // of a signing key: ES256 or RS256
	State string         `json:"state"`
	From  *time.Time     `json:"from"`
	Until *time.Time     `json:"until,omitempty"`
	Needs map[string]int `json:"needs,omitempty"` // what still needs a master key, and how often
}

func signingKeyOf(k keyring.Key) keyDocument {
	return keyDocument{
		ID:    k.ID,
		Use:   "sign",
		Alg:   k.Algorithm,
		State: keyState(k, now()),
		From:  at(k.ActiveFrom),
		Until: at(k.RetiredAt),
	}
}

func masterKeyOf(k keyring.MasterKey, needs []keyring.Need) keyDocument {
	d := keyDocument{
		ID:    k.ID,
		Use:   "seal",
		State: strings.ToLower(strings.TrimPrefix(masterState(k), "master, ")),
		From:  at(k.From),
		Until: at(k.DroppedAt),
	}
	if d.State == "missing here" {
		d.State = "missing"
	}
	for _, n := range needs {
		if d.Needs == nil {
			d.Needs = map[string]int{}
		}
		d.Needs[n.What] = int(n.Count)
	}
	return d
}

type epochDocument struct {
	Epoch          int64      `json:"epoch"` // 0: the database has never gone back
	Because        string     `json:"because,omitempty"`
	StateOf        *time.Time `json:"state_of"`
	RaisedAt       *time.Time `json:"raised_at"`
	AcknowledgedAt *time.Time `json:"acknowledged_at"`
}

func epochOf(e backup.Epoch) epochDocument {
	return epochDocument{e.Number, e.Because, at(e.CopyOf), at(e.RaisedAt), at(e.AcknowledgedAt)}
}

type reviewDocument struct {
	Until     *time.Time `json:"events_until"`
	Suspended int        `json:"suspended_methods"`
	Protected int        `json:"people_without_their_method"`
}

func reviewOf(r backup.ReviewResult, c backup.AuditCopy) reviewDocument {
	return reviewDocument{at(c.Until), r.Suspended, r.Protected}
}

type copyDocument struct {
	File      string     `json:"file"`
	TakenAt   *time.Time `json:"taken_at"`
	Rows      int64      `json:"rows"`
	Bytes     int64      `json:"bytes,omitempty"`
	Program   string     `json:"program"`
	Engine    string     `json:"engine"`
	Epoch     int64      `json:"epoch"`
	MasterKey string     `json:"master_key,omitempty"`
}

func copyOf(file string, m backup.Manifest) copyDocument {
	return copyDocument{
		File:    file,
		TakenAt: at(m.TakenAt),
		Rows:    m.Rows(),
		Program: m.Program,
		Engine:  string(m.Engine),
		Epoch:   m.Epoch,
	}
}

type settingDocument struct {
	Key     string  `json:"key"`
	InForce *string `json:"in_force"` // null: nothing yet
	Here    string  `json:"here"`
	Weaker  bool    `json:"weaker"`
}

func settingOf(s configminimum.Setting) settingDocument {
	d := settingDocument{Key: s.Key, Here: s.Show(s.Value), Weaker: s.Weaker()}
	if s.Known {
		stored := s.Show(s.Stored)
		d.InForce = &stored
	}
	return d
}

type databaseDocument struct {
	Engine string `json:"engine"`
	State  string `json:"state"`
}

func databaseOf(h *app.Core) databaseDocument {
	return databaseDocument{string(h.DB.Dialect), "up_to_date"}
}

// configOf has each key with its value as JSON writes it.
func configOf(c config.Config) map[string]any {
	out := map[string]any{}
	for line := range strings.Lines(c.Effective()) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " = ")
		out[key] = value
		if json.Valid([]byte(value)) {
			out[key] = json.RawMessage(value)
		}
	}
	return out
}
