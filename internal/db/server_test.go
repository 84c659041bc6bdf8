package db_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"countersign/internal/db"
	"countersign/internal/db/dbtest"
)

// with adds a setting to a PostgreSQL address, for its sessions alone.
func with(t *testing.T, dsn, setting, value string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set(setting, value)
	u.RawQuery = q.Encode()
	return u.String()
}

// guard: what was confirmed is on the disk
func TestREL10_AForgetfulDatabaseIsKnown(t *testing.T) {
	forgets := func(dsn string) error {
		d := dbtest.Open(t, dsn, time.Now)
		s, err := d.Server(t.Context())
		if err != nil || s.Version == "" || s.Standby {
			t.Fatalf("%+v, %v", s, err)
		}
		return s.DurabilityProblems()
	}
	pg := dbtest.PostgresURL(t)
	if err := errors.Join(forgets(dbtest.SQLiteURL(t)), forgets(pg),
		forgets(with(t, pg, "synchronous_commit", "local"))); err != nil {
		t.Error(err)
	}
	if err := forgets(with(t, pg, "synchronous_commit", "off")); err == nil ||
		!strings.Contains(err.Error(), "set synchronous_commit = on") {
		t.Error(err)
	}
}

// guard: the answer is corrected by the time that the question took
func TestSEC140_HowFarTheClocksAreApart(t *testing.T) {
	for _, ahead := range []time.Duration{0, time.Minute, -time.Minute} {
		d := dbtest.Open(t, dbtest.PostgresURL(t), func() time.Time { return time.Now().Add(-ahead) })
		if skew, err := d.ClockSkew(t.Context()); err != nil || (skew-ahead).Abs() > 2*time.Second {
			t.Errorf("the database is %s ahead: %s, %v", ahead, skew, err)
		}
	}
	d := dbtest.Open(t, dbtest.SQLiteURL(t), func() time.Time { return time.Now().Add(time.Hour) })
	if skew, err := d.ClockSkew(t.Context()); err != nil || skew != 0 {
		t.Error(skew, err)
	}
}

// guard: one program serves from a file
func TestREL9_OneServerPerFile(t *testing.T) {
	url := dbtest.SQLiteURL(t)
	a, b := dbtest.Open(t, url, time.Now), dbtest.Open(t, url, time.Now)
	if a.Served() {
		t.Error("served by no one")
	}
	if err := errors.Join(a.ServeAlone(), a.ServeAlone()); err != nil {
		t.Fatal(err)
	}
	if err := b.ServeAlone(); !errors.Is(err, db.ErrTaken) || !b.Served() {
		t.Error("a second server:", err)
	}
	if err := b.InTx(t.Context(), "t1",
		func(tx *db.Tx) error { return put(t.Context(), tx, "beside it") }); err != nil {
		t.Error("a command beside the server:", err)
	}
	if err := errors.Join(a.Close(), b.ServeAlone()); err != nil {
		t.Error("after the first has ended:", err)
	}
	pg := dbtest.PostgresURL(t)
	if err := errors.Join(dbtest.Open(t, pg, time.Now).ServeAlone(),
		dbtest.Open(t, pg, time.Now).ServeAlone()); err != nil {
		t.Error(err)
	}
}

func TestWhatTheSchemaLacks(t *testing.T) {
	for _, dsn := range []string{dbtest.SQLiteURL(t), dbtest.PostgresURL(t)} {
		d, err := db.Open(t.Context(), dsn, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		missing, _, err := d.Schema(t.Context())
		if err != nil || len(missing) == 0 || missing[0] != "0001_first.sql" {
			t.Errorf("a new database lacks %v, %v", missing, err)
		}
		if _, err := d.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		err = d.InTx(t.Context(), db.Installation, func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), `INSERT INTO schema_migrations (name, applied_at)
				VALUES ('9999_later.sql', 1)`)
			return err
		})
		if missing, unknown, err2 := d.Schema(t.Context()); err != nil || err2 != nil || len(missing) != 0 ||
			strings.Join(unknown, " ") != "9999_later.sql" {
			t.Errorf("lacks %v, has %v, %v, %v", missing, unknown, err, err2)
		}
	}
}

// listening starts a listener and waits until it hears.
func listening(t *testing.T, d *db.DB) <-chan string {
	t.Helper()
	topics := make(chan string, 100)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { d.Listen(ctx, func(topic string) { topics <- topic }); close(ended) }()
	t.Cleanup(func() { cancel(); <-ended })
	hears(t, topics, "")
	return topics
}

func hears(t *testing.T, topics <-chan string, want string) {
	t.Helper()
	select {
	case got := <-topics:
		if got != want {
			t.Errorf("heard %q, want %q", got, want)
		}
	case <-time.After(20 * time.Second):
		t.Fatalf("%q was not heard", want)
	}
}

func notify(t *testing.T, d *db.DB, topic string, fail error) {
	t.Helper()
	err := d.InTx(t.Context(), db.Installation, func(tx *db.Tx) error {
		if err := tx.Notify(t.Context(), topic); err != nil {
			return err
		}
		return fail
	})
	if !errors.Is(err, fail) {
		t.Fatal(err)
	}
}

// guard: a notice leaves with the commit and reaches this schema's listeners
func TestNoticesAreHeard(t *testing.T) {
	dbtest.Each(t, time.Now, func(t *testing.T, d *db.DB) {
		topics := listening(t, d)
		notify(t, d, "lost", errors.New("rolled back"))
		notify(t, d, "one", nil)
		hears(t, topics, "one")
		if d.Dialect == db.Postgres { // another installation in the same database
			notify(t, dbtest.Open(t, dbtest.PostgresURL(t), time.Now), "elsewhere", nil)
		}
		notify(t, d, "two", nil)
		hears(t, topics, "two")
	})
}

// guard: a listener that lost its connection says that it may have missed something
func TestREL19_AListenerComesBack(t *testing.T) {
	d := dbtest.Open(t, dbtest.PostgresURL(t), time.Now)
	topics := listening(t, d)
	for range 2 {
		if n := hangUp(t, d); n != 1 {
			t.Fatalf("%d listeners were cut off", n)
		}
		hears(t, topics, "")
		notify(t, d, "again", nil)
		hears(t, topics, "again")
	}
}

// hangUp ends the connection of the database's listeners.
func hangUp(t *testing.T, d *db.DB) (n int) {
	t.Helper()
	err := d.InTx(t.Context(), db.Installation, func(tx *db.Tx) error {
		return tx.QueryRow(t.Context(), `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
			WHERE query LIKE 'LISTEN "countersign_' || md5(current_schema()) || '"%'`).Scan(&n)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}
