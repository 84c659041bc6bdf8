package company

import (
	"context"
	"fmt"
	"time"

	"countersign/internal/access"
	"countersign/internal/db"
	"countersign/internal/people"
	"countersign/internal/tenant"
)

// AdoptionDay is how many people had two-factor authentication on a day.
type AdoptionDay struct {
	Day                        time.Time // its beginning, UTC
	People, Activated, Pending int
}

// AdoptionDays is for how many days adoption is shown.
const AdoptionDays = 90

const day = 24 * time.Hour

// recountAfter is how long a count of today holds before the next one.
const recountAfter = 3 * time.Hour

// CountAdoption counts the people of every company by status, for today. Companies that are suspended, and the
// vendor's own, are left out.
func (s *Service) CountAdoption(ctx context.Context) error {
	var after tenant.Place
	for {
		var some []tenant.Tenant
		err := s.DB.View(ctx, db.Installation, func(tx *db.Tx) (err error) {
			some, err = tenant.ListAfter(ctx, tx, tenant.Search{After: after, Limit: tellAtOnce, State: tenant.Active})
			return err
		})
		if err != nil {
			return fmt.Errorf("list companies: %w", err)
		}
		for _, t := range some {
			after = tenant.Place{Name: t.Name, ID: t.ID}
			if t.Kind == tenant.Vendor {
				continue
			}
			if err := s.countOne(ctx, t); err != nil {
				return fmt.Errorf("count people of %s: %w", t.ID, err)
			}
		}
		if len(some) < tellAtOnce {
			return nil
		}
	}
}

// countOne counts outside the unit of work that writes: it takes a second where there are a hundred thousand people.
func (s *Service) countOne(ctx context.Context, t tenant.Tenant) error {
	var c people.StatusCounts
	due := false
	err := s.DB.View(ctx, t.ID, func(tx *db.Tx) (err error) {
		if due, err = countDue(ctx, tx, tx.Now.UTC().Truncate(day)); err != nil || !due {
			return err
		}
		i, err := tenant.LoadInstallation(ctx, tx)
		if err != nil {
			return fmt.Errorf("load installation: %w", err)
		}
		c, err = people.CountStatuses(ctx, tx, t, i)
		return err
	})
	if err != nil || !due {
		return err
	}
	return s.DB.InTx(ctx, t.ID, func(tx *db.Tx) error { return RecordAdoption(ctx, tx, c) })
}

// RecordAdoption stores how many people of tx.Tenant have each status on the day of tx.Now.
func RecordAdoption(ctx context.Context, tx *db.Tx, c people.StatusCounts) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO adoption_days (tenant_id, day, people, activated, pending, counted_at)
		VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (tenant_id, day) DO UPDATE SET people = excluded.people, activated = excluded.activated,
			pending = excluded.pending, counted_at = excluded.counted_at
		WHERE adoption_days.counted_at < excluded.counted_at`,
		tx.Tenant, tx.Now.UTC().Truncate(day), c.People, c.Activated, c.Pending, tx.Now)
	return err
}

// countDue reports whether the people of tx.Tenant have not been counted for some time.
func countDue(ctx context.Context, tx *db.Tx, today time.Time) (due bool, err error) {
	err = tx.QueryRow(ctx, `SELECT count(*) = 0 FROM adoption_days
		WHERE tenant_id = $1 AND day = $2 AND counted_at > $3`, tx.Tenant, today, tx.Now.Add(-recountAfter)).Scan(&due)
	return due, err
}

// Sweep deletes counts that are no longer shown, and returns how many.
func Sweep(ctx context.Context, d *db.DB) (int64, error) {
	return d.DeleteOld(ctx, "adoption_days", `
		DELETE FROM adoption_days WHERE (tenant_id, day) IN (SELECT a.tenant_id, a.day FROM adoption_days a
			WHERE a.day < $1 LIMIT $2)`, (AdoptionDays+30)*day)
}

// Adoption is how many people had two-factor authentication on each of the last AdoptionDays days that was counted: of
// one company, or of all where id is empty.
func (s *Service) Adoption(ctx context.Context, a access.Actor, id string) (out []AdoptionDay, err error) {
	err = people.View(ctx, s.DB, func(tx *db.Tx) error {
		action, target := access.ViewCompany, access.Target{TenantID: id}
		if id == "" {
			action, target = access.ListCompanies, access.Target{}
		}
		if err := people.Check(ctx, tx, s.Gate, a, action, target); err != nil {
			return err
		}
		since := tx.Now.UTC().Truncate(day).AddDate(0, 0, 1-AdoptionDays)
		if id == "" {
			out, err = sumAdoption(ctx, tx, since)
		} else {
			out, err = adoptionOf(ctx, tx.ForTenant(id), since)
		}
		return err
	})
	return out, err
}

func adoptionOf(ctx context.Context, tx *db.Tx, since time.Time) ([]AdoptionDay, error) {
	rows, err := tx.Query(ctx, `SELECT day, people, activated, pending FROM adoption_days
		WHERE tenant_id = $1 AND day >= $2 ORDER BY day`, tx.Tenant, since)
	return db.Collect(rows, err, scanAdoption)
}

// sumAdoption adds up all companies.
func sumAdoption(ctx context.Context, tx *db.Tx, since time.Time) ([]AdoptionDay, error) {
	rows, err := tx.Query(ctx, `SELECT day, CAST(SUM(people) AS BIGINT), CAST(SUM(activated) AS BIGINT),
			CAST(SUM(pending) AS BIGINT) FROM adoption_days
		WHERE tenant_id <> '' AND day >= $1 GROUP BY day ORDER BY day`, since)
	return db.Collect(rows, err, scanAdoption)
}

func scanAdoption(row db.Row) (a AdoptionDay, err error) {
	err = row.Scan(db.ScanTime(&a.Day), &a.People, &a.Activated, &a.Pending)
	return a, err
}
