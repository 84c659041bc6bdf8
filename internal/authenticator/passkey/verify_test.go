package passkey_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"

	"countersign/internal/audit"
	"countersign/internal/authenticator"
	"countersign/internal/authenticator/passkey"
	"countersign/internal/db"
	"countersign/internal/secret"
)

func TestOnlyWhereBrowsersOfferPasskeys(t *testing.T) {
	keys := secret.NewKeys(time.Now())
	for address, ok := range map[string]bool{
		"https://sign-in.test": true, "https://sign-in.test:8443": true, "http://localhost:8080": true,
		"https://localhost":   true,
		"http://sign-in.test": false, "https://192.0.2.1": false, "https://[2001:db8::1]:8443": false,
		"http://127.0.0.1:8080": false, "https://": false,
	} {
		if _, err := passkey.New(address, keys); (err == nil) != ok || err != nil &&
			!errors.Is(err, passkey.ErrAddress) {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// TestAnIndependentDeviceIsUnderstood: the whole way with an authenticator that others wrote.
func TestAnIndependentDeviceIsUnderstood(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for _, kind := range []virtualwebauthn.KeyType{virtualwebauthn.KeyTypeEC2, virtualwebauthn.KeyTypeRSA} {
			rp := virtualwebauthn.RelyingParty{Name: "Vendor", ID: host, Origin: origin}
			dev, cred := virtualwebauthn.NewAuthenticator(), credential(kind)
			d, card := h.propose(h.maria, "Key")
			creation, err := virtualwebauthn.ParseAttestationOptions(string(card.Options))
			if err != nil {
				t.Fatal(err)
			}
			if v := h.confirm(h.maria, d,
				[]byte(virtualwebauthn.CreateAttestationResponse(rp, dev, cred, *creation))); !v.OK {
				t.Fatal(v.Reason)
			}
			a := authenticator.Authenticator{ID: d.ID, UserID: h.maria.ID, Kind: authenticator.Passkey}
			state, text := h.begin(h.maria, a, h.setting())
			request, err := virtualwebauthn.ParseAssertionOptions(string(text))
			if err != nil || !cred.IsAllowedForAssertion(*request) {
				t.Fatalf("%s: %v", text, err)
			}
			dev.Options.UserHandle = []byte(creation.UserID)
			v := h.verify(h.maria, a, h.setting(), state,
				[]byte(virtualwebauthn.CreateAssertionResponse(rp, dev, cred, *request)))
			if !v.OK || v.AuthenticatorID != d.ID || v.Proof != "passkey+uv" {
				t.Errorf("%+v", v)
			}
		}
	})
}

// TestATK108_ForgedAssertions: each lie is refused, and nothing is spent by it.
func TestATK108_ForgedAssertions(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		mine, other := newDevice(), newDevice()
		a := h.bind(h.maria, mine, nil)
		h.bind(h.colleague, other, nil)
		mine.Counter = 10
		for name, lie := range map[string]struct {
			change func(*forgery)
			reason string
		}{
			"wrong origin": {func(f *forgery) { f.origin = "https://sign-in.test.evil.example" },
				passkey.OtherOrigin},
			"origin in other letters": {func(f *forgery) { f.origin = "https://SIGN-IN.test" }, passkey.OtherOrigin},
			"origin with a path":      {func(f *forgery) { f.origin = origin + "/" }, passkey.OtherOrigin},
			"origin with a port":      {func(f *forgery) { f.origin = origin + ":443" }, passkey.OtherOrigin},
			"plain origin":            {func(f *forgery) { f.origin = "http://" + host }, passkey.OtherOrigin},
			"in a frame": {func(f *forgery) { f.extra = map[string]any{"crossOrigin": true} },
				passkey.OtherOrigin},
			"in a frame of ours": {func(f *forgery) {
				f.extra = map[string]any{"crossOrigin": true,
					"topOrigin": origin}
			}, passkey.OtherOrigin},
			"top origin alone": {func(f *forgery) { f.extra = map[string]any{"topOrigin": origin} },
				passkey.OtherOrigin},
			"wrong relying party":     {func(f *forgery) { f.rpID = "evil.example" }, passkey.OtherHost},
			"parent relying party":    {func(f *forgery) { f.rpID = "test" }, passkey.OtherHost},
			"other challenge":         {func(f *forgery) { f.challenge = bytes.Repeat([]byte{1}, 32) }, passkey.Other},
			"no challenge":            {func(f *forgery) { f.challenge = nil }, passkey.Other},
			"longer challenge":        {func(f *forgery) { f.challenge = append(f.challenge, 0) }, passkey.Other},
			"type of a set-up":        {func(f *forgery) { f.kind = "webauthn.create" }, passkey.OtherCeremony},
			"no type":                 {func(f *forgery) { f.kind = "" }, passkey.OtherCeremony},
			"no one there":            {func(f *forgery) { f.flags = uv }, passkey.NotPresent},
			"copied without being":    {func(f *forgery) { f.flags = up | uv | bs }, passkey.BadBackup},
			"counter back":            {func(f *forgery) { f.counter = 10 }, passkey.Cloned},
			"counter at zero":         {func(f *forgery) { f.counter = 0 }, passkey.Cloned},
			"other user's credential": {func(f *forgery) { f.id = other.ID }, passkey.Unknown},
			"no one's credential":     {func(f *forgery) { f.id = bytes.Repeat([]byte{7}, 32) }, passkey.Unknown},
			"other user's handle":     {func(f *forgery) { f.handle = other.handle }, passkey.OtherUser},
			"changed after signing": {func(f *forgery) {
				f.spoil = func(b []byte) []byte { b[36]++; return b }
			}, passkey.BadSignature},
			"cut short": {func(f *forgery) { f.spoil = func(b []byte) []byte { return b[:36] } },
				passkey.Malformed},
			"longer": {func(f *forgery) { f.spoil = func(b []byte) []byte { return append(b, 0) } },
				passkey.Malformed},
			"broken extension": {func(f *forgery) {
				f.flags |= ed
				f.spoil = func(b []byte) []byte {
					return append(b,
						0xa1, 0x61)
				}
			}, passkey.Malformed},
		} {
			// The counter that is stored is 11 before each lie.
			state, text := h.begin(h.maria, a, h.setting())
			mine.Counter = max(mine.Counter, 10)
			if v := h.verify(h.maria, a, h.setting(), state, mine.get(t, text, nil)); !v.OK {
				t.Fatalf("before %s: %s", name, v.Reason)
			}
			state, text = h.begin(h.maria, a, h.setting())
			forged := mine.get(t, text, lie.change)
			if v := h.verify(h.maria, a, h.setting(), state, forged); v.OK || v.Reason != lie.reason || v.Proof != "" {
				t.Errorf("%s: %+v, want %s", name, v, lie.reason)
			}
			if v := h.verify(h.maria, a, h.setting(), state, mine.get(t, text, nil)); !v.OK {
				t.Errorf("after %s the right answer is %s", name, v.Reason)
			}
		}
	})
}

// TestATK108_NotInAnyOtherSetting: what was asked of one person in one flow is wrong for
// everyone and everything else (SEC-91).
func TestATK108_NotInAnyOtherSetting(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		dev, theirs, elsewhere := newDevice(), newDevice(), newDevice()
		a := h.bind(h.maria, dev, nil)
		b := h.bind(h.colleague, theirs, nil)
		c := h.bind(h.stranger, elsewhere, nil)
		s := h.setting()
		state, text := h.begin(h.maria, a, s)
		answer := dev.get(t, text, nil)
		for name, change := range map[string]func(*authenticator.ChallengeContext){
			"flow":      func(s *authenticator.ChallengeContext) { s.FlowID = "other" },
			"challenge": func(s *authenticator.ChallengeContext) { s.ChallengeID = "other" },
			"purpose":   func(s *authenticator.ChallengeContext) { s.Purpose = "step-up" },
		} {
			other := s
			change(&other)
			if v := h.verify(h.maria, a, other, state, answer); v.OK {
				t.Errorf("right for another %s", name)
			}
		}
		if v := h.verify(h.colleague, b, s, state, answer); v.OK {
			t.Error("right for a colleague")
		}
		if v := h.verify(h.colleague, b, s, state, theirs.get(t, text, nil)); v.OK {
			t.Error("a colleague answered with his own")
		}
		if v := h.verify(h.stranger, c, s, state, answer); v.OK {
			t.Error("right in another company")
		}
		if v := h.verify(h.stranger, authenticator.Authenticator{ID: a.ID, UserID: a.UserID, Kind: a.Kind}, s,
			state, answer); v.OK {
			t.Error("right for the same ids in another company")
		}
		draft, card := h.propose(h.maria, "")
		if v := h.verify(h.maria, a, s, draft.State, dev.get(t, card.Options, nil)); v.OK {
			t.Error("the challenge of a set-up signs in")
		}
		h.clock.pass(passkey.Life)
		if v := h.verify(h.maria, a, s, state, answer); v.OK || v.Reason != passkey.TimeOver {
			t.Errorf("after five minutes: %+v", v)
		}
	})
}

func TestATK108_AnAnswerCountsOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for name, f := range map[string]func(*forgery){"with a counter": nil,
			"without": func(f *forgery) { f.counter = 0 }} {
			dev := newDevice()
			a := h.bind(h.maria, dev, nil)
			state, text := h.begin(h.maria, a, h.setting())
			answer := dev.get(t, text, f)
			right := h.atOnce(t, 16, a, state, answer)
			if right != 1 {
				t.Errorf("%s: %d of 16 at once were right", name, right)
			}
			if v := h.verify(h.maria, a, h.setting(), state, answer); v.OK {
				t.Errorf("%s: right again", name)
			}
			if v := h.verify(h.maria, a, h.setting(), state, append([]byte(" \n"), answer...)); v.OK {
				t.Errorf("%s: right again behind white space", name)
			}
		}
	})
}

func (h *house) atOnce(t *testing.T, n int, a authenticator.Authenticator, state authenticator.State,
	answer []byte) (right int) {
	t.Helper()
	var mu sync.Mutex
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			err := h.d.InTx(t.Context(), h.maria.tenant, func(tx *db.Tx) error {
				v, err := h.Verify(t.Context(), tx, a, h.setting(), state, authenticator.Response{Assertion: answer})
				if err == nil && v.OK {
					tx.OnCommit(func() { mu.Lock(); right++; mu.Unlock() })
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	return right
}

// TestSEC96_ACopyRaisesAnAlarm: a counter that goes back is refused, recorded, and stays refused.
func TestSEC96_ACopyRaisesAnAlarm(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		dev := newDevice()
		a := h.bind(h.maria, dev, nil)
		for _, step := range []struct {
			counter uint32
			ok      bool
		}{{5, true}, {5, false}, {4, false}, {6, true}} {
			state, text := h.begin(h.maria, a, h.setting())
			if v := h.verify(h.maria, a, h.setting(), state,
				dev.get(t, text, func(f *forgery) { f.counter = step.counter })); v.OK != step.ok {
				t.Errorf("counter %d: %+v", step.counter, v)
			}
		}
		h.in(h.maria.tenant, func(ctx context.Context, tx *db.Tx) error {
			rows, err := audit.List(ctx, tx, audit.Filter{Action: "passkey.copied", Limit: 9})
			if len(rows) != 2 || rows[0].SubjectID != a.ID || rows[0].UserID != h.maria.ID {
				t.Errorf("%+v", rows)
			}
			return err
		})
	})
}

// TestSEC93And97_ProofsSayWhatWasShown: a touch is one factor, and nothing is called hardware
// that no attestation says so of. A device whose word about copies changes goes on to sign in.
func TestSEC93And97_ProofsSayWhatWasShown(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for _, c := range []struct {
			bound, used byte
			proof       authenticator.Kind
			copies      passkey.Copies
			alone       bool
		}{
			{up | uv, up | uv, "passkey+uv", passkey.DeviceBound, true},
			{up | uv, up, "passkey", passkey.DeviceBound, true},
			{up, up, "passkey", passkey.DeviceBound, false},
			{up, up | uv, "passkey", passkey.DeviceBound, false},
			{up | uv | be | bs, up | uv | be | bs, "passkey+uv", passkey.Synced, true},
			{up | uv | be, up | be, "passkey", passkey.Copyable, true},
			{up | uv | be, up | uv | be | bs, "passkey+uv", passkey.Synced, true},
			{up | uv | be | bs, up | uv | be, "passkey+uv", passkey.Copyable, true},
			{up | uv, up | uv | be, "passkey+uv", passkey.Copyable, true}, // it said that it cannot be copied, and can
			{up | uv, up | uv | be | bs, "passkey+uv", passkey.Synced, true},
			{up | be, up, "passkey", passkey.Copyable, false}, // and the reverse: it may have been copied before
		} {
			dev := newDevice()
			a := h.bind(h.maria, dev, func(f *forgery) { f.flags = c.bound | at })
			state, text := h.begin(h.maria, a, h.setting())
			v := h.verify(h.maria, a, h.setting(), state, dev.get(t, text, func(f *forgery) { f.flags = c.used }))
			facts := h.facts(h.maria, a.ID)
			if !v.OK || v.Proof != c.proof || facts.Copies != c.copies || facts.Alone != c.alone ||
				facts.Listed == nil || !*facts.Listed {
				t.Errorf("%#x then %#x: %+v %+v", c.bound, c.used, v, facts)
			}
			alone := h.alone(t, h.maria, a, dev, func(f *forgery) { f.flags = c.used })
			if want := c.alone && c.used&uv != 0; alone.OK != want || !want && alone.Reason != passkey.Unverified {
				t.Errorf("%#x then %#x, alone: %+v", c.bound, c.used, alone)
			}
		}
	})
}

func (h *house) facts(p person, id string) (f passkey.Facts) {
	h.t.Helper()
	h.in(p.tenant, func(ctx context.Context, tx *db.Tx) error {
		all, err := passkey.Of(ctx, tx, p.ID)
		for _, one := range all {
			if one.AuthenticatorID == id {
				f = one
			}
		}
		return err
	})
	return f
}

// alone answers an offer with a credential as it is stored.
func (h *house) alone(t *testing.T, p person, a authenticator.Authenticator, dev *device,
	change func(*forgery)) passkey.Found {
	t.Helper()
	text, token, _ := h.Offer(h.clock.now(), "browser")
	offered, ok := h.Take(token, "browser", h.clock.now())
	if !ok {
		t.Fatal("the offer is not ours")
	}
	answer, ok := passkey.Read(dev.get(t, text, change))
	if !ok {
		t.Fatal("the answer cannot be read")
	}
	s := h.stored(p, a.ID)
	return h.Alone(offered, p.tenant, p.ID, &s, answer)
}

// TestAnOfferIsGoodForItsBrowserAndFiveMinutes, and the same for everyone (SEC-91, SEC-98).
func TestAnOfferIsGoodForItsBrowserAndFiveMinutes(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		text, token, ends := h.Offer(h.clock.now(), "browser")
		o := options(t, text)
		if len(o.AllowCredentials) != 0 || o.UserVerification != "required" || o.RPID != host || o.Timeout != 300_000 ||
			len(raw(o.Challenge)) != 32 || !ends.Equal(h.clock.now().Add(5*time.Minute)) {
			t.Errorf("%s", text)
		}
		if again, _, _ := h.Offer(h.clock.now(), "browser"); bytes.Equal(again, text) {
			t.Error("the same challenge twice")
		}
		for name, ok := range map[string]bool{
			"another browser": take(h, token, "other"), "no browser": take(h, token, ""),
			"cut":     take(h, token[:len(token)-4], "browser"),
			"nothing": take(h, "", "browser"), "quotes": take(h, `"`+token+`"`, "browser"),
			"long": take(h, strings.Repeat("A", 100_000), "browser"),
		} {
			if ok {
				t.Errorf("%s opens it", name)
			}
		}
		h.clock.pass(passkey.Life - time.Microsecond)
		if !take(h, token, "browser") {
			t.Error("too old before its time")
		}
		h.clock.pass(time.Microsecond)
		if take(h, token, "browser") {
			t.Error("good after its time")
		}
	})
}

func take(h *house, token, browser string) bool {
	_, ok := h.Take(token, browser, h.clock.now())
	return ok
}

func TestADisabledPasskeyIsNone(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		dev, spare := newDevice(), newDevice()
		a := h.bind(h.maria, dev, nil)
		h.bind(h.maria, spare, nil)
		state, text := h.begin(h.maria, a, h.setting())
		h.in(h.maria.tenant, func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE authenticators SET disabled_at = $1
				WHERE tenant_id = $2 AND id = $3`, tx.Now, tx.Tenant, a.ID)
			return err
		})
		if v := h.verify(h.maria, a, h.setting(), state, dev.get(t, text, nil)); v.OK {
			t.Error("a disabled passkey answered")
		}
		if v := h.verify(h.maria, a, h.setting(), state, spare.get(t, text, nil)); !v.OK {
			t.Errorf("the other one: %s", v.Reason)
		}
		if _, text := h.begin(h.maria, a, h.setting()); len(options(t, text).AllowCredentials) != 1 {
			t.Errorf("asked for: %s", text)
		}
		if _, card := h.propose(h.maria, ""); len(options(t, card.Options).Exclude) != 1 {
			t.Error("a disabled passkey cannot be set up anew on its device")
		}
	})
}

// TestATK108_OnlyWhatWasAskedFor: a passkey that came after the question does not answer it.
func TestATK108_OnlyWhatWasAskedFor(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		a := h.bind(h.maria, newDevice(), nil)
		state, text := h.begin(h.maria, a, h.setting())
		late := newDevice()
		h.bind(h.maria, late, nil)
		if v := h.verify(h.maria, a, h.setting(), state, late.get(t, text, nil)); v.OK || v.Reason != passkey.Unknown {
			t.Errorf("%+v", v)
		}
	})
}

func TestSenselessAnswers(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		dev := newDevice()
		a := h.bind(h.maria, dev, nil)
		state, text := h.begin(h.maria, a, h.setting())
		right := dev.get(t, text, nil)
		var parts map[string]any
		_ = json.Unmarshal(right, &parts)
		for _, s := range []string{
			"", "null", "[]", "{}", "0", `"x"`, "123456", "１２３４５６", "\x00", string(right) + "x",
			string(right) + string(right), string(right[:len(right)/2]),
			strings.Repeat("[", 40_000), `{"id":"` + strings.Repeat("A", 1<<20) + `"}`,
			strings.Replace(string(right), `"public-key"`, `"password"`, 1),
			strings.Replace(string(right), `"rawId":"`, `"rawId":"AA`, 1),
			`{"id":[],"rawId":{},"type":1,"response":null}`,
		} {
			if v := h.verify(h.maria, a, h.setting(), state, []byte(s)); v.OK {
				t.Errorf("%.60q is right", s)
			}
		}
		for _, s := range []authenticator.State{nil, {}, []byte("{}"), []byte("null"), []byte("x"),
			state[:len(state)/2]} {
			if v := h.verify(h.maria, a, h.setting(), s, right); v.OK {
				t.Errorf("right for the state %q", s)
			}
		}
		if v := h.verify(h.maria, a, h.setting(), state, right); !v.OK {
			t.Errorf("the right answer: %s", v.Reason)
		}
	})
}

// TestVerifyAsksTheDatabaseTwice: one look and one guarded write.
func TestVerifyAsksTheDatabaseTwice(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		dev := newDevice()
		a := h.bind(h.maria, dev, nil)
		before := h.d.Statements()
		state, text := h.begin(h.maria, a, h.setting())
		asked := h.d.Statements() - before
		answer := dev.get(t, text, nil)
		before = h.d.Statements()
		if v := h.verify(h.maria, a, h.setting(), state, answer); !v.OK {
			t.Fatal(v.Reason)
		}
		if answered := h.d.Statements() - before; asked != 1 || answered != 2 {
			t.Errorf("%d to ask and %d to answer", asked, answered)
		}
	})
}
