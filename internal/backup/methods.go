package backup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"countersign/internal/audit"
	"countersign/internal/authenticator"
	"countersign/internal/db"
	"countersign/internal/policy"
	"countersign/internal/user"
)

// AuditCopy is what a copy of the audit events, kept elsewhere, tells about sign-in methods.
type AuditCopy struct {
	Until  time.Time // its newest event, of whatever kind
	events []audit.Exported
}

// ReadAuditCopy reads what audit.Export wrote.
func ReadAuditCopy(r io.Reader) (c AuditCopy, err error) {
	seen := map[string]bool{}
	err = audit.ReadExport(r, func(e audit.Exported) error {
		if e.At.After(c.Until) {
			c.Until = e.At
		}
		if slices.Contains(aboutMethods, e.Action) && e.Result == audit.OK && !seen[e.ID] {
			seen[e.ID] = true
			c.events = append(c.events, e)
		}
		return nil
	})
	slices.SortStableFunc(c.events, func(a, b audit.Exported) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID))
	})
	return c, err
}

// aboutMethods are the actions of events that a review looks at.
var aboutMethods = []audit.Action{
	audit.MethodAdded,
	audit.MethodRestored,
	audit.MethodsReset,
	audit.MethodRemoved,
	audit.MethodSuspended,
}

// Reviewed counts what an audit copy changed.
type Reviewed struct {
	Suspended int // methods that were added, removed, suspended or reset since the state that came back
	Protected int // people whose new methods are gone, and whose accounts stay closed without them
}

// ErrNoEpoch says that the database never went back to an earlier state.
var ErrNoEpoch = errors.New("the database has never gone back to an earlier state, so there is nothing to review")

// Review suspends what was bound or removed since the state that the newest epoch brought
// back, and keeps the accounts of people closed whose methods of that time are gone
// (the protection level of an account, ADR 18). It tells each person once, and may be called
// again with a newer copy. ErrNoEpoch where nothing came back.
func Review(ctx context.Context, tx *db.Tx, c AuditCopy,
	tell func(ctx context.Context, tx *db.Tx, userID string) error) (Reviewed, error) {
	e, err := Last(ctx, tx)
	if err != nil {
		return Reviewed{}, err
	}
	if e.Number == 0 {
		return Reviewed{}, ErrNoEpoch
	}
	r := reviewing{last: map[string]audit.Exported{}}
	for _, event := range c.events {
		if event.At.Before(e.CopyOf) || !event.At.Before(e.RaisedAt) {
			continue
		}
		if err := r.see(ctx, tx.ForTenant(event.Tenant), event); err != nil {
			return r.Reviewed, err
		}
	}
	for _, event := range r.inOrder() {
		if err := r.apply(ctx, tx.ForTenant(event.Tenant), event); err != nil {
			return r.Reviewed, fmt.Errorf("review %s of %s: %w", event.Action, event.SubjectID, err)
		}
	}
	for _, p := range r.people {
		if err := tell(ctx, tx.ForTenant(p.tenant), p.user); err != nil {
			return r.Reviewed, fmt.Errorf("tell %s: %w", p.user, err)
		}
	}
	return r.Reviewed, e.reviewed(ctx, tx, c.Until,
		fmt.Sprintf("%d methods suspended, %d people", r.Suspended, r.Protected))
}

// NoAuditCopy records that there is no copy to review the newest epoch with.
func NoAuditCopy(ctx context.Context, tx *db.Tx) error {
	e, err := Last(ctx, tx)
	if err == nil && e.Number == 0 {
		err = ErrNoEpoch
	}
	if err != nil {
		return err
	}
	return e.reviewed(ctx, tx, tx.Now, "without a copy of the audit events")
}

func (e Epoch) reviewed(ctx context.Context, tx *db.Tx, until time.Time, how string) error {
	_, err := tx.Exec(ctx, `UPDATE epochs SET audit_until = $1 WHERE number = $2 AND audit_until < $1`, until, e.Number)
	if err != nil {
		return err
	}
	event := e.event(audit.EpochReviewed)
	event.Reason = how
	return audit.Record(ctx, tx.ForTenant(db.Installation), event)
}

type reviewing struct {
	Reviewed
	last   map[string]audit.Exported // the last event of each method
	people []person                  // whom it concerned, in the order of their methods
}

type person struct{ tenant, user string }

// see remembers the last thing that happened to a method. A reset happened to every method
// that the person has now.
func (r *reviewing) see(ctx context.Context, tx *db.Tx, e audit.Exported) error {
	if e.Action != audit.MethodsReset {
		r.last[e.SubjectID] = e
		return nil
	}
	all, err := authenticator.Of(ctx, tx, e.UserID)
	for _, a := range all {
		if !a.BoundAt.After(e.At) {
			r.last[a.ID] = e
		}
	}
	return err
}

func (r *reviewing) inOrder() []audit.Exported {
	ids := make([]string, 0, len(r.last))
	for id := range r.last {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	out := make([]audit.Exported, 0, len(ids))
	for _, id := range ids {
		e := r.last[id]
		e.SubjectID = id
		out = append(out, e)
	}
	return out
}

// apply brings one method to what became of it.
func (r *reviewing) apply(ctx context.Context, tx *db.Tx, e audit.Exported) error {
	if e.Action == audit.MethodRestored { // people decided that it may be used
		return nil
	}
	first, err := authenticator.Suspend(ctx, tx, e.UserID, e.SubjectID)
	if err != nil {
		return err
	}
	if first {
		r.Suspended++
		r.concerns(person{tx.Tenant, e.UserID})
		return record(ctx, tx, e, audit.MethodSuspended, e.SubjectID)
	}
	if e.Action != audit.MethodAdded || !policy.Factor(authenticator.Kind(e.Method)) {
		return nil
	}
	protected, err := user.HoldProtection(ctx, tx, e.UserID)
	if err != nil || !protected {
		return err
	}
	r.Protected++
	r.concerns(person{tx.Tenant, e.UserID})
	return record(ctx, tx, e, audit.AccountProtected, e.UserID)
}

func (r *reviewing) concerns(p person) {
	if !slices.Contains(r.people, p) {
		r.people = append(r.people, p)
	}
}

func record(ctx context.Context, tx *db.Tx, e audit.Exported, action audit.Action, subject string) error {
	return audit.Record(ctx, tx, audit.Event{
		Action:    action,
		Result:    audit.OK,
		Reason:    "restored",
		ActorID:   "command-line",
		UserID:    e.UserID,
		Method:    e.Method,
		SubjectID: subject,
	})
}
