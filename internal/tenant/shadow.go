package tenant

import (
	"context"
	"time"

	"countersign/internal/db"
)

// Shadow are rules that a company considers. From an instant to another every sign-in is judged by them, too; what
// comes of it is only recorded.
type Shadow struct {
	Methods     Methods
	Choice      Choice
	Roles       Roles
	From, Until time.Time // zero: there are none
}

// Active reports whether sign-ins are judged by the rules now.
func (s Shadow) Active(now time.Time) bool { return !now.Before(s.From) && now.Before(s.Until) }

// Shadowed is the company as it would be with the rules that it considers: two-factor authentication is on for
// everyone, and no deadline for set-up is left.
func (t Tenant) Shadowed(now time.Time) Tenant {
	t.SwitchedOnAt, t.SwitchedOffAt, t.SetUpBy, t.SetUpDays = now, time.Time{}, time.Time{}, 0
	t.Steps = Steps{}
	t.Methods, t.Choice, t.Roles = t.Shadow.Methods, t.Shadow.Choice, t.Shadow.Roles
	return t
}

// SetShadow stores the rules that the company considers; the zero Shadow ends the trial. No decision reads them, so no
// sign-in has to start again.
func SetShadow(ctx context.Context, tx *db.Tx, s Shadow) error {
	return changed(tx.Exec(ctx, `UPDATE tenants
		SET shadow_methods = $1, shadow_choice = $2, shadow_roles = $3, shadow_from = $4, shadow_until = $5
		WHERE tenant_id = $6`,
		string(s.Methods), string(s.Choice), string(s.Roles), s.From, s.Until, tx.Tenant))
}

// ShadowOutcome is what would have happened to a sign-in.
type ShadowOutcome string

// The outcomes.
const (
	ShadowAsked   ShadowOutcome = "asked"   // for a second step that they have
	ShadowSetUp   ShadowOutcome = "set_up"  // to set up a method first
	ShadowStopped ShadowOutcome = "stopped" // nothing would have let them in
)

// RecordShadow records what the rules under consideration would have done to a sign-in of a person: once for each
// outcome, so that people who sign in often don't write more rows.
func RecordShadow(ctx context.Context, tx *db.Tx, s Shadow, userID, clientID string, o ShadowOutcome) error {
	return tx.ExecDeferred(ctx, `
		INSERT INTO shadow_results (tenant_id, began_at, user_id, outcome, client_id, at)
		VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (tenant_id, began_at, user_id, outcome) DO NOTHING`,
		tx.Tenant, s.From, userID, string(o), clientID, tx.Now)
}

// keepShadow is how long results are kept.
const keepShadow = 180 * 24 * time.Hour
