package people

import (
	"context"
	"fmt"
	"time"

	"countersign/internal/access"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/secret"
)

// BulkState is how far an action on many people is.
type BulkState struct {
	TenantID     string
	ID           string
	Kind         BulkKind
	Browsers     bool
	Done         int             // to how many people it was done
	Waiting      int             // how many have not had their turn
	LeftOut      map[Outcome]int // how many it was not done to, by reason
	StartedAt    time.Time
	EndedAt      time.Time // zero: it is under way
	EndedBecause string    // "done", or what ended it before everyone had their turn
}

var errBulkUnknown = fault.New(fault.NotFound, "bulk.unknown")

// BulkState loads an action of a company, for those who may do such a thing. NotFound where there is none.
func (s *Service) BulkState(ctx context.Context, a access.Actor, company, id string) (b BulkState, err error) {
	err = View(ctx, s.DB, func(tx *db.Tx) error {
		a, err := Current(ctx, tx, s.Gate, a)
		if err != nil {
			return err
		}
		tenant, err := companyID(ctx, tx, a, access.ListPeople, company)
		if err != nil {
			return err
		}
		tx = tx.ForTenant(tenant)
		b, err = bulkState(ctx, tx, id)
		if db.IsNoRows(err) {
			return errBulkUnknown
		}
		if err != nil {
			return fmt.Errorf("load action: %w", err)
		}
		b.TenantID = tenant
		if err := checkBulk(a, b.Kind, tenant); err != nil {
			return err
		}
		return b.count(ctx, tx)
	})
	return b, err
}

const bulkColumns = `SELECT id, kind, browsers, left_out, started_at, ended_at, ended_because FROM bulk_actions
	WHERE tenant_id = $1`

func bulkState(ctx context.Context, tx *db.Tx, id string) (BulkState, error) {
	return scanBulk(tx.QueryRow(ctx, bulkColumns+` AND id = $2`, tx.Tenant, id))
}

func scanBulk(row db.Row) (b BulkState, err error) {
	var leftOut string
	err = row.Scan(
		&b.ID,
		&b.Kind,
		&b.Browsers,
		&leftOut,
		db.ScanTime(&b.StartedAt),
		db.ScanTime(&b.EndedAt),
		&b.EndedBecause,
	)
	if err != nil {
		return b, err
	}
	b.LeftOut, err = readCounts(leftOut)
	return b, err
}

// count adds what became of the people of the action.
func (b *BulkState) count(ctx context.Context, tx *db.Tx) error {
	rows, err := tx.Query(ctx, `
		SELECT outcome, count(*) FROM bulk_people WHERE tenant_id = $1 AND action_id = $2 GROUP BY outcome`,
		tx.Tenant, b.ID)
	err = db.ForEach(rows, err, func(row db.Row) error {
		var o Outcome
		var n int
		err := row.Scan(&o, &n)
		switch o {
		case "":
			b.Waiting = n
		case OutcomeDone:
			b.Done = n
		default:
			b.LeftOut[o] += n
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("count the people of an action: %w", err)
	}
	return nil
}

// bulkShown is how long an action that has ended is listed.
const bulkShown = time.Hour

// RecentBulk are the actions of a company that are under way or ended a short time ago, the newest first, of the kinds
// that the actor may begin. Nothing is counted.
func (s *Service) RecentBulk(ctx context.Context, a access.Actor, company string) (out []BulkState, err error) {
	err = View(ctx, s.DB, func(tx *db.Tx) error {
		a, err := Current(ctx, tx, s.Gate, a)
		if err != nil {
			return err
		}
		tenant, err := companyID(ctx, tx, a, access.ListPeople, company)
		if err != nil {
			return err
		}
		rows, err := tx.Query(ctx, bulkColumns+` AND id > $2 AND (ended_at = 0 OR ended_at > $3)
			ORDER BY id DESC LIMIT 5`, tenant, secret.FirstID(tx.Now.Add(-keepBulk)), tx.Now.Add(-bulkShown))
		all, err := db.Collect(rows, err, scanBulk)
		for _, b := range all {
			if checkBulk(a, b.Kind, tenant) == nil {
				out = append(out, b)
			}
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list actions: %w", err)
	}
	return out, nil
}

// StopBulk ends an action before everyone was processed. Changes that were made stay. Anyone who may start such an
// action may stop one. Conflict if it has ended.
func (s *Service) StopBulk(ctx context.Context, a access.Actor, company, id string) error {
	return s.inCompany(ctx, a, access.ListPeople, company, func(ctx context.Context, tx *db.Tx, a access.Actor) error {
		b, err := bulkState(ctx, tx, id)
		if db.IsNoRows(err) {
			return errBulkUnknown
		}
		if err != nil {
			return fmt.Errorf("load action: %w", err)
		}
		if err := checkBulk(a, b.Kind, tx.Tenant); err != nil {
			return err
		}
		ended, err := endAction(ctx, tx, id, "stopped")
		if err == nil && !ended {
			err = fault.New(fault.Conflict, "bulk.ended")
		}
		if err != nil {
			return err
		}
		return recordBulk(ctx, tx, a, id, "stopped", string(b.Kind))
	})
}

// keepBulk is how long actions stay, for questions.
const keepBulk = 30 * 24 * time.Hour

// Sweep deletes actions that began long ago, and returns how many rows that were.
func Sweep(ctx context.Context, d *db.DB) (int64, error) {
	of, err := d.DeleteOld(ctx, "people of actions", `
		DELETE FROM bulk_people WHERE (tenant_id, action_id, user_id) IN (
			SELECT p.tenant_id, p.action_id, p.user_id FROM bulk_people p
			JOIN bulk_actions b ON b.tenant_id = p.tenant_id AND b.id = p.action_id
			WHERE b.started_at < $1 LIMIT $2)`, keepBulk)
	if err != nil {
		return of, err
	}
	actions, err := d.DeleteOld(ctx, "actions", `
		DELETE FROM bulk_actions WHERE (tenant_id, id) IN (
			SELECT b.tenant_id, b.id FROM bulk_actions b
			WHERE b.started_at < $1 AND NOT EXISTS (SELECT 1 FROM bulk_people p
				WHERE p.tenant_id = b.tenant_id AND p.action_id = b.id) LIMIT $2)`, keepBulk)
	return of + actions, err
}
