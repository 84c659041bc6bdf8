package totp

import (
	"crypto/hmac"
	"crypto/sha1"
)

// CodeAt is the code of a step, for the app in tests.
func CodeAt(key []byte, step int64) string {
	return string(appendCode(nil, hmac.New(sha1.New, key), step))
}
