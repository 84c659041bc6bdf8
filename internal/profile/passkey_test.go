package profile_test

import (
	"context"
	"testing"

	"github.com/descope/virtualwebauthn"

	"countersign/internal/audit"
	"countersign/internal/authenticator"
	"countersign/internal/authenticator/passkey"
	"countersign/internal/binding"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/message/email"
	"countersign/internal/profile"
)

var site = virtualwebauthn.RelyingParty{Name: "sign-in.test", ID: "sign-in.test", Origin: "https://sign-in.test"}

func (h *house) withPasskeys() {
	h.t.Helper()
	v, err := passkey.New("https://sign-in.test", h.Keys)
	if err != nil {
		h.t.Fatal(err)
	}
	h.binding.Binders[authenticator.Passkey] = v
}

// made is what a device answers to the set-up of a passkey.
func (h *house) made(d binding.PendingEnrollment) authenticator.Response {
	h.t.Helper()
	card, err := passkey.Show(d.PendingEnrollment)
	if err != nil {
		h.t.Fatal(err)
	}
	options, err := virtualwebauthn.ParseAttestationOptions(string(card.Options))
	if err != nil {
		h.t.Fatal(err)
	}
	key := virtualwebauthn.Credential{}
	for key.Key == nil || len(key.Key.AttestationData()) != 77 { // shorter ones are the test double's mistake
		key = virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
	}
	return authenticator.Response{Assertion: []byte(virtualwebauthn.CreateAttestationResponse(site,
		virtualwebauthn.NewAuthenticator(), key, *options))}
}

func (h *house) try(o profile.Owner, d binding.PendingEnrollment,
	r authenticator.Response) (out binding.Outcome, err error) {
	h.t.Helper()
	err = h.DB.InTx(h.t.Context(), o.User.TenantID, func(tx *db.Tx) error {
		out, err = h.binding.Confirm(h.t.Context(), tx, h.holder(o), d.ID, r)
		return err
	})
	return out, err
}

// TestSEC091_ASetUpEndsWithItsChallenge: it is not offered to be finished any more, and a late
// answer finds nothing.
func TestSEC091_ASetUpEndsWithItsChallenge(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.withPasskeys()
		h.person(h.company, "maria@company.test")
		o := h.owner("maria@company.test")
		d, err := h.binding.Propose(t.Context(), h.holder(o), authenticator.Passkey, "", "")
		if err != nil || !d.Ends.Equal(h.clock.now().Add(passkey.Life)) {
			t.Fatalf("ends %s, %v", d.Ends, err)
		}
		late := h.made(d)
		h.clock.pass(passkey.Life)
		if _, err := h.binding.Waiting(t.Context(), h.holder(o), authenticator.Passkey); !fault.Is(err,
			fault.NotFound) {
			t.Errorf("it still waits: %v", err)
		}
		if out, err := h.try(o, d, late); !fault.Is(err, fault.NotFound) {
			t.Errorf("%+v, %v", out, err)
		}
	})
}

// TestAPasskeyIsToldByItsName: where none was given, by the one that the profile shows.
func TestAPasskeyIsToldByItsName(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.withPasskeys()
		h.person(h.company, "maria@company.test")
		o := h.owner("maria@company.test")
		d, err := h.binding.Propose(t.Context(), h.holder(o), authenticator.Passkey, "", "")
		if err != nil {
			t.Fatal(err)
		}
		out, err := h.try(o, d, h.made(d))
		if err != nil || !out.OK {
			t.Fatalf("%+v, %v", out, err)
		}
		var mail email.MethodChanged
		if h.last("maria@company.test", &mail); mail.Label != "Passkey" {
			t.Errorf("the mail calls it %q", mail.Label)
		}
		h.in(h.company, func(ctx context.Context, tx *db.Tx) error {
			rows, err := audit.List(ctx, tx, audit.Filter{Action: "method.added", Limit: 1})
			if len(rows) != 1 || rows[0].Reason != "Passkey" {
				t.Errorf("the record calls it %+v", rows)
			}
			return err
		})
	})
}
