package authenticatortest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/challenge"
	"countersign/internal/db"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// The companies of a suite.
const (
	company   = "harbor"
	elsewhere = "quay"
)

// suite is a kind on one database.
type suite struct {
	Kind
	Rig
	d     *db.DB
	clock *Clock
	made  int
}

// person is someone who may have authenticators.
type person struct {
	ID, Tenant, Email string
}

func newSuite(t *testing.T, k Kind, d *db.DB, clock *Clock) *suite {
	t.Helper()
	s := &suite{
		Kind:  k,
		Rig:   k.New(t, d),
		d:     d,
		clock: clock,
	}
	s.in(t, db.Installation, func(ctx context.Context, tx *db.Tx) error {
		if _, err := tenant.Ensure(ctx, tx); err != nil {
			return err
		}
		_, one := tenant.Create(ctx, tx, company, "Harbor", tenant.Company)
		_, two := tenant.Create(ctx, tx, elsewhere, "Quay", tenant.Company)
		return errors.Join(one, two)
	})
	return s
}

// sent reports whether a challenge of the kind has an answer of its own, which is spent
// with it.
func (s *suite) sent() bool { return authenticator.TraitsOf[s.Kind.Kind].Sent }

func (s *suite) in(t *testing.T, tenant string, fn func(ctx context.Context, tx *db.Tx) error) {
	t.Helper()
	if err := s.d.InTx(t.Context(), tenant, func(tx *db.Tx) error { return fn(t.Context(), tx) }); err != nil {
		t.Fatal(err)
	}
}

func (s *suite) person(t *testing.T) person   { return s.personOf(t, company) }
func (s *suite) stranger(t *testing.T) person { return s.personOf(t, elsewhere) }

func (s *suite) personOf(t *testing.T, tenant string) person {
	t.Helper()
	s.made++
	p := person{Tenant: tenant, Email: fmt.Sprintf("person%d@%s.test", s.made, tenant)}
	s.in(t, tenant, func(ctx context.Context, tx *db.Tx) error {
		u, err := user.Create(ctx, tx, p.Email, "Person", user.Agent, "en")
		p.ID = u.ID
		return err
	})
	return p
}

// bind sets a device up, a moment after whatever was before: the code of set-up is used.
func (s *suite) bind(t *testing.T, p person) Device {
	t.Helper()
	d := s.Rig.Bind(t, s.d, authenticator.Subject{
		UserID:   p.ID,
		Email:    p.Email,
		Vendor:   "Vendor",
		Company:  p.Tenant,
		Language: "en",
	}, p.Tenant)
	if d.First == nil {
		return d
	}
	answer := d.Answer
	bound := s.clock.Now()
	d.Answer = func(t *testing.T, c Challenge) authenticator.Response {
		if s.clock.Now().Sub(bound) < 2*time.Minute {
			s.clock.Pass(2 * time.Minute)
			c.Now = s.clock.Now()
		}
		return answer(t, c)
	}
	return d
}

// only is the id of the one authenticator of a person, empty where there are more.
func (s *suite) only(t *testing.T, p person) (id string) {
	t.Helper()
	s.in(t, p.Tenant, func(ctx context.Context, tx *db.Tx) error {
		all, err := authenticator.Of(ctx, tx, p.ID)
		if len(all) == 1 {
			id = all[0].ID
		}
		return err
	})
	return id
}

func (s *suite) disable(t *testing.T, p person, mine Device, off bool) {
	t.Helper()
	s.in(t, p.Tenant, func(ctx context.Context, tx *db.Tx) error {
		if !off {
			return authenticator.Enable(ctx, tx, mine.ID)
		}
		return authenticator.Failed(ctx, tx, authenticator.Authenticator{ID: mine.ID}, 1)
	})
}

// open issues a challenge as the sign-in does: in a flow, remembered in its row.
func (s *suite) open(t *testing.T, p person, mine Device) (c Challenge) {
	t.Helper()
	s.in(t, p.Tenant, func(ctx context.Context, tx *db.Tx) error {
		c = Challenge{
			Tenant: p.Tenant,
			A:      authenticator.Authenticator{ID: mine.ID, UserID: p.ID, Kind: s.Kind.Kind},
			Now:    tx.Now,
		}
		flow := tx.NewID()
		if err := begin(ctx, tx, flow, p.ID); err != nil {
			return err
		}
		row := challenge.New(tx, flow, c.A, 1000, 10*time.Minute)
		c.ChallengeContext = authenticator.ChallengeContext{
			ChallengeID: row.ID,
			FlowID:      flow,
			Purpose:     "signin.second_factor",
			Vendor:      "Vendor",
			AppName:     "App",
			Company:     p.Tenant,
			Language:    "en",
			Reference:   row.Reference,
			Destination: p.Email,
			IP:          "203.0.113.9",
			IssuedAt:    row.IssuedAt,
			ExpiresAt:   row.ExpiresAt,
		}
		o, err := s.Verifier.Begin(ctx, tx, c.A, c.ChallengeContext)
		if err != nil {
			return err
		}
		if o.State == nil {
			t.Error("a challenge without a state cannot be stored")
		}
		c.State = o.State
		return challenge.Issue(ctx, tx, row, o)
	})
	return c
}

func begin(ctx context.Context, tx *db.Tx, flow, userID string) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO flows (tenant_id, id, token_hash, user_id, client_id, continue_to, want_acr, security_version,
			stepping_up, proofs, challenge_id, sends, ip, place, browser, started_at, expires_at, closed_at,
				closed_because, disowned_at)
		VALUES ($1, $2, $3, $4, 'app', '', '', 1, '', '', '', 1, '', '', '', $5, $6, 0, '',
			0)`, tx.Tenant, flow, []byte{1}, userID, tx.Now, tx.Now.Add(time.Hour))
	return err
}

// try is one answer, judged as the sign-in judges it. What belongs to one challenge is spent
// with the challenge; everything else must be spent by its verifier.
func (s *suite) try(ctx context.Context, c Challenge, r authenticator.Response) (v authenticator.Verdict, err error) {
	if slow, ok := s.Verifier.(authenticator.Precomparer); ok {
		if r, err = slow.Compare(ctx, s.d, c.A, c.Tenant, r); err != nil {
			return v, err
		}
	}
	err = s.d.InTx(ctx, c.Tenant, func(tx *db.Tx) error {
		if v, err = s.Verifier.Verify(ctx, tx, c.A, c.ChallengeContext, c.State, r); err != nil || !v.OK || !s.sent() {
			return err
		}
		if v.OK, err = challenge.Spend(ctx, tx, c.ChallengeID); !v.OK {
			v.Reason = "spent"
		}
		return err
	})
	return v, err
}

// must expects an answer to be right.
func (s *suite) must(t *testing.T, c Challenge, r authenticator.Response) authenticator.Verdict {
	t.Helper()
	v, err := s.try(t.Context(), c, r)
	if err != nil || !v.OK {
		t.Fatalf("the right answer is wrong: %+v %v", v, err)
	}
	return v
}

// refuse expects an answer to be wrong, and that to be a verdict.
func (s *suite) refuse(t *testing.T, c Challenge, r authenticator.Response) {
	t.Helper()
	v, err := s.try(t.Context(), c, r)
	if err == nil {
		err = reasonless(v)
	}
	if err != nil {
		t.Errorf("an error instead of a verdict on %.80q: %v", r.Code, err)
	}
	if v.OK {
		t.Errorf("%.80q is right", r.Code)
	}
}

// SetUp binds an authenticator of a Binder as the set-up journey does: what is proposed, the
// row, the first proof. prove makes that proof out of the draft.
func SetUp(t *testing.T, d *db.DB, b authenticator.Binder, k authenticator.Kind, who authenticator.Subject, tenant,
	wish string, prove func(authenticator.PendingEnrollment) authenticator.Response) (authenticator.PendingEnrollment,
	authenticator.Response) {
	t.Helper()
	draft, err := propose(t.Context(), d, b, who, tenant, wish)
	if err != nil {
		t.Fatal(err)
	}
	proof := prove(draft)
	if v, err := Confirm(t.Context(), d, b, k, who, tenant, draft, proof); err != nil || !v.OK {
		t.Fatalf("the first proof is wrong: %+v %v", v, err)
	}
	return draft, proof
}

func propose(ctx context.Context, d *db.DB, b authenticator.Binder, who authenticator.Subject, tenant,
	wish string) (draft authenticator.PendingEnrollment, err error) {
	if p, ok := b.(authenticator.Preparer); ok {
		if draft.State, err = p.Prepare(ctx); err != nil {
			return draft, err
		}
	}
	prepared := draft.State
	err = d.InTx(ctx, tenant, func(tx *db.Tx) error {
		draft = authenticator.PendingEnrollment{
			ID:    tx.NewID(),
			Label: "Device",
			Begun: tx.Now,
			Ends:  tx.Now.Add(15 * time.Minute),
			State: prepared,
		}
		draft.State, err = b.Propose(ctx, tx, who, draft, wish)
		return err
	})
	return draft, err
}

// Confirm judges the first proof of a draft, and binds the authenticator where it is right.
func Confirm(ctx context.Context, d *db.DB, b authenticator.Binder, k authenticator.Kind, who authenticator.Subject,
	tenant string, draft authenticator.PendingEnrollment,
	proof authenticator.Response) (v authenticator.Verdict, err error) {
	err = d.InTx(ctx, tenant, func(tx *db.Tx) error {
		if _, err := authenticator.BindAs(ctx, tx, draft.ID, who.UserID, k, draft.Label); err != nil {
			return err
		}
		if v, err = b.Confirm(ctx, tx, who, draft, proof); err != nil || v.OK {
			return err
		}
		return authenticator.Unbind(ctx, tx, who.UserID, draft.ID)
	})
	return v, err
}
