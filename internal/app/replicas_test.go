package app

import (
	"context"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"countersign/internal/config"
	"countersign/internal/db"
	"countersign/internal/db/dbtest"
	"countersign/internal/keyring"
	"countersign/internal/secret"
	"countersign/internal/tenant"
)

// clock stands still until it is moved, so that nothing in memory grows old by itself.
type clock struct{ ahead atomic.Int64 }

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func (c *clock) now() time.Time { return noon.Add(time.Duration(c.ahead.Load())) }

// replica starts one program on a database, with its listener if it is to have one.
func replica(t *testing.T, dsn, keys string, c *clock, listens bool) *App {
	t.Helper()
	conf := config.Default()
	conf.PublicURL, conf.KeyFile, conf.Database.URL, conf.Database.ClockSkew = "http://localhost:1", keys,
		secret.Text(dsn), 1<<62
	conf.SMTP.Host, conf.SMTP.From, conf.SMTP.TLS = "localhost", "sign-in@example.test", "none"
	a, err := New(t.Context(), conf, slog.New(slog.DiscardHandler), c.now)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if listens {
			a.DB.Listen(ctx, a.forgetTopic)
		}
	}()
	t.Cleanup(func() { cancel(); <-ended; _ = a.Close() })
	return a
}

// rename changes the vendor's name at a replica.
func rename(t *testing.T, a *App, name string) {
	t.Helper()
	err := a.DB.InTx(t.Context(), db.Installation, func(tx *db.Tx) error {
		i, err := tenant.LoadInstallation(t.Context(), tx)
		if err != nil {
			return err
		}
		i.Name = name
		return tenant.SaveInstallation(t.Context(), tx, i)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// shows waits until a replica shows a name.
func shows(t *testing.T, a *App, name string) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if a.site.site(t.Context()).Name == name {
			return
		}
	}
	t.Fatalf("%q is shown, not %q", a.site.site(t.Context()).Name, name)
}

// guard: every replica drops what it remembers when another one changes it
func TestREL15_AChangeAtOneReplicaIsSeenAtTheOther(t *testing.T) {
	c, dsn, keys := &clock{}, dbtest.PostgresURL(t), filepath.Join(t.TempDir(), "keys")
	a, b, deaf := replica(t, dsn, keys, c, true), replica(t, dsn, keys, c, true), replica(t, dsn, keys, c, false)
	shows(t, b, "Countersign")
	shows(t, deaf, "Countersign")
	listeners(t, a, 2)
	rename(t, a, "Harbor")
	shows(t, b, "Harbor") // with the clock standing still: only the notice can have done it
	if name := deaf.site.site(t.Context()).Name; name != "Countersign" {
		t.Errorf("without a notice it shows %q: the test proves nothing", name)
	}
	c.ahead.Store(int64(5 * time.Second))
	shows(t, deaf, "Harbor") // five seconds later, by age alone

	before, err := b.ring.Signer(t.Context(), keyring.ES256)
	if err != nil {
		t.Fatal(err)
	}
	spare, err := a.ring.Spare(t.Context(), before.ID)
	if err != nil {
		t.Fatal(err)
	}
	err = a.DB.InTx(t.Context(), db.Installation, func(tx *db.Tx) error {
		_, err := a.ring.Retire(t.Context(), tx, before.ID, spare)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if now, err := b.ring.Signer(t.Context(), keyring.ES256); err == nil && now.ID != before.ID {
			break
		}
		if time.Now().After(end) {
			t.Fatal("a withdrawn key still signs at the other replica")
		}
	}
}

// guard: brandCache
func TestREL15_ABrandIsSeenAtOtherReplicas(t *testing.T) {
	c, dsn, keys := &clock{}, dbtest.PostgresURL(t), filepath.Join(t.TempDir(), "keys")
	a, deaf := replica(t, dsn, keys, c, true), replica(t, dsn, keys, c, false)
	brand := func(id, name string) {
		t.Helper()
		err := a.DB.InTx(t.Context(), id, func(tx *db.Tx) error {
			return tenant.SaveBrand(t.Context(), tx, tenant.Brand{Name: name})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range []string{"acme", "other"} {
		err := a.DB.InTx(t.Context(), db.Installation, func(tx *db.Tx) error {
			_, err := tenant.Create(t.Context(), tx, id, "The "+id, tenant.Company)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	of := func(a *App, id string) string { return a.brands.of(t.Context(), id).Name }
	listeners(t, a, 1)
	for _, name := range []string{"", "Acme", "Apex"} {
		if name != "" {
			brand("acme", name)
		}
		for end := time.Now().Add(20 * time.Second); of(a, "acme") != name; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%q is shown, not %q", of(a, "acme"), name)
			}
		}
		c.ahead.Add(int64(5*time.Second - 1))
		if now := of(deaf, "acme"); name == "" && now != "" {
			t.Errorf("%q is shown before it was chosen", now)
		}
		c.ahead.Add(1)
		if now := of(deaf, "acme"); now != name {
			t.Errorf("after five seconds %q is shown, not %q", now, name)
		}
		if now := of(deaf, "other"); now != "" {
			t.Errorf("another company shows %q", now)
		}
	}
}

// guard: after a lost connection, everything in memory may be old
func TestREL19_WhatWasMissedWhileTheListenerWasAway(t *testing.T) {
	c, dsn, keys := &clock{}, dbtest.PostgresURL(t), filepath.Join(t.TempDir(), "keys")
	a, b := replica(t, dsn, keys, c, false), replica(t, dsn, keys, c, true)
	listeners(t, a, 1)
	before := "Countersign"
	for _, name := range []string{"Harbor", "Lighthouse"} {
		shows(t, b, before)
		err := a.DB.InTx(t.Context(), db.Installation, func(tx *db.Tx) error {
			// Changed behind Notify's back, as a notice that got lost would be.
			_, err := tx.Exec(t.Context(), `UPDATE installation SET name = $1 WHERE id = $2`, name, db.Installation)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		// Only after the commit: a listener that is back earlier reads the old name, and nothing
		// tells it of the new one.
		err = a.DB.InTx(t.Context(), db.Installation, func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
				WHERE query LIKE 'LISTEN "countersign_' || md5(current_schema()) || '"%'`)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		shows(t, b, name)
		listeners(t, a, 1)
		before = name
	}
}

// listeners waits until so many replicas listen.
func listeners(t *testing.T, a *App, want int) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		var n int
		err := a.DB.View(t.Context(), db.Installation, func(tx *db.Tx) error {
			return tx.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity
				WHERE query LIKE 'LISTEN "countersign_' || md5(current_schema()) || '"%'`).Scan(&n)
		})
		if err != nil {
			t.Fatal(err)
		}
		if n == want {
			return
		}
	}
	t.Fatalf("not %d listeners", want)
}
