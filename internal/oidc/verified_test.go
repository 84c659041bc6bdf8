package oidc

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/db"
	"countersign/internal/session"
	"countersign/internal/user"
)

// TestSEC006_AnAddressIsVerifiedByAMailAlone: a browser that is remembered after another second
// step has reached no mailbox, such as one that was set by hand and misspelt. guard: onlyByMail.
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
		{"an app, and to be remembered", []authenticator.Kind{authenticator.TOTP},
			[]string{"pwd", "otp", "mfa"}, "r", false},
		{"remembered after a backup code", []authenticator.Kind{authenticator.Backup}, []string{"pwd"}, "r", false},
		{"a mail, by someone who has an app", []authenticator.Kind{authenticator.TOTP},
			[]string{"pwd", "email"}, "", true},
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
				_, ref, err := session.Issue(t.Context(), tx,
					session.Session{UserID: h.ada.ID, ClientID: "dash", ACR: levels[0], AMR: row.amr,
						RememberedID:    row.remember,
						SecurityVersion: h.ada.SecurityVersion, AuthenticatedAt: tx.Now,
						ExpiresAt: tx.Now.Add(24 * time.Hour)})
				cookie = ref.Text().Reveal()
				return err
			})
			if is, said := payload(t, h.tokens(cookie).ID)["email_verified"].(bool); !said || is != row.verified {
				t.Errorf("verified: %t", is)
			}
		})
	}
}

// TestEmailVerifiedIsAFactAboutTheAddress: once proved, it stays so whatever the next sign-in
// is made with, until the address is another one; and false is said as such.
func TestEmailVerifiedIsAFactAboutTheAddress(t *testing.T) {
	each(t, func(h *house) {
		says := func(what, cookie string, want bool) {
			h.Helper()
			a := h.tokens(cookie)
			var info map[string]any
			h.must(json.Unmarshal(h.userinfoWith(a.Access).Body.Bytes(), &info))
			for where, claims := range map[string]map[string]any{"ID token": payload(h.T, a.ID),
				"renewed": payload(h.T, h.refreshing(a.Refresh).ID), "userinfo": info} {
				if got, said := claims["email_verified"].(bool); !said || got != want {
					h.Errorf("%s, %s: %v", what, where, claims["email_verified"])
				}
			}
		}
		password := func() string { return h.signIn(h.ada, levels[0], "pwd") }
		says("never proved", password(), false)
		h.forward(time.Minute)
		says("by mail", h.byMail(), true)
		says("by password later", password(), true)
		says("by an app", h.signIn(h.ada, levels[2], "pwd", "otp", "mfa"), true)
		h.forward(time.Minute)
		move := func(to string, follow func(context.Context, *db.Tx, string, string) error) {
			h.in(h.tenant, func(tx *db.Tx) error {
				if _, err := user.ChangeEmail(h.Context(), tx, h.ada.ID, to); err != nil {
					return err
				}
				h.ada.SecurityVersion++
				return follow(h.Context(), tx, h.ada.ID, to)
			})
		}
		move("new@harbor.test", outofband.Follow)
		says("set by hand", password(), false)
		h.forward(time.Minute)
		move("newer@harbor.test", outofband.FollowProved)
		says("moved by the person, who typed the code", password(), true)
	})
}
