package people

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"countersign/internal/access"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/locale"
	"countersign/internal/setup"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// Row is one person of an import, as it was read.
type Row struct {
	Line   int    // where it was read, from 1
	Tenant string // id or name of the company
	Email  string
	Name   string
	Role   string // empty: agent
	Lang   string // BCP 47; empty: the default language
}

// RowError is why one row was not imported.
type RowError struct {
	Line int
	Err  error
}

func (e RowError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

func (e RowError) Unwrap() error { return e.Err }

// Imported counts what became of rows.
type Imported struct {
	Created int
	Exists  int // a person of the same company has the address already; left as they are
	Failed  []RowError
}

// Importer adds many people, with the same rules as Add.
type Importer struct {
	*Service
	Actor     access.Actor
	Uninvited bool // mail no invitations
	DryRun    bool // look at everything and keep nothing

	languages *locale.Catalog
	tenants   map[string]string // id by id or name
	seen      map[string]string // tenant by address, with DryRun
}

// imported is a Row that can be added.
type imported struct {
	setup.Person
	line        int
	tenant, key string
}

// errImporting keeps the imports of one company from taking all connections.
var errImporting = fault.New(fault.Conflict, "people.importing")

// errDryRun rolls back what a dry run did.
var errDryRun = errors.New("dry run")

// Batch adds the people of rows in one transaction. A row that cannot be added is among
// Failed and keeps no other back; err is a failure of the database, and then nothing of the
// batch was kept. Running the same rows again finds them as Exists.
// Of each company one is at work at a time: the others fail with Conflict.
func (i *Importer) Batch(ctx context.Context, rows []Row) (done Imported, err error) {
	if i.Actor.Kind == access.Person {
		if _, busy := i.importing.LoadOrStore(i.Actor.TenantID, true); busy {
			return done, errImporting
		}
		defer i.importing.Delete(i.Actor.TenantID)
	}
	var people []imported
	var failed []RowError
	for _, row := range rows {
		p, err := i.check(ctx, row)
		switch {
		case err == nil:
			people = append(people, p)
		case fault.Is(err, fault.Internal):
			return done, err
		default:
			failed = append(failed, RowError{row.Line, err})
		}
	}
	for {
		done = Imported{}
		err = i.DB.InTx(ctx, db.Installation, func(tx *db.Tx) (err error) {
			if done, err = i.add(ctx, tx, people); err == nil && i.DryRun {
				err = errDryRun
			}
			return err
		})
		var bad RowError
		if !errors.As(err, &bad) || fault.Is(bad.Err, fault.Internal) {
			break
		}
		var without []RowError // the transaction may be spoiled: try the others in a new one
		people, without = withoutRow(people, bad)
		failed = append(failed, without...)
	}
	if errors.Is(err, errDryRun) {
		err = nil
	}
	failed = append(failed, done.Failed...)
	slices.SortFunc(failed, func(a, b RowError) int { return a.Line - b.Line })
	done.Failed = failed
	if err == nil {
		err = i.recordRefusal(ctx, failed)
	}
	return done, err
}

// withoutRow leaves out the row that failed. Where its company may not invite any more people, the rows of that company
// behind it are left out, too: they would fail in the same way, one after the other.
func withoutRow(people []imported, bad RowError) (rest []imported, failed []RowError) {
	n := slices.IndexFunc(people, func(p imported) bool { return p.line == bad.Line })
	rest = slices.Clone(people[:n])
	for _, p := range people[n:] {
		same := p.tenant == people[n].tenant && fault.Is(bad.Err, fault.RateLimited)
		if p.line == bad.Line || same {
			failed = append(failed, RowError{p.line, bad.Err})
		} else {
			rest = append(rest, p)
		}
	}
	return rest, failed
}

// recordRefusal records the first row that the actor may not import: the others say nothing more.
func (i *Importer) recordRefusal(ctx context.Context, failed []RowError) error {
	var r *access.Refusal
	n := slices.IndexFunc(failed, func(row RowError) bool { return errors.As(row.Err, &r) })
	if n < 0 {
		return nil
	}
	if err := RecordRefusal(ctx, i.DB, failed[n].Err); fault.Is(err, fault.Internal) {
		return err
	}
	return nil
}

// check reads a row by the rules of Add, and finds its company.
func (i *Importer) check(ctx context.Context, row Row) (p imported, err error) {
	if row.Role == "" {
		row.Role = string(user.Agent)
	}
	if row.Lang == "" {
		row.Lang = locale.Default
	}
	p = imported{line: row.Line, Person: setup.Person{
		Email:    row.Email,
		Name:     row.Name,
		Language: row.Lang,
		By:       i.Actor.ID(),
		Origin:   i.Actor.Origin,
		SMTPUTF8: i.SMTPUTF8,
	}}
	if p.Role, err = user.ParseRole(row.Role); err != nil {
		return p, err
	}
	if p.key, err = user.EmailKey(row.Email); err != nil {
		return p, err
	}
	if err = user.CheckReachable(row.Email, i.SMTPUTF8); err != nil {
		return p, err
	}
	if p.Name, err = tenant.CleanName(row.Name); err != nil {
		return p, err
	}
	if i.languages == nil {
		if i.languages, err = locale.New(); err != nil {
			return p, err
		}
	}
	if !i.languages.Speaks(row.Lang) {
		return p, fault.New(fault.Invalid, "user.unknown_language")
	}
	p.tenant, err = i.tenant(ctx, row.Tenant)
	return p, err
}

// tenant finds a company once.
func (i *Importer) tenant(ctx context.Context, idOrName string) (id string, err error) {
	if id, known := i.tenants[idOrName]; known {
		return id, nil
	}
	err = i.DB.View(ctx, db.Installation, func(tx *db.Tx) error {
		a, err := Current(ctx, tx, i.Gate, i.Actor)
		if err == nil {
			id, err = companyID(ctx, tx, a, access.ImportPeople, idOrName)
		}
		return err
	})
	if err != nil {
		return "", err
	}
	if i.tenants == nil {
		i.tenants = map[string]string{}
	}
	i.tenants[idOrName] = id
	return id, nil
}

// add adds people who are not there yet. Its error is a RowError where it is about one of them.
func (i *Importer) add(ctx context.Context, tx *db.Tx, people []imported) (done Imported, err error) {
	actor, err := Hold(ctx, tx, i.Gate, i.Actor)
	if err != nil {
		return done, err
	}
	keys := make([]string, len(people))
	for n, p := range people {
		keys[n] = p.key
	}
	taken, err := user.TenantsByAddress(ctx, tx, keys)
	if err != nil {
		return done, err
	}
	if i.DryRun && i.seen == nil {
		i.seen = map[string]string{}
	}
	added := map[string][]user.User{} // by company
	for _, p := range people {
		// First of all: whether an address is taken is not everyone's to know.
		t := access.Target{TenantID: p.tenant, Role: p.Role}
		if err := access.Check(actor, access.ImportPeople, t); err != nil {
			done.Failed = append(done.Failed, RowError{p.line, err})
			continue
		}
		in, exists := taken[p.key]
		if !exists {
			in, exists = i.seen[p.key]
		}
		switch {
		case exists && in == p.tenant:
			done.Exists++
			continue
		case exists:
			done.Failed = append(done.Failed, RowError{p.line, fault.New(fault.Conflict, "user.address_taken")})
			continue
		}
		u, err := i.addOne(ctx, tx.ForTenant(p.tenant), actor, p)
		if err != nil {
			return done, RowError{p.line, err}
		}
		added[p.tenant] = append(added[p.tenant], u)
		taken[p.key] = p.tenant
		done.Created++
	}
	if i.DryRun {
		for key, in := range taken {
			i.seen[key] = in
		}
		return done, nil
	}
	for _, in := range slices.Sorted(maps.Keys(added)) {
		if err := i.tellAdded(ctx, tx.ForTenant(in), actor, added[in]...); err != nil {
			return done, err
		}
	}
	return done, nil
}

func (i *Importer) addOne(ctx context.Context, tx *db.Tx, a access.Actor, p imported) (user.User, error) {
	u, err := setup.Add(ctx, tx, p.Person)
	if err == nil && !i.Uninvited && !i.DryRun {
		err = i.Links.Invite(ctx, tx, u, a)
	}
	return u, err
}
