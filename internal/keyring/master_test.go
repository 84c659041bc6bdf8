package keyring_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"countersign/internal/audit"
	"countersign/internal/db"
	"countersign/internal/db/dbtest"
	"countersign/internal/keyring"
	"countersign/internal/secret"
)

// vault is a database and a key file that two programs read.
type vault struct {
	*clock
	db   *db.DB
	path string
	keyring.Masters
}

func eachVault(t *testing.T, fn func(t *testing.T, v *vault)) {
	dbtest.Each(t, time.Now, func(t *testing.T, d *db.DB) {
		v := &vault{clock: newClock(), db: d, path: filepath.Join(t.TempDir(), "k.key")}
		d.Now = v.Now
		if _, _, err := secret.LoadKeys(v.path, v.Now()); err != nil {
			t.Fatal(err)
		}
		v.DB, v.Keys = d, v.program(t)
		if err := v.register(&v.Masters); err != nil {
			t.Fatal(err)
		}
		fn(t, v)
	})
}

func (v *vault) program(t *testing.T) *secret.Keys {
	t.Helper()
	k, err := secret.ReadKeys(v.path, v.Now())
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func (v *vault) register(m *keyring.Masters) error {
	return v.db.InTx(ctx, db.Installation, func(tx *db.Tx) error { return m.Register(ctx, tx) })
}

// rotate adds a generation and lets it seal.
func (v *vault) rotate(t *testing.T) (id string) {
	t.Helper()
	id, err := secret.AddGeneration(v.path, v.Now(), v.Now().Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	v.forward(2 * time.Minute)
	if err := v.Follow(ctx); err != nil || v.Keys.Current() != id {
		t.Fatalf("%s seals: %v", v.Keys.Current(), err)
	}
	return id
}

func (v *vault) run(t *testing.T, query string, args ...any) {
	t.Helper()
	err := v.db.InTx(ctx, db.Installation, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, query, args...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// fill leaves something sealed in every place: 250 messages, the chains of two companies,
// the signing key and the canary.
func (v *vault) fill(t *testing.T) {
	t.Helper()
	err := v.db.InTx(ctx, db.Installation, func(tx *db.Tx) error { return audit.Begin(ctx, tx, v.Keys) })
	if err != nil {
		t.Fatal(err)
	}
	if err := (&keyring.Keyring{DB: v.db, Keys: v.Keys}).EnsureAll(ctx); err != nil {
		t.Fatal(err)
	}
	v.run(t, `INSERT INTO canaries (id, sealed, created_at)
		VALUES ($1, $2, 0)`, db.Installation, v.Keys.Seal([]byte("tweet"), "canaries", "sealed", db.Installation))
	for i := range 250 {
		tenant, id := fmt.Sprintf("t%d", i%2), fmt.Sprintf("m%03d", i)
		v.run(t, `INSERT INTO messages (tenant_id, id, user_id, channel, purpose, hint, sealed, state, host,
			attempts, queued_at, state_at, next_try_at, expires_at)
			VALUES ($1, $2, '', 'email', '', '', $3, 'queued', '', 0, 0, 0, 0,
				0)`, tenant, id, v.Keys.Seal([]byte(id), "messages", "sealed", tenant, id))
	}
	for _, tenant := range []string{"t0", "t1", db.Installation} {
		err := v.db.InTx(ctx, tenant,
			func(tx *db.Tx) error { return audit.Record(ctx, tx, audit.Event{Action: "x", Result: "ok"}) })
		if err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // the second seals what beginning the chains recorded
		if _, err := (&audit.Sealer{DB: v.db, Keys: v.Keys}).Seal(ctx); err != nil {
			t.Fatal(err)
		}
	}
}

func (v *vault) number(t *testing.T, query string, args ...any) (n int) {
	t.Helper()
	err := v.db.View(ctx, db.Installation, func(tx *db.Tx) error { return tx.QueryRow(ctx, query, args...).Scan(&n) })
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestREL016: everything at rest moves to the new generation, and the old one can go.
func TestREL016_EverythingIsSealedAnew(t *testing.T) {
	eachVault(t, func(t *testing.T, v *vault) {
		v.fill(t)
		first := v.Keys.Current()
		second := v.rotate(t)
		if err := v.Drop(ctx, v.path, first, true, none); err == nil ||
			!strings.Contains(err.Error(), "must seal for") {
			t.Fatalf("dropped at once: %v", err)
		}
		v.forward(2 * time.Hour)
		if err := v.Drop(ctx, v.path, first, true, none); err == nil || !strings.Contains(err.Error(), "256 rows") {
			t.Fatalf("dropped while rows need it: %v", err)
		}
		if n, err := v.Reseal(ctx); err != nil || n != 256 {
			t.Fatalf("%d sealed anew: %v", n, err)
		}
		if n, err := v.Reseal(ctx); err != nil || n != 0 {
			t.Fatalf("%d sealed anew the second time: %v", n, err)
		}
		if err := v.Drop(ctx, v.path, first, false, none); err != nil {
			t.Fatal(err)
		}
		if err := v.Drop(ctx, v.path, second, true, none); err == nil {
			t.Error("the last one was dropped")
		}
		if err := v.Follow(ctx); err != nil || len(v.Keys.Generations()) != 1 {
			t.Fatalf("%v: %v", v.Keys.Generations(), err)
		}
		fresh := v.program(t)
		if _, err := (&keyring.Keyring{DB: v.db, Keys: fresh}).Signer(ctx, keyring.RS256); err != nil {
			t.Error(err)
		}
		for _, tenant := range []string{db.Installation, "t0", "t1"} {
			if r, err := audit.Verify(ctx, v.db, fresh, tenant); err != nil || !r.Intact() {
				t.Errorf("%s: %v %v", tenant, r.Why, err)
			}
		}
		if n := v.number(t, `SELECT COUNT(*) FROM messages
			WHERE tenant_id <> '' AND substr(sealed, 1, 8) = $1`, []byte(second)); n != 250 {
			t.Errorf("%d messages", n)
		}
	})
}

func none(*db.Tx) error { return nil }

// One row that no one can open does not keep the others from being sealed anew, and keeps
// the generation from being dropped.
func TestREL016_ARowThatDoesNotOpenStaysAlone(t *testing.T) {
	eachVault(t, func(t *testing.T, v *vault) {
		v.fill(t)
		first := v.Keys.Current()
		v.run(t, `UPDATE messages SET sealed = $1
			WHERE tenant_id = 't0' AND id = 'm010'`, v.Keys.Seal([]byte("x"), "elsewhere"))
		v.rotate(t)
		if n, err := v.Reseal(ctx); err == nil || !errors.Is(err, secret.ErrSealed) || n != 255 {
			t.Errorf("%d sealed anew: %v", n, err)
		}
		v.forward(2 * time.Hour)
		if err := v.Drop(ctx, v.path, first, true, none); err == nil || !strings.Contains(err.Error(), "1 rows") {
			t.Errorf("dropped: %v", err)
		}
	})
}

// What generations are needed for, beside sealed rows.
func TestAGenerationIsKeptForWhatNeedsIt(t *testing.T) {
	eachVault(t, func(t *testing.T, v *vault) {
		first := v.Keys.Current()
		v.run(t, `INSERT INTO tenants (tenant_id, name, kind, mandate, mandate_from, switched_on_at,
			switched_off_at, remember_days, created_at, suspended_at)
			VALUES ('t1', 'T', 'company', '', 0, 0, 0, 0, 0, 0)`)
		v.run(t, `INSERT INTO users (tenant_id, id, email, email_key, name, role, language, security_version,
			password_flagged_at, created_at, disabled_at) VALUES ('t1', 'u1', '', '', '', '', '', 1, 0, 0, 0)`)
		v.run(t, `INSERT INTO passwords (tenant_id, user_id, hash, pepper, set_at)
			VALUES ('t1', 'u1', '', $1, 0)`, first)
		v.run(t, `INSERT INTO sessions (tenant_id, id, token_hash, user_id, client_id, flow_id, continues, acr, amr,
			remembered_id, security_version, ip, place, browser, authenticated_at, created_at, last_seen_at,
				fresh_at, idle_micros, expires_at, ended_at, ended_because)
			VALUES ('t1', 's1', $1, 'u1', '', '', '', '', '', '', 1, '', '', '', 0, 0, 0, 0, 0, 0, 0, '')`, []byte("h"))
		v.run(t, `INSERT INTO refresh_families (tenant_id, id, secret_hash, client_id, user_id, session_id, scope,
			generation, created_at, expires_at, ended_at, ended_because)
			VALUES ('t1', 'f1', $1, '', 'u1', 's1', '', 0, $2, $3, 0,
				'')`, []byte("h"), v.Now(), v.Now().Add(720*time.Hour))
		v.rotate(t)
		v.forward(2 * time.Hour)
		for _, anyway := range []bool{false, true} {
			err := v.Drop(ctx, v.path, first, anyway, none)
			if err == nil || !strings.Contains(err.Error(), "1 passwords") ||
				strings.Contains(err.Error(), "1 refresh") == anyway {
				t.Errorf("anyway %t: %v", anyway, err)
			}
		}
		v.run(t, `UPDATE passwords SET pepper = $1 WHERE tenant_id = 't1'`, v.Keys.Current())
		if err := v.Drop(ctx, v.path, first, false, none); err == nil ||
			!strings.Contains(err.Error(), "1 refresh tokens") {
			t.Errorf("refresh tokens: %v", err)
		}
		if err := v.Drop(ctx, v.path, first, true, none); err != nil {
			t.Error(err)
		}
	})
}

// TestREL016: a program whose key file lacks a generation that others seal with says that
// it is not ready, from just before the first of them does.
func TestREL016_AProgramWithoutTheKeyIsNotReady(t *testing.T) {
	eachVault(t, func(t *testing.T, v *vault) {
		behind := keyring.Masters{DB: v.db, Keys: v.program(t)}
		elsewhere := filepath.Join(t.TempDir(), "copy.key")
		copyFile(t, v.path, elsewhere)
		behind.Keys, _ = secret.ReadKeys(elsewhere, v.Now())
		id, err := secret.AddGeneration(v.path, v.Now(), v.Now().Add(time.Hour))
		if err != nil || v.Follow(ctx) != nil {
			t.Fatal(err)
		}
		for _, step := range []struct {
			wait  time.Duration
			ready bool
		}{{0, true}, {59 * time.Minute, true}, {55 * time.Second, false}, {time.Hour, false}} {
			v.forward(step.wait)
			if err := behind.Check(ctx); (err == nil) != step.ready {
				t.Errorf("at %s: %v", v.Now(), err)
			}
			if err := v.Check(ctx); err != nil {
				t.Error(err)
			}
		}
		if err := v.Follow(ctx); err != nil || v.Keys.Current() != id {
			t.Fatal(err)
		}
		if _, err := behind.Keys.Open(v.Keys.Seal([]byte("x"), "p"), "p"); err == nil {
			t.Error("opened without the key")
		}
		copyFile(t, v.path, elsewhere)
		if err := behind.Follow(ctx); err != nil || behind.Check(ctx) != nil {
			t.Errorf("not ready with the key: %v", err)
		}
	})
}

func TestAForeignKeyFileIsNotRegistered(t *testing.T) {
	eachVault(t, func(t *testing.T, v *vault) {
		if err := v.register(&keyring.Masters{DB: v.db, Keys: secret.NewKeys(v.Now())}); !errors.Is(err,
			keyring.ErrForeign) {
			t.Error(err)
		}
		if n := v.number(t, `SELECT COUNT(*) FROM master_keys`); n != 1 {
			t.Errorf("%d keys", n)
		}
	})
}

// Every column of the schema that is called sealed is sealed anew.
func TestNoSealedColumnIsForgotten(t *testing.T) {
	d := dbtest.Open(t, dbtest.SQLiteURL(t), time.Now)
	known := keyring.SealedColumns()
	err := d.View(ctx, db.Installation, func(tx *db.Tx) error {
		tables, err := tx.Tables(ctx)
		for _, table := range tables {
			for _, c := range table.Columns {
				if strings.HasPrefix(c.Name, "sealed") && c.Type == db.Bytea && !known[table.Name+"."+c.Name] {
					t.Errorf("%s.%s is not sealed anew when the master key changes", table.Name, c.Name)
				}
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
