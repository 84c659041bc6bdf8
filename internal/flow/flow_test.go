package flow_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/db"
	"countersign/internal/db/dbtest"
	"countersign/internal/flow"
	"countersign/internal/session"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

var now = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// rig is one company with two people.
type rig struct {
	t            *testing.T
	d            *db.DB
	maria, other string
}

func each(t *testing.T, fn func(t *testing.T, r *rig)) {
	t.Helper()
	dbtest.Each(t, func() time.Time { return now }, func(t *testing.T, d *db.DB) {
		r := &rig{t: t, d: d}
		r.in(db.Installation, func(ctx context.Context, tx *db.Tx) error {
			_, err := tenant.Create(ctx, tx, "acme", "Acme", tenant.Company)
			return err
		})
		r.in("acme", func(ctx context.Context, tx *db.Tx) error {
			maria, err := user.Create(ctx, tx, "maria@acme.test", "Maria", user.Agent, "en")
			if err != nil {
				return err
			}
			other, err := user.Create(ctx, tx, "other@acme.test", "Other", user.Agent, "en")
			r.maria, r.other = maria.ID, other.ID
			return err
		})
		fn(t, r)
	})
}

func (r *rig) in(tenantID string, fn func(context.Context, *db.Tx) error) {
	r.t.Helper()
	if err := r.d.InTx(r.t.Context(), tenantID, func(tx *db.Tx) error { return fn(r.t.Context(), tx) }); err != nil {
		r.t.Fatal(err)
	}
}

// store begins a flow of someone.
func (r *rig) store(f flow.Flow) flow.Flow {
	r.t.Helper()
	r.in("acme", func(ctx context.Context, tx *db.Tx) error {
		f.ID, f.TokenHash, f.StartedAt, f.ExpiresAt = tx.NewID(), []byte("hash"), tx.Now, tx.Now.Add(time.Hour)
		return flow.Store(ctx, tx, f)
	})
	return f
}

func (r *rig) read(id string) (f flow.Flow) {
	r.t.Helper()
	r.in("acme", func(ctx context.Context, tx *db.Tx) (err error) {
		f, err = flow.ByID(ctx, tx, id)
		return err
	})
	return f
}

// first runs a guarded write.
func (r *rig) first(fn func(context.Context, *db.Tx) (bool, error)) (first bool) {
	r.t.Helper()
	r.in("acme", func(ctx context.Context, tx *db.Tx) (err error) {
		first, err = fn(ctx, tx)
		return err
	})
	return first
}

func TestAFlowIsReadAsItWasStored(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		want := r.store(flow.Flow{
			UserID:          r.maria,
			ClientID:        "dashboard",
			ContinueTo:      "sealed",
			WantACR:         []string{"phr", "urn:countersign:acr:2"},
			SecurityVersion: 3,
			Proofs: []authenticator.Proof{{Kind: authenticator.Password, At: now},
				{Kind: "totp", AuthenticatorID: "a", At: now}},
			ChallengeID:  "challenge",
			MessageCount: 2,
			Visitor:      session.Visitor{IP: "203.0.113.9", Place: "Lisbon", Browser: "Firefox"},
			KnownBy:      "device/x", Unusual: []string{"new_country", "many_failures"},
		})
		want.TokenHash = nil
		if got := r.read(want.ID); !reflect.DeepEqual(got, want) {
			t.Errorf("read %+v, want %+v", got, want)
		}
		err := r.d.View(t.Context(), "acme", func(tx *db.Tx) error {
			_, err := flow.ByID(t.Context(), tx, "unknown")
			return err
		})
		if !errors.Is(err, flow.ErrNotFound) {
			t.Errorf("an unknown flow: %v", err)
		}
	})
}

func TestAFlowEndsOnce(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		f := r.store(flow.Flow{UserID: r.maria})
		closing := func(ctx context.Context, tx *db.Tx) (bool, error) { return flow.Close(ctx, tx, f.ID, flow.NotMe) }
		locking := func(ctx context.Context, tx *db.Tx) (bool, error) { return flow.Lock(ctx, tx, f.ID) }
		if !r.first(locking) || !r.first(closing) || r.first(closing) || r.first(locking) {
			t.Error("a flow is open until it is closed, once")
		}
		if got := r.read(f.ID); got.ClosedBecause != flow.NotMe || !got.ClosedAt.Equal(now) {
			t.Errorf("closed %v because %q", got.ClosedAt, got.ClosedBecause)
		}
	})
}

func TestAllFlowsOfOnePersonEnd(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		one, two := r.store(flow.Flow{UserID: r.maria}), r.store(flow.Flow{UserID: r.maria, SteppingUp: "s"})
		other := r.store(flow.Flow{UserID: r.other, SteppingUp: "s"})
		r.in("acme", func(ctx context.Context, tx *db.Tx) error {
			return flow.CloseStepUps(ctx, tx, r.maria, "s", flow.Changed)
		})
		if r.read(one.ID).ClosedBecause != "" || r.read(two.ID).ClosedBecause != flow.Changed {
			t.Error("the step-ups of a session end, and nothing else")
		}
		r.in("acme", func(ctx context.Context,
			tx *db.Tx) error {
			return flow.CloseAll(ctx, tx, r.maria, flow.Restart)
		})
		if r.read(one.ID).ClosedBecause != flow.Restart || r.read(two.ID).ClosedBecause != flow.Changed {
			t.Error("what was open ends, and what had ended stays as it was")
		}
		if r.read(other.ID).ClosedBecause != "" {
			t.Error("someone else's flow ended")
		}
	})
}

func TestAFlowIsDisownedOnceAndInTime(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		f := r.store(flow.Flow{UserID: r.maria})
		since := func(at time.Time) func(context.Context, *db.Tx) (bool, error) {
			return func(ctx context.Context, tx *db.Tx) (bool, error) { return flow.Disown(ctx, tx, f.ID, at) }
		}
		if r.first(since(now)) {
			t.Error("too late, and believed")
		}
		if !r.first(since(now.Add(-time.Hour))) || r.first(since(now.Add(-time.Hour))) {
			t.Error("a report is believed once")
		}
	})
}

func TestTheChainHasTheStepUpsOfASignIn(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		began, unrelated := r.store(flow.Flow{UserID: r.maria}), r.store(flow.Flow{UserID: r.maria})
		first := r.session(began.ID, "")
		stepUp := r.store(flow.Flow{UserID: r.maria, SteppingUp: first})
		r.session(stepUp.ID, first)
		var got []string
		r.in("acme", func(ctx context.Context, tx *db.Tx) (err error) {
			got, err = flow.Chain(ctx, tx, began.ID)
			return err
		})
		slices.Sort(got)
		want := []string{began.ID, stepUp.ID}
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("the chain is %v, want %v (and not %s)", got, want, unrelated.ID)
		}
	})
}

func (r *rig) session(flowID, continues string) (id string) {
	r.t.Helper()
	r.in("acme", func(ctx context.Context, tx *db.Tx) error {
		s, _, err := session.Issue(ctx, tx, session.Session{
			UserID:          r.maria,
			FlowID:          flowID,
			Continues:       continues,
			AMR:             []string{"pwd"},
			AuthenticatedAt: tx.Now,
			ExpiresAt:       tx.Now.Add(time.Hour),
		})
		id = s.ID
		return err
	})
	return id
}

func TestUnreadableProofsAreAnError(t *testing.T) {
	for _, text := range []string{"pwd", "pwd::x", "pwd:a:1:2"} {
		if got, err := flow.ParseProofs(text); err == nil {
			t.Errorf("%q is read as %v", text, got)
		}
	}
}
