package keyring

import (
	"testing"
	"time"

	"countersign/internal/db"
	"countersign/internal/db/dbtest"
	"countersign/internal/secret"
)

// TestREL016: a message that leaves between the look and the write stays erased.
func TestREL016_SealingAnewDoesNotBringBackWhatWasErased(t *testing.T) {
	dbtest.Each(t, time.Now, func(t *testing.T, d *db.DB) {
		m := Masters{DB: d, Keys: secret.NewKeys(time.Now())}
		p, seen := sealedAt{"messages", "sealed", []string{"tenant_id", "id"}}, []row{}
		run := func(fn func(tx *db.Tx) error) {
			if err := d.InTx(t.Context(), db.Installation, fn); err != nil {
				t.Fatal(err)
			}
		}
		run(func(tx *db.Tx) (err error) {
			_, err = tx.Exec(t.Context(), `INSERT INTO messages (tenant_id, id, user_id, channel, purpose, hint,
				sealed, state, host, attempts, queued_at, state_at, next_try_at, expires_at)
				VALUES ('t', 'm', '', '', '', '', $1, 'queued', '', 0, 0, 0, 0,
					0)`, m.Keys.Seal([]byte("x"), "messages", "sealed", "t", "m"))
			return err
		})
		run(func(tx *db.Tx) (err error) {
			seen, err = p.read(t.Context(), tx, "another.", []string{"", ""})
			return err
		})
		run(func(tx *db.Tx) (err error) {
			_, err = tx.Exec(t.Context(), `UPDATE messages SET sealed = NULL WHERE tenant_id = 't'`)
			return err
		})
		n, bad, err := m.resealRows(t.Context(), p, seen)
		if len(seen) != 1 || n != 0 || bad != nil || err != nil {
			t.Errorf("%d rows seen, %d sealed anew: %v %v", len(seen), n, bad, err)
		}
	})
}
