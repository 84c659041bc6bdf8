package outofband_test

import (
	"context"
	"encoding/json"
	"testing"

	"countersign/internal/authenticator"
	"countersign/internal/authenticator/authenticatortest"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/db"
	"countersign/internal/jobs"
	"countersign/internal/message"
	"countersign/internal/message/email"
	"countersign/internal/secret"
)

func TestEmailSuite(t *testing.T) {
	authenticatortest.Run(t, authenticatortest.Kind{Kind: authenticator.Email,
		New: func(_ *testing.T, d *db.DB) authenticatortest.Rig {
			keys := secret.NewKeys(d.Now())
			v := outofband.Verifier{Channel: authenticator.Email, Keys: keys, Digits: 6, Origin: "https://sign-in.test",
				Queue: &message.Queue{Jobs: &jobs.Queue{}, Keys: keys}}
			return authenticatortest.Rig{Verifier: v,
				Bind: func(t *testing.T, d *db.DB, who authenticator.Subject, tenant string) authenticatortest.Device {
					var a authenticator.Authenticator
					err := d.InTx(t.Context(), tenant, func(tx *db.Tx) (err error) {
						a, err = outofband.Bind(t.Context(), tx, who.UserID, authenticator.Email, who.Email)
						return err
					})
					if err != nil {
						t.Fatal(err)
					}
					return authenticatortest.Device{ID: a.ID, Spellings: mailSpellings,
						Answer: func(t *testing.T, c authenticatortest.Challenge) authenticator.Response {
							return authenticator.Response{Code: mailed(t, d, keys, c).Code}
						}}
				}}
		}})
}

func mailSpellings(r authenticator.Response) (out []authenticator.Response) {
	c := r.Code
	for _, s := range []string{c[:3] + " " + c[3:], c[:3] + "-" + c[3:], " " + c, c + "\n", "\t" + c + "\r\n"} {
		out = append(out, authenticator.Response{Code: s})
	}
	return out
}

// mailed is the mail of a challenge, by the reference that stands in both.
func mailed(t *testing.T, d *db.DB, keys *secret.Keys, c authenticatortest.Challenge) (found email.SignInCode) {
	t.Helper()
	err := d.View(t.Context(), c.Tenant, func(tx *db.Tx) error { return search(t.Context(), tx, keys, c, &found) })
	if err != nil || found.Code == "" {
		t.Fatalf("no mail: %v", err)
	}
	return found
}

func search(ctx context.Context, tx *db.Tx, keys *secret.Keys, c authenticatortest.Challenge,
	found *email.SignInCode) error {
	rows, err := tx.Query(ctx, `SELECT id, sealed FROM messages
		WHERE tenant_id = $1 AND user_id = $2`, tx.Tenant, c.A.UserID)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		var sealed []byte
		if err := rows.Scan(&id, &sealed); err != nil {
			return err
		}
		plain, err := keys.Open(sealed, "messages", "sealed", tx.Tenant, id)
		if err != nil {
			return err
		}
		var m struct{ Data email.SignInCode }
		if err := json.Unmarshal(plain, &m); err != nil {
			return err
		}
		if m.Data.Reference == c.Reference {
			*found = m.Data
		}
	}
	return rows.Err()
}
