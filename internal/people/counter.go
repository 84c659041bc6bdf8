package people

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"countersign/internal/access"
	"countersign/internal/db"
)

// Counter counts everyone of a company with many people in the background, which takes seconds: who looks at the
// numbers gets those of a moment ago. Nothing that decides reads them.
type Counter struct {
	db   *db.DB
	log  *slog.Logger
	many int // a company with more people than this has many

	mu   sync.Mutex
	kept map[string]*count

	turn    chan struct{} // one count at a time, so that people who sign in have the other processors
	running sync.WaitGroup
	ending  context.Context
	end     context.CancelFunc
}

// count is what was counted for a question.
type count struct {
	value   any
	began   time.Time // zero: it has never been finished
	asked   time.Time // the last time
	running bool
	err     error
}

// AsOf is when something was counted.
type AsOf struct {
	At   time.Time
	Kept bool // false: just now
}

// Counting reports whether there are no numbers yet.
func (a AsOf) Counting() bool { return a.Kept && a.At.IsZero() }

// ManyPeople is from how many people on a company has many.
const ManyPeople = 5000

const (
	countFor = 2 * time.Minute  // at most
	freshFor = time.Minute      // then it is counted again, once someone asks
	keptFor  = 10 * time.Minute // since someone asked: it names people
	maxKept  = 200
)

// NewCounter returns a Counter for companies with more than many people. Close it before the database.
func NewCounter(d *db.DB, log *slog.Logger, many int) *Counter {
	c := &Counter{
		db:   d,
		log:  log,
		many: many,
		kept: map[string]*count{},
		turn: make(chan struct{}, 1),
	}
	c.ending, c.end = context.WithCancel(context.Background())
	return c
}

// Close waits for what is being counted.
func (c *Counter) Close() {
	c.end()
	c.running.Wait()
}

// Counted returns what fn counts in tx.Tenant. Where the company has many people and a person asks, it returns what was
// counted a moment ago or, if nothing was, the zero value; fn is then run in the background. question tells apart what
// may be asked about all companies: what is counted, and every rule that fn goes by. A nil Counter counts at once.
func Counted[T any](
	ctx context.Context, tx *db.Tx, c *Counter, a access.Actor, question string,
	fn func(context.Context, *db.Tx) (T, error),
) (v T, at AsOf, err error) {
	return CountedAmong(ctx, tx, c, a, morePeopleThan, question, fn)
}

// ErrCounting means that everyone is being counted in the background: who asks again a moment later gets the answer.
var ErrCounting = errors.New("everyone is being counted")

// Fully is for what Counted returns where half an answer is of no use: ErrCounting until there is one.
func Fully[T any](v T, at AsOf, err error) (T, error) {
	if err == nil && at.Counting() {
		err = ErrCounting
	}
	return v, err
}

// Many reports whether there is more to count than takes as long as n people.
type Many func(ctx context.Context, tx *db.Tx, n int) (bool, error)

// CountedAmong is Counted where it is not the people of tx.Tenant that are many.
func CountedAmong[T any](
	ctx context.Context, tx *db.Tx, c *Counter, a access.Actor, isMany Many, question string,
	fn func(context.Context, *db.Tx) (T, error),
) (v T, at AsOf, err error) {
	wait := c == nil || a.Kind != access.Person
	if !wait {
		many, err := isMany(ctx, tx, c.many)
		if err != nil {
			return v, at, err
		}
		wait = !many
	}
	if wait {
		v, err = fn(ctx, tx)
		return v, at, err
	}
	at.Kept = true
	counts := func(ctx context.Context, tx *db.Tx) (any, error) { return fn(ctx, tx) }
	value, began, err := c.ask(tx.Tenant, question, counts)
	if value != nil {
		v, at.At = value.(T), began
	}
	return v, at, err
}

// Slowly is for what takes ten times as long for each person of tx.Tenant as to count them.
func Slowly(ctx context.Context, tx *db.Tx, n int) (bool, error) {
	return morePeopleThan(ctx, tx, n/10)
}

func morePeopleThan(ctx context.Context, tx *db.Tx, n int) (bool, error) {
	var found int
	err := tx.QueryRow(ctx, `
		SELECT count(*) FROM (SELECT u.id FROM users u WHERE u.tenant_id = $1 LIMIT $2) found`,
		tx.Tenant, n+1).Scan(&found)
	if err != nil {
		return false, fmt.Errorf("look how many people there are: %w", err)
	}
	return found > n, nil
}

type counting func(context.Context, *db.Tx) (any, error)

// ask returns what was counted last, if anything was, and has it counted again where that is long ago. An error of the
// last time is returned once.
func (c *Counter) ask(tenant, question string, fn counting) (any, time.Time, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now, key := c.db.Now(), tenant+" "+question
	k := c.kept[key]
	if k == nil {
		c.forget(now)
		k = &count{}
		c.kept[key] = k
	}
	k.asked = now
	if err := k.err; err != nil {
		k.err = nil
		return nil, time.Time{}, err
	}
	if !k.running && now.Sub(k.began) > freshFor && c.ending.Err() == nil {
		k.running = true
		c.running.Go(func() { c.work(tenant, k, fn) })
	}
	return k.value, k.began, nil
}

// forget drops what no one has asked for lately and, where there is too much, what was asked for longest ago.
func (c *Counter) forget(now time.Time) {
	oldest := ""
	for key, k := range c.kept {
		switch {
		case k.running:
		case now.Sub(k.asked) > keptFor:
			delete(c.kept, key)
		case oldest == "" || k.asked.Before(c.kept[oldest].asked):
			oldest = key
		}
	}
	if len(c.kept) >= maxKept {
		delete(c.kept, oldest)
	}
}

func (c *Counter) work(tenant string, k *count, fn counting) {
	began, value, err := time.Time{}, any(nil), error(nil)
	select {
	case c.turn <- struct{}{}:
		began = c.db.Now()
		value, err = c.count(tenant, fn)
		<-c.turn
	case <-c.ending.Done():
		err = c.ending.Err()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	k.running = false
	if k.err = err; err == nil {
		k.value, k.began = value, began
	}
}

func (c *Counter) count(tenant string, fn counting) (value any, err error) {
	ctx, cancel := context.WithTimeout(db.UseServerDefaults(c.ending), countFor)
	defer cancel()
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("count people: %v", fault)
			c.log.Error("counting people failed", "tenant", tenant, "err", err, "stack", string(debug.Stack()))
		}
	}()
	err = c.db.View(ctx, tenant, func(tx *db.Tx) error {
		value, err = fn(ctx, tx)
		return err
	})
	return value, err
}
