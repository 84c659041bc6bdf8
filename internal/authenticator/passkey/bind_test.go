package passkey_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"countersign/internal/authenticator"
	"countersign/internal/authenticator/passkey"
	"countersign/internal/db"
)

func TestWhatASetUpAsksFor(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		first := newDevice()
		h.bind(h.maria, first, nil)
		_, card := h.propose(h.maria, "")
		o := options(t, card.Options)
		if o.RP.ID != host || o.Attestation != "none" || o.Timeout != 300_000 ||
			o.Selection["residentKey"] != "preferred" || o.Selection["userVerification"] != "preferred" {
			t.Errorf("%s", card.Options)
		}
		if len(o.Exclude) != 1 || o.Exclude[0].ID != b64(first.ID) {
			t.Errorf("excluded: %v", o.Exclude)
		}
		for _, p := range o.Params {
			if p.Alg != -7 && p.Alg != -8 && p.Alg != -257 {
				t.Errorf("algorithm %d", p.Alg)
			}
		}
		handle := raw(o.User.ID)
		if len(handle) != 32 || bytes.Contains(card.Options, []byte(h.maria.ID)) || !bytes.Equal(handle, first.handle) {
			t.Error("the user handle is not an opaque name that stays")
		}
		other := newDevice()
		h.bind(h.stranger, other, nil)
		if bytes.Equal(other.handle, handle) {
			t.Error("two people have one handle")
		}
	})
}

// TestATK107_ForgedSetUps: each lie is refused and nothing is stored.
func TestATK107_ForgedSetUps(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		theirs := newDevice()
		h.bind(h.colleague, theirs, nil)
		for name, lie := range map[string]struct {
			change func(*forgery)
			reason string
		}{
			"wrong origin":       {func(f *forgery) { f.origin = "https://evil.example" }, passkey.OtherOrigin},
			"origin with a path": {func(f *forgery) { f.origin = origin + "/x" }, passkey.OtherOrigin},
			"in a frame": {func(f *forgery) { f.extra = map[string]any{"crossOrigin": true} },
				passkey.OtherOrigin},
			"wrong relying party":  {func(f *forgery) { f.rpID = "evil.example" }, passkey.OtherHost},
			"other challenge":      {func(f *forgery) { f.challenge = make([]byte, 32) }, passkey.Other},
			"type of a sign-in":    {func(f *forgery) { f.kind = "webauthn.get" }, passkey.OtherCeremony},
			"no one there":         {func(f *forgery) { f.flags = uv | at }, passkey.NotPresent},
			"copied without being": {func(f *forgery) { f.flags = up | uv | bs | at }, passkey.BadBackup},
			"no credential":        {func(f *forgery) { f.flags = up | uv }, passkey.Malformed},
			"other algorithm":      {func(f *forgery) { f.algorithm = -257 }, "bad_attestation"},
			"no algorithm":         {func(f *forgery) { f.algorithm = 0 }, "bad_attestation"},
			"another id inside":    {func(f *forgery) { f.id = bytes.Repeat([]byte{9}, 16) }, passkey.BadID},
			"cut short": {func(f *forgery) { f.spoil = func(b []byte) []byte { return b[:len(b)-9] } },
				passkey.Malformed},
			"longer": {func(f *forgery) { f.spoil = func(b []byte) []byte { return append(b, 0) } },
				passkey.Malformed},
			"changed": {func(f *forgery) { f.spoil = func(b []byte) []byte { b[36]++; return b } },
				"bad_attestation"},
		} {
			d, card := h.propose(h.maria, "")
			if v := h.confirm(h.maria, d, newDevice().create(t, card.Options, lie.change)); v.OK ||
				v.Reason != lie.reason {
				t.Errorf("%s: %+v, want %s", name, v, lie.reason)
			}
		}
		for _, s := range []string{"", "null", "{}", "[]", "\x00", strings.Repeat("[", 40_000)} {
			d, _ := h.propose(h.maria, "")
			if v := h.confirm(h.maria, d, []byte(s)); v.OK || v.Reason != passkey.Malformed {
				t.Errorf("%.20q: %+v", s, v)
			}
		}
		h.nothingOf(h.maria)
	})
}

func (h *house) nothingOf(p person) {
	h.t.Helper()
	h.in(p.tenant, func(ctx context.Context, tx *db.Tx) error {
		var keys, listed int
		err := tx.QueryRow(ctx, `SELECT (SELECT COUNT(*) FROM passkeys p
			WHERE p.tenant_id = $1 AND p.user_id = $2), (SELECT COUNT(*) FROM passkey_directory d
				WHERE d.tenant_id = $1 AND d.user_id = $2)`,
			tx.Tenant, p.ID).Scan(&keys, &listed)
		if keys != 0 || listed != 0 {
			h.t.Errorf("%d passkeys and %d directory rows are left", keys, listed)
		}
		return err
	})
}

// TestATK107_ASetUpIsOnePersonsOnce: challenges of others, old ones and used ones, and a
// credential that someone has.
func TestATK107_ASetUpIsOnePersonsOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		d, card := h.propose(h.colleague, "")
		stolen := newDevice().create(t, card.Options, nil)
		if v := h.confirm(h.maria, authenticator.PendingEnrollment{ID: "other", State: d.State}, stolen); v.OK {
			t.Error("a colleague's challenge binds")
		}
		mine, own := h.propose(h.maria, "")
		if v := h.confirm(h.maria, mine, stolen); v.OK {
			t.Error("a colleague's answer binds")
		}
		dev := newDevice()
		answer := dev.create(t, own.Options, nil)
		if v := h.confirm(h.maria, mine, answer); !v.OK || v.Proof != "passkey+uv" || v.AuthenticatorID != mine.ID {
			t.Fatalf("%+v", v)
		}
		again, _ := h.propose(h.maria, "")
		if v := h.confirm(h.maria, again, answer); v.OK {
			t.Error("a used challenge binds")
		}
		for _, p := range []person{h.maria, h.colleague, h.stranger} {
			d, card := h.propose(p, "")
			if v := h.confirm(p, d, dev.create(t, card.Options, nil)); v.OK || v.Reason != passkey.Taken {
				t.Errorf("a credential that someone has: %+v", v)
			}
		}
		late, card := h.propose(h.maria, "")
		answer = newDevice().create(t, card.Options, nil)
		h.clock.pass(passkey.Life)
		if v := h.confirm(h.maria, late, answer); v.OK || v.Reason != passkey.TimeOver {
			t.Errorf("after five minutes: %+v", v)
		}
	})
}

func TestRemovedIsFreeAgain(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		dev := newDevice()
		a := h.bind(h.maria, dev, nil)
		state, text := h.begin(h.maria, a, h.setting())
		h.in(h.maria.tenant, func(ctx context.Context, tx *db.Tx) error {
			return authenticator.Unbind(ctx, tx, h.maria.ID, a.ID)
		})
		h.nothingOf(h.maria)
		if v := h.verify(h.maria, a, h.setting(), state, dev.get(t, text, nil)); v.OK {
			t.Error("ATK-110: a removed passkey answered")
		}
		h.bind(h.colleague, dev, nil)
	})
}

func TestANameWhereNoneWasGiven(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for given, want := range map[string]string{"": "Passkey", "My key": "My key"} {
			d, card := h.propose(h.maria, given)
			if v := h.confirm(h.maria, d, newDevice().create(t, card.Options, nil)); !v.OK {
				t.Fatal(v.Reason)
			}
			h.in(h.maria.tenant, func(ctx context.Context, tx *db.Tx) error {
				var label string
				err := tx.QueryRow(ctx, `SELECT label FROM authenticators
					WHERE tenant_id = $1 AND id = $2`, tx.Tenant, d.ID).Scan(&label)
				if label != want {
					t.Errorf("%q is called %q", given, label)
				}
				return err
			})
		}
	})
}
