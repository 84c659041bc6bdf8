package signin_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/descope/virtualwebauthn"

	"countersign/internal/authenticator"
	"countersign/internal/authenticator/passkey"
	"countersign/internal/authenticator/passkey/passkeytest"
	"countersign/internal/db"
	"countersign/internal/firststep"
	"countersign/internal/gate"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/session"
	"countersign/internal/signin"
)

// withPasskeys is each with passkeys configured.
func withPasskeys(t *testing.T, fn func(t *testing.T, h *house)) {
	t.Helper()
	each(t, func(t *testing.T, h *house) {
		v, err := passkey.New(h.Origin, h.Keys)
		if err != nil {
			t.Fatal(err)
		}
		h.Others = map[authenticator.Kind]authenticator.Verifier{authenticator.Passkey: v}
		h.FirstStep.Passkeys = v
		fn(t, h)
	})
}

// bindPasskey gives a person of the company a passkey.
func (h *house) bindPasskey(company, address string,
	options virtualwebauthn.AuthenticatorOptions) (k *passkeytest.Key) {
	h.t.Helper()
	h.in(company, func(ctx context.Context, tx *db.Tx) (err error) {
		k, err = passkeytest.Bind(ctx, h.t, tx, h.FirstStep.Passkeys, "sign-in.test", address, options)
		return err
	})
	return k
}

func (h *house) offer(browser string) firststep.PasskeyOffer {
	h.t.Helper()
	o, ok := h.FirstStep.OfferPasskey(browser)
	if !ok {
		h.t.Fatal("no offer")
	}
	return o
}

func (h *house) submit(o firststep.PasskeyOffer, assertion []byte) (signin.Step, error) {
	return h.SubmitPasskey(h.t.Context(), firststep.Attempt{ClientID: "dashboard", Visitor: visitor},
		firststep.PasskeyAnswer{Token: o.Token, Browser: o.Browser, Assertion: assertion})
}

// alone signs in with a passkey and nothing else.
func (h *house) alone(k *passkeytest.Key) signin.Step {
	h.t.Helper()
	o := h.offer("")
	step, err := h.submit(o, k.Answer(h.t, o.Options))
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

func (h *house) run(company, text string) {
	h.t.Helper()
	h.in(company, func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, text, tx.Tenant)
		return err
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
			k   *passkeytest.Key
			amr []string
		}{{touch, []string{"pwd", "swk", "mfa"}}, {spare, []string{"pwd", "swk", "user", "mfa"}}} {
			ask := h.second("maria@company.test")
			done, ok := h.respond(*ask.Flow, c.k.Answer(t, ask.Present)).(signin.Done)
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
		answer := k.Answer(t, one.Present)
		if _, ok := h.respond(*two.Flow, answer).(signin.AnswerCode); !ok {
			t.Error("the other tab took it")
		}
		o := h.offer("")
		step, err := h.submit(o, answer)
		refusedPasskey(t, "the answer of a second step alone", step, err)
		if step := h.respond(*one.Flow, k.Answer(t, o.Options)); step != nil {
			if _, ok := step.(signin.AnswerCode); !ok {
				t.Errorf("an offer's answer as a second step: %#v", step)
			}
		}
		k.Counter += 10
		right := 0
		var mu sync.Mutex
		var all sync.WaitGroup
		answer = k.Answer(t, one.Present)
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
