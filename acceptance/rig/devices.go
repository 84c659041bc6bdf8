package rig

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"strings"

	"github.com/fxamacker/cbor/v2"
)

// TOTP is what an authenticator app shows for a secret at a step of 30 seconds (RFC 6238).
func TOTP(secret []byte, step int64) string {
	mac := hmac.New(sha1.New, secret)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(step)))
	sum := mac.Sum(nil)
	i := sum[19] & 15
	return fmt.Sprintf("%06d", (binary.BigEndian.Uint32(sum[i:i+4])&0x7fffffff)%1_000_000)
}

var otpauth = regexp.MustCompile(`otpauth://totp/[^"<\s]+`)

// Scanned is the secret that a set-up page shows to an authenticator app.
func (pg *Page) Scanned() ([]byte, error) {
	u, err := url.Parse(otpauth.FindString(html.UnescapeString(pg.Body)))
	if err != nil {
		return nil, err
	}
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(u.Query().Get("secret"))
	if err == nil && len(secret) == 0 {
		err = errors.New("no secret for an app on the page")
	}
	return secret, err
}

var printed = regexp.MustCompile(`<li>(\d+-[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{5})</li>`)

// Printed are the backup codes that a page shows, each with its number.
func (pg *Page) Printed() (codes []string) {
	for _, m := range printed.FindAllStringSubmatch(pg.Body, -1) {
		codes = append(codes, m[1])
	}
	return codes
}

var referenceOn = regexp.MustCompile(`<b class="ref">([A-Z0-9]{4})</b>`)

// Reference is what a page calls the message that it waits for; empty where it waits for none.
func (pg *Page) Reference() string {
	if m := referenceOn.FindStringSubmatch(pg.Body); m != nil {
		return m[1]
	}
	return ""
}

// PasskeyOptions is what a page asks a browser's authenticator with, for "get", "create" or
// "conditional"; empty where it does not ask.
func (pg *Page) PasskeyOptions(ceremony string) string {
	options := ""
	pg.Element(func(tag string, attr func(string) string) bool {
		if tag == "form" && attr("data-passkey") == ceremony {
			options = attr("data-options")
		}
		return false
	})
	return options
}

// Key is a passkey whose owner, or thief, says whatever they like (W3C Web Authentication).
type Key struct {
	ID, Handle []byte
	Count      uint32
	Flags      byte   // beside the one for attested data; UP and UV when new
	Origin     string // where its browser believes to be

	private *ecdsa.PrivateKey
}

// NewKey makes a passkey that is bound nowhere yet.
func NewKey() *Key {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	id := make([]byte, 32)
	_, _ = rand.Read(id)
	return &Key{
		ID:      id,
		Flags:   0x05,
		Origin:  PublicURL,
		private: private,
	}
}

// asked is what a device reads of a request.
type asked struct {
	Challenge string              `json:"challenge"`
	User      struct{ ID string } `json:"user"`
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func (k *Key) client(ceremony, options string) (o asked, text []byte) {
	_ = json.Unmarshal([]byte(options), &o)
	text, _ = json.Marshal(map[string]any{"type": "webauthn." + ceremony, "challenge": o.Challenge, "origin": k.Origin,
		"crossOrigin": false})
	return o, text
}

func (k *Key) data(flags byte, attested []byte) []byte {
	rp := sha256.Sum256([]byte(Host))
	k.Count++
	return append(binary.BigEndian.AppendUint32(append(rp[:], flags), k.Count), attested...)
}

func (k *Key) sign(data, client []byte) []byte {
	hash := sha256.Sum256(client)
	digest := sha256.Sum256(append(append([]byte{}, data...), hash[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, k.private, digest[:])
	if err != nil {
		panic(err)
	}
	return signature
}

// Get answers a page that asks for a passkey.
func (k *Key) Get(options string) string {
	_, client := k.client("get", options)
	data := k.data(k.Flags, nil)
	out, _ := json.Marshal(map[string]any{
		"id": b64(k.ID), "rawId": b64(k.ID), "type": "public-key", "clientExtensionResults": map[string]any{},
		"response": map[string]any{"authenticatorData": b64(data), "clientDataJSON": b64(client),
			"signature": b64(k.sign(data, client)), "userHandle": b64(k.Handle)},
	})
	return string(out)
}

// Create answers a page that sets a passkey up.
func (k *Key) Create(options string) string {
	o, client := k.client("create", options)
	k.Handle, _ = base64.RawURLEncoding.DecodeString(o.User.ID)
	attested := binary.BigEndian.AppendUint16(make([]byte, 16), uint16(len(k.ID)))
	data := k.data(k.Flags|0x40, append(append(attested, k.ID...), k.public()...))
	object, err := cbor.Marshal(map[string]any{"fmt": "none", "attStmt": map[string]any{}, "authData": data})
	if err != nil {
		panic(err)
	}
	out, _ := json.Marshal(map[string]any{
		"id": b64(k.ID), "rawId": b64(k.ID), "type": "public-key", "clientExtensionResults": map[string]any{},
		"response": map[string]any{"clientDataJSON": b64(client), "attestationObject": b64(object),
			"transports": []string{"internal"}},
	})
	return string(out)
}

// public is the key as RFC 9053 section 7.1.1 writes it.
func (k *Key) public() []byte {
	point, err := k.private.PublicKey.Bytes() // 4, x, y
	if err != nil {
		panic(err)
	}
	mode, err := cbor.CTAP2EncOptions().EncMode()
	if err != nil {
		panic(err)
	}
	out, err := mode.Marshal(map[int]any{1: 2, 3: -7, -1: 1, -2: point[1:33], -3: point[33:]})
	if err != nil {
		panic(err)
	}
	return out
}

// Thief is a copy of the key in its present state, but with a private key of the thief's own.
func (k *Key) Thief() *Key {
	copied := *k
	copied.private = NewKey().private
	return &copied
}

// Typed is an answer to a page that asks for a code.
func Typed(code string) url.Values { return url.Values{"code": {strings.TrimSpace(code)}} }

// Signed is an answer to a page that asks for a passkey.
func Signed(assertion string) url.Values { return url.Values{"assertion": {assertion}} }
