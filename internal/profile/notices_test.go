package profile_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/authenticator/lookup"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/authenticator/receiver"
	"countersign/internal/authenticator/totp"
	"countersign/internal/db"
	"countersign/internal/profile"
	"countersign/internal/signin"
	"countersign/internal/user"
)

// app sets an authenticator app up and returns its id.
func (h *house) app(o profile.Owner) string {
	h.t.Helper()
	d, err := h.binding.Propose(h.t.Context(), h.holder(o), authenticator.TOTP, "", "")
	if err != nil {
		h.t.Fatal(err)
	}
	card, err := totp.Show(d.PendingEnrollment)
	if err != nil {
		h.t.Fatal(err)
	}
	app, err := totp.ReadApp(card.URI)
	if err != nil {
		h.t.Fatal(err)
	}
	code, _ := app.Code(h.clock.now())
	h.confirmed(o, d.ID, code)
	return d.ID
}

// codes makes a set of backup codes and returns its id.
func (h *house) codes(o profile.Owner) string {
	h.t.Helper()
	d, err := h.binding.Propose(h.t.Context(), h.holder(o), authenticator.Backup, "", "")
	if err != nil {
		h.t.Fatal(err)
	}
	sheet, err := lookup.Show(d.PendingEnrollment)
	if err != nil {
		h.t.Fatal(err)
	}
	h.confirmed(o, d.ID, sheet.Codes[3].Text)
	return d.ID
}

func (h *house) confirmed(o profile.Owner, draft, code string) {
	h.t.Helper()
	h.in(o.User.TenantID, func(ctx context.Context, tx *db.Tx) error {
		out, err := h.binding.Confirm(ctx, tx, h.holder(o), draft, authenticator.Response{Code: code})
		if !out.OK {
			h.t.Fatalf("%+v", out)
		}
		return err
	})
}

func anything(context.Context, *db.Tx) error { return nil }

// path is one way to add, take away or reset something of an account.
type path struct {
	template string
	link     string // in every notice of it; empty: there is none, and why
	do       func(h *house, o profile.Owner)
}

const (
	notMe = "/not-me/"
	undo  = "/undo/"
)

func removed(k authenticator.Kind) func(h *house, o profile.Owner) {
	return func(h *house, o profile.Owner) { h.remove(o, h.furnished(o, k)) }
}

func byHand(what string) func(h *house, o profile.Owner) {
	return func(h *house, o profile.Owner) {
		h.in(h.company, func(ctx context.Context, tx *db.Tx) error {
			return h.Notifier.SendOperatorChange(ctx, tx, o.User, what)
		})
	}
}

// paths is every way: anyone who adds one adds it here. A new name for a method is none.
var paths = map[string]path{
	"an app is set up": {"method_changed", notMe, func(h *house, o profile.Owner) { h.app(o) }},
	"codes are made":   {"method_changed", notMe, func(h *house, o profile.Owner) { h.codes(o) }},
	"codes are made anew": {"method_changed", notMe,
		func(h *house, o profile.Owner) { h.codes(o); h.forget(); h.codes(o) }},
	"an app is removed":     {"method_changed", notMe, removed(authenticator.TOTP)},
	"a passkey is removed":  {"method_changed", notMe, removed(authenticator.Passkey)},
	"a number is removed":   {"method_changed", notMe, removed(authenticator.SMS)},
	"a receiver is removed": {"method_changed", notMe, removed(authenticator.Push)},
	"codes are removed":     {"method_changed", notMe, removed(authenticator.Backup)},
	"taken back by a report": {"method_changed", "",
		// this is how one says so
		func(h *house, o profile.Owner) { h.furnished(o, authenticator.Passkey); h.disown(o) }},
	"a receiver is gone": {"receiver_gone", "", func(h *house, o profile.Owner) { // no one did it
		id := h.furnished(o, authenticator.Push)
		v := receiver.Verifier{Keys: h.Keys, Queue: h.Queue, Notifier: h.Notifier}
		if err := v.Gone(h.t.Context(), h.DB, h.company, id); err != nil {
			h.t.Fatal(err)
		}
	}},
	"the password is changed": {"account_changed", notMe, func(h *house, o profile.Owner) {
		if err := h.ChangePassword(h.t.Context(), o, rightPassword, "another horse battery staple zebra"); err != nil {
			h.t.Fatal(err)
		}
	}},
	"the password is replaced after a report": {"account_changed", notMe,
		func(h *house, o profile.Owner) { h.replacePassword(o) }},
	"the second step is switched on": {"account_changed", notMe, func(h *house, o profile.Owner) {
		if err := h.Choose(h.t.Context(), o, true, anything); err != nil {
			h.t.Fatal(err)
		}
	}},
	"the second step is switched off": {"account_changed", notMe, func(h *house, o profile.Owner) {
		if err := h.Choose(h.t.Context(), o, false, anything); err != nil {
			h.t.Fatal(err)
		}
	}},
	"the address is changed": {"address_changed", undo,
		func(h *house, o profile.Owner) { h.move(o, "newest-"+o.User.Email) }},
	"a password is set by hand":  {"by_hand", "", byHand("password.set")}, // it says whom to ask
	"an account is closed":       {"by_hand", "", byHand("user.disabled")},
	"an account is opened":       {"by_hand", "", byHand("user.enabled")},
	"the address is set by hand": {"by_hand", "", func(h *house, o profile.Owner) { h.movedByHand(o) }},
	"the change is undone": {"address_restored", "",
		func(h *house, o profile.Owner) { h.undo(strings.TrimPrefix(o.User.Email, "new-")) }}, // it is all over
	// internal/signin: TestSEC096_…
	"a copied passkey was shown": {"", "", nil},
	// internal/signin: as any warning, by tell
	"a remembered browser copied": {"", "", nil},
}

func (h *house) disown(o profile.Owner) {
	h.t.Helper()
	if err := h.incident.Disown(h.t.Context(), h.reference(outofband.NotMeLink("", h.Keys, h.company, o.FlowID)),
		visitor); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) replacePassword(o profile.Owner) {
	h.t.Helper()
	h.in(h.company, func(ctx context.Context, tx *db.Tx) error {
		_, err := user.FlagPassword(ctx, tx, o.User.ID)
		return err
	})
	ref, address := h.ask(o.User.Email)
	if _, ok := h.answer(ref, address).(signin.ReplacePassword); !ok {
		h.t.Fatal("no new password is asked for")
	}
	if _, err := h.signin.ReplacePassword(h.t.Context(), ref, "another horse battery staple zebra",
		visitor); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) movedByHand(o profile.Owner) {
	h.t.Helper()
	h.in(h.company, func(ctx context.Context, tx *db.Tx) error {
		had, err := user.Addresses(ctx, tx, o.User)
		if err != nil {
			return err
		}
		stored, err := user.ChangeEmail(ctx, tx, o.User.ID, "hand-"+o.User.Email)
		if err != nil {
			return err
		}
		return h.Notifier.SendAddressChanged(ctx, tx, o.User, had, stored)
	})
}

// forget drops the mails until now.
func (h *house) forget() {
	h.t.Helper()
	h.deliver()
	h.mails = nil
}

// TestSEC046_EveryAddressIsTold: of every way, the address that the account has and the one
// that it had until a moment ago, with a way to say that it was not them.
func TestSEC046_EveryAddressIsTold(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		serial := 0
		for name, p := range paths {
			if serial++; p.do == nil {
				continue
			}
			was := fmt.Sprintf("person%d@company.test", serial)
			h.person(h.company, was)
			moved := h.move(h.owner(was), "new-"+was)
			o := h.owner(moved.User.Email) // another sign-in than that of the change
			h.clock.pass(time.Second)
			h.deliver()
			if name != "the change is undone" { // by a link in one of them
				h.forget()
			}
			p.do(h, o)
			h.deliver()
			for _, to := range []string{was, "new-" + was} {
				h.told(name, p, to)
			}
		}
	})
}

func (h *house) told(name string, p path, to string) {
	h.t.Helper()
	n := 0
	for _, e := range h.mails {
		if e.To != to || e.Template != p.template {
			continue
		}
		n++
		if p.link != "" && !bytes.Contains(e.Data, []byte(p.link)) {
			h.t.Errorf("%s: %s is told without a way to say that it was not them: %s", name, to, e.Data)
		}
	}
	if n != 1 {
		h.t.Errorf("%s: %s was told %d times", name, to, n)
	}
}
