package firststep

import (
	"context"
	"fmt"

	"countersign/internal/authenticator/password"
	"countersign/internal/db"
	"countersign/internal/policy/facts"
	"countersign/internal/user"
)

// account is what is known before a password is compared.
type account struct {
	known   bool
	rules   user.DomainRules // of the address's domain, the same where no one has the address
	stored  password.Stored
	facts   facts.Facts
	browser Browser
	tries   tries
}

func (s *Service) lookUp(ctx context.Context, a Attempt) (acc account, err error) {
	key, _ := user.EmailKey(a.Email) // an impossible address is looked up as one that no one has
	err = s.DB.View(ctx, db.Installation, func(tx *db.Tx) error {
		cookies, err := s.readCookies(ctx, tx, a)
		if err != nil {
			return err
		}
		if err := acc.read(ctx, tx, key, a.ClientID, s.Limits.RememberDays); err != nil {
			return err
		}
		if acc.known {
			acc.browser = s.browserOf(a.Devices, cookies, acc.facts)
		}
		return s.readTries(ctx, tx, a, &acc)
	})
	return acc, err
}

// read finds the account of an address and reads it. The directory tells the company and the rules of the domain, and
// what the company has is read by a statement of its own, which also runs where there is no account: both answers take
// the same time.
func (acc *account) read(ctx context.Context, tx *db.Tx, key, clientID string, rememberDays int) error {
	listed, err := user.LookUp(ctx, tx, key)
	if err != nil {
		return err
	}
	acc.rules = listed.Rules
	r := facts.Into(&acc.facts)
	err = tx.QueryRow(ctx, `
		SELECT COALESCE(p.hash, ''), COALESCE(p.pepper, ''),`+facts.Columns+`
		FROM users u
		JOIN tenants t ON t.tenant_id = u.tenant_id
		JOIN installation i ON i.id = 'installation'
		LEFT JOIN passwords p ON p.tenant_id = u.tenant_id AND p.user_id = u.id
		LEFT JOIN clients c ON c.id = $1
		WHERE u.tenant_id = $2 AND u.id = $3 AND u.email_key = $4`, clientID, listed.TenantID, listed.UserID, key).
		Scan(append([]any{&acc.stored.Hash, &acc.stored.Pepper}, r.Targets()...)...)
	if db.IsNoRows(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read account: %w", err)
	}
	r.Decode(clientID, rememberDays)
	acc.known = true
	return nil
}

// queueKey is where a comparison waits for its turn. Only a browser that the account knows
// tells its company: any other place would tell an account that exists from one that does not.
func (acc account) queueKey(a Attempt) password.QueueKey {
	if acc.browser.tries != "" {
		return password.QueueKey{Group: acc.facts.Tenant.ID, Key: acc.facts.User.ID}
	}
	return password.QueueKey{Key: a.Visitor.Network()}
}
