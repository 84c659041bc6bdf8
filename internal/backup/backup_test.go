package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/internal/audit"
	"countersign/internal/db"
	"countersign/internal/db/dbtest"
	"countersign/internal/keyring"
	"countersign/internal/secret"
)

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

func still() time.Time { return noon }

// silent is no one who watches.
func silent(int64, int64) {}

// house is a database in use, of one engine.
func house(t *testing.T, dsn string) (*db.DB, *secret.Keys) {
	t.Helper()
	d, keys := dbtest.Open(t, dsn, still), secret.NewKeys(noon)
	in(t, d, func(tx *db.Tx) error {
		if err := (&keyring.Masters{DB: d, Keys: keys}).Register(t.Context(), tx); err != nil {
			return err
		}
		return audit.Begin(t.Context(), tx, keys)
	})
	fill(t, d, 100)
	return d, keys
}

func in(t *testing.T, d *db.DB, fn func(tx *db.Tx) error) {
	t.Helper()
	if err := d.InTx(t.Context(), db.Installation, fn); err != nil {
		t.Fatal(err)
	}
}

// fill puts n rows into every table but those that are filled already. Row i has the same
// text everywhere, so that references fit.
func fill(t *testing.T, d *db.DB, n int) {
	t.Helper()
	in(t, d, func(tx *db.Tx) error {
		tables, err := tx.Tables(t.Context())
		if err != nil {
			return err
		}
		for _, table := range tables {
			if slices.Contains([]string{db.MigrationsTable, "master_keys", "audit_heads", "epochs"}, table.Name) {
				continue
			}
			for i := range n {
				if err := fillRow(t.Context(), tx, table, i); err != nil {
					return fmt.Errorf("%s: %w", table.Name, err)
				}
			}
		}
		_, err = tx.Exec(t.Context(), `UPDATE messages SET sealed = NULL WHERE tenant_id = 'k7'`)
		return err
	})
}

// noise is a text that does not compress.
func noise(n int) string {
	var b strings.Builder
	for b.Len() < n {
		b.WriteString(secret.NewID(noon, 0))
	}
	return b.String()[:n]
}

func fillRow(ctx context.Context, tx *db.Tx, table db.Table, i int) error {
	var marks []string
	var args []any
	some := secret.Hash(fmt.Sprint(table.Name, i))
	for _, c := range table.Columns {
		args = append(args, map[db.ColumnType]any{db.Text: fmt.Sprintf("k%d", i), db.Bigint: int64(i) * 1_000_003,
			db.Bytea: bytes.Repeat(some, i%3)[:i%3*20], db.Boolean: i%2 == 0}[c.Type])
		marks = append(marks, fmt.Sprintf("$%d", len(args)))
	}
	if table.Name == "audit_events" {
		args[len(args)-2] = int64(0) // seq: not linked yet
	}
	_, err := tx.Exec(ctx, `INSERT INTO `+table.Name+` (`+strings.Join(columnNames(table), ", ")+`)
		VALUES (`+strings.Join(marks, ", ")+`)`, args...)
	return err
}

// dump is every row of every table but epochs and the migrations, in one order.
func dump(t *testing.T, d *db.DB) (out []string) {
	t.Helper()
	err := d.Snapshot(t.Context(), func(tx *db.Tx) error {
		tables, err := tx.Tables(t.Context())
		if err != nil {
			return err
		}
		for _, table := range tables {
			if table.Name == db.MigrationsTable || table.Name == "epochs" {
				continue
			}
			rows, err := tx.Query(t.Context(), `SELECT `+strings.Join(columnNames(table), ", ")+` FROM `+table.Name)
			if err != nil {
				return err
			}
			values, to := make([]any, len(table.Columns)), make([]any, len(table.Columns))
			for i := range values {
				to[i] = &values[i]
			}
			for rows.Next() {
				if err := rows.Scan(to...); err != nil {
					return err
				}
				for i, c := range table.Columns {
					if values[i], err = copiedForm(values[i], c.Type); err != nil {
						return err
					}
				}
				out = append(out, fmt.Sprintf("%s %#v", table.Name, values))
			}
			if err := errors.Join(rows.Err(), rows.Close()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return out
}

func made(t *testing.T, d *db.DB, keys *secret.Keys) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := Make(t.Context(), d, keys, "test", &b, silent); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func restoring(d *db.DB, keys *secret.Keys, raw []byte) *Restoring {
	return &Restoring{DB: d, Keys: keys, Because: "restored", Progress: silent,
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(raw)), nil }}
}

// bare opens a new database without a schema.
func bare(t *testing.T, dsn string) *db.DB {
	t.Helper()
	d, err := db.Open(t.Context(), dsn, still)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// guard: every column is named and kept in kind
func TestACopyIsTheSameOnBothEngines(t *testing.T) {
	urls := map[string]func(testing.TB) string{"sqlite": dbtest.SQLiteURL, "postgres": dbtest.PostgresURL}
	for from := range urls {
		t.Run("from "+from, func(t *testing.T) {
			d, keys := house(t, urls[from](t))
			raw, want := made(t, d, keys), dump(t, d)
			for to := range urls {
				t.Run("to "+to, func(t *testing.T) {
					r := restoring(bare(t, urls[to](t)), keys, raw)
					m, err := r.readManifest()
					if err != nil {
						t.Fatal(err)
					}
					if err := r.prepare(t.Context(), m); err != nil {
						t.Fatal(err)
					}
					in(t, r.DB, func(tx *db.Tx) error { return r.load(t.Context(), tx) })
					if got := dump(t, r.DB); !slices.Equal(got, want) {
						t.Errorf("%d rows, want %d; they differ", len(got), len(want))
					}
				})
			}
		})
	}
}

// TestREL018: a return to an earlier state ends everything that was open, is in every
// record, and keeps the program from serving until someone says so.
func TestREL018_ARestoreEndsWhatWasOpen(t *testing.T) {
	dbtest.Each(t, still, func(t *testing.T, d *db.DB) {
		_ = d.Close()
		from, keys := house(t, dbtest.SQLiteURL(t))
		raw := made(t, from, keys)
		to := dbtest.SQLiteURL(t)
		if d.Dialect == db.Postgres {
			to = dbtest.PostgresURL(t)
		}
		r := restoring(bare(t, to), keys, raw)
		told := 0
		r.Notify = func(context.Context, *db.Tx, Epoch) error { told++; return nil }
		r.Above = 6
		m, e, err := r.Run(t.Context())
		if err != nil || e.Number != 7 || !e.CopyOf.Equal(noon) || m.Rows() < 2000 || told != 100 {
			t.Fatalf("%v, epoch %+v, %d rows, %d companies told", err, e, m.Rows(), told)
		}
		number := func(query string) (n int) {
			in(t, r.DB, func(tx *db.Tx) error { return tx.QueryRow(t.Context(), query).Scan(&n) })
			return n
		}
		for what, query := range map[string]string{
			"sessions": `SELECT COUNT(*) FROM sessions WHERE ended_at = 0`, "remembered": `SELECT COUNT(*)
				FROM remembered_browsers WHERE ended_at = 0`,
			"flows": `SELECT COUNT(*) FROM flows WHERE closed_at = 0`, "challenges": `SELECT COUNT(*)
				FROM challenges WHERE closed_at = 0`,
			"codes": fmt.Sprintf(`SELECT COUNT(*) FROM authorization_codes
				WHERE expires_at > %d`, noon.UnixMicro()),
			"families": `SELECT COUNT(*) FROM refresh_families WHERE ended_at = 0`,
			"jobs":     `SELECT COUNT(*) FROM jobs WHERE done_at = 0 AND failed_at = 0`, "messages": `SELECT COUNT(*)
				FROM messages WHERE sealed IS NOT NULL`,
			"keys": fmt.Sprintf(`SELECT COUNT(*) FROM signing_keys
				WHERE retired_at = 0 OR retired_at > %d`, noon.UnixMicro()), "versions": `SELECT COUNT(*) FROM users
					WHERE security_version < 1000`,
			"drafts": `SELECT COUNT(*) FROM drafts
				WHERE closed_at = 0 OR sealed IS NOT NULL AND tenant_id = 'k0'`, "printed codes": `SELECT COUNT(*)
					FROM backup_codes WHERE used_at = 0`,
			"steps": fmt.Sprintf(`SELECT COUNT(*) FROM totp_secrets
				WHERE last_step <= %d + CASE WHEN drift > 0 THEN drift ELSE 0 END`, noon.Unix()/30),
			"set-up": `SELECT COUNT(*) FROM installation WHERE setup_hash IS NOT NULL`,
		} {
			if n := number(query); n != 0 {
				t.Errorf("%s: %d", what, n)
			}
		}
		if n := number(`SELECT COUNT(*) FROM audit_events WHERE action = 'installation.epoch_raised'`); n != 101 {
			t.Errorf("%d records of the epoch", n)
		}
		serveable := func() (err error) {
			return r.DB.View(t.Context(), db.Installation,
				func(tx *db.Tx) error { return CheckAcknowledged(t.Context(), tx) })
		}
		if err := serveable(); !errors.Is(err, ErrUnacknowledged) {
			t.Errorf("serves unacknowledged: %v", err)
		}
		for _, want := range []int64{7, 0} {
			in(t, r.DB, func(tx *db.Tx) error {
				e, err := Acknowledge(t.Context(), tx)
				if e.Number != want {
					t.Errorf("acknowledged %d", e.Number)
				}
				return err
			})
		}
		if err := serveable(); err != nil {
			t.Error(err)
		}
		if _, _, err := r.Run(t.Context()); !errors.Is(err, ErrNotEmpty) {
			t.Errorf("restored on top of data: %v", err)
		}
	})
}

// guard: what is changed, cut, moved or added does not open, and leaves nothing behind
func TestADamagedCopyIsRefused(t *testing.T) {
	d, keys := house(t, dbtest.SQLiteURL(t))
	in(t, d, func(tx *db.Tx) error {
		for i := range 100 {
			if _, err := tx.Exec(t.Context(), `UPDATE installation_texts SET body = $1
				WHERE name = $2`, noise(8000), fmt.Sprintf("k%d", i)); err != nil {
				return err
			}
		}
		return nil
	})
	raw := made(t, d, keys)
	if len(raw) < 3*chunkSize {
		t.Fatalf("%d bytes are too few to be cut at chunks", len(raw))
	}
	head := bytes.IndexByte(raw, '\n') + 1
	chunk := chunkSize + 16
	bad := map[string][]byte{
		"nothing": nil, "only the head": raw[:head], "without its last byte": raw[:len(raw)-1],
		"one byte more":     append(slices.Clone(raw), 0),
		"cut after a chunk": raw[:head+chunk], "without its first chunk": slices.Concat(raw[:head], raw[head+chunk:]),
		"twice": slices.Concat(raw, raw[head:]),
		"two chunks exchanged": slices.Concat(raw[:head], raw[head+chunk:head+2*chunk], raw[head:head+chunk],
			raw[head+2*chunk:]),
		"another file's chunk": slices.Concat(raw[:head], made(t, d, keys)[head:]),
	}
	for range 50 {
		at := rand.IntN(len(raw) * 8)
		changed := slices.Clone(raw)
		changed[at/8] ^= 1 << (at % 8)
		bad[fmt.Sprintf("bit %d of byte %d", at%8, at/8)] = changed
	}
	for range 10 {
		n := rand.IntN(len(raw))
		bad[fmt.Sprintf("cut to %d", n)] = raw[:n]
	}
	to := bare(t, dbtest.SQLiteURL(t))
	restored := 0
	for what, raw := range bad {
		_, err := Verify(bytes.NewReader(raw), keys)
		if restored++; err != nil && restored < 8 { // slow
			_, _, err = restoring(to, keys, raw).Run(t.Context())
		}
		if err == nil {
			t.Fatalf("%s: taken", what)
		}
		if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrNotACopy) && !strings.Contains(err.Error(), "lacks") &&
			!strings.Contains(err.Error(), "format") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if m, err := Verify(bytes.NewReader(raw), keys); err != nil || m.Rows() < 2000 {
		t.Errorf("%d rows: %v", m.Rows(), err)
	}
	if _, _, err := restoring(to, secret.NewKeys(noon), raw).Run(t.Context()); err == nil ||
		!strings.Contains(err.Error(), "which the key file lacks") {
		t.Errorf("another key file: %v", err)
	}
	// Nothing of all that is in the way of the whole copy.
	if _, _, err := restoring(to, keys, raw).Run(t.Context()); err != nil {
		t.Error(err)
	}
}

// guard: a database between the steps of a restore serves nothing, and the restore goes on
func TestAnInterruptedRestoreGoesOn(t *testing.T) {
	dbtest.Each(t, still, func(t *testing.T, d *db.DB) {
		_ = d.Close()
		from, keys := house(t, dbtest.SQLiteURL(t))
		raw := made(t, from, keys)
		to := dbtest.SQLiteURL(t)
		if d.Dialect == db.Postgres {
			to = dbtest.PostgresURL(t)
		}
		r := restoring(bare(t, to), keys, raw)
		m, err := r.readManifest()
		if err != nil {
			t.Fatal(err)
		}
		steps := []func() error{
			func() error { return r.prepare(t.Context(), m) },
			func() error { // loading ends with an error, as a kill would end it
				err := r.DB.InTx(t.Context(), db.Installation,
					func(tx *db.Tx) error { return errors.Join(r.load(t.Context(), tx), io.ErrClosedPipe) })
				if errors.Is(err, io.ErrClosedPipe) {
					return nil
				}
				return err
			},
			func() error {
				return r.DB.InTx(t.Context(), db.Installation, func(tx *db.Tx) error { return r.load(t.Context(), tx) })
			},
		}
		for i, step := range steps {
			if err := step(); err != nil {
				t.Fatal(i, err)
			}
			if err := CheckFinished(t.Context(), r.DB); !errors.Is(err, ErrUnfinished) {
				t.Errorf("after step %d it may serve: %v", i, err)
			}
		}
		if _, e, err := r.Run(t.Context()); err != nil || e.Number != 1 || !e.CopyOf.Equal(noon) {
			t.Fatalf("%+v: %v", e, err)
		}
		if err := CheckFinished(t.Context(), r.DB); err != nil {
			t.Error(err)
		}
	})
}

func TestACopyNeedsTheKeysOfItsRows(t *testing.T) {
	from, keys := house(t, dbtest.SQLiteURL(t))
	in(t, from, func(tx *db.Tx) error {
		if _, err := tx.Exec(t.Context(), `INSERT INTO master_keys (id, mark, seals_from, added_at, dropped_at)
			VALUES ('oldolder', $1, 0, 0, 0)`, []byte("x")); err != nil {
			return err
		}
		_, err := tx.Exec(t.Context(), `UPDATE passwords SET pepper = 'oldolder' WHERE tenant_id = 'k3'`)
		return err
	})
	_, _, err := restoring(bare(t, dbtest.SQLiteURL(t)), keys, made(t, from, keys)).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "lacks oldolder, and 1 passwords") {
		t.Error(err)
	}
}

// Each table is ended or kept, and someone has thought about which.
func TestREL018_NoTableIsForgotten(t *testing.T) {
	d := dbtest.Open(t, dbtest.SQLiteURL(t), still)
	err := d.View(t.Context(), db.Installation, func(tx *db.Tx) error {
		tables, err := tx.Tables(t.Context())
		for _, table := range tables {
			ended := slices.ContainsFunc(endings, func(e ending) bool { return e.table == table.Name })
			if ended == (kept[table.Name] != "") {
				t.Errorf("%s must be in endings or in kept: does anything in it come back to life with an older copy?",
					table.Name)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestFilesAreNewAndPrivate(t *testing.T) {
	d, keys := house(t, dbtest.SQLiteURL(t))
	path := filepath.Join(t.TempDir(), "copy")
	for _, force := range []bool{false, true} {
		if _, size, err := MakeFile(t.Context(), d, keys, "test", path, force, silent); err != nil || size == 0 {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Fatal(info.Mode(), err)
		}
		if _, _, err := MakeFile(t.Context(), d, keys, "test", path, false, silent); !errors.Is(err, ErrExists) {
			t.Errorf("replaced without being told: %v", err)
		}
	}
	raw, _ := os.ReadFile(path)
	if bytes.Contains(raw, []byte("k10")) && bytes.Contains(raw, []byte("tenants")) {
		t.Error("the copy is not sealed")
	}
	left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*"))
	if len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestREL007: a database that went back by itself is noticed, at the start and while serving.
func TestREL007_ADatabaseThatWentBackIsNoticed(t *testing.T) {
	dbtest.Each(t, still, func(t *testing.T, d *db.DB) {
		fill(t, d, 3)
		in(t, d, func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(),
				`INSERT INTO installation (id, name, support_email, support_url, support_phone, mandate, mandate_from, remember_days, set_up_at, created_at) VALUES ($1, '', '', '', '', '', 0, 0, 0, 77)`,
				db.Installation)
			return err
		})
		come := func(seq int) {
			in(t, d, func(tx *db.Tx) error {
				_, err := tx.Exec(t.Context(), `INSERT INTO audit_heads (tenant_id, seq, chain, seal)
					VALUES ('t1', $1, $2, $3) ON CONFLICT (tenant_id) DO UPDATE
						SET seq = excluded.seq`, seq, []byte("c"), []byte("s"))
				return err
			})
		}
		path := filepath.Join(t.TempDir(), "k.key.mark")
		running := &Mark{Path: path, DB: d}
		for _, seq := range []int{1, 5, 5} {
			come(seq)
			if err := errors.Join(running.Check(t.Context()), running.Update(t.Context())); err != nil {
				t.Fatal(err)
			}
		}
		come(4)
		for what, err := range map[string]error{
			"running": running.Check(t.Context()), "keeping": running.Update(t.Context()),
			"starting": (&Mark{Path: path, DB: d}).Check(t.Context()),
		} {
			if !errors.Is(err, ErrWentBack) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if err := (&Mark{Path: path + "2", DB: d}).Check(t.Context()); err != nil {
			t.Errorf("a machine that remembers nothing: %v", err)
		}
		in(t, d, func(tx *db.Tx) error {
			_, err := Raise(t.Context(), tx, "promoted", time.Time{}, 0, nil)
			return err
		})
		if err := errors.Join(running.Check(t.Context()), running.Update(t.Context()),
			(&Mark{Path: path, DB: d}).Check(t.Context())); err != nil {
			t.Errorf("after a new epoch: %v", err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := running.Check(t.Context()); err != nil {
			t.Errorf("an empty mark: %v", err)
		}
	})
}
