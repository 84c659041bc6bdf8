package company_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"countersign/internal/access"
	"countersign/internal/company"
	"countersign/internal/db"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// proved gives an administrator of acme an activation for which the right code came.
func (r *rig) proved(a access.Actor) (id string) {
	r.t.Helper()
	r.in("acme", func(ctx context.Context, tx *db.Tx) error {
		u, err := user.ByID(ctx, tx, a.UserID)
		if err != nil {
			return err
		}
		id = tx.NewID()
		err = tenant.BeginActivation(ctx, tx, tenant.Activation{
			ID:              id,
			UserID:          u.ID,
			SecurityVersion: u.SecurityVersion,
			Email:           u.Email,
			BegunAt:         tx.Now,
			Sends:           1,
			Reference:       "AAAA",
			CodeMAC:         []byte("x"),
			TriesLeft:       5,
			SentAt:          tx.Now,
			EndsAt:          tx.Now.Add(time.Minute),
		})
		return errors.Join(err, tenant.ProveActivation(ctx, tx, id))
	})
	return id
}

// TestTwoActivationsAtOnce: of two administrators who switch on at the same moment one does, and the other is told
// that it is on. guard: held
func TestTwoActivationsAtOnce(t *testing.T) {
	each(t, func(r *rig) {
		owner, admin := r.person("acme", user.Owner), r.person("acme", user.Admin)
		for round := range 20 {
			r.in("acme", tenant.SwitchOff)
			ids := []string{r.proved(owner), r.proved(admin)}
			froms := []time.Time{{}, r.at.Add(80 * 24 * time.Hour)}
			errs := make([]error, 2)
			var both sync.WaitGroup
			for i, a := range []access.Actor{owner, admin} {
				both.Go(func() {
					errs[i] = r.Activate(t.Context(), a, ids[i], company.Choices{Methods: "email", From: froms[i]})
				})
			}
			both.Wait()
			first := 0
			if errs[0] != nil {
				first = 1
			}
			if errs[first] != nil || !errors.Is(errs[1-first], company.ErrAlreadyOn) {
				r.t.Fatalf("round %d: %v", round, errs)
			}
			found, err := r.Find(t.Context(), owner, "acme")
			if err != nil || found.SwitchedOnAt.After(r.at) != (first == 1) {
				r.t.Fatalf("round %d: on from %s, %v", round, found.SwitchedOnAt, err)
			}
		}
	})
}

// TestSEC74_WhatWasRaisedMeanwhileIsTold: a change that lowers what another has raised at the same moment is told of.
// Where the company is as loose as before, the owner came first and the admin took it back.
// guard: held
func TestSEC74_WhatWasRaisedMeanwhileIsTold(t *testing.T) {
	each(t, func(r *rig) {
		owner, admin := r.person("acme", user.Owner), r.person("acme", user.Admin)
		strict, loose := ptr(tenant.Methods("totp")), ptr(tenant.Methods("email totp"))
		for round := range 40 {
			if err := r.change(access.Server, company.Changes{Methods: loose}); err != nil {
				r.t.Fatal(err)
			}
			r.told()
			done := make(chan error, 2)
			go func() { done <- r.change(owner, company.Changes{Methods: strict}) }()
			time.Sleep(300 * time.Microsecond)
			go func() { done <- r.change(admin, company.Changes{Methods: loose}) }()
			if err := errors.Join(<-done, <-done); err != nil {
				r.t.Fatal(err)
			}
			found, err := r.Find(t.Context(), access.Server, "acme")
			if err != nil {
				r.t.Fatal(err)
			}
			if told := r.told(); found.Methods == *loose && len(told) == 0 {
				r.t.Fatalf("round %d: lowered, and no one told", round)
			}
		}
	})
}
