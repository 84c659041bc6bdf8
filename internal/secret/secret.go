// Package secret makes, hashes, compares and seals values that must not be guessed or
// read. It owns the key file; it refuses to know what a value is for beyond the name
// that its caller binds it to.
package secret

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"
)

// TokenBytes is the length of a bearer token before encoding: 256 bits.
const TokenBytes = 32

// alphabet is Crockford's base32 in lower case: it sorts as the bytes do and has no i, l, o, u.
var alphabet = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// NewID returns a 26-character identifier that sorts by at (microseconds), then by n
// (below 64, for several ids of one instant), and holds 64 random bits. It is a name,
// never a proof.
func NewID(at time.Time, n int) string {
	var b [16]byte
	us := at.UnixMicro()
	binary.BigEndian.PutUint64(b[:8], uint64(us/1000)<<16|uint64(us%1000)<<6|uint64(n&63))
	_, _ = rand.Read(b[8:]) // never fails since Go 1.24
	return alphabet.EncodeToString(b[:])
}

// FirstID is what every NewID of an instant or a later one is greater than.
func FirstID(at time.Time) string {
	us := max(at.UnixMicro(), 0)
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(us/1000)<<16|uint64(us%1000)<<6)
	return alphabet.EncodeToString(b[:8])
}

// NewToken returns a 256-bit bearer token and the hash under which it is stored.
func NewToken() (token Text, hash []byte) {
	b := make([]byte, TokenBytes)
	_, _ = rand.Read(b)
	token = Text(base64.RawURLEncoding.EncodeToString(b))
	return token, Hash(string(token))
}

// Hash is the stored form of a high-entropy token.
func Hash(token string) []byte { h := sha256.Sum256([]byte(token)); return h[:] }

// Equal compares in constant time.
func Equal(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }

// referenceLetters leaves out what is misread on a phone.
const referenceLetters = "ABCDEFGHJKMNPQRSTVWXYZ23456789"

// NewReference returns four letters that let a person match a mail with a page. It is
// public and proves nothing.
func NewReference() string {
	var out [4]byte
	for i := range out {
		out[i] = referenceLetters[uniform(len(referenceLetters), randomByte)]
	}
	return string(out[:])
}

func randomByte() byte {
	var b [1]byte
	_, _ = rand.Read(b[:])
	return b[0]
}

// uniform draws from [0, n) without modulo bias, n ≤ 256, from a stream of bytes.
func uniform(n int, next func() byte) int {
	limit := 256 - 256%n
	for {
		if b := int(next()); b < limit {
			return b % n
		}
	}
}

// Text is a secret string: it never prints itself. It can't hide in an unexported field of a
// struct that is printed whole, which fmt does not ask, nor as the key of a map in JSON.
type Text string

const hidden = "[hidden]"

// Format hides the value from every verb of fmt, also from those that do not fit a string.
func (Text) Format(to fmt.State, _ rune) { _, _ = io.WriteString(to, hidden) }

// String hides the value from what asks for a string.
func (Text) String() string { return hidden }

// GoString hides the value from what asks for Go syntax.
func (Text) GoString() string { return hidden }

// LogValue hides the value from slog.
func (Text) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText hides the value from JSON and other encodings.
func (Text) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// Reveal returns the value; each call is a place to look at.
func (t Text) Reveal() string { return string(t) }

// ErrReference says that a Reference could not be read.
var ErrReference = errors.New("not a reference")

// Reference is how a browser or a mail names a row and proves that it may: the row's
// tenant and id, and a token of which the row keeps the hash.
type Reference struct {
	Tenant, ID string
	Token      Text
}

// Text is the form that travels: tenant.id.token.
func (r Reference) Text() Text { return Text(r.Tenant + "." + r.ID + "." + string(r.Token)) }

// Hash is the stored form of the token.
func (r Reference) Hash() []byte { return Hash(string(r.Token)) }

// ParseReference reads the form that travels; it checks shape only.
func ParseReference(s string) (Reference, error) {
	parts := strings.Split(s, ".")
	if len(s) > 160 || len(parts) != 3 || !isName(parts[0]) || !isName(parts[1]) || !isToken(parts[2]) {
		return Reference{}, ErrReference
	}
	return Reference{Tenant: parts[0], ID: parts[1], Token: Text(parts[2])}, nil
}

func isName(s string) bool {
	return len(s) > 0 && len(s) <= 40 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

func isToken(s string) bool {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	return err == nil && len(b) == TokenBytes
}
