package pushtest

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"
)

// Browser is one that has subscribed.
type Browser struct {
	Key string // the only sender it takes pushes from, base64url; empty: anyone

	s       *Service
	path    string
	private *ecdh.PrivateKey
	auth    []byte
	gone    bool
	got     []Push
}

// Subscribe makes a browser that takes pushes.
func (s *Service) Subscribe() *Browser {
	private, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	id, auth := make([]byte, 24), make([]byte, 16)
	_, _ = rand.Read(id)
	_, _ = rand.Read(auth)
	b := &Browser{
		s:       s,
		path:    "/push/" + base64.RawURLEncoding.EncodeToString(id),
		private: private,
		auth:    auth,
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.browsers[b.path] = b
	return b
}

// Endpoint is where it takes pushes.
func (b *Browser) Endpoint() string { return "https://" + b.s.Host + b.path }

// JSON is what PushSubscription.toJSON gives.
func (b *Browser) JSON() string {
	text, _ := json.Marshal(map[string]any{"endpoint": b.Endpoint(), "expirationTime": nil, "keys": map[string]string{
		"p256dh": base64.RawURLEncoding.EncodeToString(b.private.PublicKey().Bytes()),
		"auth":   base64.RawURLEncoding.EncodeToString(b.auth),
	}})
	return string(text)
}

// Leave ends the subscription.
func (b *Browser) Leave() { b.s.mu.Lock(); defer b.s.mu.Unlock(); b.gone = true }

// Got is every push so far.
func (b *Browser) Got() []Push {
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	return append([]Push(nil), b.got...)
}

// keep takes a push in; of two of one topic the newer stays in a queue, but here all were
// handed over.
func (b *Browser) keep(p Push) { b.got = append(b.got, p) }

// Wait returns the n-th push, counted from 1, which may take a while to arrive.
func (b *Browser) Wait(t testing.TB, n int) Push {
	t.Helper()
	for range 1000 {
		if got := b.Got(); len(got) >= n {
			return got[n-1]
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("push %d never arrived", n)
	return Push{}
}

// extract and expand are RFC 5869 by hand.
func extract(salt, secret []byte) []byte {
	m := hmac.New(sha256.New, salt)
	m.Write(secret)
	return m.Sum(nil)
}

func expand(key []byte, info string, n int) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(info))
	m.Write([]byte{1})
	return m.Sum(nil)[:n]
}

// decrypt reads one body (RFC 8188 section 2, RFC 8291 section 3).
func (b *Browser) decrypt(body []byte) ([]byte, error) {
	if len(body) < 21+65+17 || body[20] != 65 {
		return nil, errors.New("the header is not that of a push")
	}
	salt, size, sender, record := body[:16], binary.BigEndian.Uint32(body[16:20]), body[21:86], body[86:]
	if uint32(len(record)) > size {
		return nil, fmt.Errorf("a record of %d bytes, where %d were said", len(record), size)
	}
	theirs, err := ecdh.P256().NewPublicKey(sender)
	if err != nil {
		return nil, err
	}
	shared, err := b.private.ECDH(theirs)
	if err != nil {
		return nil, err
	}
	ikm := expand(extract(b.auth, shared), "WebPush: info\x00"+string(b.private.PublicKey().Bytes())+string(sender), 32)
	prk := extract(salt, ikm)
	block, err := aes.NewCipher(expand(prk, "Content-Encoding: aes128gcm\x00", 16))
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	plain, err := gcm.Open(nil, expand(prk, "Content-Encoding: nonce\x00", 12), record, nil)
	if err != nil {
		return nil, err
	}
	for len(plain) > 0 && plain[len(plain)-1] == 0 {
		plain = plain[:len(plain)-1]
	}
	if len(plain) == 0 || plain[len(plain)-1] != 2 {
		return nil, errors.New("no end of the last record")
	}
	return plain[:len(plain)-1], nil
}
