package totp

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"

	"countersign/internal/authenticator"
	"countersign/internal/db"
)

// canonical is what every check of a code begins with.
func canonical(typed string) (string, bool) { return authenticator.Canonical(typed, digits) }

// draft is what an app's set-up remembers.
type draft struct {
	Secret          []byte
	Issuer, Account string // what the app will show
}

func draftOf(s authenticator.State) (d draft, err error) {
	if err = json.Unmarshal(s, &d); err == nil && len(d.Secret) != secretBytes {
		err = fmt.Errorf("a secret of %d bytes", len(d.Secret))
	}
	if err != nil {
		return draft{}, fmt.Errorf("read totp draft: %w", err)
	}
	return d, nil
}

// Propose makes a secret. Nothing of it is the person's choice, so that no wish can be a
// weak or a known one.
func (v Verifier) Propose(_ context.Context, _ *db.Tx, who authenticator.Subject, _ authenticator.PendingEnrollment,
	_ string) (authenticator.State, error) {
	d := draft{Secret: make([]byte, secretBytes)}
	d.Issuer, d.Account = names(who)
	_, _ = rand.Read(d.Secret)
	return json.Marshal(d)
}

// Confirm stores the secret when a code of it was typed, and that code's step as used. Here
// a code may be as far away as a clock may be off: anyone who sees this page has just been
// shown the secret, so that a guess gains nothing, and how far away the first code was is
// what the device's clock is off.
func (v Verifier) Confirm(ctx context.Context, tx *db.Tx, who authenticator.Subject, d authenticator.PendingEnrollment,
	r authenticator.Response) (authenticator.Verdict, error) {
	made, err := draftOf(d.State)
	if err != nil {
		return authenticator.Verdict{}, err
	}
	code, ok := canonical(r.Code)
	if !ok {
		return authenticator.Verdict{Reason: wrongCode}, nil
	}
	now := stepAt(tx.Now)
	step, ok := nearestStep(matchingSteps(made.Secret, code, now), now)
	if !ok {
		return authenticator.Verdict{Reason: wrongCode}, nil
	}
	f := finding{accepted, step, step - now}
	n, err := tx.Exec(ctx, `
		INSERT INTO totp_secrets (tenant_id, authenticator_id, user_id, sealed, last_step, drift)
			VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (tenant_id, authenticator_id) DO NOTHING`,
		tx.Tenant, d.ID, who.UserID, v.Keys.Seal(made.Secret, place(tx.Tenant, d.ID)...), f.step, f.by)
	if err != nil {
		return authenticator.Verdict{}, fmt.Errorf("store totp secret: %w", err)
	}
	if n == 0 {
		return authenticator.Verdict{Reason: alreadyUsed}, nil
	}
	return (&device{id: d.ID, finding: f}).right(tx.Now), nil
}

// nearestStep is the step that needs the smallest error of a clock.
func nearestStep(steps []int64, now int64) (best int64, ok bool) {
	for _, s := range steps {
		if !ok || max(s-now, now-s) < max(best-now, now-best) {
			best, ok = s, true
		}
	}
	return best, ok
}
