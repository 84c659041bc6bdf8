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

// ReviewResult counts what an audit copy changed.
type ReviewResult struct {
	Suspended int // methods that were added, removed, suspended or reset since the state that came back
	Protected int // people whose new methods are gone, and whose accounts stay closed without them
}

// ErrNoEpoch says that the database never went back to an earlier state.
var ErrNoEpoch = errors.New("the database has never gone back to an earlier state, so there is nothing to review")

// Review suspends the methods that were bound or removed after the state that the newest epoch
// restored. Accounts whose methods of that time are gone stay protected: a password alone does not
// open them (ADR 18). It notifies each person once, and may be called again with a newer copy.
// ErrNoEpoch where nothing was restored.
func Review(ctx context.Context, tx *db.Tx, c AuditCopy,
	notify func(ctx context.Context, tx *db.Tx, userID string) error) (ReviewResult, error) {
	e, err := LatestEpoch(ctx, tx)
	if err != nil {
		return ReviewResult{}, err
	}
	if e.Number == 0 {
		return ReviewResult{}, ErrNoEpoch
	}
	r := review{last: map[string]audit.Exported{}}
	for _, event := range c.events {
		if event.At.Before(e.CopyOf) || !event.At.Before(e.RaisedAt) {
			continue
		}
		if err := r.noteEvent(ctx, tx.ForTenant(event.Tenant), event); err != nil {
			return r.ReviewResult, err
		}
	}
	for _, event := range r.sortedEvents() {
		if err := r.applyEvent(ctx, tx.ForTenant(event.Tenant), event); err != nil {
			return r.ReviewResult, fmt.Errorf("review %s of %s: %w", event.Action, event.SubjectID, err)
		}
	}
	for _, p := range r.people {
		if err := notify(ctx, tx.ForTenant(p.tenant), p.user); err != nil {
			return r.ReviewResult, fmt.Errorf("notify %s: %w", p.user, err)
		}
	}
	return r.ReviewResult, e.recordReview(ctx, tx, c.Until,
		fmt.Sprintf("%d methods suspended, %d people", r.Suspended, r.Protected))
}

// NoAuditCopy records that there is no copy to review the newest epoch with.
func NoAuditCopy(ctx context.Context, tx *db.Tx) error {
	e, err := LatestEpoch(ctx, tx)
	if err == nil && e.Number == 0 {
		err = ErrNoEpoch
	}
	if err != nil {
		return err
	}
	return e.recordReview(ctx, tx, tx.Now, "without a copy of the audit events")
}

func (e Epoch) recordReview(ctx context.Context, tx *db.Tx, until time.Time, how string) error {
	_, err := tx.Exec(ctx, `UPDATE epochs SET audit_until = $1 WHERE number = $2 AND audit_until < $1`, until, e.Number)
	if err != nil {
		return err
	}
	event := e.event(audit.EpochReviewed)
	event.Reason = how
	return audit.Record(ctx, tx.ForTenant(db.Installation), event)
}

type review struct {
	ReviewResult
	last   map[string]audit.Exported // the last event of each method
	people []person                  // whom it concerned, in the order of their methods
}

type person struct{ tenant, user string }

// noteEvent remembers the last thing that happened to a method. A reset happened to every method
// that the person has now.
func (r *review) noteEvent(ctx context.Context, tx *db.Tx, e audit.Exported) error {
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

func (r *review) sortedEvents() []audit.Exported {
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

// applyEvent suspends one method, or protects its account, by the last event of the method.
func (r *review) applyEvent(ctx context.Context, tx *db.Tx, e audit.Exported) error {
	if e.Action == audit.MethodRestored { // people decided that it may be used
		return nil
	}
	first, err := authenticator.Suspend(ctx, tx, e.UserID, e.SubjectID)
	if err != nil {
		return err
	}
	if first {
		r.Suspended++
		r.addPerson(person{tx.Tenant, e.UserID})
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
	r.addPerson(person{tx.Tenant, e.UserID})
	return record(ctx, tx, e, audit.AccountProtected, e.UserID)
}

func (r *review) addPerson(p person) {
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
