package receiver_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/message"
)

// begin issues a challenge about one receiver and returns what is remembered of it.
func (r *rig) begin(who authenticator.Subject, a authenticator.Authenticator) (s authenticator.ChallengeContext,
	o authenticator.IssuedChallenge) {
	r.t.Helper()
	r.in("one", func(ctx context.Context, tx *db.Tx) (err error) {
		s = authenticator.ChallengeContext{ChallengeID: tx.NewID(), FlowID: "f", Purpose: "signin.second_factor",
			Reference: "K7-MZ", Language: "en", IssuedAt: tx.Now, ExpiresAt: tx.Now.Add(time.Minute)}
		o, err = r.Begin(ctx, tx, a, s)
		return err
	})
	return s, o
}

func (r *rig) best(id string) (s message.Status) {
	r.t.Helper()
	r.in("one", func(ctx context.Context, tx *db.Tx) (err error) {
		s, err = message.Best(ctx, tx, id)
		return err
	})
	return s
}

// TestPAR6_OneCodeGoesToEveryReceiver: each push is for its own browser, all carry the same
// code, and what the page tells is the best that became of any.
func TestPAR6_OneCodeGoesToEveryReceiver(t *testing.T) {
	each(t, func(t *testing.T, r *rig, who authenticator.Subject) {
		first, one, _ := r.bind(t, who, "one")
		second, _, _ := r.bind(t, who, "one")
		third, three, _ := r.bind(t, who, "one")
		// the one that will be gone is the oldest, whose message is the original
		r.in("one", func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE authenticators SET bound_at = bound_at - 1
				WHERE tenant_id = $1 AND id = $2`, tx.Tenant, one.ID)
			return errors.Join(err, authenticator.Failed(ctx, tx, authenticator.Authenticator{ID: three.ID}, 1))
		})
		a := authenticator.Authenticator{ID: one.ID, UserID: who.UserID, Kind: authenticator.Push}
		s, o := r.begin(who, a)
		if st := r.best(o.MessageID); st.State != message.Queued {
			t.Errorf("before it has left it is %s", st.State)
		}
		first.Leave()
		r.deliver("one")
		if st := r.best(o.MessageID); st.State != message.Accepted || st.Host == "" {
			t.Errorf("one was taken and one not: %+v", st)
		}
		if n, m, k := len(first.Got()), len(second.Got()), len(third.Got()); n != 1 || m != 2 || k != 1 {
			t.Errorf("%d, %d and %d pushes", n, m, k) // the first of each was its own set-up
		}
		got := r.newest(second)
		r.in("one", func(ctx context.Context, tx *db.Tx) error {
			v, err := r.Verify(ctx, tx, a, s, o.State, authenticator.Response{Code: got.Code})
			if !v.OK {
				t.Error("the code of the second receiver is wrong")
			}
			return err
		})
		if err := r.courier.Shown(t.Context(), got.Ack); err != nil {
			t.Error(err)
		}
		if st := r.best(o.MessageID); st.State != message.Delivered || st.Host == "" {
			t.Errorf("after it was shown: %+v", st)
		}
	})
}

// TestPAR6_ADeadCodeLeavesForNoReceiver: none of several messages goes out once it is withdrawn.
func TestPAR6_ADeadCodeLeavesForNoReceiver(t *testing.T) {
	each(t, func(t *testing.T, r *rig, who authenticator.Subject) {
		first, one, _ := r.bind(t, who, "one")
		second, _, _ := r.bind(t, who, "one")
		_, o := r.begin(who, authenticator.Authenticator{ID: one.ID, UserID: who.UserID, Kind: authenticator.Push})
		r.in("one", func(ctx context.Context, tx *db.Tx) error { return message.WithdrawAll(ctx, tx, o.MessageID) })
		r.deliver("one")
		if n, m := len(first.Got()), len(second.Got()); n != 1 || m != 1 {
			t.Errorf("%d and %d pushes", n, m)
		}
		if st := r.best(o.MessageID); st.State != message.Failed {
			t.Errorf("it is %s", st.State)
		}
	})
}

// TestREL13_AForgedShowingIsNotBelieved: only what a push itself carried says that it was shown.
func TestREL13_AForgedShowingIsNotBelieved(t *testing.T) {
	each(t, func(t *testing.T, r *rig, who authenticator.Subject) {
		b, one, _ := r.bind(t, who, "one")
		_, o := r.begin(who, authenticator.Authenticator{ID: one.ID, UserID: who.UserID, Kind: authenticator.Push})
		r.deliver("one")
		ack := r.newest(b).Ack
		last := ack[:len(ack)-1] + map[bool]string{true: "1", false: "0"}[ack[len(ack)-1] == '0']
		for _, forged := range []string{"", "x", o.MessageID, last} {
			if err := r.courier.Shown(t.Context(), forged); !errors.Is(err, message.ErrNotOurs) {
				t.Errorf("%q: %v", forged, err)
			}
		}
		r.in("one", func(ctx context.Context, tx *db.Tx) error { // what another channel's message carries
			_, err := tx.Exec(ctx, `UPDATE messages SET channel = 'email'
				WHERE tenant_id = $1 AND id = $2`, tx.Tenant, o.MessageID)
			return err
		})
		if err := r.courier.Shown(t.Context(), ack); !errors.Is(err, message.ErrNotOurs) {
			t.Errorf("a mail was shown: %v", err)
		}
		if st := r.best(o.MessageID); st.State != message.Accepted {
			t.Errorf("it is %s", st.State)
		}
	})
}

func TestPAR6_ReceiversAreLimited(t *testing.T) {
	each(t, func(t *testing.T, r *rig, who authenticator.Subject) {
		var last authenticator.PendingEnrollment
		for range 10 {
			_, last, _ = r.bind(t, who, "one")
		}
		if _, err := r.propose(who, r.service.Subscribe().JSON()); !fault.Is(err, fault.Conflict) {
			t.Errorf("an eleventh: %v", err)
		}
		if err := r.Gone(t.Context(), r.d, "one", last.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := r.propose(who, r.service.Subscribe().JSON()); err != nil {
			t.Errorf("in place of one that is gone: %v", err)
		}
	})
}
