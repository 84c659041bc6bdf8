package backup

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"slices"
	"testing"

	"countersign/internal/secret"
)

// The seal by itself, without what the decompressor would notice: a chunk has one place,
// and the end is where it was written.
func TestTheSealHoldsEveryChunkInItsPlace(t *testing.T) {
	keys := secret.NewKeys(noon)
	for _, size := range []int{0, 1, chunkSize - 1, chunkSize, chunkSize + 1, 3 * chunkSize} {
		plain := make([]byte, size)
		_, _ = rand.Read(plain)
		var out bytes.Buffer
		w, err := newSealer(&out, keys, newHead(keys, noon))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(plain); err != nil || w.Close() != nil {
			t.Fatal(err)
		}
		raw := out.Bytes()
		if got, err := opened(raw, keys); err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("%d bytes: %v", size, err)
		}
		head, chunk := bytes.IndexByte(raw, '\n')+1, chunkSize+16
		bad := map[string][]byte{"a byte more": append(slices.Clone(raw), 7), "a byte less": raw[:len(raw)-1],
			"only the head": raw[:head]}
		if size == 3*chunkSize {
			bad["two chunks"] = raw[:head+2*chunk]
			bad["exchanged"] = slices.Concat(raw[:head], raw[head+chunk:head+2*chunk], raw[head:head+chunk],
				raw[head+2*chunk:])
			bad["repeated"] = slices.Concat(raw[:head+chunk], raw[head:])
			bad["left out"] = slices.Concat(raw[:head], raw[head+chunk:])
			bad["the last one twice"] = slices.Concat(raw, raw[head+2*chunk:])
		}
		for what, b := range bad {
			if _, err := opened(b, keys); !errors.Is(err, ErrDamaged) {
				t.Errorf("%d bytes, %s: %v", size, what, err)
			}
		}
	}
}

func opened(raw []byte, keys *secret.Keys) ([]byte, error) {
	r, _, err := newOpener(bytes.NewReader(raw), keys)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}
