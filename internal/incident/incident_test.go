package incident_test

import (
	"context"
	"testing"
	"time"

	"countersign/internal/audit"
	"countersign/internal/authenticator"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/client"
	"countersign/internal/config"
	"countersign/internal/db"
	"countersign/internal/db/dbtest"
	"countersign/internal/fault"
	"countersign/internal/flow"
	"countersign/internal/incident"
	"countersign/internal/jobs"
	"countersign/internal/message"
	"countersign/internal/notify"
	"countersign/internal/secret"
	"countersign/internal/session"
	"countersign/internal/setup"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// rig is a company with one person and a sign-in of theirs.
type rig struct {
	*incident.Service
	t     *testing.T
	now   time.Time
	maria user.User
	flow  flow.Flow
}

var (
	start   = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	visitor = session.Visitor{IP: "192.0.2.7", Place: "Valencia", Browser: "Firefox on Linux"}
)

func each(t *testing.T, fn func(t *testing.T, r *rig)) {
	t.Helper()
	r := &rig{now: start}
	dbtest.Each(t, func() time.Time { return r.now }, func(t *testing.T, d *db.DB) {
		r.t, r.now = t, start
		keys := secret.NewKeys(start)
		queue := &message.Queue{Jobs: &jobs.Queue{}, Keys: keys}
		notifier := &notify.Notifier{Queue: queue, Limits: config.Default().Limits}
		r.Service = &incident.Service{DB: d, Keys: keys, Notifier: notifier}
		r.in(db.Installation, func(ctx context.Context, tx *db.Tx) error {
			if _, err := tenant.Ensure(ctx, tx); err != nil {
				return err
			}
			_, err := tenant.Create(ctx, tx, "acme", "Acme", tenant.Company)
			return err
		})
		r.in("acme", func(ctx context.Context, tx *db.Tx) (err error) {
			r.maria, err = setup.Add(ctx, tx,
				setup.Person{Email: "maria@acme.test", Name: "Maria", Role: user.Agent, Language: "en", By: "test"})
			if err != nil {
				return err
			}
			r.flow = flow.Flow{
				ID:        tx.NewID(),
				UserID:    r.maria.ID,
				TokenHash: []byte("hash"),
				ClientID:  client.PortalID,
				Visitor:   visitor,
				StartedAt: tx.Now,
				ExpiresAt: tx.Now.Add(time.Hour),
			}
			return flow.Store(ctx, tx, r.flow)
		})
		fn(t, r)
	})
}

func (r *rig) in(tenantID string, fn func(context.Context, *db.Tx) error) {
	r.t.Helper()
	if err := r.DB.InTx(r.t.Context(), tenantID, func(tx *db.Tx) error { return fn(r.t.Context(), tx) }); err != nil {
		r.t.Fatal(err)
	}
}

// link is the one that mails carry about the sign-in.
func (r *rig) link() secret.Reference {
	r.t.Helper()
	ref, err := secret.ParseReference(outofband.NotMeLink("", r.Keys, "acme", r.flow.ID)[len(outofband.NotMePath):])
	if err != nil {
		r.t.Fatal(err)
	}
	return ref
}

func (r *rig) report(ref secret.Reference) {
	r.t.Helper()
	if err := r.Disown(r.t.Context(), ref, visitor); err != nil {
		r.t.Fatal(err)
	}
}

// bind sets an authenticator app up in the sign-in.
func (r *rig) bind() (id string) {
	r.t.Helper()
	r.in("acme", func(ctx context.Context, tx *db.Tx) error {
		id = tx.NewID()
		_, err := authenticator.BindIn(ctx, tx, r.flow.ID, id, r.maria.ID, authenticator.TOTP, "phone")
		return err
	})
	return id
}

// suspended are the ids of Maria's methods that are.
func (r *rig) suspended() (out []string) {
	r.t.Helper()
	r.in("acme", func(ctx context.Context, tx *db.Tx) error {
		all, err := authenticator.Of(ctx, tx, r.maria.ID)
		for _, a := range all {
			if !a.SuspendedAt.IsZero() {
				out = append(out, a.ID)
			}
		}
		return err
	})
	return out
}

func (r *rig) closedBecause() (why string) {
	r.t.Helper()
	r.in("acme", func(ctx context.Context, tx *db.Tx) error {
		f, err := flow.ByID(ctx, tx, r.flow.ID)
		why = f.ClosedBecause
		return err
	})
	return why
}

func (r *rig) reports() (n int) {
	r.t.Helper()
	r.in("acme", func(ctx context.Context, tx *db.Tx) error {
		rows, err := audit.List(ctx, tx, audit.Filter{Action: audit.SignInDisowned, Limit: 10})
		n = len(rows)
		return err
	})
	return n
}

// TestAReportEndsWhatTheSignInOpened: once, and without removing anything.
func TestAReportEndsWhatTheSignInOpened(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		thiefs := r.bind()
		for range 2 {
			r.report(r.link())
		}
		if why := r.closedBecause(); why != flow.NotMe {
			t.Errorf("the sign-in is %q", why)
		}
		if got := r.suspended(); len(got) != 1 || got[0] != thiefs {
			t.Errorf("suspended: %v instead of %s", got, thiefs)
		}
		if n := r.reports(); n != 1 {
			t.Errorf("%d reports in the audit", n)
		}
		r.in("acme", func(ctx context.Context, tx *db.Tx) error {
			u, err := user.ByID(ctx, tx, r.maria.ID)
			if u.PasswordFlaggedAt.IsZero() || u.SecurityVersion == r.maria.SecurityVersion {
				t.Errorf("the password still opens the account: %+v", u)
			}
			return err
		})
	})
}

// TestATokenThatIsNotTheLinksDoesNothing, and answers as the link does.
func TestATokenThatIsNotTheLinksDoesNothing(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		forged := r.link()
		forged.Token = "another secret of the right form"
		r.report(forged)
		undo := r.link()
		undo.Token = r.Keys.Token("undo-address", "acme", r.flow.ID)
		r.report(undo)
		if why := r.closedBecause(); why != "" || r.reports() != 0 {
			t.Errorf("the sign-in is %q, with %d reports", why, r.reports())
		}
	})
}

// TestForgedLinksAreLimited by the network that they come from.
func TestForgedLinksAreLimited(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		forged := r.link()
		forged.Token = "another secret of the right form"
		var err error
		for n := 0; n <= outofband.WrongLinks.Windows[0].Count && err == nil; n++ {
			err = r.Disown(t.Context(), forged, visitor)
		}
		if !fault.Is(err, fault.RateLimited) {
			t.Errorf("after %d forged links: %v", outofband.WrongLinks.Windows[0].Count, err)
		}
		r.report(r.link()) // the real one needs no budget
		if r.closedBecause() != flow.NotMe {
			t.Error("someone who forges links kept the owner from reporting")
		}
	})
}

// TestATheftIsReportedWithinAMonth: what came later of it is over by then.
func TestATheftIsReportedWithinAMonth(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.now = r.now.Add(flow.Kept)
		r.report(r.link())
		if r.reports() != 0 {
			t.Error("it was taken")
		}
		r.now = r.now.Add(-time.Microsecond)
		r.report(r.link())
		if r.reports() != 1 {
			t.Error("it was not taken in time")
		}
	})
}

// TestOldMethodsStay: a mailbox takes nothing out of use that its owner had signed in with for
// longer than three days.
func TestOldMethodsStay(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.bind()
		r.now = r.now.Add(72 * time.Hour)
		r.report(r.link())
		if got := r.suspended(); len(got) != 0 {
			t.Errorf("%v was suspended", got)
		}
	})
}
