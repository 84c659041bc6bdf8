package signin_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"

	"countersign/internal/authenticator"
	"countersign/internal/authenticator/passkey"
	"countersign/internal/db"
	"countersign/internal/gate"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/session"
	"countersign/internal/signin"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// key is someone's passkey on a virtual device.
type key struct {
	virtualwebauthn.Authenticator
	virtualwebauthn.Credential
	id string // of the authenticator
}

var site = virtualwebauthn.RelyingParty{Name: "Vendor", ID: "sign-in.test", Origin: "https://sign-in.test"}

// withPasskeys is each with passkeys configured.
func withPasskeys(t *testing.T, fn func(t *testing.T, h *house)) {
	t.Helper()
	each(t, func(t *testing.T, h *house) {
		v, err := passkey.New(h.Origin, h.Keys)
		if err != nil {
			t.Fatal(err)
		}
		h.Others = map[authenticator.Kind]authenticator.Verifier{authenticator.Passkey: v}
		fn(t, h)
	})
}

func (h *house) passkeys() *passkey.Verifier {
	return h.Others[authenticator.Passkey].(*passkey.Verifier)
}

// bindPasskey gives a person of the company a passkey.
func (h *house) bindPasskey(company, address string, options virtualwebauthn.AuthenticatorOptions) *key {
	h.t.Helper()
	k := &key{Authenticator: virtualwebauthn.NewAuthenticatorWithOptions(options)}
	for k.Key == nil || len(k.Key.AttestationData()) != 77 { // shorter ones are the test double's mistake
		k.Credential = virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
	}
	h.in(company, func(ctx context.Context, tx *db.Tx) error {
		u, err := user.ByEmail(ctx, tx, address)
		if err != nil {
			return err
		}
		d := authenticator.PendingEnrollment{ID: tx.NewID(), Ends: tx.Now.Add(time.Hour)}
		who := authenticator.Subject{UserID: u.ID, Email: u.Email, Name: u.Name}
		if d.State, err = h.passkeys().Propose(ctx, tx, who, d, ""); err != nil {
			return err
		}
		card, err := passkey.Show(d)
		if err != nil {
			return err
		}
		creation, err := virtualwebauthn.ParseAttestationOptions(string(card.Options))
		if err != nil {
			return err
		}
		if _, err = authenticator.BindAs(ctx, tx, d.ID, u.ID, authenticator.Passkey, "Key"); err != nil {
			return err
		}
		answer := virtualwebauthn.CreateAttestationResponse(site, k.Authenticator, k.Credential, *creation)
		v, err := h.passkeys().Confirm(ctx, tx, who, d, authenticator.Response{Assertion: []byte(answer)})
		if !v.OK {
			h.t.Fatalf("not bound: %s %v", v.Reason, err)
		}
		k.id, k.Options.UserHandle = d.ID, []byte(creation.UserID)
		return err
	})
	return k
}

// answer is what the device says to a request.
func (k *key) answer(t testing.TB, options []byte) []byte {
	t.Helper()
	request, err := virtualwebauthn.ParseAssertionOptions(string(options))
	if err != nil {
		t.Fatal(err)
	}
	k.Counter++
	return []byte(virtualwebauthn.CreateAssertionResponse(site, k.Authenticator, k.Credential, *request))
}

func (h *house) offer(browser string) signin.PasskeyOffer {
	h.t.Helper()
	o, ok := h.BeginPasskey(browser)
	if !ok {
		h.t.Fatal("no offer")
	}
	return o
}

func (h *house) submit(o signin.PasskeyOffer, answer []byte) (signin.Step, error) {
	return h.SubmitPasskey(h.t.Context(), signin.Attempt{ClientID: "dashboard", Visitor: visitor}, o.Token,
		o.Browser, answer)
}

// alone signs in with a passkey and nothing else.
func (h *house) alone(k *key) signin.Step {
	h.t.Helper()
	o := h.offer("")
	step, err := h.submit(o, k.answer(h.t, o.Options))
	if err != nil {
		h.t.Fatal(err)
	}
	return step
}

func refusedPasskey(t *testing.T, what string, step signin.Step, err error) {
	t.Helper()
	if _, again := step.(signin.AskPassword); err != nil || !again {
		t.Errorf("%s: %#v %v", what, step, err)
	}
}

// guard: a passkey that checks its user is two factors, whatever may be remembered
func TestAIR17_APasskeySignsInAlone(t *testing.T) {
	withPasskeys(t, func(t *testing.T, h *house) {
		for _, c := range []struct {
			options virtualwebauthn.AuthenticatorOptions
			amr     []string
		}{
			{virtualwebauthn.AuthenticatorOptions{}, []string{"swk", "user", "mfa"}},
			{virtualwebauthn.AuthenticatorOptions{BackupEligible: true, BackupState: true},
				[]string{"swk", "user", "mfa"}},
		} {
			k := h.bindPasskey(h.company, "maria@company.test", c.options)
			done, ok := h.alone(k).(signin.Done)
			if !ok {
				t.Fatal("not signed in")
			}
			st := h.standing(done.Session, gate.Ask{ClientID: "dashboard"})
			if !st.Enough || st.Session.ACR != string(policy.PhishingResistant) ||
				!slices.Equal(st.Session.AMR, c.amr) || done.Method != authenticator.Passkey {
				t.Errorf("%+v", st.Session)
			}
		}
		if n := h.events(h.company, "signin.passkey", "ok"); n != 2 {
			t.Errorf("%d rows", n)
		}
		if n := h.flowsOf(h.company); n != 2 {
			t.Errorf("%d flows", n)
		}
	})
}

func (h *house) flowsOf(company string) (n int) {
	h.t.Helper()
	h.in(company, func(ctx context.Context, tx *db.Tx) error {
		return tx.QueryRow(ctx, `SELECT COUNT(*) FROM flows WHERE tenant_id = $1`, tx.Tenant).Scan(&n)
	})
	return n
}

// guard: the challenge is sealed for its browser, ends, and is spent by the first right answer
func TestATK108_AnOfferIsAnsweredOnceInItsBrowserInTime(t *testing.T) {
	withPasskeys(t, func(t *testing.T, h *house) {
		k := h.bindPasskey(h.company, "maria@company.test", virtualwebauthn.AuthenticatorOptions{})
		o := h.offer("")
		if again := h.offer(o.Browser); again.Browser != o.Browser {
			t.Error("a browser's second tab lost its first")
		}
		if made := h.offer("x"); made.Browser == "x" {
			t.Error("a senseless name was kept")
		}
		answer := k.answer(t, o.Options)
		stolen := o
		stolen.Browser = h.offer("").Browser
		step, err := h.submit(stolen, answer)
		refusedPasskey(t, "another browser", step, err)
		swapped := h.offer(o.Browser)
		step, err = h.submit(swapped, answer)
		refusedPasskey(t, "another offer", step, err)
		h.clock.pass(passkey.Life)
		step, err = h.submit(o, answer)
		refusedPasskey(t, "after five minutes", step, err)
		if h.sessions(h.company) != 0 || h.flowsOf(h.company) != 0 {
			t.Error("something was stored")
		}
		o = h.offer("")
		answer = k.answer(t, o.Options)
		if right := h.sixteen(o, answer); right != 1 || h.sessions(h.company) != 1 {
			t.Errorf("%d of 16 at once signed in, %d sessions", right, h.sessions(h.company))
		}
		// A second answer to the same offer is new to the device's counter and old to us.
		step, err = h.submit(o, k.answer(t, o.Options))
		refusedPasskey(t, "a used offer", step, err)
	})
}

func (h *house) sixteen(o signin.PasskeyOffer, answer []byte) (right int) {
	var mu sync.Mutex
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			step, err := h.submit(o, answer)
			if err != nil {
				h.t.Error(err)
			}
			if _, ok := step.(signin.Done); ok {
				mu.Lock()
				right++
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return right
}

// guard: without a counter, what was answered between does not make an old answer new
func TestSEC13_AnOldAnswerStaysOldWithoutACounter(t *testing.T) {
	withPasskeys(t, func(t *testing.T, h *house) {
		k := h.bindPasskey(h.company, "maria@company.test",
			virtualwebauthn.AuthenticatorOptions{BackupEligible: true, BackupState: true})
		say := func(o signin.PasskeyOffer) []byte { a := k.answer(t, o.Options); k.Counter = 0; return a }
		still := func(o signin.PasskeyOffer) []byte { k.Counter = ^uint32(0); return say(o) } // 0 on the wire
		first := h.offer("")
		old := still(first)
		for _, o := range []signin.PasskeyOffer{first, h.offer("")} {
			answer := old
			if o.Token != first.Token {
				answer = still(o)
			}
			if step, err := h.submit(o, answer); err != nil {
				t.Fatal(err)
			} else if _, ok := step.(signin.Done); !ok {
				t.Fatalf("%#v", step)
			}
		}
		step, err := h.submit(first, old)
		refusedPasskey(t, "the first answer again", step, err)
	})
}

// guard: one answer for everything that is wrong (SEC-33, SEC-98), and nothing opens
func TestATK111_WrongPasskeysAreAlike(t *testing.T) {
	withPasskeys(t, func(t *testing.T, h *house) {
		right := h.bindPasskey(h.company, "maria@company.test", virtualwebauthn.AuthenticatorOptions{})
		touch := h.bindPasskey(h.company, "owner@company.test",
			virtualwebauthn.AuthenticatorOptions{UserNotVerified: true})
		nobodys := *right
		nobodys.Credential = virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
		theirs := *right
		theirs.Options.UserHandle = touch.Options.UserHandle
		unnamed := *right
		unnamed.Options.UserHandle = nil
		lazy := *right
		lazy.Options.UserNotVerified = true
		forged := *right
		forged.Credential.Key = nobodys.Key
		for name, k := range map[string]*key{"bound by touch": touch, "nobody's": &nobodys, "another's handle": &theirs,
			"no handle": &unnamed, "only touched": &lazy, "forged": &forged} {
			o := h.offer("")
			k.Counter += 100
			step, err := h.submit(o, k.answer(t, o.Options))
			refusedPasskey(t, name, step, err)
		}
		for _, text := range []string{"", "null", "{}", "\x00", "123456"} {
			step, err := h.submit(h.offer(""), []byte(text))
			refusedPasskey(t, text, step, err)
		}
		if n := h.sessions(h.company) + h.flowsOf(h.company); n != 0 {
			t.Errorf("%d rows", n)
		}
		if n := h.events(h.company, "signin.passkey", "failed"); n != 5 {
			t.Errorf("%d failures in the company's record", n)
		}
		if n := h.events(db.Installation, "signin.passkey", "failed"); n != 6 {
			t.Errorf("%d failures in the installation's record", n)
		}
	})
}

// guard: what was closed since is closed for passkeys too (ATK-110)
func TestATK110_AClosedAccountHasNoPasskey(t *testing.T) {
	withPasskeys(t, func(t *testing.T, h *house) {
		k := h.bindPasskey(h.company, "maria@company.test", virtualwebauthn.AuthenticatorOptions{})
		for name, c := range map[string][2]string{
			"a disabled account": {`UPDATE users SET disabled_at = 1 WHERE tenant_id = $1`, `UPDATE users
				SET disabled_at = 0 WHERE tenant_id = $1`},
			"a suspended company": {`UPDATE tenants SET suspended_at = 1 WHERE tenant_id = $1`, `UPDATE tenants
				SET suspended_at = 0 WHERE tenant_id = $1`},
			"a disabled passkey": {`UPDATE authenticators SET disabled_at = 1
				WHERE tenant_id = $1 AND kind = 'passkey'`,
				`UPDATE authenticators SET disabled_at = 0 WHERE tenant_id = $1`},
		} {
			h.run(h.company, c[0])
			refusedPasskey(t, name, h.alone(k), nil)
			h.run(h.company, c[1])
		}
		h.in(h.company, func(ctx context.Context, tx *db.Tx) error { return tenant.SetMethods(ctx, tx, "totp") })
		refusedPasskey(t, "a company without passkeys", h.alone(k), nil)
		h.in(h.company, func(ctx context.Context, tx *db.Tx) error { return tenant.SetMethods(ctx, tx, "") })
		h.vendor(`UPDATE installation SET methods = 'totp'`)
		refusedPasskey(t, "a vendor without passkeys", h.alone(k), nil)
		h.vendor(`UPDATE installation SET methods = ''`)
		if _, ok := h.alone(k).(signin.Done); !ok {
			t.Error("not signed in after all")
		}
		h.in(h.company, func(ctx context.Context, tx *db.Tx) error {
			u, err := user.ByEmail(ctx, tx, "maria@company.test")
			if err != nil {
				return err
			}
			return authenticator.Unbind(ctx, tx, u.ID, k.id)
		})
		refusedPasskey(t, "a removed passkey", h.alone(k), nil)
	})
}

func (h *house) vendor(text string) {
	h.t.Helper()
	h.tx(func(ctx context.Context, tx *db.Tx) error { _, err := tx.Exec(ctx, text); return err })
}

func (h *house) run(company, text string) {
	h.t.Helper()
	h.in(company, func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, text, tx.Tenant)
		return err
	})
}

// guard: no failure of anyone's keeps a right passkey out, and a source that fails writes
// only so much
func TestSEC32_NobodyLocksAPasskeyOut(t *testing.T) {
	withPasskeys(t, func(t *testing.T, h *house) {
		k := h.bindPasskey(h.company, "maria@company.test", virtualwebauthn.AuthenticatorOptions{})
		for range 30 {
			_, _ = h.SubmitPassword(t.Context(), attempt("maria@company.test", "wrong", "dashboard"))
		}
		if _, ok := h.alone(k).(signin.Done); !ok {
			t.Error("wrong passwords locked the passkey out")
		}
		forged := *k
		forged.Credential.Key = virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2).Key
		waits := 0
		for range h.Limits.FailuresPerSource + 10 {
			o := h.offer("")
			if _, err := h.submit(o, forged.answer(t, o.Options)); err != nil {
				waits++
			}
		}
		if n := h.events(h.company, "signin.passkey", "failed"); waits < 10 || n > h.Limits.FailuresPerSource {
			t.Errorf("%d were told to wait, %d were written", waits, n)
		}
		if _, ok := h.alone(k).(signin.Done); !ok {
			t.Error("forged passkeys locked the right one out")
		}
	})
}

// guard: the owner is never told that someone knew the password away by a passkey
func TestAPasskeyDoesNotSparethePasswordThatIsKnown(t *testing.T) {
	withPasskeys(t, func(t *testing.T, h *house) {
		k := h.bindPasskey(h.company, "maria@company.test", virtualwebauthn.AuthenticatorOptions{})
		h.run(h.company, `UPDATE users SET password_flagged_at = 1 WHERE tenant_id = $1`)
		step, ok := h.alone(k).(signin.ReplacePassword)
		if !ok || step.Flow == nil {
			t.Fatalf("%#v", step)
		}
		next, err := h.ReplacePassword(t.Context(), *step.Flow, "another horse battery staple yak", visitor)
		if _, ok := next.(signin.Done); err != nil || !ok {
			t.Errorf("%#v %v", next, err)
		}
	})
}

// second asks for the passkey after the password.
func (h *house) second(address string) signin.AnswerCode {
	h.t.Helper()
	step, err := h.SubmitPassword(h.t.Context(), attempt(address, rightPassword, "dashboard"))
	ask, ok := step.(signin.AnswerCode)
	if err != nil || !ok || ask.Kind != authenticator.Passkey || len(ask.Present) == 0 {
		h.t.Fatalf("%#v %v", step, err)
	}
	return ask
}

func (h *house) respond(ref secret.Reference, answer []byte) signin.Step {
	h.t.Helper()
	step, err := h.Respond(h.t.Context(), ref, authenticator.Response{Assertion: answer}, false,
		session.Visitor{IP: visitor.IP})
	if err != nil {
		h.t.Fatal(err)
	}
	return step
}

func TestPasskeyAsTheSecondStep(t *testing.T) {
	withPasskeys(t, func(t *testing.T, h *house) {
		touch := h.bindPasskey(h.company, "maria@company.test",
			virtualwebauthn.AuthenticatorOptions{UserNotVerified: true})
		spare := h.bindPasskey(h.company, "maria@company.test",
			virtualwebauthn.AuthenticatorOptions{BackupEligible: true})
		for _, c := range []struct {
			k   *key
			amr []string
		}{{touch, []string{"pwd", "swk", "mfa"}}, {spare, []string{"pwd", "swk", "user", "mfa"}}} {
			ask := h.second("maria@company.test")
			done, ok := h.respond(*ask.Flow, c.k.answer(t, ask.Present)).(signin.Done)
			if !ok {
				t.Fatal("the second step did not sign in")
			}
			if s := h.standing(done.Session,
				gate.Ask{ClientID: "dashboard"}).Session; s.ACR != string(policy.PhishingResistant) ||
				!slices.Equal(s.AMR, c.amr) {
				t.Errorf("%s %v, want %v", s.ACR, s.AMR, c.amr)
			}
		}
	})
}

// guard: an answer is of one flow: not of another tab's, and not without its password
func TestATK108_TwoTabs(t *testing.T) {
	withPasskeys(t, func(t *testing.T, h *house) {
		k := h.bindPasskey(h.company, "maria@company.test", virtualwebauthn.AuthenticatorOptions{})
		one, two := h.second("maria@company.test"), h.second("maria@company.test")
		answer := k.answer(t, one.Present)
		if _, ok := h.respond(*two.Flow, answer).(signin.AnswerCode); !ok {
			t.Error("the other tab took it")
		}
		o := h.offer("")
		step, err := h.submit(o, answer)
		refusedPasskey(t, "the answer of a second step alone", step, err)
		if step := h.respond(*one.Flow, k.answer(t, o.Options)); step != nil {
			if _, ok := step.(signin.AnswerCode); !ok {
				t.Errorf("an offer's answer as a second step: %#v", step)
			}
		}
		k.Counter += 10
		right := 0
		var mu sync.Mutex
		var all sync.WaitGroup
		answer = k.answer(t, one.Present)
		for range 4 { // more would empty the challenge
			all.Go(func() {
				step, err := h.Respond(t.Context(), *one.Flow,
					authenticator.Response{Assertion: answer}, false, visitor)
				if _, ok := step.(signin.Done); err == nil && ok {
					mu.Lock()
					right++
					mu.Unlock()
				}
			})
		}
		all.Wait()
		if right != 1 || h.sessions(h.company) != 1 {
			t.Errorf("%d right, %d sessions", right, h.sessions(h.company))
		}
	})
}

// TestSpentChallengesAreSwept, and only those that are over.
func TestSpentChallengesAreSwept(t *testing.T) {
	withPasskeys(t, func(t *testing.T, h *house) {
		k := h.bindPasskey(h.company, "maria@company.test", virtualwebauthn.AuthenticatorOptions{})
		count := func() (n int) {
			h.tx(func(ctx context.Context, tx *db.Tx) error {
				if err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM spent_challenges`).Scan(&n); err != nil {
					return err
				}
				return nil
			})
			return n
		}
		h.alone(k)
		for _, want := range []int{1, 0} {
			if _, err := passkey.Sweep(t.Context(), h.DB); err != nil {
				t.Fatal(err)
			}
			if n := count(); n != want {
				t.Errorf("%d left, want %d", n, want)
			}
			h.clock.pass(2 * time.Hour)
		}
	})
}

func TestNoOfferWherePasskeysAreNotConfigured(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		if _, ok := h.BeginPasskey(""); ok {
			t.Error("an offer was made")
		}
		step, err := h.submit(signin.PasskeyOffer{}, []byte("{}"))
		refusedPasskey(t, "an answer to nothing", step, err)
	})
}
