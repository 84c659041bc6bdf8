package signin_test

import (
	"context"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"

	"countersign/internal/authenticator"
	"countersign/internal/authenticator/lookup"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/authenticator/passkey"
	"countersign/internal/authenticator/passkey/passkeytest"
	"countersign/internal/authenticator/totp"
	"countersign/internal/db"
	"countersign/internal/message"
	"countersign/internal/secret"
	"countersign/internal/signin"
	"countersign/internal/user"
)

// kit is everything that someone has set up beside the password.
type kit struct {
	app   totp.App
	key   *passkeytest.Key
	sheet lookup.Sheet
	texts *post // stands for the gateway of text messages
}

// equip gives a person of the company one method of every kind.
func (h *house) equip(address string) *kit {
	h.t.Helper()
	keys, err := passkey.New(h.Origin, h.Keys)
	if err != nil {
		h.t.Fatal(err)
	}
	k := &kit{texts: &post{}}
	codes := lookup.Verifier{Hash: h.Passwords.HashCode, Match: h.Passwords.MatchCode}
	h.Others = map[authenticator.Kind]authenticator.Verifier{
		authenticator.Passkey: keys, authenticator.TOTP: totp.Verifier{Keys: h.Keys}, authenticator.Backup: codes,
		authenticator.SMS: outofband.Verifier{Channel: authenticator.SMS, Keys: h.Keys, Queue: h.FirstStep.Queue,
			Digits: 6, Origin: h.Origin},
	}
	h.FirstStep.Passkeys = keys
	h.courier.Senders = map[string]message.Sender{"email": h.post, "sms": k.texts}
	k.key = h.bindPasskey(h.company, address, virtualwebauthn.AuthenticatorOptions{})
	prepared, err := codes.Prepare(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	h.in(h.company, func(ctx context.Context, tx *db.Tx) error {
		u, err := user.ByEmail(ctx, tx.ForTenant(db.Installation), address)
		if err != nil {
			return err
		}
		who := authenticator.Subject{UserID: u.ID, Email: u.Email, Name: u.Name, Vendor: "Vendor"}
		if err := h.bindTOTP(ctx, tx, who, k); err != nil {
			return err
		}
		if err := bindCodes(ctx, tx, codes, who, prepared, k); err != nil {
			return err
		}
		a, err := authenticator.Bind(ctx, tx, u.ID, authenticator.SMS, "")
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO outofband_addresses (tenant_id, authenticator_id, address, verified_at)
			VALUES ($1, $2, '+4915112345678', $3)`, tx.Tenant, a.ID, tx.Now)
		return err
	})
	return k
}

func (h *house) bindTOTP(ctx context.Context, tx *db.Tx, who authenticator.Subject, k *kit) error {
	v := totp.Verifier{Keys: h.Keys}
	d := authenticator.PendingEnrollment{ID: tx.NewID(), Begun: tx.Now, Ends: tx.Now.Add(time.Hour)}
	var err error
	if d.State, err = v.Propose(ctx, tx, who, d, ""); err != nil {
		return err
	}
	card, err := totp.Show(d)
	if err != nil {
		return err
	}
	if k.app, err = totp.ReadApp(card.URI); err != nil {
		return err
	}
	if _, err := authenticator.BindAs(ctx, tx, d.ID, who.UserID, authenticator.TOTP, "App"); err != nil {
		return err
	}
	code, _ := k.app.Code(tx.Now)
	_, err = v.Confirm(ctx, tx, who, d, authenticator.Response{Code: code})
	return err
}

func bindCodes(ctx context.Context, tx *db.Tx, v lookup.Verifier, who authenticator.Subject,
	prepared authenticator.State, k *kit) error {
	d := authenticator.PendingEnrollment{ID: tx.NewID(), Begun: tx.Now, Ends: tx.Now.Add(time.Hour), State: prepared}
	var err error
	if d.State, err = v.Propose(ctx, tx, who, d, ""); err != nil {
		return err
	}
	if k.sheet, err = lookup.Show(d); err != nil {
		return err
	}
	if _, err := authenticator.BindAs(ctx, tx, d.ID, who.UserID, authenticator.Backup, ""); err != nil {
		return err
	}
	_, err = v.Confirm(ctx, tx, who, d, authenticator.Response{Code: k.sheet.Codes[0].Text})
	return err
}

// askFor signs in with the password and a wish for one kind of second step.
func (h *house) askFor(address string, kind authenticator.Kind) signin.AnswerCode {
	h.t.Helper()
	a := attempt(address, rightPassword, "dashboard")
	a.Prefer = kind
	step, err := h.SubmitPassword(h.t.Context(), a)
	ask, ok := step.(signin.AnswerCode)
	if err != nil || !ok {
		h.t.Fatalf("%#v, %v", step, err)
	}
	if ask.Kind != kind { // printed codes are never asked for by themselves
		ask = h.use(ask, kind)
	}
	return ask
}

func (h *house) use(ask signin.AnswerCode, kind authenticator.Kind) signin.AnswerCode {
	h.t.Helper()
	ways, _, err := h.ListMethods(h.t.Context(), *ask.Flow)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, w := range ways {
		if w.Kind != kind {
			continue
		}
		step, err := h.ChooseMethod(h.t.Context(), *ask.Flow, w.ID, visitor)
		other, ok := step.(signin.AnswerCode)
		if err != nil || !ok {
			h.t.Fatalf("%#v, %v", step, err)
		}
		other.Flow = ask.Flow
		return other
	}
	h.t.Fatalf("%s is not offered", kind)
	return ask
}

func (k *kit) texted(h *house) string {
	h.t.Helper()
	h.deliver()
	codes := k.texts.codes(h.t)
	if len(codes) == 0 {
		h.t.Fatal("no text message")
	}
	return codes[len(codes)-1].Code
}

// TestStatementsPerAnswer holds the answer of every method to a budget of statements. What a
// method costs beyond a mailed code: an app and a passkey read and spend a row of their own;
// a printed code takes its try in a transaction of its own, because its comparison is slow.
func TestStatementsPerAnswer(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		const who = "maria@company.test"
		k := h.equip(who)
		h.clock.pass(time.Minute)
		respond := func(ref secret.Reference, r authenticator.Response) signin.Step {
			step, err := h.Respond(t.Context(), ref, r, false, visitor)
			if err != nil {
				t.Fatal(err)
			}
			return step
		}
		app := func() authenticator.Response {
			code, _ := k.app.Code(h.clock.now())
			return authenticator.Response{Code: code}
		}
		for _, c := range []struct {
			kind         authenticator.Kind
			wrong, right int64
			answer       func(ask signin.AnswerCode) authenticator.Response
		}{
			{authenticator.SMS, 6, 7,
				func(signin.AnswerCode) authenticator.Response { return authenticator.Response{Code: k.texted(h)} }},
			{authenticator.TOTP, 5, 8, func(signin.AnswerCode) authenticator.Response { return app() }},
			{authenticator.Passkey, 6, 8, func(ask signin.AnswerCode) authenticator.Response {
				return authenticator.Response{Assertion: k.key.Answer(t, ask.Present)}
			}},
			{authenticator.Backup, 9, 13, func(signin.AnswerCode) authenticator.Response {
				return authenticator.Response{Code: k.sheet.Codes[1].Text}
			}},
		} {
			h.clock.pass(time.Hour)
			for _, right := range []bool{true, false} {
				ask := h.askFor(who, c.kind)
				r, budget := c.answer(ask), c.right
				if !right {
					budget = c.wrong
					r = authenticator.Response{Code: "2-XXXX-XXXX-XXXXX"}
					if c.kind == authenticator.Passkey {
						r = authenticator.Response{Assertion: k.key.Answer(t, h.offer("").Options)}
					}
				}
				before := h.DB.Statements()
				step := respond(*ask.Flow, r)
				n := h.DB.Statements() - before
				if _, in := step.(signin.Done); in != right {
					t.Errorf("%s, right %t: %#v", c.kind, right, step)
				}
				t.Logf("%s, right %t: %d statements", c.kind, right, n)
				if n > budget {
					t.Errorf("%s, right %t, takes %d statements, budget %d", c.kind, right, n, budget)
				}
			}
		}
	})
}
