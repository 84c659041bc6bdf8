package app

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"countersign/internal/db"
	"countersign/internal/pages"
	"countersign/internal/tenant"
	"countersign/internal/web"
)

// companyBrand is a company's brand with the company's name.
type companyBrand struct {
	tenant.Brand
	company string
}

// over is the vendor's site with what the company has decided for itself; the vendor's where it cannot be shown.
func (b companyBrand) over(site web.Site, company string, log *slog.Logger) web.Site {
	own, err := pages.BrandedSite(site, company, b.company, b.Brand)
	if err != nil {
		log.Error("a company's brand cannot be shown", "tenant", company, "error", err)
		return site
	}
	return own
}

// brandCache knows the brands of companies, at most five seconds old unless the database is away: then pages are drawn
// with what was known last, or as the vendor's. It holds no logo.
type brandCache struct {
	db    *db.DB
	mu    sync.Mutex
	known map[string]knownBrand
	since int // how often what was known was forgotten
}

type knownBrand struct {
	companyBrand
	read time.Time
}

// mostBrands is how many brands are known at once. With more companies at work, some are read more often.
const mostBrands = 5000

func (c *brandCache) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known = nil
	c.since++
}

// of is the brand of a company; the zero value where it has none.
func (c *brandCache) of(ctx context.Context, company string) companyBrand {
	known, since, fresh := c.cached(company)
	if fresh {
		return known
	}
	ctx, cancel := context.WithTimeout(ctx, siteWithin)
	defer cancel()
	now := c.db.Now()
	brand, err := readBrand(ctx, c.db, company)
	if err != nil {
		return known
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if since != c.since {
		return brand
	}
	if c.known == nil || len(c.known) >= mostBrands {
		c.known = map[string]knownBrand{}
	}
	c.known[company] = knownBrand{brand, now}
	return brand
}

// cached returns what is known, and whether that is new enough.
func (c *brandCache) cached(company string) (b companyBrand, since int, fresh bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	known, ok := c.known[company]
	age := c.db.Now().Sub(known.read)
	return known.companyBrand, c.since, ok && age >= 0 && age < 5*time.Second
}

func readBrand(ctx context.Context, d *db.DB, company string) (b companyBrand, err error) {
	err = d.View(ctx, company, func(tx *db.Tx) error {
		if b.Brand, err = tenant.LoadBrand(ctx, tx); err != nil || b.Name != "" || b.Logo.Hash == "" {
			return err
		}
		t, err := tenant.ByID(ctx, tx, company)
		b.company = t.Name
		return err
	})
	if err != nil {
		return b, fmt.Errorf("read a company's brand: %w", err)
	}
	return b, nil
}
