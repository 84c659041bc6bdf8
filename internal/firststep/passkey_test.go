package firststep_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"

	"countersign/internal/authenticator"
	"countersign/internal/authenticator/passkey"
	"countersign/internal/authenticator/passkey/passkeytest"
	"countersign/internal/db"
	"countersign/internal/firststep"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

func refused(t *testing.T, what string, right bool, err error) {
	t.Helper()
	if err != nil || right {
		t.Errorf("%s: %t, %v", what, right, err)
	}
}

func TestAPasskeyIsAddressAndProof(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		k := r.bind(maria, virtualwebauthn.AuthenticatorOptions{})
		if !r.alone(k) || len(r.begun) != 1 {
			t.Fatalf("%d sign-ins began", len(r.begun))
		}
		p := r.begun[0]
		if p.Facts.User.Email != maria || p.Proof.AuthenticatorID != k.ID ||
			p.Proof.Kind.Base() != authenticator.Passkey || p.Browser.KnownBy != "passkey/"+k.ID {
			t.Errorf("%+v", p)
		}
	})
}

// guard: the challenge is sealed for its browser, ends, and is spent by the first right answer
func TestATK108_AnOfferIsAnsweredOnceInItsBrowserInTime(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		k := r.bind(maria, virtualwebauthn.AuthenticatorOptions{})
		o := r.offer("")
		if again := r.offer(o.Browser); again.Browser != o.Browser {
			t.Error("a browser's second tab lost its first")
		}
		if made := r.offer("x"); made.Browser == "x" {
			t.Error("a senseless name was kept")
		}
		answer := k.Answer(t, o.Options)
		stolen := o
		stolen.Browser = r.offer("").Browser
		right, err := r.answer(stolen, answer)
		refused(t, "another browser", right, err)
		right, err = r.answer(r.offer(o.Browser), answer)
		refused(t, "another offer", right, err)
		r.pass(passkey.Life)
		right, err = r.answer(o, answer)
		refused(t, "after five minutes", right, err)
		if len(r.begun) != 0 {
			t.Errorf("%d sign-ins began", len(r.begun))
		}
		o = r.offer("")
		answer = k.Answer(t, o.Options)
		if n := r.sixteen(o, answer); n != 1 || len(r.begun) != 1 {
			t.Errorf("%d of 16 at once were right, %d sign-ins began", n, len(r.begun))
		}
		// A second answer to the same offer is new to the device's counter and old to us.
		right, err = r.answer(o, k.Answer(t, o.Options))
		refused(t, "a used offer", right, err)
	})
}

// sixteen gives one answer sixteen times at once.
func (r *rig) sixteen(o firststep.PasskeyOffer, assertion []byte) (n int) {
	var mu sync.Mutex
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			right, err := r.answer(o, assertion)
			if err != nil {
				r.t.Error(err)
			}
			if right {
				mu.Lock()
				n++
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return n
}

// guard: without a counter, what was answered between does not make an old answer new
func TestSEC13_AnOldAnswerStaysOldWithoutACounter(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		k := r.bind(maria, virtualwebauthn.AuthenticatorOptions{BackupEligible: true, BackupState: true})
		answer := func(o firststep.PasskeyOffer) []byte {
			k.Counter = ^uint32(0) // 0 on the wire
			a := k.Answer(t, o.Options)
			k.Counter = 0
			return a
		}
		first, second := r.offer(""), r.offer("")
		old := answer(first)
		if right, err := r.answer(first, old); err != nil || !right {
			t.Fatalf("%t, %v", right, err)
		}
		if right, err := r.answer(second, answer(second)); err != nil || !right {
			t.Fatalf("%t, %v", right, err)
		}
		right, err := r.answer(first, old)
		refused(t, "the first answer again", right, err)
	})
}

// guard: one answer for everything that is wrong (SEC-33, SEC-98), and nothing opens
func TestATK111_WrongPasskeysAreAlike(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		right := r.bind(maria, virtualwebauthn.AuthenticatorOptions{})
		touch := r.bind(owner, virtualwebauthn.AuthenticatorOptions{UserNotVerified: true})
		nobodys := *right
		nobodys.Credential = passkeytest.NewCredential()
		theirs := *right
		theirs.Options.UserHandle = touch.Options.UserHandle
		unnamed := *right
		unnamed.Options.UserHandle = nil
		lazy := *right
		lazy.Options.UserNotVerified = true
		forged := *right
		forged.Key = nobodys.Key
		for name, k := range map[string]*passkeytest.Key{"bound by touch": touch, "nobody's": &nobodys,
			"another's handle": &theirs, "no handle": &unnamed, "only touched": &lazy, "forged": &forged} {
			o := r.offer("")
			k.Counter += 100
			right, err := r.answer(o, k.Answer(t, o.Options))
			refused(t, name, right, err)
		}
		for _, text := range []string{"", "null", "{}", "\x00", "123456"} {
			right, err := r.answer(r.offer(""), []byte(text))
			refused(t, text, right, err)
		}
		if len(r.begun) != 0 {
			t.Errorf("%d sign-ins began", len(r.begun))
		}
		if n := r.events(company, "signin.passkey", "failed"); n != 5 {
			t.Errorf("%d failures in the company's record", n)
		}
		if n := r.events(db.Installation, "signin.passkey", "failed"); n != 6 {
			t.Errorf("%d failures in the installation's record", n)
		}
	})
}

// guard: what was closed since is closed for passkeys too (ATK-110)
func TestATK110_AClosedAccountHasNoPasskey(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		k := r.bind(maria, virtualwebauthn.AuthenticatorOptions{})
		for name, c := range map[string][2]string{
			"a disabled account": {
				`UPDATE users SET disabled_at = 1 WHERE tenant_id = $1`,
				`UPDATE users SET disabled_at = 0 WHERE tenant_id = $1`,
			},
			"a suspended company": {
				`UPDATE tenants SET suspended_at = 1 WHERE tenant_id = $1`,
				`UPDATE tenants SET suspended_at = 0 WHERE tenant_id = $1`,
			},
			"a disabled passkey": {
				`UPDATE authenticators SET disabled_at = 1 WHERE tenant_id = $1 AND kind = 'passkey'`,
				`UPDATE authenticators SET disabled_at = 0 WHERE tenant_id = $1`,
			},
		} {
			r.run(c[0])
			refused(t, name, r.alone(k), nil)
			r.run(c[1])
		}
		r.in(company, func(ctx context.Context, tx *db.Tx) error { return tenant.SetMethods(ctx, tx, "totp") })
		refused(t, "a company without passkeys", r.alone(k), nil)
		r.in(company, func(ctx context.Context, tx *db.Tx) error { return tenant.SetMethods(ctx, tx, "") })
		r.allowed("totp")
		refused(t, "a vendor without passkeys", r.alone(k), nil)
		r.allowed("")
		if !r.alone(k) {
			t.Error("not right after all")
		}
		r.in(company, func(ctx context.Context, tx *db.Tx) error {
			u, err := user.ByEmail(ctx, tx, maria)
			if err != nil {
				return err
			}
			return authenticator.Unbind(ctx, tx, u.ID, k.ID)
		})
		refused(t, "a removed passkey", r.alone(k), nil)
	})
}

// allowed sets the methods that the vendor allows.
func (r *rig) allowed(methods string) {
	r.t.Helper()
	r.in(db.Installation, func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE installation SET methods = $1`, methods)
		return err
	})
}

// guard: no failure of anyone's keeps a right passkey out, and a source that fails writes
// only so much
func TestSEC32_NobodyLocksAPasskeyOut(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		k := r.bind(maria, virtualwebauthn.AuthenticatorOptions{})
		for range 30 {
			_, _ = r.check(attempt(maria, "wrong"))
		}
		if !r.alone(k) {
			t.Error("wrong passwords locked the passkey out")
		}
		forged := *k
		forged.Key = passkeytest.NewCredential().Key
		waits := 0
		for range r.Limits.FailuresPerSource + 10 {
			o := r.offer("")
			if _, err := r.answer(o, forged.Answer(t, o.Options)); err != nil {
				waits++
			}
		}
		if n := r.events(company, "signin.passkey", "failed"); waits < 10 || n > r.Limits.FailuresPerSource {
			t.Errorf("%d were told to wait, %d were written", waits, n)
		}
		if !r.alone(k) {
			t.Error("forged passkeys locked the right one out")
		}
	})
}

// Someone who knows the password uses up the sign-ins of strangers, and none of the passkey's.
//
// guard: limitPasskeyFlows
func TestAPasskeyHasSignInsOfItsOwn(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		k := r.bind(maria, virtualwebauthn.AuthenticatorOptions{})
		r.exhaust(maria)
		if !r.alone(k) {
			t.Error("right passwords locked the passkey out")
		}
	})
}

// TestSpentChallengesAreSwept, and only those that are over.
func TestSpentChallengesAreSwept(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		k := r.bind(maria, virtualwebauthn.AuthenticatorOptions{})
		count := func() (n int) {
			r.in(db.Installation, func(ctx context.Context, tx *db.Tx) error {
				return tx.QueryRow(ctx, `SELECT COUNT(*) FROM spent_challenges`).Scan(&n)
			})
			return n
		}
		r.alone(k)
		for _, want := range []int{1, 0} {
			if _, err := passkey.Sweep(t.Context(), r.DB); err != nil {
				t.Fatal(err)
			}
			if n := count(); n != want {
				t.Errorf("%d left, want %d", n, want)
			}
			r.pass(2 * time.Hour)
		}
	})
}

func TestNoOfferWherePasskeysAreNotConfigured(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.Passkeys = nil
		if _, ok := r.OfferPasskey(""); ok {
			t.Error("an offer was made")
		}
		right, err := r.answer(firststep.PasskeyOffer{}, []byte("{}"))
		refused(t, "an answer to nothing", right, err)
	})
}
