package keyring

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"countersign/internal/db"
	"countersign/internal/secret"
)

// Masters compares the generations of the key file with those that the database knows, so
// that a program without a key that the others seal with says so instead of guessing.
type Masters struct {
	DB   *db.DB
	Keys *secret.Keys

	told     atomic.Value // the generations that the database was told of
	sealedBy atomic.Value // the generation under which everything is known to be sealed
}

// notice is how long before a generation seals a program that lacks it is not ready any more.
const notice = 10 * time.Second

// ErrForeign says that the key file has nothing in common with the database.
var ErrForeign = errors.New("this key file does not belong to this database: it holds none of its keys")

// MasterKey is one generation as the database knows it.
type MasterKey struct {
	ID        string
	From      time.Time // seals from then on; zero: ever since
	AddedAt   time.Time
	DroppedAt time.Time
	Here      bool // the key file of this program holds it
	Sealing   bool // and seals with it
}

// Register tells the database of every generation in the key file that it does not know
// yet. It refuses with ErrForeign where file and database have none in common.
func (m *Masters) Register(ctx context.Context, tx *db.Tx) error {
	known, err := keyMarks(ctx, tx)
	if err != nil {
		return err
	}
	here, common := m.Keys.Generations(), len(known) == 0
	for _, g := range here {
		common = common || secret.Equal(known[g.ID], m.Keys.Mark(g.ID))
	}
	if !common {
		return ErrForeign
	}
	for _, g := range here {
		if known[g.ID] != nil {
			continue
		}
		_, err := tx.Exec(ctx, `INSERT INTO master_keys (id, mark, seals_from, added_at, dropped_at)
			VALUES ($1, $2, $3, $4, 0) ON CONFLICT (id) DO NOTHING`,
			g.ID, m.Keys.Mark(g.ID), g.From, tx.Now)
		if err != nil {
			return fmt.Errorf("register master key: %w", err)
		}
	}
	return nil
}

// Ensure is Register for every start: it looks first and writes only where something is new.
func (m *Masters) Ensure(ctx context.Context) error {
	fresh := false
	err := m.DB.View(ctx, db.Installation, func(tx *db.Tx) error {
		known, err := keyMarks(ctx, tx)
		for _, g := range m.Keys.Generations() {
			fresh = fresh || known[g.ID] == nil
		}
		return err
	})
	if err != nil || !fresh {
		return err
	}
	return m.DB.InTx(ctx, db.Installation, func(tx *db.Tx) error { return m.Register(ctx, tx) })
}

func keyMarks(ctx context.Context, tx *db.Tx) (map[string][]byte, error) {
	rows, err := tx.Query(ctx, `SELECT id, mark FROM master_keys`)
	out := map[string][]byte{}
	err = db.ForEach(rows, err, func(row db.Row) error {
		var id string
		var mark []byte
		err := row.Scan(&id, &mark)
		out[id] = mark
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read master keys: %w", err)
	}
	return out, nil
}

// Follow looks at the key file and the database: it takes over what is new in the file,
// tells the database, and says what is missing here. It is cheap enough for every second.
func (m *Masters) Follow(ctx context.Context) error {
	_, err := m.Keys.Refresh(m.DB.Now())
	ids := ""
	for _, g := range m.Keys.Generations() {
		ids += g.ID
	}
	if m.told.Load() == ids {
		return err
	}
	if failed := m.Ensure(ctx); failed != nil {
		return errors.Join(err, failed) // and once more at the next look
	}
	m.told.Store(ids)
	return err
}

// Check fails while the key file lacks a generation that others seal with, or are about to.
// What was sealed with it cannot be opened here, so that people would be turned away.
func (m *Masters) Check(ctx context.Context) error {
	all, err := m.List(ctx)
	if err != nil {
		return err
	}
	var missing []string
	for _, k := range all {
		if !k.Here && k.DroppedAt.IsZero() && !m.DB.Now().Before(k.From.Add(-notice)) {
			missing = append(missing, k.ID)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf(
			"the key file here lacks %s, which the database needs: copy the key file from where the key was added",
			strings.Join(missing, ", "))
	}
	return nil
}

// Holds refuses a key file that lacks a generation which rows of this database need: what
// was sealed with it, or a password that was peppered with it.
func (m *Masters) Holds(ctx context.Context, tx *db.Tx) error {
	all, err := m.list(ctx, tx)
	if err != nil {
		return err
	}
	for _, k := range all {
		if k.Here {
			continue
		}
		left, err := m.needs(ctx, tx, k.ID)
		if err != nil {
			return err
		}
		for _, n := range left {
			if !n.Soft {
				return fmt.Errorf(
					"the key file lacks %s, and %d %s need it: put the line of that key back from an older copy of the key file",
					k.ID, n.Count, n.What)
			}
		}
	}
	return nil
}

// List returns every generation that the database knows, by the time it seals.
func (m *Masters) List(ctx context.Context) (all []MasterKey, err error) {
	err = m.DB.View(ctx, db.Installation, func(tx *db.Tx) error {
		all, err = m.list(ctx, tx)
		return err
	})
	return all, err
}

func (m *Masters) list(ctx context.Context, tx *db.Tx) ([]MasterKey, error) {
	rows, err := tx.Query(ctx, `SELECT id, mark, seals_from, added_at, dropped_at FROM master_keys
		ORDER BY seals_from, added_at, id`)
	current := m.Keys.Current()
	all, err := db.Collect(rows, err, func(row db.Row) (k MasterKey, err error) {
		var mark []byte
		err = row.Scan(&k.ID, &mark, db.ScanTime(&k.From), db.ScanTime(&k.AddedAt), db.ScanTime(&k.DroppedAt))
		k.Here, k.Sealing = secret.Equal(mark, m.Keys.Mark(k.ID)), k.ID == current
		return k, err
	})
	if err != nil {
		return nil, fmt.Errorf("list master keys: %w", err)
	}
	return all, nil
}
