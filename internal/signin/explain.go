package signin

import (
	"context"

	"countersign/internal/authenticator"
	"countersign/internal/db"
	"countersign/internal/policy"
	"countersign/internal/policy/facts"
	"countersign/internal/user"
)

// Explain decides for a user and a client as if the password had just been right, for
// people who ask why.
func (s *Service) Explain(ctx context.Context, u user.User, clientID string) (d policy.Decision, err error) {
	err = s.DB.View(ctx, u.TenantID, func(tx *db.Tx) error {
		w, err := facts.Load(ctx, tx, u.ID, clientID, s.Limits.RememberDays)
		if err != nil {
			return err
		}
		d = policy.Evaluate(w.Input(tx.Now, s.Gate.Bindable, nil,
			[]authenticator.Proof{{Kind: authenticator.Password, At: tx.Now}}))
		return nil
	})
	return d, err
}
