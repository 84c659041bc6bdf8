// Package configminimum checks at start that a replica's key file opens the installation's data
// and that none of its limits is weaker than the strictest that was in force. It never lowers a
// minimum by itself; an operator can, and that is audited.
package configminimum

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"countersign/internal/audit"
	"countersign/internal/config"
	"countersign/internal/db"
)

// Setting is one guarded setting as it is configured here and as it is stored.
type Setting struct {
	config.Guard
	Stored int64 // in the unit of Guard.Value
	Known  bool  // there is a stored value
}

// Weaker reports whether this configuration is weaker than what was in force.
func (s Setting) Weaker() bool { return s.Known && s.Guard.Weaker(s.Value, s.Stored) }

// rises reports whether this configuration is to be remembered.
func (s Setting) rises() bool { return !s.Known || s.Guard.Weaker(s.Stored, s.Value) }

// String is the change, for people and for the record.
func (s Setting) String() string {
	if !s.Known {
		return s.Key + " " + s.Show(s.Value)
	}
	return fmt.Sprintf("%s %s to %s", s.Key, s.Show(s.Stored), s.Show(s.Value))
}

// Load compares a configuration with what is stored, in the order of the configuration.
func Load(ctx context.Context, tx *db.Tx, l config.Limits) ([]Setting, error) {
	stored, err := load(ctx, tx)
	if err != nil {
		return nil, fmt.Errorf("read minimum settings: %w", err)
	}
	var all []Setting
	for _, g := range l.Guards() {
		value, known := stored[g.Key]
		all = append(all, Setting{Guard: g, Stored: value, Known: known})
	}
	return all, nil
}

func load(ctx context.Context, tx *db.Tx) (map[string]int64, error) {
	rows, err := tx.Query(ctx, `SELECT name, value FROM standards`)
	stored := map[string]int64{}
	err = db.ForEach(rows, err, func(row db.Row) error {
		var name string
		var value int64
		err := row.Scan(&name, &value)
		stored[name] = value
		return err
	})
	return stored, err
}

// WeakerError names every setting that is weaker than it was, and what may be done.
type WeakerError []Setting

func (e WeakerError) Error() string {
	lines := make([]string, 0, len(e))
	for _, s := range e {
		lines = append(lines, fmt.Sprintf(
			"%s is %s here and was %s: set it back, or run countersign configminimum accept", s.Key, s.Show(s.Value),
			s.Show(s.Stored)))
	}
	return strings.Join(lines, "\n")
}

// Check reports which settings are weaker than what is stored, as a WeakerError.
func Check(all []Setting) error {
	if weak := slices.DeleteFunc(slices.Clone(all), func(s Setting) bool { return !s.Weaker() }); len(weak) > 0 {
		return WeakerError(weak)
	}
	return nil
}

// Keep checks a configuration and remembers where it is stricter, on record. One that is
// weaker anywhere changes nothing and is told by a WeakerError.
func Keep(ctx context.Context, tx *db.Tx, l config.Limits) error {
	all, err := Load(ctx, tx, l)
	if err != nil {
		return err
	}
	if err := Check(all); err != nil {
		return err
	}
	return raise(ctx, tx, all)
}

// raise writes guarded: a replica that raised further meanwhile has the last word.
func raise(ctx context.Context, tx *db.Tx, all []Setting) error {
	var raised []Setting
	for _, s := range all {
		if !s.rises() {
			continue
		}
		stricter := `standards.value > excluded.value`
		if s.More {
			stricter = `standards.value < excluded.value`
		}
		n, err := tx.Exec(ctx, `INSERT INTO standards (name, value, set_at) VALUES ($1, $2, $3)
			ON CONFLICT (name) DO UPDATE SET value = excluded.value, set_at = excluded.set_at
				WHERE `+stricter, s.Key, s.Value, tx.Now)
		if err != nil {
			return fmt.Errorf("raise minimum %s: %w", s.Key, err)
		}
		if n > 0 && s.Known {
			raised = append(raised, s)
		}
	}
	return record(ctx, tx, audit.MinimumRaised, "start", raised)
}

// Accept makes this configuration the minimum, weaker or not, and returns what it weakened.
// by is the actor, for the audit log.
func Accept(ctx context.Context, tx *db.Tx, l config.Limits, by string) ([]Setting, error) {
	all, err := Load(ctx, tx, l)
	if err != nil {
		return nil, err
	}
	if err := raise(ctx, tx, all); err != nil {
		return nil, err
	}
	var weakened []Setting
	for _, s := range all {
		if !s.Weaker() {
			continue
		}
		n, err := tx.Exec(ctx, `UPDATE standards SET value = $1, set_at = $2
			WHERE name = $3 AND value = $4`, s.Value, tx.Now, s.Key, s.Stored)
		if err != nil {
			return nil, fmt.Errorf("accept minimum %s: %w", s.Key, err)
		}
		if n == 0 {
			return nil, errors.New("the minimum settings changed meanwhile: run countersign configminimum show again")
		}
		weakened = append(weakened, s)
	}
	return weakened, record(ctx, tx, audit.MinimumAccepted, by, weakened)
}

// record tells each change in an event of its own, so that no text is cut.
func record(ctx context.Context, tx *db.Tx, action audit.Action, by string, changed []Setting) error {
	var events []audit.Event
	for _, s := range changed {
		events = append(events, audit.Event{
			Action:    action,
			Result:    audit.OK,
			ActorID:   by,
			SubjectID: s.Key,
			Reason:    s.String(),
		})
	}
	return audit.Record(ctx, tx, events...)
}
