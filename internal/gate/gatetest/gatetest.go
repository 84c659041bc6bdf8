// Package gatetest signs people in, for tests of what they administer.
package gatetest

import (
	"context"
	"testing"

	"countersign/internal/access"
	"countersign/internal/authenticator"
	"countersign/internal/client"
	"countersign/internal/config"
	"countersign/internal/db"
	"countersign/internal/gate"
	"countersign/internal/policy"
	"countersign/internal/session"
	"countersign/internal/user"
)

// New is a gate as a server has it.
func New(d *db.DB, bindable ...authenticator.Kind) *gate.Gate {
	return &gate.Gate{
		DB:       d,
		Limits:   config.Default().Limits,
		Bindable: bindable,
		Seen:     gate.NewSeen(),
	}
}

// SignIn is a person as an actor, in a session that they have opened this moment with their password and the kinds
// given. Without any, they have shown a code by email.
func SignIn(t testing.TB, d *db.DB, tenantID, userID string, kinds ...authenticator.Kind) access.Actor {
	t.Helper()
	if len(kinds) == 0 {
		kinds = []authenticator.Kind{authenticator.Email}
	}
	proofs := []authenticator.Proof{{Kind: authenticator.Password}}
	for _, k := range kinds {
		proofs = append(proofs, authenticator.Proof{Kind: k})
	}
	a := access.Actor{Kind: access.Person, TenantID: tenantID, UserID: userID}
	err := d.InTx(t.Context(), tenantID, func(tx *db.Tx) (err error) {
		a.SessionID, err = issue(t.Context(), tx, userID, proofs)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func issue(ctx context.Context, tx *db.Tx, userID string, proofs []authenticator.Proof) (string, error) {
	u, err := user.ByID(ctx, tx, userID)
	if err != nil {
		return "", err
	}
	limits := config.Default().Limits
	s, _, err := session.Issue(ctx, tx, session.Session{
		UserID:          userID,
		ClientID:        client.PortalID,
		ACR:             string(policy.Reached(proofs)),
		AMR:             policy.AMR(proofs),
		SecurityVersion: u.SecurityVersion,
		AuthenticatedAt: tx.Now,
		Idle:            limits.SessionIdle,
		ExpiresAt:       tx.Now.Add(limits.SessionLife),
	})
	return s.ID, err
}
