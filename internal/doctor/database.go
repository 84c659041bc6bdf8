package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"countersign/internal/audit"
	"countersign/internal/backup"
	"countersign/internal/config"
	"countersign/internal/configminimum"
	"countersign/internal/db"
)

// openIn is how long a database may take to answer.
const openIn = 5 * time.Second

var errNoFile = errors.New("there is no database file yet")

// open reaches the database without making one.
func open(ctx context.Context, o Options) (*db.DB, error) {
	url := o.Config.Database.URL.Reveal()
	if file, ok := strings.CutPrefix(url, "sqlite:"); ok {
		if _, err := os.Stat(file); err != nil {
			return nil, errNoFile
		}
	}
	ctx, cancel := context.WithTimeout(ctx, openIn)
	defer cancel()
	return db.Open(ctx, url, o.Now)
}

func (p *examination) view(ctx context.Context, fn func(*db.Tx) error) error {
	return p.db.View(ctx, db.Installation, fn)
}

func (p *examination) database(ctx context.Context) []Finding {
	const name = "database"
	if errors.Is(p.why, errNoFile) {
		return one(name, Warn, "countersign serve makes it at its first start", "there is no database yet")
	}
	if p.why != nil {
		return one(name, Fail, "check database.url, and that the server runs and lets this machine in",
			"it cannot be reached: %s", errorText(p.why))
	}
	s, err := p.db.Server(ctx)
	if err != nil {
		return one(name, Fail, "check the database's own log", "it does not answer: %s", errorText(err))
	}
	engine := map[db.Dialect]string{db.SQLite: "SQLite", db.Postgres: "PostgreSQL"}[p.db.Dialect]
	all := one(name, OK, "", "%s %s answers", engine, s.Version)
	if p.db.Dialect == db.SQLite && p.db.Served() {
		all[0].Message += ", and a server works on it"
	}
	all = append(append(all, networkDisk(p.db.NetworkDisk())...), p.durability(s)...)
	return append(all, p.schema(ctx)...)
}

// networkDisk warns of a database file whose locks may not work.
func networkDisk(kind string) []Finding {
	if kind == "" {
		return nil
	}
	return one("database file", Warn, "move it to a local disk, or use PostgreSQL",
		"it lies on a network disk (%s), where SQLite's locks may not work and data can be lost", kind)
}

func (p *examination) durability(s db.Server) []Finding {
	err := s.DurabilityProblems()
	switch {
	case s.Standby:
		return one("durability", Fail,
			"name the primary in database.url, or all of them with target_session_attrs=read-write",
			"this PostgreSQL is a standby and takes no changes")
	case err == nil:
		return one("durability", OK, "", "what is confirmed is on the disk")
	case p.Config.Database.Durability == config.Ignore:
		return one("durability", Warn, "set database.durability to require where people sign in", "%s", oneLine(err))
	}
	return one("durability", Fail, "after that, start the server again", "%s", oneLine(err))
}

func (p *examination) schema(ctx context.Context) []Finding {
	missing, unknown, err := p.db.Schema(ctx)
	switch {
	case err != nil:
		return one("schema", Fail, "check the rights of the database's user", "it cannot be read: %s", errorText(err))
	case len(missing) > 0:
		return one("schema", Warn, "countersign migrate applies them; so does the next start",
			"%d changes have yet to be applied, from %s on", len(missing), missing[0])
	case len(unknown) > 0:
		return one("schema", Warn, "finish the upgrade: run the newest program everywhere",
			"a newer program has been here and applied %s", strings.Join(unknown, ", "))
	}
	return one("schema", OK, "", "it is the one of this program")
}

func (p *examination) clock(ctx context.Context) []Finding {
	const name = "clock"
	if p.db == nil {
		return unknown(name)
	}
	skew, err := p.db.ClockSkew(ctx)
	most := p.Config.Database.ClockSkew
	switch {
	case err != nil:
		return one(name, Fail, "mend the database first", "it cannot be compared: %s", errorText(err))
	case p.db.Dialect == db.SQLite:
		return one(name, OK, "", "there is one clock only; it says %s", p.Now().UTC().Format(time.RFC3339))
	case skew.Abs() > most:
		return one(name, Fail, "set the clocks with NTP", "this machine and the database are %s apart; %s is the most",
			skew.Abs().Round(time.Millisecond), most)
	case most > 5*time.Second:
		return one(name, Warn, "set database.clock_skew back to 5s when the clocks are right",
			"up to %s between this machine and the database are allowed; it is %s", most,
			skew.Abs().Round(time.Millisecond))
	case skew.Abs() > time.Second:
		return one(name, Warn, "set the clocks with NTP before it is 5 s", "this machine and the database are %s apart",
			skew.Abs().Round(time.Millisecond))
	}
	return one(name, OK, "", "this machine and the database agree to a second")
}

func (p *examination) settings(ctx context.Context) []Finding {
	const name = "settings"
	if p.db == nil {
		return unknown(name)
	}
	var all []configminimum.Setting
	err := p.view(ctx, func(tx *db.Tx) (err error) {
		all, err = configminimum.Load(ctx, tx, p.Config.Limits)
		return err
	})
	if err != nil {
		return one(name, Warn, "countersign migrate makes what they are kept in",
			"they cannot be compared yet: %s", errorText(err))
	}
	if err := configminimum.Check(all); err != nil {
		return one(name, Fail, "set them back, or run countersign configminimum accept",
			"weaker than what was in force: %s", oneLine(err))
	}
	return one(name, OK, "", "no limit is weaker than what was in force")
}

// epoch is about copies: whether an older state took the place of this data, and whether
// someone has taken note of it.
func (p *examination) epoch(ctx context.Context) []Finding {
	if p.db == nil {
		return nil
	}
	err := p.view(ctx, func(tx *db.Tx) error { return backup.CheckAcknowledged(ctx, tx) })
	if errors.Is(err, backup.ErrUnacknowledged) {
		return one("epoch", Fail, "countersign epoch acknowledge, once you know what was lost", "%s", oneLine(err))
	}
	var e backup.Epoch
	if err == nil {
		err = p.view(ctx, func(tx *db.Tx) (err error) {
			e, err = backup.LatestEpoch(ctx, tx)
			return err
		})
	}
	if err == nil && e.Number > 0 && !e.AuditUntil.After(e.CopyOf) {
		return one("epoch", Warn,
			"countersign epoch review --audit FILE, with a copy that audit export made; else look at who changed methods",
			"epoch %d was raised without a newer copy of the audit events: sign-in methods removed since work again, and first methods set up since protect no more",
			e.Number)
	}
	return nil // what cannot be read, the schema tells
}

// sealedWithin is how soon an audit row is linked into its chain while a server runs.
const sealedWithin = time.Minute

func (p *examination) audit(ctx context.Context) []Finding {
	const name = "audit"
	if p.db == nil {
		return unknown(name)
	}
	var oldest, newest int64
	err := p.view(ctx, func(tx *db.Tx) error {
		err := tx.QueryRow(ctx, `
			SELECT COALESCE(MIN(at), 0) FROM audit_events WHERE tenant_id <> '' AND seq = 0`).Scan(&oldest)
		if err != nil {
			return err
		}
		return tx.QueryRow(ctx, `
			SELECT COALESCE(MAX(at), 0) FROM audit_events
				WHERE tenant_id = $1 AND seq > 0`, db.Installation).Scan(&newest)
	})
	if err != nil {
		return one(name, Warn, "countersign migrate makes what it is kept in",
			"it cannot be read yet: %s", errorText(err))
	}
	if waits := p.Now().Sub(db.Time(oldest)); oldest > 0 && waits > sealedWithin {
		return one(name, Warn, "start a server; if one runs, its log says why it does not link",
			"the oldest row that is not linked into its chain yet is %s old", age(waits))
	}
	if newest == 0 {
		return one(name, OK, "", "nothing is on record yet")
	}
	all := one(name, OK, "", "every row is linked; the newest of the installation is %s old",
		age(p.Now().Sub(db.Time(newest))))
	if p.keys == nil {
		return all
	}
	r, err := audit.Verify(ctx, p.db, p.keys, db.Installation)
	if err == nil && !r.Intact() {
		return one(name, Fail, "countersign audit verify names the place; find out who could write to the database",
			"the installation's chain is broken: %s", r.Why)
	}
	return all
}

// errorText says what is wrong with a database, on one line and without its address, which may
// hold a password.
func errorText(err error) string {
	text := err.Error()
	if i := strings.Index(text, "postgres://"); i >= 0 {
		text = text[:i]
	}
	return oneLine(errors.New(text))
}

// oneLine joins what has several.
func oneLine(err error) string {
	return fmt.Sprint(strings.Join(strings.Fields(strings.ReplaceAll(err.Error(), "\n", "; ")), " "))
}
