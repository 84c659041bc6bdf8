// Package totp owns authenticator apps: their secrets, what a code of theirs is worth at an
// instant, and the register of time steps that were used (RFC 6238). Every path on which a
// code is accepted moves that register by the same guarded write. It refuses to show a
// secret again once it is bound, and to accept a wider window by configuration.
package totp

import (
	"context"
	"fmt"

	"countersign/internal/authenticator"
	"countersign/internal/db"
	"countersign/internal/secret"
)

// Why an answer is wrong, for the audit log.
const (
	wrongCode   = "wrong_code"
	alreadyUsed = "already_used"
)

// Verifier judges codes of authenticator apps and sets them up.
type Verifier struct{ Keys *secret.Keys }

// Begin has nothing to send and nothing to remember: what is asked for follows from the
// time at which it is answered.
func (v Verifier) Begin(context.Context, *db.Tx, authenticator.Authenticator,
	authenticator.ChallengeContext) (authenticator.IssuedChallenge, error) {
	return authenticator.IssuedChallenge{State: authenticator.State{}}, nil
}

// Verify looks for the app of the account that shows the typed code, and spends the step.
func (v Verifier) Verify(ctx context.Context, tx *db.Tx, a authenticator.Authenticator,
	_ authenticator.ChallengeContext, _ authenticator.State, r authenticator.Response) (authenticator.Verdict, error) {
	code, ok := canonical(r.Code)
	if !ok {
		return authenticator.Verdict{Reason: wrongCode}, nil
	}
	devices, err := v.load(ctx, tx, a.UserID)
	if err != nil {
		return authenticator.Verdict{}, fmt.Errorf("load totp secrets: %w", err)
	}
	now, reason := stepAt(tx.Now), wrongCode
	for _, d := range devices { // all of them are looked at, so that the time tells nothing
		d.findStep(code, now)
		reason = d.reason(reason)
	}
	for _, d := range devices {
		if d.finding.verdict != accepted {
			continue
		}
		if first, err := d.spend(ctx, tx); err != nil || first {
			return d.right(tx.Now), err
		}
		reason = alreadyUsed
	}
	return authenticator.Verdict{Reason: reason}, nil
}

// device is one app, and what was found about a typed code.
type device struct {
	id      string
	secret  []byte
	known   register
	finding finding
}

// load reads every app of a user that is not disabled.
func (v Verifier) load(ctx context.Context, tx *db.Tx, userID string) ([]*device, error) {
	rows, err := tx.Query(ctx, `
		SELECT s.authenticator_id, s.sealed, s.last_step, s.drift
		FROM totp_secrets s JOIN authenticators a ON a.tenant_id = s.tenant_id AND a.id = s.authenticator_id
		WHERE s.tenant_id = $1 AND s.user_id = $2 AND a.user_id = $2 AND a.disabled_at = 0
			ORDER BY s.authenticator_id`, tx.Tenant, userID)
	return db.Collect(rows, err, func(row db.Row) (*device, error) {
		var d device
		var sealed []byte
		if err := row.Scan(&d.id, &sealed, &d.known.last, &d.known.drift); err != nil {
			return nil, err
		}
		d.secret, err = v.Keys.Open(sealed, place(tx.Tenant, d.id)...)
		return &d, err
	})
}

func place(tenant, id string) []string { return []string{"totp_secrets", "sealed", tenant, id} }

func (d *device) findStep(code string, now int64) {
	d.finding = d.known.judge(matchingSteps(d.secret, code, now), now)
}

func (d *device) reason(before string) string {
	if d.finding.verdict == used {
		return alreadyUsed
	}
	return before
}

// spend moves the register of used steps. Only the first of any number of callers with one
// step gets true, and no one whose app was removed meanwhile.
//
// The first time that a unit of work runs, the write travels with what comes next, and the
// unit runs again where it was too late.
func (d *device) spend(ctx context.Context, tx *db.Tx) (first bool, err error) {
	args := []any{d.finding.step, d.finding.by, tx.Tenant, d.id}
	if tx.Attempt == 1 {
		return true, tx.ExecExpect(ctx, 1, moving, args...)
	}
	n, err := tx.Exec(ctx, moving, args...)
	if err != nil {
		return false, fmt.Errorf("spend totp step: %w", err)
	}
	return n > 0, nil
}

const moving = `
	UPDATE totp_secrets SET last_step = $1, drift = $2
	WHERE tenant_id = $3 AND authenticator_id = $4 AND last_step < $1`
