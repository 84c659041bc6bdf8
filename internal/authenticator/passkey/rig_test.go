package passkey_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"sync"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"
	"github.com/fxamacker/cbor/v2"

	"countersign/internal/authenticator"
	"countersign/internal/authenticator/passkey"
	"countersign/internal/db"
	"countersign/internal/db/dbtest"
	"countersign/internal/secret"
	"countersign/internal/setup"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

const (
	host   = "sign-in.test"
	origin = "https://" + host
)

// clock is moved by tests.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time       { c.mu.Lock(); defer c.mu.Unlock(); return c.at }
func (c *clock) pass(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.at = c.at.Add(d) }

// house is two companies with a person each, and a colleague in the first.
type house struct {
	*passkey.Verifier
	t     testing.TB
	d     *db.DB
	clock *clock
	keys  *secret.Keys

	maria, colleague, stranger person
}

type person struct {
	tenant string
	user.User
}

func each(t *testing.T, fn func(t *testing.T, h *house)) {
	t.Helper()
	c := &clock{at: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)}
	dbtest.Each(t, c.now, func(t *testing.T, d *db.DB) { fn(t, build(t, d, c)) })
}

func benchHouse(b *testing.B) *house {
	b.Helper()
	c := &clock{at: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)}
	return build(b, dbtest.Open(b, dbtest.SQLiteURL(b), c.now), c)
}

func build(t testing.TB, d *db.DB, c *clock) *house {
	t.Helper()
	h := &house{t: t, d: d, clock: c, keys: secret.NewKeys(c.now())}
	v, err := passkey.New(origin, h.keys)
	if err != nil {
		t.Fatal(err)
	}
	h.Verifier = v
	h.in(db.Installation, func(ctx context.Context, tx *db.Tx) error {
		if _, err := tenant.Ensure(ctx, tx); err != nil {
			return err
		}
		for _, company := range []string{"one", "two"} {
			if _, err := tenant.Create(ctx, tx, company, company, tenant.Company); err != nil {
				return err
			}
		}
		return nil
	})
	h.maria, h.colleague, h.stranger = h.person("one", "maria@one.test"), h.person("one", "joao@one.test"),
		h.person("two", "ana@two.test")
	return h
}

func (h *house) in(tenantID string, fn func(ctx context.Context, tx *db.Tx) error) {
	h.t.Helper()
	if err := h.d.InTx(h.t.Context(), tenantID, func(tx *db.Tx) error { return fn(h.t.Context(), tx) }); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) person(company, address string) person {
	h.t.Helper()
	p := person{tenant: company}
	h.in(company, func(ctx context.Context, tx *db.Tx) (err error) {
		p.User, err = setup.Add(ctx, tx,
			setup.Person{Email: address, Name: "Person", Role: user.Agent, Language: "en", By: "test"})
		return err
	})
	return p
}

// device is an authenticator under the control of the test.
type device struct {
	virtualwebauthn.Credential
	handle []byte
}

// The flags of authenticator data (WebAuthn L3 §6.1).
const (
	up = 0x01
	uv = 0x04
	be = 0x08
	bs = 0x10
	at = 0x40
	ed = 0x80
)

func newDevice() *device { return &device{Credential: credential(virtualwebauthn.KeyTypeEC2)} }

// credential is a new one whose public key is written as RFC 9053 §7.1.1 wants it: the test
// double drops the zeros that a coordinate in 128 begins with.
func credential(kind virtualwebauthn.KeyType) virtualwebauthn.Credential {
	for {
		c := virtualwebauthn.NewCredential(kind)
		if kind != virtualwebauthn.KeyTypeEC2 || len(c.Key.AttestationData()) == 77 {
			return c
		}
	}
}

// forgery is what a device and a browser say, each part of which may be a lie.
type forgery struct {
	kind, origin, rpID string
	challenge          []byte
	extra              map[string]any // of the client data
	flags              byte
	counter            uint32
	id, handle         []byte
	spoil              func(authData []byte) []byte // after signing
	algorithm          int
}

// asked is what of the options an authenticator looks at.
type asked struct {
	Challenge        string                 `json:"challenge"`
	RPID             string                 `json:"rpId"`
	RP               struct{ ID string }    `json:"rp"`
	User             struct{ ID string }    `json:"user"`
	AllowCredentials []struct{ ID string }  `json:"allowCredentials"`
	Exclude          []struct{ ID string }  `json:"excludeCredentials"`
	UserVerification string                 `json:"userVerification"`
	Timeout          int                    `json:"timeout"`
	Attestation      string                 `json:"attestation"`
	Selection        map[string]any         `json:"authenticatorSelection"`
	Params           []struct{ Alg int }    `json:"pubKeyCredParams"`
	Extensions       map[string]interface{} `json:"extensions"`
}

func options(t testing.TB, text []byte) (o asked) {
	t.Helper()
	if err := json.Unmarshal(text, &o); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return o
}

func raw(s string) []byte { b, _ := base64.RawURLEncoding.DecodeString(s); return b }
func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func (d *device) clientData(f forgery) []byte {
	data := map[string]any{"type": f.kind, "challenge": b64(f.challenge), "origin": f.origin, "crossOrigin": false}
	for k, v := range f.extra {
		data[k] = v
	}
	text, _ := json.Marshal(data)
	return text
}

func authData(f forgery, attested []byte) []byte {
	rp := sha256.Sum256([]byte(f.rpID))
	out := append(rp[:], f.flags)
	out = binary.BigEndian.AppendUint32(out, f.counter)
	return append(out, attested...)
}

func (d *device) sign(data, client []byte) []byte {
	hash := sha256.Sum256(client)
	digest := sha256.Sum256(append(append([]byte{}, data...), hash[:]...))
	sig, err := d.Key.Sign(digest[:])
	if err != nil {
		panic(err)
	}
	return sig
}

// get answers a request as an honest device does, but for what change lies about.
func (d *device) get(t testing.TB, text []byte, change func(*forgery)) []byte {
	t.Helper()
	o := options(t, text)
	d.Counter++
	f := forgery{kind: "webauthn.get", origin: origin, rpID: host, challenge: raw(o.Challenge), flags: up | uv,
		counter: d.Counter, id: d.ID, handle: d.handle}
	if change != nil {
		change(&f)
	}
	client := d.clientData(f)
	data := authData(f, nil)
	signature := d.sign(data, client)
	if f.spoil != nil {
		data = f.spoil(data)
	}
	out, _ := json.Marshal(map[string]any{
		"id": b64(f.id), "rawId": b64(f.id), "type": "public-key", "clientExtensionResults": map[string]any{},
		"response": map[string]any{"authenticatorData": b64(data), "clientDataJSON": b64(client),
			"signature": b64(signature), "userHandle": b64(f.handle)},
	})
	return out
}

// create answers a set-up, self-attested.
func (d *device) create(t testing.TB, text []byte, change func(*forgery)) []byte {
	t.Helper()
	o := options(t, text)
	d.handle = raw(o.User.ID)
	f := forgery{kind: "webauthn.create", origin: origin, rpID: host, challenge: raw(o.Challenge), flags: up | uv | at,
		id: d.ID, algorithm: -7}
	if change != nil {
		change(&f)
	}
	client := d.clientData(f)
	attested := append(make([]byte, 16), byte(len(f.id)>>8), byte(len(f.id)))
	attested = append(append(attested, f.id...), d.Key.AttestationData()...)
	data := authData(f, attested)
	statement := map[string]any{"alg": f.algorithm, "sig": d.sign(data, client)}
	if f.spoil != nil {
		data = f.spoil(data)
	}
	object, _ := cbor.Marshal(map[string]any{"fmt": "packed", "attStmt": statement, "authData": data})
	out, _ := json.Marshal(map[string]any{
		"id": b64(d.ID), "rawId": b64(d.ID), "type": "public-key",
		"clientExtensionResults": map[string]any{"credProps": map[string]any{"rk": true}},
		"response": map[string]any{"clientDataJSON": b64(client), "attestationObject": b64(object),
			"transports": []string{"internal", "hybrid"}},
	})
	return out
}

// subject is a person who binds.
func (p person) subject() authenticator.Subject {
	return authenticator.Subject{UserID: p.ID, Email: p.Email, Name: p.Name, Vendor: "Vendor"}
}

// propose begins a set-up.
func (h *house) propose(p person, label string) (d authenticator.PendingEnrollment, card passkey.Card) {
	h.t.Helper()
	h.in(p.tenant, func(ctx context.Context, tx *db.Tx) (err error) {
		d = authenticator.PendingEnrollment{ID: tx.NewID(), Label: label, Begun: tx.Now,
			Ends: tx.Now.Add(15 * time.Minute)}
		if d.State, err = h.Propose(ctx, tx, p.subject(), d, ""); err != nil {
			return err
		}
		card, err = passkey.Show(d)
		return err
	})
	return d, card
}

// confirm ends a set-up as the journey does: the row first, and away with it when it is wrong.
func (h *house) confirm(p person, d authenticator.PendingEnrollment, answer []byte) (v authenticator.Verdict) {
	h.t.Helper()
	h.in(p.tenant, func(ctx context.Context, tx *db.Tx) (err error) {
		if _, err = authenticator.BindAs(ctx, tx, d.ID, p.ID, authenticator.Passkey, d.Label); err != nil {
			return err
		}
		if v, err = h.Confirm(ctx, tx, p.subject(), d, authenticator.Response{Assertion: answer}); err != nil || v.OK {
			return err
		}
		return authenticator.Unbind(ctx, tx, p.ID, d.ID)
	})
	return v
}

// bind gives a person a passkey.
func (h *house) bind(p person, dev *device, change func(*forgery)) authenticator.Authenticator {
	h.t.Helper()
	d, card := h.propose(p, "")
	if v := h.confirm(p, d, dev.create(h.t, card.Options, change)); !v.OK {
		h.t.Fatalf("not bound: %s", v.Reason)
	}
	return authenticator.Authenticator{ID: d.ID, UserID: p.ID, Kind: authenticator.Passkey}
}

// stored is a credential as it lies in its row.
func (h *house) stored(p person, id string) passkey.Stored {
	h.t.Helper()
	s := passkey.Stored{AuthenticatorID: id}
	h.in(p.tenant, func(ctx context.Context, tx *db.Tx) error {
		return tx.QueryRow(ctx, `SELECT credential, sign_count FROM passkeys
			WHERE tenant_id = $1 AND authenticator_id = $2`, tx.Tenant, id).Scan(&s.Credential, &s.SignCount)
	})
	return s
}

// begin asks at sign-in.
func (h *house) begin(p person, a authenticator.Authenticator,
	s authenticator.ChallengeContext) (state authenticator.State, text []byte) {
	h.t.Helper()
	h.in(p.tenant, func(ctx context.Context, tx *db.Tx) error {
		o, err := h.Begin(ctx, tx, a, s)
		state = o.State
		return err
	})
	return state, h.Present(state)
}

func (h *house) setting() authenticator.ChallengeContext {
	now := h.d.Now()
	return authenticator.ChallengeContext{ChallengeID: "challenge", FlowID: "flow", Purpose: "signin.second_factor",
		IssuedAt: now, ExpiresAt: now.Add(15 * time.Minute)}
}

func (h *house) verify(p person, a authenticator.Authenticator, s authenticator.ChallengeContext,
	state authenticator.State, answer []byte) (v authenticator.Verdict) {
	h.t.Helper()
	h.in(p.tenant, func(ctx context.Context, tx *db.Tx) (err error) {
		v, err = h.Verify(ctx, tx, a, s, state, authenticator.Response{Assertion: answer})
		return err
	})
	return v
}
