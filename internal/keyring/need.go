package keyring

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"countersign/internal/db"
	"countersign/internal/secret"
)

// Need is something at rest, or in people's hands, that one generation is needed for.
type Need struct {
	What  string
	Count int64
	Soft  bool // without the key it stops to work, and people do without it
}

// old is the generation that is asked about.
type old struct {
	id         string
	now, until time.Time // until: when the next generation began to seal
}

// needs are counted for one generation. What is in people's hands does not tell its
// generation where it can be counted, so that everything older than the next one counts.
var needs = []struct {
	what  string
	soft  bool
	count string
	args  func(old) []any
}{
	{"passwords, each until it is next entered", false, `SELECT COUNT(*) FROM passwords
		WHERE tenant_id <> '' AND pepper = $1`,
		func(o old) []any { return []any{o.id} }},
	{"codes that are not over", false, `SELECT COUNT(*) FROM challenges
		WHERE tenant_id <> '' AND closed_at = 0 AND substr(state, 33, 8) = $1 AND expires_at > $2`,
		func(o old) []any { return []any{[]byte(o.id), o.now} }},
	{"refresh tokens that apps may hold", true, `SELECT COUNT(*) FROM refresh_families
		WHERE tenant_id <> '' AND ended_at = 0 AND expires_at > $1 AND created_at < $2`,
		func(o old) []any { return []any{o.now, o.until} }},
	{"mails with a link to say that a sign-in was not theirs", true, `SELECT COUNT(*) FROM flows
		WHERE tenant_id <> '' AND started_at < $1`,
		func(o old) []any { return []any{o.until} }},
	{"mails with a link that brings an address back", true, `SELECT COUNT(*) FROM email_changes
		WHERE tenant_id <> '' AND undone_at = 0 AND undo_until > $1 AND confirmed_at < $2`,
		func(o old) []any { return []any{o.now, o.until} }},
}

// settled is how long a generation seals before the one before it can be dropped: what
// browsers carry sealed is over by then, and no program seals with the old one any more.
const settled = time.Hour

// Needs counts what one generation is still needed for.
func (m *Masters) Needs(ctx context.Context, id string) (out []Need, err error) {
	err = m.DB.View(ctx, db.Installation, func(tx *db.Tx) error {
		out, err = m.needs(ctx, tx, id)
		return err
	})
	return out, err
}

func (m *Masters) needs(ctx context.Context, tx *db.Tx, id string) ([]Need, error) {
	rest, err := m.countSealed(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	found := []Need{{What: "rows to be sealed anew", Count: rest}}
	for _, n := range needs {
		var count int64
		if err := tx.QueryRow(ctx, n.count, n.args(old{id, tx.Now, m.replacedAt(id)})...).Scan(&count); err != nil {
			return nil, fmt.Errorf("count what needs master key %s: %w", id, err)
		}
		found = append(found, Need{What: n.what, Count: count, Soft: n.soft})
	}
	var out []Need
	for _, n := range found {
		if n.Count > 0 {
			out = append(out, n)
		}
	}
	return out, nil
}

// replacedAt is when the generation after id began to seal, or Forever where none has.
func (m *Masters) replacedAt(id string) time.Time {
	all := m.Keys.Generations()
	for i, g := range all {
		if g.ID == id && i+1 < len(all) && !g.Sealing {
			return all[i+1].From
		}
	}
	return db.Forever
}

// Drop takes a generation out of the database's list, so that programs without it are
// ready, and then out of the key file at path. It refuses while anything needs it; anyway
// gives up what only stops to work. The file goes second: when that fails, the key is one
// that no one misses, and the command can be repeated.
func (m *Masters) Drop(ctx context.Context, path, id string, anyway bool, also func(tx *db.Tx) error) error {
	err := m.DB.InTx(ctx, db.Installation, func(tx *db.Tx) error {
		if err := m.mayDrop(ctx, tx, id, anyway); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE master_keys SET dropped_at = $1
			WHERE id = $2 AND dropped_at = 0`, tx.Now, id); err != nil {
			return fmt.Errorf("drop master key: %w", err)
		}
		return also(tx)
	})
	if err != nil {
		return err
	}
	return secret.DropGeneration(path, m.DB.Now(), id)
}

func (m *Masters) mayDrop(ctx context.Context, tx *db.Tx, id string, anyway bool) error {
	if m.Keys.Mark(id) == nil {
		return fmt.Errorf("the key file holds no generation %s", id)
	}
	if until := m.replacedAt(id); tx.Now.Before(until.Add(settled)) {
		return fmt.Errorf("generation %s cannot be dropped: the one after it must seal for %s first", id, settled)
	}
	left, err := m.needs(ctx, tx, id)
	if err != nil {
		return err
	}
	var why []string
	for _, n := range left {
		if !n.Soft || !anyway {
			why = append(why, fmt.Sprintf("%d %s", n.Count, n.What))
		}
	}
	if len(why) > 0 {
		return errors.New("generation " + id + " is needed: " + strings.Join(why, "; "))
	}
	return nil
}
