package push

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
)

// Lengths of RFC 8188 section 2.1 and RFC 8291 section 3.
const (
	authLength = 16
	saltLength = 16
	recordSize = 4096
	lastRecord = 0x02 // what stands before the padding of the last record
)

// padTo is the length of every text before it is encrypted, so that its length tells
// nothing; push services must take 4096 bytes after (RFC 8030 section 7.2).
const padTo = 3000

// encrypt seals a text for one browser with a key of its own (RFC 8291 section 3.4).
func encrypt(s Subscription, plain []byte) ([]byte, error) {
	private, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	salt := make([]byte, saltLength)
	_, _ = rand.Read(salt) // never fails since Go 1.24
	return encryptWith(s, plain, private, salt, padTo)
}

func encryptWith(s Subscription, plain []byte, private *ecdh.PrivateKey, salt []byte, padded int) ([]byte, error) {
	public, auth, err := s.keys()
	if err != nil {
		return nil, err
	}
	shared, err := private.ECDH(public)
	if err != nil {
		return nil, errors.New("the keys do not go together")
	}
	ours := private.PublicKey().Bytes()
	ikm, err := hkdf.Key(sha256.New, shared, auth, "WebPush: info\x00"+string(public.Bytes())+string(ours), sha256.Size)
	if err != nil {
		return nil, err
	}
	seal, nonce, err := contentKey(ikm, salt)
	if err != nil {
		return nil, err
	}
	record := append(append([]byte{}, plain...), lastRecord)
	record = append(record, make([]byte, max(0, padded-len(record)))...)
	if len(record)+seal.Overhead() > recordSize {
		return nil, errors.New("the text is too long for a push")
	}
	out := binary.BigEndian.AppendUint32(append([]byte{}, salt...), recordSize)
	out = append(append(out, byte(len(ours))), ours...)
	return seal.Seal(out, nonce, record, nil), nil
}

// contentKey follows RFC 8188 sections 2.2 and 2.3; there is one record, so that its number
// is 0 and changes nothing.
func contentKey(ikm, salt []byte) (seal cipher.AEAD, nonce []byte, err error) {
	key, err := hkdf.Key(sha256.New, ikm, salt, "Content-Encoding: aes128gcm\x00", 16)
	if err != nil {
		return nil, nil, err
	}
	if nonce, err = hkdf.Key(sha256.New, ikm, salt, "Content-Encoding: nonce\x00", 12); err != nil {
		return nil, nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, nil, err
	}
	seal, err = cipher.NewGCM(block)
	return seal, nonce, err
}
