package secret

import (
	"bytes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/chacha20poly1305"
)

const keyIDLength = 8

// ErrSealed says that a sealed value could not be opened: wrong key, wrong place or changed.
var ErrSealed = errors.New("sealed value cannot be opened")

// Keys is the set of master keys of an installation, one per generation. The newest that
// may seal does; all open and check. It is kept outside the database, so that a copy of
// the database alone opens nothing.
//
// Keys that came from a file follow it: Refresh reads it again when it has changed, and so
// does a value that names a generation that is not known here. What stays unknown does not
// open and is not believed.
type Keys struct {
	path string
	set  atomic.Pointer[keySet]

	mu   sync.Mutex // one reader of the file at a time
	seen stamp      // the file as it was last read, rightly or wrongly
	at   time.Time  // which generation seals is decided for this instant
}

// keySet is one reading of the file; it does not change.
type keySet struct {
	all     []masterKey
	current int       // the one that seals
	lasting []byte    // the root of lasting names, from the first generation that there ever was
	derived *sync.Map // purpose and key id -> derived key
}

type masterKey struct {
	id   string
	key  []byte
	from time.Time // seals from then on; zero: ever since
}

// atInstant is the set as it stands at an instant: the newest generation whose time has come
// seals. The first one does while none has.
func (s *keySet) atInstant(at time.Time) *keySet {
	next := &keySet{all: s.all, lasting: s.lasting, derived: s.derived}
	for i, m := range s.all {
		if !m.from.After(at) {
			next.current = i
		}
	}
	return next
}

func (s *keySet) find(id string) (masterKey, bool) {
	for _, m := range s.all {
		if m.id == id {
			return m, true
		}
	}
	return masterKey{}, false
}

// Generation is one master key without the key.
type Generation struct {
	ID      string
	From    time.Time // seals from then on; zero: ever since
	Sealing bool
}

// Generations lists the master keys, the oldest first.
func (k *Keys) Generations() []Generation {
	s := k.set.Load()
	out := make([]Generation, 0, len(s.all))
	for i, m := range s.all {
		out = append(out, Generation{ID: m.id, From: m.from, Sealing: i == s.current})
	}
	return out
}

// Current is the id of the key that seals. It changes when a newer one's time comes, so
// that what belongs together is made with one answer.
func (k *Keys) Current() string { s := k.set.Load(); return s.all[s.current].id }

// Mark proves that a file holds the very key of a generation and tells nothing about it;
// nil for a generation that is not known here.
func (k *Keys) Mark(id string) []byte {
	m := k.mac(id, "generation", []string{id})
	if m == nil {
		return nil
	}
	return m[keyIDLength:]
}

// derive returns the 32-byte key for one purpose under one master key (RFC 5869). An id
// that is not known is looked for in the file once more.
func (k *Keys) derive(id, purpose string) ([]byte, bool) {
	s := k.set.Load()
	if v, ok := s.derived.Load(id + purpose); ok {
		return v.([]byte), true
	}
	m, ok := s.find(id)
	if !ok {
		s = k.reread()
		if m, ok = s.find(id); !ok {
			return nil, false
		}
	}
	sub := subkey(m.key, purpose)
	s.derived.Store(id+purpose, sub)
	return sub, true
}

func subkey(master []byte, purpose string) []byte {
	sub, err := hkdf.Key(sha256.New, master, nil, "countersign/"+purpose, 32)
	if err != nil {
		panic(err) // SHA-256 and 32 bytes
	}
	return sub
}

// SubKey returns 32 bytes for one purpose of the caller's own under one generation, with
// salt mixed in; ok is false for a generation that is not known here.
func (k *Keys) SubKey(id, purpose string, salt []byte) (key []byte, ok bool) {
	base, ok := k.derive(id, "sub/"+purpose)
	if !ok {
		return nil, false
	}
	key, err := hkdf.Key(sha256.New, base, salt, "countersign/"+purpose, 32)
	return key, err == nil
}

// Seal encrypts plain so that it opens only in the same place: a table, a column and
// what names the row. The result carries the id of its key.
func (k *Keys) Seal(plain []byte, place ...string) []byte {
	id := k.Current()
	aead := k.aead(id)
	out := make([]byte, keyIDLength+chacha20poly1305.NonceSizeX,
		keyIDLength+chacha20poly1305.NonceSizeX+len(plain)+aead.Overhead())
	copy(out, id)
	_, _ = rand.Read(out[keyIDLength:])
	return aead.Seal(out, out[keyIDLength:], plain, join(place))
}

// Open reverses Seal. It returns ErrSealed for anything that was not sealed in this place.
func (k *Keys) Open(sealed []byte, place ...string) ([]byte, error) {
	if len(sealed) < keyIDLength+chacha20poly1305.NonceSizeX {
		return nil, ErrSealed
	}
	aead := k.aead(string(sealed[:keyIDLength]))
	if aead == nil {
		return nil, fmt.Errorf("key %q is not in the key file: %w", sealed[:keyIDLength], ErrSealed)
	}
	nonce, text := sealed[keyIDLength:keyIDLength+chacha20poly1305.NonceSizeX],
		sealed[keyIDLength+chacha20poly1305.NonceSizeX:]
	plain, err := aead.Open(nil, nonce, text, join(place))
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

func (k *Keys) aead(id string) cipher.AEAD {
	key, ok := k.derive(id, "seal")
	if !ok {
		return nil
	}
	a, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil
	}
	return a
}

// MAC returns a keyed hash of parts for one purpose, prefixed with the id of its key.
func (k *Keys) MAC(purpose string, parts ...string) []byte { return k.mac(k.Current(), purpose, parts) }

// MACBy is MAC with the key of one generation, for what must be made with the same key as
// something else; nil for a generation that is not known here.
func (k *Keys) MACBy(id, purpose string, parts ...string) []byte { return k.mac(id, purpose, parts) }

// Lasting is a keyed hash that stays the same when keys are added and dropped: a name for
// what is counted over weeks. It protects nothing else.
func (k *Keys) Lasting(purpose string, parts ...string) []byte {
	s := k.set.Load()
	key, ok := s.derived.Load("lasting " + purpose)
	if !ok {
		key, _ = s.derived.LoadOrStore("lasting "+purpose, subkey(s.lasting, "mac/"+purpose))
	}
	h := hmac.New(sha256.New, key.([]byte))
	h.Write(join(parts))
	return h.Sum(nil)
}

// CheckMAC reports whether mac was made by MAC with the same purpose and parts.
func (k *Keys) CheckMAC(mac []byte, purpose string, parts ...string) bool {
	if len(mac) < keyIDLength {
		return false
	}
	want := k.mac(string(mac[:keyIDLength]), purpose, parts)
	return want != nil && Equal(mac, want)
}

// KeyOf is the id of the key that made a MAC.
func KeyOf(mac []byte) string {
	if len(mac) < keyIDLength {
		return ""
	}
	return string(mac[:keyIDLength])
}

func (k *Keys) mac(id, purpose string, parts []string) []byte {
	key, ok := k.derive(id, "mac/"+purpose)
	if !ok {
		return nil
	}
	h := hmac.New(sha256.New, key)
	h.Write(join(parts))
	return h.Sum([]byte(id))
}

// NewBound returns a new token of 128 random bits that carries a keyed mark of what it is
// for, and the hash under which it is stored. The mark tells a token that was once ours
// from one that someone made up.
func (k *Keys) NewBound(purpose string, parts ...string) (token Text, hash []byte) {
	b := make([]byte, TokenBytes)
	_, _ = rand.Read(b[:TokenBytes/2])
	copy(b[TokenBytes/2:], k.mark(k.Current(), purpose, parts, b[:TokenBytes/2]))
	token = Text(base64.RawURLEncoding.EncodeToString(b))
	return token, Hash(string(token))
}

// NextBound is NewBound with a token that follows from the one before it: bringing that one
// again gives the same, and no one without both it and the key can make it.
func (k *Keys) NextBound(previous Text, purpose string, parts ...string) (token Text, hash []byte) {
	id := k.Current()
	b := make([]byte, TokenBytes)
	next := k.mac(id, "next/"+purpose, append(append([]string{}, parts...), string(previous)))
	copy(b, next[keyIDLength:][:TokenBytes/2])
	copy(b[TokenBytes/2:], k.mark(id, purpose, parts, b[:TokenBytes/2]))
	token = Text(base64.RawURLEncoding.EncodeToString(b))
	return token, Hash(string(token))
}

// IsBound reports whether t was made by NewBound, under any key of the set, with the same
// purpose and parts.
func (k *Keys) IsBound(t Text, purpose string, parts ...string) bool {
	b, err := base64.RawURLEncoding.Strict().DecodeString(string(t))
	if err != nil || len(b) != TokenBytes {
		return false
	}
	ok := false
	for _, m := range k.set.Load().all {
		ok = Equal(b[TokenBytes/2:], k.mark(m.id, purpose, parts, b[:TokenBytes/2])) || ok
	}
	return ok
}

func (k *Keys) mark(id, purpose string, parts []string, random []byte) []byte {
	all := append(append([]string{}, parts...), string(random))
	return k.mac(id, "bound/"+purpose, all)[keyIDLength:][:TokenBytes/2]
}

// Token returns a token that follows from a purpose and parts: it needs no row to be
// checked, and no one without the key can make it.
func (k *Keys) Token(purpose string, parts ...string) Text {
	return tokenOf(k.mac(k.Current(), "token/"+purpose, parts))
}

// CheckToken reports whether t was made by Token under any key of the set.
func (k *Keys) CheckToken(t Text, purpose string, parts ...string) bool {
	ok := false
	for _, m := range k.set.Load().all {
		ok = Equal([]byte(t), []byte(tokenOf(k.mac(m.id, "token/"+purpose, parts)))) || ok
	}
	return ok
}

func tokenOf(mac []byte) Text {
	return Text(base64.RawURLEncoding.EncodeToString(mac[keyIDLength:]))
}

// Pepper mixes a password with a key that is not in the database. id is empty for the
// current key; the id used comes back, to be stored beside the hash.
func (k *Keys) Pepper(id, plain string) (peppered []byte, usedID string, err error) {
	if id == "" {
		id = k.Current()
	}
	m := k.mac(id, "pepper", []string{plain})
	if m == nil {
		return nil, "", fmt.Errorf("pepper key %q is not in the key file", id)
	}
	return m[keyIDLength:], id, nil
}

// DerivedCode returns n decimal digits that follow from a token and a key outside the
// database, uniformly and without modulo bias. Who holds the token of a mail holds its
// code as well, and no one else can compute it. keyID names the master key, empty for the
// current one; the code is empty when that key is gone.
func (k *Keys) DerivedCode(keyID string, n int, token Text, parts ...string) string {
	if keyID == "" {
		keyID = k.Current()
	}
	seed := k.mac(keyID, "code", append([]string{string(token)}, parts...))
	if seed == nil {
		return ""
	}
	digits := make([]byte, n)
	var block []byte
	counter := byte(0)
	next := func() byte {
		if len(block) == 0 {
			h := hmac.New(sha256.New, seed[keyIDLength:])
			h.Write([]byte{counter})
			counter++
			block = h.Sum(nil)
		}
		b := block[0]
		block = block[1:]
		return b
	}
	for i := range digits {
		digits[i] = byte('0' + uniform(10, next))
	}
	return string(digits)
}

// join makes one unambiguous byte string of several: each part behind its length.
func join(parts []string) []byte {
	var b bytes.Buffer
	for _, p := range parts {
		var n [4]byte
		binary.BigEndian.PutUint32(n[:], uint32(len(p)))
		b.Write(n[:])
		b.WriteString(p)
	}
	return b.Bytes()
}
