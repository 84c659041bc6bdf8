package db

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// Topics that Notify is called with: what some program keeps in memory. What companies, apps and
// people may do is read anew for each decision, so no one tells of them.
const (
	TopicInstallation = "installation" // the vendor's own settings
	TopicKeys         = "keys"         // the keys that sign
	TopicBrands       = "brands"       // how companies look
)

// channel is one per schema, because NOTIFY reaches a whole database. 44 letters of 63.
const channel = `'countersign_' || md5(current_schema())`

// Notify tells every program on this database, once this unit of work is durable, that
// what it may have in memory about a topic is old. No one may rely on it: it can be lost,
// and what is remembered needs an age besides. PostgreSQL commits transactions that notify
// one after the other, so it has no place in a sign-in. SQLite has one serving program;
// only that program hears what it changed itself.
func (t *Tx) Notify(ctx context.Context, topic string) error {
	if t.db.Dialect == SQLite {
		t.OnCommit(func() { t.db.location.listeners.notify(topic) })
		return nil
	}
	if _, err := t.Exec(ctx, `SELECT pg_notify(`+channel+`, $1)`, topic); err != nil {
		return fmt.Errorf("notify %s: %w", topic, err)
	}
	return nil
}

// listeners are those of this process; SQLite has no others.
type listeners struct {
	mu  sync.Mutex
	all map[*func(string)]struct{}
}

func (l *listeners) notify(topic string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for fn := range l.all {
		(*fn)(topic)
	}
}

func (l *listeners) add(fn *func(string)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all == nil {
		l.all = map[*func(string)]struct{}{}
	}
	l.all[fn] = struct{}{}
}

func (l *listeners) remove(fn *func(string)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.all, fn)
}

// Listen calls heard with each topic that some program notifies of, until ctx ends. After
// each connection made it calls heard with an empty topic: anything may have been missed.
// heard must be quick, and must not use the database.
func (d *DB) Listen(ctx context.Context, heard func(topic string)) {
	if d.Dialect == SQLite {
		d.location.listeners.add(&heard)
		defer d.location.listeners.remove(&heard)
		heard("")
		<-ctx.Done()
		return
	}
	for pause := shortestPause; ctx.Err() == nil; {
		if d.listenOnce(ctx, heard) {
			pause = shortestPause
		}
		sleep(ctx, pause/2+rand.N(pause/2))
		pause = min(2*pause, longestPause)
	}
}

// How long Listen waits before it connects again; replicas spread over half of it.
const (
	shortestPause = 100 * time.Millisecond
	longestPause  = 5 * time.Second
)

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// listenOnce listens on a connection of its own until that breaks, and reports whether it
// ever came to listening.
func (d *DB) listenOnce(ctx context.Context, heard func(string)) (listened bool) {
	conn, err := d.startListening(ctx)
	if err != nil {
		return false
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	heard("")
	for {
		quiet, cancel := context.WithTimeout(ctx, quietFor)
		n, err := conn.WaitForNotification(quiet)
		timedOut := quiet.Err() != nil && ctx.Err() == nil
		cancel()
		switch {
		case err == nil:
			heard(n.Payload)
		case !timedOut || !isAlive(ctx, conn):
			return true
		}
	}
}

// quietFor is how long a connection may say nothing before it is asked whether it lives: a
// network that swallows packets breaks nothing by itself.
const (
	quietFor  = 15 * time.Second
	connectIn = 5 * time.Second
)

func isAlive(ctx context.Context, conn *pgx.Conn) bool {
	ctx, cancel := context.WithTimeout(ctx, connectIn)
	defer cancel()
	return !conn.IsClosed() && conn.Ping(ctx) == nil
}

func (d *DB) startListening(ctx context.Context) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectIn)
	defer cancel()
	conn, err := pgx.Connect(ctx, d.location.dsn)
	if err != nil {
		return nil, err
	}
	var name string
	if err = conn.QueryRow(ctx, `SELECT `+channel).Scan(&name); err == nil {
		_, err = conn.Exec(ctx, `LISTEN `+pgx.Identifier{name}.Sanitize())
	}
	if err != nil {
		_ = conn.Close(ctx)
		return nil, err
	}
	return conn, nil
}
