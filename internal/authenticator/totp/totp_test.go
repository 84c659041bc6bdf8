package totp_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/authenticator/authenticatortest"
	"countersign/internal/authenticator/totp"
	"countersign/internal/db"
	"countersign/internal/db/dbtest"
	"countersign/internal/secret"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// desk is one person with apps, and a clock that is moved.
type desk struct {
	totp.Verifier
	t     testing.TB
	d     *db.DB
	clock *authenticatortest.Clock
	keys  *secret.Keys
	who   authenticator.Subject
}

const company = "harbor"

// nine is the middle of a step.
var nine = time.Date(2026, 11, 22, 9, 0, 15, 0, time.UTC)

func each(t *testing.T, fn func(t *testing.T, k *desk)) {
	t.Helper()
	c := authenticatortest.NewClock(nine)
	dbtest.Each(t, c.Now, func(t *testing.T, d *db.DB) { fn(t, newDesk(t, d, c)) })
}

func newDesk(t testing.TB, d *db.DB, c *authenticatortest.Clock) *desk {
	k := &desk{t: t, d: d, clock: c, keys: secret.NewKeys(nine)}
	k.Verifier = totp.Verifier{Keys: k.keys}
	k.in(db.Installation, func(ctx context.Context, tx *db.Tx) error {
		if _, err := tenant.Ensure(ctx, tx); err != nil {
			return err
		}
		_, err := tenant.Create(ctx, tx, company, "Harbor", tenant.Company)
		return err
	})
	k.in(company, func(ctx context.Context, tx *db.Tx) error {
		u, err := user.Create(ctx, tx, "maria@harbor.test", "Maria", user.Agent, "en")
		k.who = authenticator.Subject{UserID: u.ID, Email: u.Email, Vendor: "Vendor", Company: "Harbor"}
		return err
	})
	return k
}

func (k *desk) in(tenant string, fn func(ctx context.Context, tx *db.Tx) error) {
	k.t.Helper()
	if err := k.d.InTx(k.t.Context(), tenant, func(tx *db.Tx) error { return fn(k.t.Context(), tx) }); err != nil {
		k.t.Fatal(err)
	}
}

func (k *desk) pass(d time.Duration) { k.clock.Pass(d) }
func (k *desk) now() time.Time       { return k.clock.Now() }

// propose begins a set-up; confirm gives it a code.
func (k *desk) propose() (authenticator.PendingEnrollment, *app) {
	k.t.Helper()
	d := propose(k.t, k.who, "")
	k.in(company, func(_ context.Context, tx *db.Tx) error { d.ID = tx.NewID(); return nil })
	return d, read(k.t, d)
}

func (k *desk) confirm(d authenticator.PendingEnrollment, code string) authenticator.Verdict {
	k.t.Helper()
	v, err := authenticatortest.Confirm(k.t.Context(), k.d, k.Verifier, authenticator.TOTP, k.who, company, d,
		authenticator.Response{Code: code})
	if err != nil {
		k.t.Fatal(err)
	}
	return v
}

// bind sets an app up whose clock is right, two minutes ago.
func (k *desk) bind() (string, *app) {
	k.t.Helper()
	d, a := k.propose()
	if v := k.confirm(d, a.code(k.now())); !v.OK {
		k.t.Fatalf("%+v", v)
	}
	k.pass(2 * time.Minute)
	return d.ID, a
}

func (k *desk) verify(code string) (v authenticator.Verdict) {
	k.t.Helper()
	k.in(company, func(ctx context.Context, tx *db.Tx) (err error) {
		v, err = k.Verify(ctx, tx, authenticator.Authenticator{UserID: k.who.UserID, Kind: authenticator.TOTP},
			authenticator.ChallengeContext{}, nil, authenticator.Response{Code: code})
		return err
	})
	return v
}

// TestATK031: on fresh apps, the codes of exactly three steps are right.
func TestATK031_TestSEC020_TheWindowIsOneStepEachWay(t *testing.T) {
	each(t, func(t *testing.T, k *desk) {
		got := ""
		for by := -13; by <= 13; by++ {
			_, a := k.bind()
			if k.verify(a.code(k.now().Add(time.Duration(by) * 30 * time.Second))).OK {
				got += fmt.Sprintf(" %d", by)
			}
			k.pass(20 * time.Minute)
		}
		if got != " -1 0 1" {
			t.Errorf("right are%s", got)
		}
	})
}

// TestATK027 and TestATK030: a step is good once, and no older one after it.
func TestATK027_TestATK030_StepsAreGoodOnceAndOnlyRise(t *testing.T) {
	each(t, func(t *testing.T, k *desk) {
		id, a := k.bind()
		before := a.code(k.now().Add(-30 * time.Second))
		now := a.code(k.now())
		if v := k.verify(now); !v.OK || v.AuthenticatorID != id {
			t.Fatalf("%+v", v)
		}
		for what, code := range map[string]string{"the same": now, "the one before": before} {
			if v := k.verify(code); v.OK || v.Reason != "already_used" {
				t.Errorf("%s: %+v", what, v)
			}
		}
		k.in(company, func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE totp_secrets SET drift = -1 WHERE tenant_id = $1`, company)
			return err
		})
		if v := k.verify(now); v.OK {
			t.Errorf("with a learned drift: %+v", v)
		}
		k.pass(-10 * time.Minute) // the clock goes back
		for by := range 25 {
			if v := k.verify(a.code(k.now().Add(time.Duration(by) * 30 * time.Second))); v.OK && by < 21 {
				t.Errorf("a step of the past is right after the clock went back: %d", by)
			}
		}
	})
}

// TestATK029: the code that ended set-up is used, and so is every one before it.
func TestATK029_TheCodeOfSetUpIsSpent(t *testing.T) {
	each(t, func(t *testing.T, k *desk) {
		d, a := k.propose()
		code, before := a.code(k.now()), a.code(k.now().Add(-30*time.Second))
		if v := k.confirm(d, "000000"); v.OK && code != "000000" {
			t.Fatalf("%+v", v)
		}
		if v := k.confirm(d, code[:3]+" "+code[3:]); !v.OK || v.AuthenticatorID != d.ID {
			t.Fatalf("%+v", v)
		}
		for _, c := range []string{code, before} {
			if v := k.verify(c); v.OK || v.Reason != "already_used" {
				t.Errorf("%+v", v)
			}
		}
		k.pass(30 * time.Second)
		if v := k.verify(a.code(k.now())); !v.OK {
			t.Errorf("the next code: %+v", v)
		}
	})
}

// TestATK098: of two set-ups that were begun, each takes its own code, and only that.
func TestATK098_TwoSetUpsTakeTheirOwnCodes(t *testing.T) {
	each(t, func(t *testing.T, k *desk) {
		one, a := k.propose()
		two, b := k.propose()
		if v := k.confirm(one, b.code(k.now())); v.OK {
			t.Error("the other set-up's code is right")
		}
		if !k.confirm(two, b.code(k.now())).OK || !k.confirm(one, a.code(k.now())).OK {
			t.Error("its own code is wrong")
		}
		k.in(company, func(ctx context.Context, tx *db.Tx) error { // the same set-up once more
			v, err := k.Confirm(ctx, tx, k.who, one, authenticator.Response{Code: a.code(k.now())})
			if v.OK {
				t.Error("a set-up was confirmed twice")
			}
			return err
		})
	})
}

// TestPAR8: several apps, each with its own secret; the verdict says which.
func TestPAR8_TheVerdictSaysWhichApp(t *testing.T) {
	each(t, func(t *testing.T, k *desk) {
		apps := map[string]*app{}
		for range 4 {
			id, a := k.bind()
			apps[id] = a
		}
		for id, a := range apps {
			if v := k.verify(a.code(k.now())); !v.OK || v.AuthenticatorID != id {
				t.Errorf("%+v, want %s", v, id)
			}
			if v := k.verify(a.code(k.now())); v.OK {
				t.Errorf("twice: %+v", v)
			}
		}
		before := k.d.Statements()
		if v := k.verify("123456"); v.OK || k.d.Statements()-before != 1 {
			t.Errorf("a wrong code of four apps takes %d statements", k.d.Statements()-before)
		}
		k.pass(time.Minute)
		for _, a := range apps {
			before = k.d.Statements()
			if v := k.verify(a.code(k.now())); !v.OK || k.d.Statements()-before != 2 {
				t.Errorf("a right code takes %d statements", k.d.Statements()-before)
			}
		}
	})
}

// An app whose clock is off says so at set-up, and is right from then on by its own clock.
func TestDriftIsLearnedAtSetUp(t *testing.T) {
	each(t, func(t *testing.T, k *desk) {
		for off, key := range map[time.Duration]string{70 * time.Second: "totp.notice.fast",
			-100 * time.Second: "totp.notice.slow", 290 * time.Second: "totp.notice.fast", 0: ""} {
			d, a := k.propose()
			a.fast = off
			if v := k.confirm(d, a.code(k.now())); !v.OK || v.Notice != key {
				t.Fatalf("%s: %+v", off, v)
			}
			for range 3 {
				k.pass(time.Minute)
				if v := k.verify(a.code(k.now())); !v.OK || v.Notice != key {
					t.Errorf("%s: %+v", off, v)
				}
			}
			a.fast = 0 // the clock is mended
			k.pass(6 * time.Minute)
			if v := k.verify(a.code(k.now())); !v.OK || v.Notice != "" {
				t.Errorf("mended from %s: %+v", off, v)
			}
			a.fast = off
			k.pass(10 * time.Minute)
			if v := k.verify(a.code(k.now())); v.OK && off != 0 {
				t.Errorf("%s is still known", off)
			}
		}
		d, a := k.propose()
		a.fast = 6 * time.Minute
		if v := k.confirm(d, a.code(k.now())); v.OK {
			t.Errorf("six minutes off: %+v", v)
		}
	})
}

// TestSEC020: a clock that goes wrong slowly is followed by the codes that were accepted.
func TestSEC020_DriftFollowsAcceptedCodes(t *testing.T) {
	each(t, func(t *testing.T, k *desk) {
		for _, way := range []time.Duration{1, -1} {
			_, a := k.bind()
			for steps := range time.Duration(6) {
				k.pass(time.Hour)
				a.fast = way * steps * 30 * time.Second
				if v := k.verify(a.code(k.now())); !v.OK {
					t.Fatalf("%s off: %+v", a.fast, v)
				}
				if v := k.verify(a.code(k.now())); v.OK {
					t.Fatalf("%s off, twice: %+v", a.fast, v)
				}
			}
		}
	})
}

// TestSEC020: any number of old or early codes in a row is refused, and teaches nothing.
func TestSEC020_RefusedCodesDoNotResynchronise(t *testing.T) {
	each(t, func(t *testing.T, k *desk) {
		for _, off := range []time.Duration{-270 * time.Second, -120 * time.Second, -60 * time.Second, 60 * time.Second,
			270 * time.Second} {
			_, a := k.bind()
			k.pass(time.Hour)
			a.fast = off
			for n := range 5 {
				if v := k.verify(a.code(k.now())); v.OK {
					t.Errorf("code %d in a row, %s off: %+v", n+1, off, v)
				}
				k.pass(30 * time.Second)
			}
			a.fast = 0
			if v := k.verify(a.code(k.now())); !v.OK {
				t.Errorf("the right code after those %s off: %+v", off, v)
			}
		}
	})
}

// TestSEC018 and TestSEC138: what is at rest opens nothing.
func TestSEC018_TheSecretIsSealedInItsPlace(t *testing.T) {
	each(t, func(t *testing.T, k *desk) {
		_, a := k.bind()
		other, b := k.bind()
		k.in(company, func(ctx context.Context, tx *db.Tx) error {
			var sealed []byte
			if err := tx.QueryRow(ctx, `SELECT sealed FROM totp_secrets
				WHERE tenant_id = $1 AND authenticator_id <> $2`, company, other).Scan(&sealed); err != nil {
				return err
			}
			if bytes.Contains(sealed, a.secret) {
				t.Error("the secret is readable")
			}
			// Another row's secret does not open in this one.
			_, err := tx.Exec(ctx, `UPDATE totp_secrets SET sealed = $1
				WHERE tenant_id = $2 AND authenticator_id = $3`, sealed, company, other)
			return err
		})
		err := k.d.InTx(t.Context(), company, func(tx *db.Tx) error {
			_, err := k.Verify(t.Context(), tx, authenticator.Authenticator{UserID: k.who.UserID},
				authenticator.ChallengeContext{}, nil, authenticator.Response{Code: b.code(k.now())})
			return err
		})
		if err == nil {
			t.Error("a secret that was moved to another row opens")
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	for _, apps := range []int{1, 4} {
		b.Run(fmt.Sprintf("%d apps", apps), func(b *testing.B) {
			c := authenticatortest.NewClock(nine)
			k := newDesk(b, dbtest.Open(b, dbtest.SQLiteURL(b), c.Now), c)
			var a *app
			for range apps {
				_, a = k.bind()
			}
			b.ReportAllocs()
			for b.Loop() {
				k.pass(30 * time.Second)
				if v := k.verify(a.code(k.now())); !v.OK {
					b.Fatalf("%+v", v)
				}
			}
		})
	}
}
