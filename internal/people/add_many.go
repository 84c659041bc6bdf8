package people

import (
	"context"
	"slices"

	"countersign/internal/access"
	"countersign/internal/audit"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/user"
)

// MaxAdded is how many people a page can add at once.
const MaxAdded = 500

// ErrTooMany is why more rows than MaxAdded are refused.
var ErrTooMany = fault.New(fault.Invalid, "people.too_many_rows")

// AddMany adds the people of rows to a company and invites them, or only says what it would do. Rows that cannot be
// added are in Failed and don't stop the others. Whether an address is taken in another company is revealed only as
// often as Add reveals it: beyond that, nothing is revealed at all.
func (s *Service) AddMany(
	ctx context.Context, a access.Actor, company string, rows []Row, dryRun bool,
) (done Imported, err error) {
	if len(rows) > MaxAdded {
		return done, ErrTooMany
	}
	for i := range rows {
		rows[i].Tenant = company
	}
	if err := s.mayAddMany(ctx, a, company); err != nil {
		return done, err
	}
	look := Importer{Service: s, Actor: a, DryRun: true}
	if done, err = look.Batch(ctx, rows); err != nil {
		return Imported{}, err
	}
	for _, row := range done.Failed {
		if err := s.RecordTaken(ctx, a, audit.UserCreated, row.Err); fault.Is(err, fault.RateLimited) &&
			fault.Of(row.Err).Message == user.AddressTaken {
			return Imported{}, err
		}
	}
	if dryRun {
		return done, nil
	}
	good := slices.DeleteFunc(slices.Clone(rows), func(r Row) bool {
		return slices.ContainsFunc(done.Failed, func(f RowError) bool { return f.Line == r.Line })
	})
	added := Importer{Service: s, Actor: a}
	now, err := added.Batch(ctx, good)
	now.Failed = append(now.Failed, done.Failed...)
	slices.SortFunc(now.Failed, func(a, b RowError) int { return a.Line - b.Line })
	return now, err
}

// mayAddMany looks at the rights before anything else is said.
func (s *Service) mayAddMany(ctx context.Context, a access.Actor, company string) error {
	err := View(ctx, s.DB, func(tx *db.Tx) error {
		a, err := Current(ctx, tx, s.Gate, a)
		if err != nil {
			return err
		}
		id, err := companyID(ctx, tx, a, access.ImportPeople, company)
		if err != nil {
			return err
		}
		if err := access.Check(a, access.ImportPeople, access.Target{TenantID: id, Role: user.Agent}); err != nil {
			return err
		}
		return mayTryAddress(ctx, tx, a)
	})
	return RecordRefusal(ctx, s.DB, err)
}
