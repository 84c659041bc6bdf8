package signin

import (
	"context"
	"fmt"
	"time"

	"countersign/internal/db"
	"countersign/internal/flow"
)

// keepSessions is longer: what apps hold of a session may outlive it by the life of a line
// of refresh tokens, and refers to it.
const keepSessions = 40 * 24 * time.Hour

// sweepBatch keeps a sweep from holding the write lock for long.
const sweepBatch = 500

// Sweep deletes what no one will ask for any more, of every tenant, a few hundred rows at a
// time: flows with their challenges, sessions and remembered browsers, changes of addresses, links for passwords.
func (s *Service) Sweep(ctx context.Context) error {
	for _, old := range []struct {
		text string
		keep time.Duration
	}{
		{`DELETE FROM flows WHERE (tenant_id, id) IN (SELECT f.tenant_id, f.id FROM flows f
			WHERE f.expires_at < $1 LIMIT $2)`, flow.Kept},
		{`DELETE FROM spent_challenges WHERE hash IN (SELECT c.hash FROM spent_challenges c
			WHERE c.expires_at < $1 LIMIT $2)`, time.Hour},
		{`DELETE FROM admissions WHERE (tenant_id, id) IN (SELECT a.tenant_id, a.id FROM admissions a
			WHERE a.expires_at < $1 LIMIT $2)`, 24 * time.Hour},
		{`DELETE FROM drafts WHERE (tenant_id, id) IN (SELECT d.tenant_id, d.id FROM drafts d
			WHERE d.ends_at < $1 LIMIT $2)`, 24 * time.Hour},
		{`DELETE FROM email_changes WHERE (tenant_id, id) IN (SELECT e.tenant_id, e.id FROM email_changes e
			WHERE e.ends_at < $1 LIMIT $2)`, flow.Kept},
		{`DELETE FROM password_links WHERE (tenant_id, id) IN (SELECT l.tenant_id, l.id FROM password_links l
			WHERE l.expires_at < $1 LIMIT $2)`, flow.Kept},
		{`DELETE FROM directory WHERE email_key IN (SELECT d.email_key FROM directory d
			WHERE d.held_until > 0 AND d.held_until < $1 LIMIT $2)
			AND held_until > 0 AND held_until < $1`, 0}, // once more: somebody may be taking it meanwhile
		{`DELETE FROM remembered_browsers WHERE (tenant_id, id) IN (SELECT r.tenant_id, r.id
			FROM remembered_browsers r WHERE r.expires_at < $1 LIMIT $2)`, flow.Kept},
		{`DELETE FROM sessions WHERE (tenant_id, id) IN (SELECT s.tenant_id, s.id FROM sessions s WHERE s.expires_at < $1
			AND NOT EXISTS (SELECT 1 FROM refresh_families f WHERE f.tenant_id = s.tenant_id AND f.session_id = s.id)
			AND NOT EXISTS (SELECT 1 FROM authorization_codes c
				WHERE c.tenant_id = s.tenant_id AND c.session_id = s.id) LIMIT $2)`, keepSessions},
	} {
		if err := s.sweep(ctx, old.text, old.keep); err != nil {
			return fmt.Errorf("sweep: %w", err)
		}
	}
	return nil
}

func (s *Service) sweep(ctx context.Context, text string, keep time.Duration) error {
	for n := int64(sweepBatch); n == sweepBatch; {
		err := s.DB.InTx(ctx, db.Installation, func(tx *db.Tx) (err error) {
			n, err = tx.Exec(ctx, text, tx.Now.Add(-keep), sweepBatch)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
