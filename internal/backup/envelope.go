package backup

import (
	"bufio"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/crypto/chacha20poly1305"

	"countersign/internal/secret"
)

// The file begins with one line that anyone can read:
//
//	countersign-backup 1 GENERATION SALT INSTANT
//
// Everything behind it is sealed in chunks, each with its number and whether it is the
// last, under a key of this file's own that follows from the master key of that generation
// and from the whole line. A chunk that is changed, missing, moved or added does not open.
const (
	magic         = "countersign-backup"
	version       = "1"
	chunkSize     = 64 << 10
	saltLength    = 16
	maxHeadLength = 200
)

// ErrDamaged says that a copy is not as it was written, or not sealed by these keys.
var ErrDamaged = errors.New("this copy was changed, is cut short, or was not sealed with this key file")

// ErrNotACopy says that a file is something else.
var ErrNotACopy = errors.New("this is not a copy that countersign backup made")

// Head is what a copy tells without its key.
type Head struct {
	Generation string // of the master key that sealed it
	TakenAt    time.Time
	line       string
}

func newHead(keys *secret.Keys, now time.Time) Head {
	salt := make([]byte, saltLength)
	_, _ = rand.Read(salt)
	h := Head{Generation: keys.Current(), TakenAt: now.UTC().Truncate(time.Second)}
	h.line = strings.Join([]string{magic, version, h.Generation, base64.RawURLEncoding.EncodeToString(salt),
		h.TakenAt.Format(time.RFC3339)}, " ") + "\n"
	return h
}

func readHead(r *bufio.Reader) (Head, error) {
	start, err := r.Peek(len(magic))
	if err != nil || string(start) != magic {
		return Head{}, ErrNotACopy
	}
	line, err := r.ReadSlice('\n')
	fields := strings.Fields(string(line))
	if err != nil || len(line) > maxHeadLength || len(fields) != 5 {
		return Head{}, ErrDamaged
	}
	if fields[1] != version {
		return Head{}, fmt.Errorf("this copy has the format %s, which is not known here: use a newer program",
			fields[1])
	}
	at, err := time.Parse(time.RFC3339, fields[4])
	if err != nil {
		return Head{}, ErrDamaged
	}
	return Head{Generation: fields[2], TakenAt: at, line: string(line)}, nil
}

func (h Head) aead(keys *secret.Keys) (cipher.AEAD, error) {
	key, ok := keys.SubKey(h.Generation, "backup", []byte(h.line))
	if !ok {
		return nil, fmt.Errorf(
			"this copy was sealed with the master key %s, which the key file lacks: put the key file back that was in use at %s",
			h.Generation, h.TakenAt.Format(time.RFC3339))
	}
	return chacha20poly1305.New(key)
}

// nonce numbers a chunk and says whether it is the last.
func nonce(n uint64, last bool) []byte {
	out := make([]byte, chacha20poly1305.NonceSize)
	binary.BigEndian.PutUint64(out[3:], n)
	if last {
		out[len(out)-1] = 1
	}
	return out
}

// sealer writes chunks. Close writes the last one.
type sealer struct {
	to   io.Writer
	aead cipher.AEAD
	buf  []byte
	n    uint64
}

func newSealer(to io.Writer, keys *secret.Keys, h Head) (*sealer, error) {
	aead, err := h.aead(keys)
	if err != nil {
		return nil, err
	}
	_, err = io.WriteString(to, h.line)
	return &sealer{to: to, aead: aead, buf: make([]byte, 0, chunkSize+aead.Overhead())}, err
}

func (s *sealer) Write(p []byte) (total int, err error) {
	for len(p) > 0 {
		if len(s.buf) == chunkSize { // only now it is known not to be the last
			if err := s.sealChunk(false); err != nil {
				return total, err
			}
		}
		n := min(len(p), chunkSize-len(s.buf))
		s.buf, p, total = append(s.buf, p[:n]...), p[n:], total+n
	}
	return total, nil
}

func (s *sealer) sealChunk(last bool) error {
	_, err := s.to.Write(s.aead.Seal(s.buf[:0], nonce(s.n, last), s.buf, nil))
	s.buf, s.n = s.buf[:0], s.n+1
	return err
}

func (s *sealer) Close() error { return s.sealChunk(true) }

// opener reads what a sealer wrote. It gives out nothing that is not proved, and an end
// only where the sealer's end is.
type opener struct {
	from  *bufio.Reader
	aead  cipher.AEAD
	buf   []byte
	plain []byte
	n     uint64
	last  bool
}

func newOpener(from io.Reader, keys *secret.Keys) (*opener, Head, error) {
	r := bufio.NewReaderSize(from, 2*chunkSize)
	h, err := readHead(r)
	if err != nil {
		return nil, h, err
	}
	aead, err := h.aead(keys)
	if err != nil {
		return nil, h, err
	}
	return &opener{from: r, aead: aead, buf: make([]byte, chunkSize+aead.Overhead())}, h, nil
}

func (o *opener) Read(p []byte) (int, error) {
	for len(o.plain) == 0 {
		if o.last {
			return 0, io.EOF
		}
		if err := o.openChunk(); err != nil {
			return 0, err
		}
	}
	n := copy(p, o.plain)
	o.plain = o.plain[n:]
	return n, nil
}

func (o *opener) openChunk() error {
	n, err := io.ReadFull(o.from, o.buf)
	switch {
	case errors.Is(err, io.EOF), n < o.aead.Overhead():
		return ErrDamaged
	case errors.Is(err, io.ErrUnexpectedEOF):
		o.last = true
	case err != nil:
		return err
	default:
		_, err := o.from.Peek(1)
		o.last = errors.Is(err, io.EOF)
		if err != nil && !o.last {
			return err
		}
	}
	o.plain, err = o.aead.Open(o.buf[:0], nonce(o.n, o.last), o.buf[:n], nil)
	o.n++
	if err != nil {
		return ErrDamaged
	}
	return nil
}
