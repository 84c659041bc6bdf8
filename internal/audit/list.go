package audit

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"countersign/internal/db"
	"countersign/internal/secret"
)

// Filter selects rows, newest first. Empty fields select everything.
type Filter struct {
	UserID       string
	Action       Action
	Result       Result
	Prefixes     []string  // beginnings of actions; any of them
	IP           string    // the whole address
	Since, Until time.Time // Since <= at < Until
	Before       string    // rows older than this id: the next page
	Limit        int       // 0 = 100, at most 1000

	oldest string // the id of the oldest row to look at; empty: as Since says
}

// List returns the rows of tx.Tenant that match, newest first.
func List(ctx context.Context, tx *db.Tx, f Filter) ([]Row, error) {
	query, args := f.query(tx.Tenant)
	out, err := events(ctx, tx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("list audit events: %w", err)
	}
	return out, nil
}

// events reads what a query of columns finds.
func events(ctx context.Context, tx *db.Tx, query string, args ...any) ([]Row, error) {
	rows, err := tx.Query(ctx, query, args...)
	return db.Collect(rows, err, func(row db.Row) (Row, error) {
		l, err := scanLink(row)
		return l.Row, err
	})
}

func (f Filter) query(tenant string) (string, []any) {
	where, args := f.conditions([]any{tenant})
	args = append(args, f.limit())
	return `SELECT ` + columns + ` FROM audit_events WHERE tenant_id = $1` + where +
		fmt.Sprintf(" ORDER BY id DESC LIMIT $%d", len(args)), args
}

// conditions are those of the filter, to follow others whose arguments are args. The ids of rows begin with their time
// and are in an index; what is older is not read.
func (f Filter) conditions(args []any) (string, []any) {
	var b strings.Builder
	and := func(use bool, condition string, value any) {
		if use {
			args = append(args, value)
			fmt.Fprintf(&b, " AND %s $%d", condition, len(args))
		}
	}
	and(f.UserID != "", "user_id =", f.UserID)
	and(f.Action != "", "action =", string(f.Action))
	and(f.Result != "", "result =", string(f.Result))
	if f.Result != "" && f.Result != OK {
		b.WriteString(" AND result <> 'ok'") // as audit_events_not_ok has it
	}
	if len(f.Prefixes) > 0 && !f.routine() {
		b.WriteString(" AND " + rare)
	}
	if len(f.Prefixes) > 0 {
		var any []string
		for _, p := range f.Prefixes {
			args = append(args, p+"%")
			any = append(any, fmt.Sprintf("action LIKE $%d", len(args)))
		}
		b.WriteString(" AND (" + strings.Join(any, " OR ") + ")")
	}
	if and(f.IP != "", "ip =", f.IP); f.IP != "" {
		b.WriteString(" AND ip <> ''") // as audit_events_from has it
	}
	and(!f.Since.IsZero(), "at >=", f.Since)
	oldest := f.oldest // one condition: SQLite would seek by the wrong one of two
	if oldest == "" && !f.Since.IsZero() {
		oldest = secret.FirstID(f.Since)
	}
	and(oldest != "", "id >=", oldest)
	and(!f.Until.IsZero(), "at <", f.Until)
	and(f.Before != "", "id <", f.Before)
	return b.String(), args
}

// routineActions are the events of which nearly all others consist. audit_events_rare has the others, and rare is its
// condition.
var routineActions = []Action{
	SignInPassword, SignInSecondFactor, SignInCompleted, ChallengeSent, TokenIssued, TokenRefreshed, SessionEnded,
}

const rare = `action NOT IN ('signin.password', 'signin.second_factor', 'signin.completed', 'challenge.sent',
	'token.issued', 'token.refreshed', 'session.ended')`

func isRoutine(a Action) bool { return slices.Contains(routineActions, a) }

// routine reports whether the prefixes select routine actions, too.
func (f Filter) routine() bool {
	return slices.ContainsFunc(routineActions, func(a Action) bool {
		return slices.ContainsFunc(f.Prefixes, func(p string) bool { return strings.HasPrefix(string(a), p) })
	})
}

func (f Filter) limit() int {
	if f.Limit <= 0 {
		return 100
	}
	return min(f.Limit, 1000)
}

// ByPerson selects what people did who follow each other by id.
type ByPerson struct {
	After, Through string // After < the id of the person <= Through
	Since          time.Time
	Actions        []Action
	Result         Result
	Limit          int
}

// ListByPerson returns the rows of tx.Tenant that match: one person after the other, and of each the oldest first.
func ListByPerson(ctx context.Context, tx *db.Tx, f ByPerson) ([]Row, error) {
	args := []any{tx.Tenant, f.After, f.Through, f.Since, string(f.Result), f.Limit}
	var actions []string
	for _, a := range f.Actions {
		args = append(args, string(a))
		actions = append(actions, fmt.Sprintf("$%d", len(args)))
	}
	out, err := events(ctx, tx, `
		SELECT `+columns+` FROM audit_events
		WHERE tenant_id = $1 AND user_id > $2 AND user_id <= $3 AND at >= $4 AND result = $5
			AND action IN (`+strings.Join(actions, ", ")+`)
		ORDER BY user_id, id LIMIT $6`, args...)
	if err != nil {
		return nil, fmt.Errorf("list audit events by person: %w", err)
	}
	return out, nil
}

// Tenants lists every tenant, the installation included, that has audit rows or a chain.
func Tenants(ctx context.Context, d *db.DB) (tenants []string, err error) {
	err = d.View(db.UseServerDefaults(ctx), db.Installation, func(tx *db.Tx) error {
		heads, err := tx.Texts(ctx, `SELECT tenant_id FROM audit_heads`)
		if err != nil {
			return err
		}
		recorded, err := tx.Texts(ctx, `SELECT DISTINCT tenant_id FROM audit_events`)
		tenants = slices.Concat(heads, recorded)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list audited tenants: %w", err)
	}
	slices.Sort(tenants)
	return slices.Compact(tenants), nil
}
