package backup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"countersign/internal/db"
)

// Mark is a small file outside the database that remembers the latest position of the database
// that one machine has seen. A database with an earlier position has silently gone back to an
// earlier state: a file was copied back, or a standby was promoted that had not received
// everything. The file holds nothing secret and proves nothing: anyone who can write to the
// machine can change it, and a new machine has none.
type Mark struct {
	Path string
	DB   *db.DB

	mu   sync.Mutex
	seen Position
}

// Position is a point in the history of a database. Epoch and Recorded only grow within one history.
type Position struct {
	Installation int64 `json:"installation"` // when it was created: another one is another history
	Epoch        int64 `json:"epoch"`
	Recorded     int64 `json:"recorded"` // rows that all audit chains together have had
}

// ErrWentBack says that the database is older than what was seen of it.
var ErrWentBack = errors.New(
	"the database is older than what this machine has seen of it. If an older copy took its place, or a standby was promoted, run countersign epoch raise --because \"…\"")

// isBehind reports whether p is an earlier state of the history that q belongs to. A higher
// epoch is a return that was declared.
func (p Position) isBehind(q Position) bool {
	return p.Installation == q.Installation && (p.Epoch < q.Epoch || p.Epoch == q.Epoch && p.Recorded < q.Recorded)
}

// MarkPath is the path of the mark: next to the key file.
func MarkPath(keyFile string) string { return keyFile + ".mark" }

// ReadMark reads the mark; it is the zero Position where there is no file, or an unreadable one.
func ReadMark(path string) (p Position, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err != nil {
		return p, fmt.Errorf("read how far the database had come: %w", err)
	}
	if json.Unmarshal(text, &p) != nil {
		return Position{}, nil
	}
	return p, nil
}

func readPosition(ctx context.Context, d *db.DB) (p Position, err error) {
	var linked, waiting int64
	// At one instant: otherwise a row that is linked meanwhile counts twice, or not at all.
	err = d.Snapshot(ctx, func(tx *db.Tx) error {
		err := tx.QueryRow(ctx, `
			SELECT COALESCE((SELECT created_at FROM installation WHERE id = $1), 0),
				COALESCE((SELECT MAX(number) FROM epochs), 0)`, db.Installation).Scan(&p.Installation, &p.Epoch)
		if err != nil {
			return err
		}
		err = tx.QueryRow(ctx, `
			SELECT COALESCE(SUM(seq), 0) FROM audit_heads WHERE tenant_id <> ''`).Scan(&linked)
		if err != nil {
			return err
		}
		return tx.QueryRow(ctx, `
			SELECT COUNT(*) FROM audit_events WHERE tenant_id <> '' AND seq = 0`).Scan(&waiting)
	})
	p.Recorded = linked + waiting
	if err != nil {
		return p, fmt.Errorf("ask how far the database has come: %w", err)
	}
	return p, nil
}

// Check fails with ErrWentBack where the database is behind what this machine, or this
// program while it runs, has seen.
func (m *Mark) Check(ctx context.Context) error {
	p, err := readPosition(ctx, m.DB)
	if err != nil {
		return err
	}
	m.mu.Lock()
	seen := m.seen
	m.mu.Unlock()
	if p.isBehind(seen) {
		return ErrWentBack
	}
	old, err := ReadMark(m.Path)
	if err == nil && p.isBehind(old) {
		err = ErrWentBack
	}
	return err
}

// Update writes the database's position down. Where the database went back, the mark stays.
func (m *Mark) Update(ctx context.Context) error {
	p, err := readPosition(ctx, m.DB)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if p.isBehind(m.seen) {
		return ErrWentBack
	}
	m.seen = p
	old, err := ReadMark(m.Path)
	if err == nil && (p == old || p.isBehind(old)) { // a neighbour on this machine was faster
		return nil
	}
	return m.write(p)
}

func (m *Mark) write(p Position) error {
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(m.Path), ".mark-*")
	if err != nil {
		return fmt.Errorf("remember how far the database has come: %w", err)
	}
	defer func() { _ = os.Remove(tmp.Name()) }() // gone already when it got its name
	_, err = tmp.Write(append(text, '\n'))
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), m.Path)
	}
	if err != nil {
		return fmt.Errorf("remember how far the database has come: %w", err)
	}
	return nil
}
