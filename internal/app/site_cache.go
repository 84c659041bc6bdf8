package app

import (
	"context"
	"sync"
	"time"

	"countersign/internal/db"
	"countersign/internal/web"
)

// siteCache knows the vendor's name and support contact, at most five seconds old unless
// the database is away: then pages, the error page among them, are drawn with what was
// known last, and one request in two seconds waits for it.
type siteCache struct {
	db    *db.DB
	mu    sync.Mutex
	known web.Site
	read  time.Time
	asked time.Time // when someone last asked the database without an answer yet
	since int       // how often what was known was forgotten
}

func (c *siteCache) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.read, c.asked = time.Time{}, time.Time{}
	c.since++
}

func (c *siteCache) site(ctx context.Context) web.Site {
	known, since, ask := c.cached()
	if !ask {
		return known
	}
	ctx, cancel := context.WithTimeout(ctx, siteWithin)
	defer cancel()
	now := c.db.Now()
	fresh, err := siteOf(ctx, c.db)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil && since == c.since {
		c.asked = time.Time{}
		c.known, c.read = fresh, now
	}
	return c.known
}

// cached returns what is known, and whether the caller is the one to ask again.
func (c *siteCache) cached() (known web.Site, since int, ask bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.db.Now()
	recent := func(since time.Time, d time.Duration) bool {
		return !since.IsZero() && now.Sub(since) < d && !now.Before(since)
	}
	if recent(c.read, 5*time.Second) || c.known.Name != "" && recent(c.asked, siteWithin) {
		return c.known, c.since, false
	}
	c.asked = now
	return c.known, c.since, true
}
