package oidc

import (
	"testing"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/db"
	"countersign/internal/session"
)

// TestSEC006_AnAddressIsVerifiedByAMailAlone: a browser that is remembered after another second
// step has reached no mailbox, such as one that was set by hand and misspelt. guard: onlyMail.
func TestSEC006_AnAddressIsVerifiedByAMailAlone(t *testing.T) {
	for _, row := range []struct {
		name     string
		has      []authenticator.Kind
		amr      []string
		remember string
		verified bool
	}{
		{"a mail", nil, []string{"pwd", "email"}, "", true},
		{"remembered after a mail", nil, []string{"pwd"}, "r", true},
		{"remembered after an app", []authenticator.Kind{authenticator.TOTP}, []string{"pwd"}, "r", false},
		{"an app, and to be remembered", []authenticator.Kind{authenticator.TOTP}, []string{"pwd", "otp", "mfa"}, "r", false},
		{"remembered after a backup code", []authenticator.Kind{authenticator.Backup}, []string{"pwd"}, "r", false},
		{"a mail, by somebody who has an app", []authenticator.Kind{authenticator.TOTP}, []string{"pwd", "email"}, "", true},
	} {
		t.Run(row.name, func(t *testing.T) {
			h := one(t)
			var cookie string
			h.in(h.tenant, func(tx *db.Tx) error {
				for _, k := range row.has {
					if _, err := authenticator.Bind(t.Context(), tx, h.ada.ID, k, "x"); err != nil {
						return err
					}
				}
				_, ref, err := session.Issue(t.Context(), tx, session.Session{UserID: h.ada.ID, ClientID: "dash", ACR: levels[0], AMR: row.amr, RememberedID: row.remember,
					SecurityVersion: h.ada.SecurityVersion, AuthenticatedAt: tx.Now, ExpiresAt: tx.Now.Add(24 * time.Hour)})
				cookie = ref.Text().Reveal()
				return err
			})
			if _, is := payload(t, h.tokens(cookie).ID)["email_verified"]; is != row.verified {
				t.Errorf("verified: %t", is)
			}
		})
	}
}
