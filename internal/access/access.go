// Package access decides which administrator may do what to whom. It is one table, printed into
// docs/access.md, and one function that reads it. It refuses to load anything: its caller states who
// acts and whom it concerns, as both are in the transaction that makes the change.
package access

import (
	"countersign/internal/audit"
	"countersign/internal/fault"
	"countersign/internal/user"
)

// Kind says how an actor reached the program.
type Kind string

// The kinds of actor. API keys and SCIM have no rights yet: Check refuses them everything.
const (
	Person      Kind = "user"
	CommandLine Kind = "command-line"
	APIKey      Kind = "api-key"
	SCIM        Kind = "scim"
)

// Actor is who asks for a change, and the request in which they do. TenantID to Vendor describe a
// Person. Role and Vendor must be as they are stored now: a role from an older session is not good enough.
type Actor struct {
	Kind      Kind
	TenantID  string
	UserID    string
	SessionID string // in which they act, of TenantID; a Person without one may do nothing
	Role      user.Role
	Vendor    bool // the tenant is the vendor's own
	Origin    audit.Origin
}

// Server is the command line on the server: who has it has the database, too.
var Server = Actor{Kind: CommandLine}

// ID is what the audit log stores as the actor.
func (a Actor) ID() string {
	if a.Kind == Person {
		return a.UserID
	}
	return string(a.Kind)
}

// Staff reports whether a belongs to the vendor, whom the boundaries between companies do not stop.
func (a Actor) Staff() bool { return a.Kind == CommandLine || a.staffRole() != "" }

// staffRole is the role among the vendor's staff, or nothing. A vendor's role in a company gives no rights.
func (a Actor) staffRole() user.Role {
	if a.Kind == Person && a.Vendor && (a.Role == user.Operator || a.Role == user.Support) {
		return a.Role
	}
	return ""
}

// Target is what an action concerns. A company has no UserID and no Role; the installation has no
// TenantID either. Role without UserID is the role that a new person is to get.
type Target struct {
	TenantID string
	UserID   string
	Role     user.Role
}

// ErrFreshProofNeeded is why a Person is refused whose session is over, too weak or, for a change, too old. An
// interface that finds it with errors.Is has them sign in or confirm who they are, and try again.
var ErrFreshProofNeeded = fault.New(fault.Denied, "access.fresh_proof_needed")

// The refusals. Each names the rule that the actor ran into.
var (
	errDenied = fault.New(fault.Denied, "access.denied")
	errSelf   = fault.New(fault.Denied, "access.self")
	errRole   = fault.New(fault.Denied, "access.role")
)

// Check fails with a Refusal, whose fault is Denied, unless the table lets a do an action to t.
func Check(a Actor, action Action, t Target) error {
	if rule := broken(a, action, t); rule != nil {
		return &Refusal{
			Actor:  a,
			Action: action,
			Target: t,
			Cause:  rule,
		}
	}
	return nil
}

// broken is the rule that an action would break; nil where it may be done.
func broken(a Actor, action Action, t Target) *fault.Fault {
	r, known := find(action)
	switch {
	case !known:
		return errDenied
	case a.Kind == CommandLine:
		return nil
	case a.Kind != Person:
		return errDenied
	}
	reach := r.reach(a)
	if reach == none || !a.inside(r, t) {
		return errDenied
	}
	if r.subject != people {
		return nil
	}
	return a.checkPerson(reach, t)
}

// inside reports whether t is on a's side of the boundary between companies. A role of the vendor's staff
// exists only in the vendor's own tenant.
func (a Actor) inside(r rule, t Target) bool {
	switch {
	case r.subject == installation:
		return t.TenantID == ""
	case t.TenantID == "" && !r.withoutTenant:
		return false
	case a.staffRole() == "":
		return t.TenantID == a.TenantID && !vendorRole(t.Role)
	case vendorRole(t.Role):
		return t.TenantID == a.TenantID
	}
	return true
}

// checkPerson compares the target's role with what the actor reaches.
func (a Actor) checkPerson(reach Reach, t Target) *fault.Fault {
	switch {
	case reach == everyone:
		return nil
	case t.UserID != "" && t.UserID == a.UserID && t.TenantID == a.TenantID:
		return errSelf
	case reach == lowerAndPeers && t.Role == a.Role:
		return nil
	case reach == lowerButOwners && t.Role == user.Owner:
		return errRole
	case rank[t.Role] == 0 || rank[t.Role] >= rank[a.Role]:
		return errRole
	}
	return nil
}

// rank orders the roles. An unknown role has none and no one reaches it.
var rank = map[user.Role]int{
	user.Agent:      1,
	user.Supervisor: 2,
	user.Admin:      3,
	user.Owner:      4,
	user.Support:    5,
	user.Operator:   6,
}

func vendorRole(r user.Role) bool { return r == user.Operator || r == user.Support }
