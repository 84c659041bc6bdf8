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
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/chacha20poly1305"
)

const keyIDLength = 8

// ErrSealed says that a sealed value could not be opened: wrong key, wrong place or changed.
var ErrSealed = errors.New("sealed value cannot be opened")

// Keys is the set of master keys of an installation. The newest seals; all open. It is
// kept outside the database, so that a copy of the database alone opens nothing.
type Keys struct {
	all     []masterKey
	derived sync.Map // purpose and key id -> derived key
}

type masterKey struct {
	id  string
	key []byte
}

// LoadKeys reads a key file, or creates it (mode 0600) where there is none. created says
// which. A file that others may read is refused.
func LoadKeys(path string, now time.Time) (keys *Keys, created bool, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := createKeyFile(path, now); err != nil {
			return nil, false, fmt.Errorf("create key file: %w", err)
		}
		created = true
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, false, fmt.Errorf("read key file: %w", err)
	}
	if err := onlyOwnerReads(path); err != nil {
		return nil, false, err
	}
	keys, err = ParseKeys(string(text))
	return keys, created, err
}

// createKeyFile writes beside and links into place, so that of two starting processes
// one file wins and neither reads half of it.
func createKeyFile(path string, now time.Time) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".key-*") // CreateTemp uses mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	if _, err := tmp.WriteString("# Countersign master keys; the last one seals. Keep a copy off this machine.\n" + newKeyLine(now)); err != nil {
		return err
	}
	if err := errors.Join(tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if err := os.Link(tmp.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

func newKeyLine(now time.Time) string {
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	return NewID(now, 0)[:keyIDLength-3] + NewID(now, 0)[23:] + " " + base64.StdEncoding.EncodeToString(key) + "\n"
}

func onlyOwnerReads(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return fmt.Errorf("key file %s has mode %04o: others may read it; run chmod 600 on it", path, mode)
	}
	return nil
}

// ParseKeys reads "id base64key" lines; # begins a comment.
func ParseKeys(text string) (*Keys, error) {
	k := &Keys{}
	for n, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		id, encoded, _ := strings.Cut(line, " ")
		key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
		if err != nil || len(key) != 32 || len(id) != keyIDLength {
			return nil, fmt.Errorf("key file line %d is not an 8-letter id and a 32-byte key", n+1)
		}
		k.all = append(k.all, masterKey{id: id, key: key})
	}
	if len(k.all) == 0 {
		return nil, errors.New("key file holds no key")
	}
	return k, nil
}

// NewKeys returns one fresh key, for tests and the demo.
func NewKeys(now time.Time) *Keys {
	k, err := ParseKeys(newKeyLine(now))
	if err != nil {
		panic(err) // we wrote the line ourselves
	}
	return k
}

// Current is the id of the key that seals.
func (k *Keys) Current() string { return k.all[len(k.all)-1].id }

// derive returns the 32-byte key for one purpose under one master key (RFC 5869).
func (k *Keys) derive(id, purpose string) ([]byte, bool) {
	if v, ok := k.derived.Load(id + purpose); ok {
		return v.([]byte), true
	}
	for _, m := range k.all {
		if m.id == id {
			sub, err := hkdf.Key(sha256.New, m.key, nil, "countersign/"+purpose, 32)
			if err != nil {
				return nil, false
			}
			k.derived.Store(id+purpose, sub)
			return sub, true
		}
	}
	return nil, false
}

// Seal encrypts plain so that it opens only in the same place: a table, a column and
// what names the row. The result carries the id of its key.
func (k *Keys) Seal(plain []byte, place ...string) []byte {
	id := k.Current()
	aead := k.aead(id)
	out := make([]byte, keyIDLength+chacha20poly1305.NonceSizeX, keyIDLength+chacha20poly1305.NonceSizeX+len(plain)+aead.Overhead())
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
	nonce, text := sealed[keyIDLength:keyIDLength+chacha20poly1305.NonceSizeX], sealed[keyIDLength+chacha20poly1305.NonceSizeX:]
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

// Lasting is a keyed hash by the oldest key: a name that stays when a key is added.
func (k *Keys) Lasting(purpose string, parts ...string) []byte {
	return k.mac(k.all[0].id, purpose, parts)[keyIDLength:]
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
// from one that somebody made up.
func (k *Keys) NewBound(purpose string, parts ...string) (token Text, hash []byte) {
	b := make([]byte, TokenBytes)
	_, _ = rand.Read(b[:TokenBytes/2])
	copy(b[TokenBytes/2:], k.mark(k.Current(), purpose, parts, b[:TokenBytes/2]))
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
	for _, m := range k.all {
		ok = Equal(b[TokenBytes/2:], k.mark(m.id, purpose, parts, b[:TokenBytes/2])) || ok
	}
	return ok
}

func (k *Keys) mark(id, purpose string, parts []string, random []byte) []byte {
	all := append(append([]string{}, parts...), string(random))
	return k.mac(id, "bound/"+purpose, all)[keyIDLength:][:TokenBytes/2]
}

// Token returns a token that follows from a purpose and parts: it needs no row to be
// checked, and nobody without the key can make it.
func (k *Keys) Token(purpose string, parts ...string) Text {
	return tokenOf(k.mac(k.Current(), "token/"+purpose, parts))
}

// CheckToken reports whether t was made by Token under any key of the set.
func (k *Keys) CheckToken(t Text, purpose string, parts ...string) bool {
	ok := false
	for _, m := range k.all {
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
// code as well, and nobody else can compute it. keyID names the master key, empty for the
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
