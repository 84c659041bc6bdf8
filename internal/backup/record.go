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

// Progress is called now and then with how many rows are done.
type Progress func(done, total int64)

const (
	moreRows  = 1
	endOfRows = 0
	// longest is the greatest length that is accepted before the bytes are read.
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

// recordWriter writes records; the first error stays.
type recordWriter struct {
	to  *bufio.Writer
	buf []byte
	err error
}

func (w *recordWriter) writeBytes(p []byte) {
	w.buf = binary.AppendUvarint(w.buf[:0], uint64(len(p)))
	w.writeRaw(w.buf)
	w.writeRaw(p)
}

func (w *recordWriter) writeRaw(p []byte) {
	if w.err == nil {
		_, w.err = w.to.Write(p)
	}
}

func (w *recordWriter) writeByte(b byte) {
	if w.err == nil {
		w.err = w.to.WriteByte(b)
	}
}

func (w *recordWriter) writeManifest(m Manifest) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	w.writeBytes(text)
	return w.err
}

func (w *recordWriter) writeRow(values []any) error {
	w.writeByte(moreRows)
	for _, v := range values {
		w.writeValue(v)
	}
	return w.err
}

func (w *recordWriter) writeValue(v any) {
	switch v := v.(type) {
	case nil:
		w.writeByte(isNull)
	case int64:
		w.writeByte(isInt)
		w.buf = binary.AppendVarint(w.buf[:0], v)
		w.writeRaw(w.buf)
	case string:
		w.writeByte(isText)
		w.writeBytes([]byte(v))
	case []byte:
		w.writeByte(isBytes)
		w.writeBytes(v)
	case bool:
		w.writeByte(map[bool]byte{true: isTrue, false: isFalse}[v])
	default:
		w.err = fmt.Errorf("a value is a %T, which a copy cannot hold", v)
	}
}

// recordReader reads what a recordWriter wrote.
type recordReader struct{ from *bufio.Reader }

func (r recordReader) readManifest() (m Manifest, err error) {
	text, err := r.readBytes()
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, ErrDamaged
	}
	return m, nil
}

func (r recordReader) readBytes() ([]byte, error) {
	n, err := binary.ReadUvarint(r.from)
	if err != nil {
		return nil, asDamaged(err)
	}
	if n > longest {
		return nil, ErrDamaged
	}
	p := make([]byte, n)
	_, err = io.ReadFull(r.from, p)
	return p, asDamaged(err)
}

// readRow reads one row into values; more is false at the end of the table.
func (r recordReader) readRow(values []any) (more bool, err error) {
	b, err := r.from.ReadByte()
	if err != nil || b == endOfRows {
		return false, asDamaged(err)
	}
	if b != moreRows {
		return false, ErrDamaged
	}
	for i := range values {
		if values[i], err = r.readValue(); err != nil {
			return false, err
		}
	}
	return true, nil
}

func (r recordReader) readValue() (any, error) {
	kind, err := r.from.ReadByte()
	if err != nil {
		return nil, asDamaged(err)
	}
	switch kind {
	case isNull:
		return nil, nil
	case isInt:
		n, err := binary.ReadVarint(r.from)
		return n, asDamaged(err)
	case isText:
		p, err := r.readBytes()
		return string(p), err
	case isBytes:
		return r.readBytes()
	case isTrue, isFalse:
		return kind == isTrue, nil
	}
	return nil, ErrDamaged
}

// expectEnd fails unless nothing follows. Reading it proves the last chunk's seal.
func (r recordReader) expectEnd() error {
	if _, err := r.from.ReadByte(); err != io.EOF {
		return ErrDamaged
	}
	return nil
}

// asDamaged returns ErrDamaged for an early end and for what the decompressor cannot read.
func asDamaged(err error) error {
	var corrupt flate.CorruptInputError
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, gzip.ErrHeader) ||
		errors.Is(err, gzip.ErrChecksum) || errors.As(err, &corrupt) {
		return ErrDamaged
	}
	return err
}

// copiedForm converts a value that a driver returned to the form that a copy stores.
func copiedForm(v any, kind db.ColumnType) (any, error) {
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
