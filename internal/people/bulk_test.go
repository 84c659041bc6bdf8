package people_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"testing"
	"time"

	"countersign/internal/access"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/gate/gatetest"
	"countersign/internal/jobs"
	"countersign/internal/people"
	"countersign/internal/session"
	"countersign/internal/user"
)

// several adds people who have a session.
func (r *rig) several(company, name string, n int) (ids []string) {
	r.t.Helper()
	for i := range n {
		ids = append(ids, r.add(company, fmt.Sprintf("%s%d", name, i), user.Agent).UserID)
	}
	return ids
}

// bulk plans an action and confirms what the plan showed.
func (r *rig) bulk(a access.Actor, company string, b people.Bulk) (people.BulkState, error) {
	r.t.Helper()
	plan, err := r.PlanBulk(r.t.Context(), a, company, b)
	if err != nil {
		return people.BulkState{}, err
	}
	id, err := r.StartBulk(r.t.Context(), a, company, b, plan.Digest)
	if err != nil {
		return people.BulkState{}, err
	}
	return r.BulkState(r.t.Context(), a, company, id)
}

func (r *rig) open(company string) int {
	return r.number(`SELECT count(*) FROM sessions WHERE tenant_id = $1 AND ended_at = 0`, company)
}

func (r *rig) events(action string) int {
	return r.number(`SELECT count(*) FROM audit_events WHERE action = $1 AND result = 'ok'`, action)
}

// TestAPreviewOfManyIsThePlan: where the company has many people it is made in the background, and what it shows can be
// started. A choice of some is planned at once. guard: Fully
func TestAPreviewOfManyIsThePlan(t *testing.T) {
	each(t, func(r *rig) {
		admin := r.equipped("admin", user.Admin)
		ids := r.several("acme", "p", 3)
		r.Counter = people.NewCounter(r.DB, slog.New(slog.DiscardHandler), 2)
		t.Cleanup(r.Counter.Close)
		b := people.Bulk{
			Kind:   people.BulkSignOut,
			All:    true,
			Search: people.Search{View: people.NoWayIn, Coming: &people.Coming{Methods: "totp"}},
		}
		plan, err := r.PlanBulk(t.Context(), admin, "acme", b)
		if err != nil {
			t.Fatal(err)
		}
		preview := func() (people.BulkPlan, error) {
			again := *b.Search.Coming // another request has another one
			b.Search.Coming = &again
			return r.PreviewBulk(t.Context(), admin, "acme", b)
		}
		got, err := preview()
		if !errors.Is(err, people.ErrCounting) || got.Digest != "" {
			t.Errorf("at first: %+v, %v", got, err)
		}
		for end := time.Now().Add(20 * time.Second); errors.Is(err, people.ErrCounting); got, err = preview() {
			if time.Now().After(end) {
				t.Fatal("it is never counted")
			}
			time.Sleep(5 * time.Millisecond)
		}
		if err != nil || got.Digest != plan.Digest || got.People != plan.People || got.Matched != plan.Matched {
			t.Errorf("%+v, not %+v, %v", got, plan, err)
		}
		if n := r.Counter.Kept(); n != 1 {
			t.Errorf("the same question was counted %d times", n)
		}
		some := people.Bulk{Kind: people.BulkSignOut, IDs: ids}
		if got, err := r.PreviewBulk(t.Context(), admin, "acme", some); err != nil || got.People != len(ids) {
			t.Errorf("some: %+v, %v", got, err)
		}
	})
}

// TestManyAreSignedOut: those who are signed in, once each, without mail, and everyone else is left out with a reason.
func TestManyAreSignedOut(t *testing.T) {
	each(t, func(r *rig) {
		admin := r.equipped("admin", user.Admin)
		owner := r.add("acme", "owner", user.Owner)
		ids := r.several("acme", "p", 3)
		closed, out := r.add("acme", "closed", user.Agent), r.add("acme", "out", user.Agent)
		if err := r.Change(t.Context(), access.Server, ref(closed), people.Changes{Disabled: ptr(true)}); err != nil {
			t.Fatal(err)
		}
		r.in("acme", func(ctx context.Context, tx *db.Tx) error {
			_, err := session.EndAllBut(ctx, tx, out.UserID, "", session.SignedOut)
			return err
		})
		mails := r.number(`SELECT count(*) FROM messages`)
		b := people.Bulk{
			Kind: people.BulkSignOut,
			IDs:  append(ids, admin.UserID, owner.UserID, closed.UserID, out.UserID),
		}
		plan, err := r.PlanBulk(t.Context(), admin, "acme", b)
		left := map[people.Outcome]int{
			people.OutcomeSelf:      1,
			people.OutcomeRole:      1,
			people.OutcomeDisabled:  1,
			people.OutcomeSignedOut: 1,
		}
		if err != nil || plan.People != 3 || plan.Matched != 7 || !maps.Equal(plan.LeftOut, left) {
			t.Fatalf("%+v, %v", plan, err)
		}
		state, err := r.bulk(admin, "acme", b)
		if err != nil || state.Done != 3 || state.Waiting != 0 || state.EndedAt.IsZero() ||
			!maps.Equal(state.LeftOut, left) {
			t.Errorf("%+v, %v", state, err)
		}
		if n := r.events("user.signed_out"); n != 3 {
			t.Errorf("%d are recorded", n)
		}
		if n := r.events("user.bulk"); n != 1 {
			t.Errorf("%d actions are recorded", n)
		}
		if n := r.open("acme"); n != 4 { // two of the admin, the owner’s, and of the one whose account is closed
			t.Errorf("%d sessions are open", n)
		}
		if n := r.number(`SELECT count(*) FROM messages`); n != mails {
			t.Errorf("%d mails", n-mails)
		}
		if _, err := r.bulk(admin, "acme", b); !fault.Is(err, fault.Conflict) {
			t.Errorf("once more: %v", err)
		}
	})
}

// TestRememberedBrowsersAreForgottenIfAsked, and otherwise stay.
func TestRememberedBrowsersAreForgottenIfAsked(t *testing.T) {
	each(t, func(r *rig) {
		owner, ids := r.add("acme", "owner", user.Owner), r.several("acme", "p", 1)
		r.in("acme", func(ctx context.Context, tx *db.Tx) error {
			u, err := user.ByID(ctx, tx, ids[0])
			if err != nil {
				return err
			}
			_, _, err = session.Remember(ctx, tx, session.Remembered{
				UserID:          u.ID,
				ClientID:        "portal",
				SecurityVersion: u.SecurityVersion,
				ProvedAt:        tx.Now,
				ExpiresAt:       tx.Now.Add(time.Hour),
			})
			return err
		})
		kept := func() int { return r.number(`SELECT count(*) FROM remembered_browsers WHERE ended_at = 0`) }
		b := people.Bulk{Kind: people.BulkSignOut, IDs: ids}
		if s, err := r.bulk(owner, "acme", b); err != nil || s.Done != 1 || kept() != 1 {
			t.Errorf("%+v, %v, %d kept", s, err, kept())
		}
		b.Browsers = true // the only thing that is left
		if s, err := r.bulk(owner, "acme", b); err != nil || s.Done != 1 || kept() != 0 {
			t.Errorf("with browsers: %+v, %v, %d kept", s, err, kept())
		}
	})
}

// TestATKBulkOtherCompany: ids of another company's people change nothing and are not counted.
// guard: insertBulkPeople
func TestATKBulkOtherCompany(t *testing.T) {
	each(t, func(r *rig) {
		owner := r.add("acme", "owner", user.Owner)
		mine, theirs := r.several("acme", "p", 1), r.several("other", "q", 2)
		for _, kind := range people.BulkKinds {
			plan, err := r.PlanBulk(t.Context(), owner, "acme", people.Bulk{Kind: kind, IDs: theirs})
			if err != nil || plan.Matched != 0 || plan.People != 0 || len(plan.LeftOut) != 0 || plan.First != nil {
				t.Errorf("%s: %+v, %v", kind, plan, err)
			}
			if _, err := r.StartBulk(t.Context(), owner, "acme", people.Bulk{Kind: kind, IDs: theirs},
				plan.Digest); !fault.Is(err, fault.Conflict) {
				t.Errorf("%s: %v", kind, err)
			}
			if _, err := r.PlanBulk(t.Context(), owner, "other", people.Bulk{Kind: kind, All: true}); err == nil {
				t.Errorf("%s: an owner looks at another company", kind)
			}
		}
		s, err := r.bulk(owner, "acme", people.Bulk{Kind: people.BulkSignOut, IDs: append(theirs, mine...)})
		if err != nil || s.Done != 1 {
			t.Errorf("%+v, %v", s, err)
		}
		if n := r.open("other"); n != 2 {
			t.Errorf("%d sessions of the other company are open", n)
		}
		other := r.add("other", "boss", user.Owner)
		if _, err := r.BulkState(t.Context(), other, "other", s.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("the other company looks at the action: %v", err)
		}
		if err := r.StopBulk(t.Context(), other, "other", s.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("the other company stops the action: %v", err)
		}
	})
}

// TestATKBulkByLowerRoles: supervisors only remind, agents do nothing, an admin signs no owner out. What is refused is
// recorded and changes nothing.
// guard: checkBulk
func TestATKBulkByLowerRoles(t *testing.T) {
	each(t, func(r *rig) {
		r.pending(1)
		sue, agent := r.equipped("sue", user.Supervisor), r.equipped("agent", user.Agent)
		admin := r.equipped("admin", user.Admin)
		owner, ids := r.add("acme", "owner", user.Owner), r.several("acme", "s", 2)
		before := r.open("acme")
		for _, a := range []access.Actor{sue, agent} {
			for _, kind := range people.BulkKinds {
				b := people.Bulk{Kind: kind, All: true}
				plan, err := r.PlanBulk(t.Context(), admin, "acme", b)
				if err != nil {
					t.Fatal(err)
				}
				may := a.UserID == sue.UserID && kind == people.BulkRemind
				_, err = r.PlanBulk(t.Context(), a, "acme", b)
				_, started := r.StartBulk(t.Context(), a, "acme", b, plan.Digest)
				if may != (err == nil) || !may && (!fault.Is(err, fault.Denied) || !fault.Is(started, fault.Denied)) {
					t.Errorf("%s %s: %v, %v", a.Role, kind, err, started)
				}
			}
		}
		if n := r.number(`SELECT count(*) FROM audit_events WHERE result = 'refused' AND action = 'user.signed_out'`); n != 4 {
			t.Errorf("%d refusals are recorded", n)
		}
		if r.open("acme") != before || r.number(`SELECT count(*) FROM bulk_actions`) != 0 {
			t.Error("something was done")
		}
		if _, err := r.bulk(sue, "acme", people.Bulk{Kind: people.BulkRemind, All: true}); err != nil {
			t.Errorf("a supervisor reminds: %v", err)
		}
		s, err := r.bulk(admin, "acme", people.Bulk{Kind: people.BulkSignOut, IDs: append(ids, owner.UserID)})
		if err != nil || s.Done != 2 || s.LeftOut[people.OutcomeRole] != 1 {
			t.Errorf("%+v, %v", s, err)
		}
		if err := r.SignOut(t.Context(), admin, ref(owner), true); !fault.Is(err, fault.Denied) {
			t.Errorf("an admin signs an owner out: %v", err)
		}
	})
}

// TestATKBulkForgedDigest: what was not shown is not done, and a plan of someone else, or of something else, is none.
// guard: ErrBulkChanged
func TestATKBulkForgedDigest(t *testing.T) {
	each(t, func(r *rig) {
		owner, second := r.add("acme", "owner", user.Owner), r.add("acme", "second", user.Owner)
		r.several("acme", "p", 2)
		b := people.Bulk{Kind: people.BulkSignOut, All: true, Search: people.Search{Role: user.Agent}}
		shown, err := r.PlanBulk(t.Context(), owner, "acme", b)
		if err != nil {
			t.Fatal(err)
		}
		browsers := b
		browsers.Browsers = true
		for _, try := range []struct {
			by     access.Actor
			what   people.Bulk
			digest string
		}{
			{owner, b, ""},
			{owner, b, "AAAA"},
			{second, b, shown.Digest},
			{owner, browsers, shown.Digest},
			{owner, people.Bulk{Kind: people.BulkInvite, All: true, Search: b.Search}, shown.Digest},
			{owner, people.Bulk{Kind: people.BulkSignOut, All: true}, shown.Digest},
		} {
			if _, err := r.StartBulk(t.Context(), try.by, "acme", try.what, try.digest); err != people.ErrBulkChanged {
				t.Errorf("%+v: %v", try, err)
			}
		}
		r.several("acme", "late", 1)
		if _, err := r.StartBulk(t.Context(), owner, "acme", b, shown.Digest); err != people.ErrBulkChanged {
			t.Errorf("with one more person: %v", err)
		}
		if n := r.open("acme"); n != 5 {
			t.Errorf("%d sessions are open", n)
		}
	})
}

// TestATKBulkAfterTheRoleIsTaken between the plan and its confirmation: nothing is done.
// guard: Hold in inCompany
func TestATKBulkAfterTheRoleIsTaken(t *testing.T) {
	each(t, func(r *rig) {
		r.add("acme", "owner", user.Owner)
		admin, ids := r.equipped("admin", user.Admin), r.several("acme", "p", 2)
		b := people.Bulk{Kind: people.BulkSignOut, IDs: ids}
		plan, err := r.PlanBulk(t.Context(), admin, "acme", b)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Change(t.Context(), access.Server, ref(admin), people.Changes{Role: ptr(user.Agent)}); err != nil {
			t.Fatal(err)
		}
		if _, err := r.StartBulk(t.Context(), admin, "acme", b, plan.Digest); !fault.Is(err, fault.Denied) {
			t.Errorf("%v", err)
		}
		if n := r.number(`SELECT count(*) FROM sessions WHERE tenant_id = 'acme' AND ended_because = 'ended_by_admin'`); n != 0 {
			t.Errorf("%d sessions ended", n)
		}
	})
}

// large begins an action that a job does, and returns the job.
func (r *rig) large(a access.Actor) (id string, job jobs.Job) {
	r.t.Helper()
	b := people.Bulk{Kind: people.BulkSignOut, All: true, Search: people.Search{Role: user.Agent}}
	plan, err := r.PlanBulk(r.t.Context(), a, "acme", b)
	if err != nil {
		r.t.Fatal(err)
	}
	if id, err = r.StartLater(r.t.Context(), a, "acme", b, plan.Digest); err != nil {
		r.t.Fatal(err)
	}
	args, err := json.Marshal(map[string]any{"ID": id})
	if err != nil {
		r.t.Fatal(err)
	}
	return id, jobs.Job{Tenant: "acme", Kind: people.JobBulk, Args: args}
}

// TestABulkActionGoesOnAfterARestart: no one has two turns, also where two do it at once.
// guard: takeTurn
func TestABulkActionGoesOnAfterARestart(t *testing.T) {
	each(t, func(r *rig) {
		owner := r.add("acme", "owner", user.Owner)
		r.several("acme", "p", 12)
		id, job := r.large(owner)
		stop, cancel := context.WithCancel(t.Context())
		cancel()
		if err := r.GoOnWithBulk(stop, job); err == nil {
			t.Error("it has ended although its server stopped")
		}
		if n := r.DoSome(t.Context(), "acme", id, 5); n != 5 {
			t.Fatalf("%d had their turn", n)
		}
		if s, err := r.BulkState(t.Context(), owner, "acme", id); err != nil || s.Done != 5 || s.Waiting != 7 {
			t.Errorf("%+v, %v", s, err)
		}
		errs := make(chan error)
		for range 3 {
			go func() { errs <- r.GoOnWithBulk(t.Context(), job) }()
		}
		for range 3 {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		s, err := r.BulkState(t.Context(), owner, "acme", id)
		if err != nil || s.Done != 12 || s.EndedBecause != "done" {
			t.Errorf("%+v, %v", s, err)
		}
		if n := r.events("user.signed_out"); n != 12 {
			t.Errorf("%d are recorded", n)
		}
	})
}

// TestATKBulkUnderWayStops where the one who began it lost their role, their account or their session. It does not
// where they signed out.
// guard: starter
func TestATKBulkUnderWayStops(t *testing.T) {
	for name, c := range map[string]struct {
		do    func(r *rig, a access.Actor) error
		stops bool
	}{
		"role": {func(r *rig, a access.Actor) error {
			return r.Change(r.t.Context(), access.Server, ref(a), people.Changes{Role: ptr(user.Supervisor)})
		}, true},
		"account": {func(r *rig, a access.Actor) error {
			return r.Change(r.t.Context(), access.Server, ref(a), people.Changes{Disabled: ptr(true)})
		}, true},
		"not me": {func(r *rig, a access.Actor) error { return r.endSessions(a, session.NotMe) }, true},
		"out":    {func(r *rig, a access.Actor) error { return r.endSessions(a, session.SignedOut) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(r *rig) {
				owner := r.add("acme", "owner", user.Owner)
				admin := r.equipped("admin", user.Admin)
				r.withPassword(admin)
				r.several("acme", "p", 3)
				id, job := r.large(admin)
				if err := c.do(r, admin); err != nil {
					t.Fatal(err)
				}
				if err := r.GoOnWithBulk(t.Context(), job); err != nil {
					t.Error(err)
				}
				s, err := r.BulkState(t.Context(), owner, "acme", id)
				if err != nil || s.EndedAt.IsZero() || c.stops != (s.Done == 0) ||
					c.stops != (s.LeftOut[people.OutcomeStopped] == 3) {
					t.Errorf("%+v, %v", s, err)
				}
			})
		})
	}
}

func (r *rig) endSessions(a access.Actor, because string) error {
	return r.DB.InTx(r.t.Context(), a.TenantID, func(tx *db.Tx) error {
		_, err := session.EndAllBut(r.t.Context(), tx, a.UserID, "", because)
		return err
	})
}

// TestOneBulkActionOfAKindAtATime, and it can be stopped. Another company's does not count.
// guard: bulk_actions_running
func TestOneBulkActionOfAKindAtATime(t *testing.T) {
	each(t, func(r *rig) {
		owner, other := r.add("acme", "owner", user.Owner), r.add("other", "boss", user.Owner)
		r.several("acme", "p", 3)
		theirs := r.several("other", "q", 1)
		id, job := r.large(owner)
		b := people.Bulk{Kind: people.BulkSignOut, All: true, Search: people.Search{Role: user.Agent}}
		if _, err := r.bulk(owner, "acme", b); fault.Of(err).Message != "bulk.running" {
			t.Errorf("a second one: %v", err)
		}
		if s, err := r.bulk(other, "other", people.Bulk{Kind: b.Kind, IDs: theirs}); err != nil || s.Done != 1 {
			t.Errorf("another company: %+v, %v", s, err)
		}
		recent, err := r.RecentBulk(t.Context(), owner, "acme")
		if err != nil || len(recent) != 1 || recent[0].ID != id {
			t.Errorf("%+v, %v", recent, err)
		}
		sue := r.equipped("sue", user.Supervisor)
		if err := r.StopBulk(t.Context(), sue, "acme", id); !fault.Is(err, fault.Denied) {
			t.Errorf("a supervisor stops it: %v", err)
		}
		if err := r.StopBulk(t.Context(), owner, "acme", id); err != nil {
			t.Error(err)
		}
		if err := r.StopBulk(t.Context(), owner, "acme", id); !fault.Is(err, fault.Conflict) {
			t.Errorf("stopped twice: %v", err)
		}
		if err := r.GoOnWithBulk(t.Context(), job); err != nil {
			t.Error(err)
		}
		s, err := r.BulkState(t.Context(), owner, "acme", id)
		if err != nil || s.Done != 0 || s.LeftOut[people.OutcomeStopped] != 3 || s.EndedBecause != "stopped" {
			t.Errorf("%+v, %v", s, err)
		}
		if s, err := r.bulk(owner, "acme", b); err != nil || s.Done != 3 {
			t.Errorf("after that: %+v, %v", s, err)
		}
	})
}

// TestAStalledBulkActionHoldsUpNoOther.
func TestAStalledBulkActionHoldsUpNoOther(t *testing.T) {
	each(t, func(r *rig) {
		owner := r.add("acme", "owner", user.Owner)
		r.several("acme", "p", 1)
		id, _ := r.large(owner)
		r.at = r.at.Add(61 * time.Minute)
		owner = gatetest.SignIn(t, r.DB, "acme", owner.UserID)
		late := r.several("acme", "late", 1)
		s, err := r.bulk(owner, "acme", people.Bulk{Kind: people.BulkSignOut, IDs: late})
		if err != nil || s.Done != 1 {
			t.Errorf("%+v, %v", s, err)
		}
		if s, err := r.BulkState(t.Context(), owner, "acme", id); err != nil || s.EndedBecause != "stalled" ||
			s.LeftOut[people.OutcomeStopped] != 1 {
			t.Errorf("%+v, %v", s, err)
		}
	})
}

// TestManyAreInvitedAndReminded, with what keeps some of them from it.
func TestManyAreInvitedAndReminded(t *testing.T) {
	each(t, func(r *rig) {
		r.pending(2)
		owner := r.equipped("owner", user.Owner)
		new1, done := r.add("acme", "new1", user.Agent), r.equipped("done", user.Agent)
		r.withPassword(done)
		all := people.Bulk{Kind: people.BulkRemind, All: true}
		if err := r.Remind(t.Context(), owner, people.ByEmail("p0@x.example")); err != nil {
			t.Fatal(err)
		}
		s, err := r.bulk(owner, "acme", all)
		if err != nil || s.Done != 1 || s.LeftOut[people.OutcomeRemindedBefore] != 1 ||
			s.LeftOut[people.OutcomeNotPending] != 1 || s.LeftOut[people.OutcomeNotAccepted] != 1 {
			t.Errorf("%+v, %v", s, err)
		}
		all.Kind = people.BulkInvite
		s, err = r.bulk(owner, "acme", all)
		if err != nil || s.Done != 1 || s.LeftOut[people.OutcomeHasPassword] < 3 {
			t.Errorf("%+v, %v", s, err)
		}
		var ids []string
		one := people.Bulk{Kind: people.BulkInvite, IDs: []string{new1.UserID}}
		for range 5 { // the address has had five invitations then
			if s, err = r.bulk(owner, "acme", one); err != nil {
				t.Fatal(err)
			}
			ids = append(ids, s.ID)
		}
		if s.Done != 0 || s.LeftOut[people.OutcomeOften] != 1 || len(slices.Compact(ids)) != 5 {
			t.Errorf("a sixth invitation: %+v", s)
		}
	})
}

// TestOldBulkActionsAreSwept.
func TestOldBulkActionsAreSwept(t *testing.T) {
	each(t, func(r *rig) {
		owner := r.add("acme", "owner", user.Owner)
		r.several("acme", "p", 2)
		r.large(owner)
		if n, err := people.Sweep(t.Context(), r.DB); err != nil || n != 0 {
			t.Errorf("%d rows, %v", n, err)
		}
		r.at = r.at.Add(31 * 24 * time.Hour)
		if n, err := people.Sweep(t.Context(), r.DB); err != nil || n != 3 {
			t.Errorf("%d rows, %v", n, err)
		}
	})
}
