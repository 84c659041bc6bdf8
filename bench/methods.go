package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncbor"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
	"github.com/go-webauthn/webauthn/webauthn"

	"countersign/internal/authenticator/password"
	"countersign/internal/authenticator/totp"
)

// The second steps that send nothing. No one walks through their pages for the pattern: what
// the product keeps of them is written here, and a mistake shows as wrong answers.
const (
	setKit     = "kit" // an app, a passkey and printed codes for anyone who signs in
	setTOTP    = "totp"
	setPasskey = "passkey"
	setBackup  = "backup"
)

// kit is what all copies have in common. Their ids differ, and so does what is sealed.
type kit struct {
	app    totp.App
	key    *ecdsa.PrivateKey
	public []byte // of key, as WebAuthn writes it
	hash   string // of paper
}

// paper is the first printed code of everyone.
const paper = "0123456789ABC"

func (w *world) makeKit(ctx context.Context) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	point, err := key.PublicKey.Bytes() // 4, x, y
	if err != nil {
		return err
	}
	w.kit = &kit{app: totp.App{Secret: []byte("twenty bytes of bench")[:20]}, key: key}
	w.kit.public, err = webauthncbor.Marshal(webauthncose.EC2PublicKeyData{
		PublicKeyData: webauthncose.PublicKeyData{KeyType: int64(webauthncose.EllipticKey),
			Algorithm: int64(webauthncose.AlgES256)},
		Curve:  int64(webauthncose.P256),
		XCoord: point[1:33],
		YCoord: point[33:],
	})
	if err != nil {
		return err
	}
	pool, err := password.NewPool(w.keys, password.DefaultCost, 1, 1)
	if err == nil {
		w.kit.hash, err = pool.HashCode(ctx, paper)
	}
	return err
}

// Names of a copy's own rows.
func (w *world) tenantOf(it item) string    { return companyID(it.user % w.tenants) }
func (w *world) userOf(it item) string      { return w.pattern.byTable["users"][0].make(it) }
func (w *world) flowOf(it item) string      { return w.pattern.byTable["flows"][0].make(it) }
func (w *world) challengeOf(it item) string { return w.pattern.byTable["challenges"][0].make(it) }

// methodOf is the id of a copy's authenticator.
func methodOf(kind string, it item) string { return idOf(1000+int(kind[0]), it.serial) }

// credentialOf is the record of a copy's passkey.
func (w *world) credentialOf(it item) webauthn.Credential {
	return webauthn.Credential{
		ID:              []byte("bench/" + methodOf(setPasskey, it)),
		PublicKey:       w.kit.public,
		AttestationType: "none",
		Transport:       []protocol.AuthenticatorTransport{protocol.Internal},
		Flags:           webauthn.NewCredentialFlags(protocol.FlagUserPresent | protocol.FlagUserVerified),
	}
}

// credentialKey is what the product finds a credential by.
func credentialKey(id []byte) string {
	h := sha256.Sum256(id)
	return base64.RawURLEncoding.EncodeToString(h[:])
}

// kitRecipes are the rows of someone's app, passkey and printed codes.
func (w *world) kitRecipes() []recipe {
	text := func(f func(it item) string) cell { return func(it item) any { return f(it) } }
	is := func(v any) cell { return func(item) any { return v } }
	id := func(kind string) cell { return func(it item) any { return methodOf(kind, it) } }
	tenant, user := text(w.tenantOf), text(w.userOf)
	key := func(it item) any { return credentialKey(w.credentialOf(it).ID) }
	record := func(it item) any { text, _ := json.Marshal(w.credentialOf(it)); return text }
	sealed := func(it item) any {
		return w.keys.Seal(w.kit.app.Secret, "totp_secrets", "sealed", w.tenantOf(it), methodOf(setTOTP, it))
	}
	return []recipe{
		w.authenticators(setTOTP, setPasskey, setBackup),
		{"totp_secrets", []string{"tenant_id", "authenticator_id", "user_id", "sealed", "last_step", "drift"},
			[][]cell{{tenant, id(setTOTP), user, sealed, is(int64(0)), is(int64(0))}}},
		{"backup_codes", []string{"tenant_id", "authenticator_id", "number", "hash", "used_at"},
			[][]cell{{tenant, id(setBackup), is(int64(1)), is(w.kit.hash), is(int64(0))}}},
		{"passkeys", []string{"tenant_id", "authenticator_id", "user_id", "credential_key", "credential", "sign_count",
			"synced"}, [][]cell{{tenant, id(setPasskey), user, key, record, is(int64(0)), is(int64(0))}}},
		{"passkey_directory", []string{"credential_key", "tenant_id", "user_id", "authenticator_id"},
			[][]cell{{key, tenant, user, id(setPasskey)}}},
	}
}

// authenticators are copies of the pattern's row as other kinds.
func (w *world) authenticators(kinds ...string) (r recipe) {
	for _, g := range w.pattern.sets[setPerson] {
		if g.table != "authenticators" {
			continue
		}
		r = recipe{table: g.table, columns: g.columns}
		for _, kind := range kinds {
			cells := w.cells(g, g.rows[0])
			cells[slices.Index(g.columns, "id")] = func(it item) any { return methodOf(kind, it) }
			cells[slices.Index(g.columns, "kind")] = func(item) any { return kind }
			r.rows = append(r.rows, cells)
		}
	}
	return r
}

// flowRecipes are flows that ask for a method of the kit, in place of a code by mail.
func (w *world) flowRecipes(kind string) (out []recipe) {
	other := map[string]cell{
		"flows.sends":                 func(item) any { return int64(0) },
		"challenges.kind":             func(item) any { return kind },
		"challenges.authenticator_id": func(it item) any { return methodOf(kind, it) },
		"challenges.message_id":       func(item) any { return "" },
		"challenges.state":            func(it item) any { return w.askedOf(kind, it) },
	}
	for _, r := range w.copying(perCopy, setFlow) {
		if r.table != "flows" && r.table != "challenges" {
			continue // of the mail
		}
		for i, column := range r.columns {
			if c := other[r.table+"."+column]; c != nil {
				for _, cells := range r.rows {
					cells[i] = c
				}
			}
		}
		out = append(out, r)
	}
	return out
}

// askedOf is what a challenge keeps: for a passkey what was asked, and what it is good for.
func (w *world) askedOf(kind string, it item) []byte {
	if kind != setPasskey {
		return []byte{}
	}
	challenge := hashOf("asked", it.serial)
	bound := w.keys.MAC("passkey", "get", w.tenantOf(it), w.userOf(it), w.flowOf(it), w.challengeOf(it),
		"signin.code", string(challenge))
	c := w.credentialOf(it)
	text, _ := json.Marshal(map[string]any{
		"challenge": challenge, "bound": bound, "ends": time.Now().Add(5 * time.Minute).UnixMicro(),
		"allowed": []protocol.CredentialDescriptor{c.Descriptor()},
	})
	return text
}

// assertion is what a browser sends for a copy (WebAuthn L3 §7.2).
func (w *world) assertion(it item, right bool) (string, error) {
	b64 := base64.RawURLEncoding.EncodeToString
	client, err := json.Marshal(map[string]any{"type": "webauthn.get", "challenge": b64(hashOf("asked", it.serial)),
		"origin": publicURL, "crossOrigin": false})
	if err != nil {
		return "", err
	}
	rp, clientHash := sha256.Sum256([]byte(publicHost)), sha256.Sum256(client)
	data := append(rp[:], byte(protocol.FlagUserPresent|protocol.FlagUserVerified), 0, 0, 0, 1) // the first use
	digest := sha256.Sum256(append(slices.Clone(data), clientHash[:]...))
	if !right {
		digest[0] ^= 1
	}
	signature, err := ecdsa.SignASN1(rand.Reader, w.kit.key, digest[:])
	if err != nil {
		return "", err
	}
	id := b64(w.credentialOf(it).ID)
	text, err := json.Marshal(map[string]any{
		"id": id, "rawId": id, "type": "public-key", "clientExtensionResults": map[string]any{},
		"response": map[string]any{
			"authenticatorData": b64(data), "clientDataJSON": b64(client), "signature": b64(signature),
			"userHandle": b64(w.keys.Lasting("passkey/user", w.tenantOf(it), w.userOf(it))),
		},
	})
	return url.Values{"assertion": {string(text)}}.Encode(), err
}

// answerWith posts to each flow of a stock what form makes for it.
func (w *world) answerWith(s stock, status int, form func(i int) string) task {
	return func(c *conn, i int) error {
		it := s.item(i)
		return c.orWait(c.post("/signin/code", addressOf(it.serial), w.cookie("flow", "flows", it), form(i)), status)
	}
}

// passkeys signs before anything is measured.
func (w *world) passkeys(right bool, status int) func(s stock) (task, error) {
	return func(s stock) (task, error) {
		forms := make([]string, s.n)
		for i := range forms {
			var err error
			if forms[i], err = w.assertion(s.item(i), right); err != nil {
				return nil, err
			}
		}
		return w.answerWith(s, status, func(i int) string { return forms[i] }), nil
	}
}

func (w *world) codes(status int, code func() string) func(s stock) (task, error) {
	return func(s stock) (task, error) {
		return w.answerWith(s, status, func(int) string { return "code=" + code() }), nil
	}
}

// measureMethods comes after all rows of mails: from then on people have other methods.
func measureMethods(ctx context.Context, w *world, r *report) error {
	if err := w.makeKit(ctx); err != nil {
		return fmt.Errorf("kit: %w", err)
	}
	now := func() string { code, _ := w.kit.app.Code(time.Now()); return code }
	for _, sp := range []spec{
		{what: "TOTP, right", sets: []string{setKit, setTOTP}, task: w.codes(303, now)},
		{what: "TOTP, wrong", sets: []string{setKit, setTOTP}, task: w.codes(401, func() string { return "135790" })},
		{what: "passkey, right", sets: []string{setKit, setPasskey}, task: w.passkeys(true, 303)},
		{what: "passkey, wrong", sets: []string{setKit, setPasskey}, task: w.passkeys(false, 401)},
		{
			what: "backup code, right",
			sets: []string{setKit, setBackup},
			task: w.codes(200, func() string { return "1-" + paper }),
		},
	} {
		sp.row = w.verifyRow()
		if err := w.measureAll(ctx, r, sp); err != nil {
			return err
		}
	}
	return nil
}
