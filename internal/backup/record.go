package backup

import (
	"bufio"
	"compress/flate"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"countersign/internal/db"
)

// Inside the seal, compressed: a manifest as JSON behind its length; then each of its
// tables in order, row after row, each row behind a 1 and the table's end marked by a 0; a
// value is a letter for its kind, and what follows from that.

// Manifest says what a copy holds.
type Manifest struct {
	TakenAt    time.Time     `json:"taken_at"`
	Program    string        `json:"program"` // version of the program that made it
	Engine     db.Dialect    `json:"engine"`
	Epoch      int64         `json:"epoch"`
	Migrations []string      `json:"migrations"`
	Tables     []CopiedTable `json:"tables"`
}

// CopiedTable is a table and how many rows of it there are.
type CopiedTable struct {
	db.Table
	Rows int64 `json:"rows"`
}

// Rows is how many rows a copy holds.
func (m Manifest) Rows() (n int64) {
	for _, t := range m.Tables {
		n += t.Rows
	}
	return n
}

// Progress is told now and then how many rows are done.
type Progress func(done, total int64)

const (
	moreRows  = 1
	endOfRows = 0
	// longest bounds what is believed of a length before it is read.
	longest = 64 << 20
)

const (
	isNull  = 'n'
	isInt   = 'i'
	isText  = 't'
	isBytes = 'b'
	isTrue  = 'y'
	isFalse = 'x'
)

// recorder writes records; the first error stays.
type recorder struct {
	to  *bufio.Writer
	buf []byte
	err error
}

func (w *recorder) bytes(p []byte) {
	w.buf = binary.AppendUvarint(w.buf[:0], uint64(len(p)))
	w.raw(w.buf)
	w.raw(p)
}

func (w *recorder) raw(p []byte) {
	if w.err == nil {
		_, w.err = w.to.Write(p)
	}
}

func (w *recorder) byte(b byte) {
	if w.err == nil {
		w.err = w.to.WriteByte(b)
	}
}

func (w *recorder) manifest(m Manifest) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	w.bytes(text)
	return w.err
}

func (w *recorder) row(values []any) error {
	w.byte(moreRows)
	for _, v := range values {
		w.value(v)
	}
	return w.err
}

func (w *recorder) value(v any) {
	switch v := v.(type) {
	case nil:
		w.byte(isNull)
	case int64:
		w.byte(isInt)
		w.buf = binary.AppendVarint(w.buf[:0], v)
		w.raw(w.buf)
	case string:
		w.byte(isText)
		w.bytes([]byte(v))
	case []byte:
		w.byte(isBytes)
		w.bytes(v)
	case bool:
		w.byte(map[bool]byte{true: isTrue, false: isFalse}[v])
	default:
		w.err = fmt.Errorf("a value is a %T, which a copy cannot hold", v)
	}
}

// player reads what a recorder wrote.
type player struct{ from *bufio.Reader }

func (r player) manifest() (m Manifest, err error) {
	text, err := r.bytes()
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, ErrDamaged
	}
	return m, nil
}

func (r player) bytes() ([]byte, error) {
	n, err := binary.ReadUvarint(r.from)
	if err != nil {
		return nil, damaged(err)
	}
	if n > longest {
		return nil, ErrDamaged
	}
	p := make([]byte, n)
	_, err = io.ReadFull(r.from, p)
	return p, damaged(err)
}

// row reads one row into values; more is false at the end of the table.
func (r player) row(values []any) (more bool, err error) {
	b, err := r.from.ReadByte()
	if err != nil || b == endOfRows {
		return false, damaged(err)
	}
	if b != moreRows {
		return false, ErrDamaged
	}
	for i := range values {
		if values[i], err = r.value(); err != nil {
			return false, err
		}
	}
	return true, nil
}

func (r player) value() (any, error) {
	kind, err := r.from.ReadByte()
	if err != nil {
		return nil, damaged(err)
	}
	switch kind {
	case isNull:
		return nil, nil
	case isInt:
		n, err := binary.ReadVarint(r.from)
		return n, damaged(err)
	case isText:
		p, err := r.bytes()
		return string(p), err
	case isBytes:
		return r.bytes()
	case isTrue, isFalse:
		return kind == isTrue, nil
	}
	return nil, ErrDamaged
}

// end fails unless nothing follows. Reading it proves the last chunk's seal.
func (r player) end() error {
	if _, err := r.from.ReadByte(); err != io.EOF {
		return ErrDamaged
	}
	return nil
}

// damaged makes an early end, and what the decompressor cannot read, what they are: a copy
// that is not whole.
func damaged(err error) error {
	var corrupt flate.CorruptInputError
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, gzip.ErrHeader) ||
		errors.Is(err, gzip.ErrChecksum) || errors.As(err, &corrupt) {
		return ErrDamaged
	}
	return err
}

// plain gives a value that a driver returned the form that a copy keeps.
func plain(v any, kind db.ColumnType) (any, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case string:
		if kind == db.Bytea {
			return []byte(v), nil
		}
		return v, nil
	case []byte:
		if kind == db.Text {
			return string(v), nil
		}
		if v == nil {
			v = []byte{} // empty is not null
		}
		return v, nil
	case int64:
		if kind == db.Boolean {
			return v != 0, nil
		}
		return v, nil
	case float64: // SQLite may keep a whole number as one
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return int64(v), nil
		}
	case bool:
		return v, nil
	}
	return nil, fmt.Errorf("a value is a %T, which a copy cannot hold", v)
}
