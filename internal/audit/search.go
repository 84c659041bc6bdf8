package audit

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"countersign/internal/db"
)

// Words are what a text that someone searches for may mean. A row matches with any of them.
type Words struct {
	People    []string // ids of those whom it concerns or who did it; MaxWordPeople at the most
	Actions   []Action
	RequestID string
}

// MaxWordPeople is how many people one search looks for.
const MaxWordPeople = 20

// searchedAtOnce is how many rows one search reads for what no index finds: requests, and what signing in writes all
// the time.
const searchedAtOnce = 10_000

// Found is what a search found. Where it did not look at every row since Filter.Since, Back is the id of the oldest row
// that it looked at, of BackAt: Before: Back goes on.
type Found struct {
	Rows   []Row
	Back   string
	BackAt time.Time
}

// Search is List of those rows that match words.
func Search(ctx context.Context, tx *db.Tx, f Filter, w Words) (out Found, err error) {
	return search(ctx, tx, f, w, searchedAtOnce)
}

func search(ctx context.Context, tx *db.Tx, f Filter, w Words, most int) (out Found, err error) {
	query := searchQuery{filter: f, args: []any{tx.Tenant}}
	query.add(w)
	if len(query.branches) == 0 {
		return out, nil
	}
	if f.UserID == "" && (slices.ContainsFunc(w.Actions, isRoutine) || w.RequestID != "") {
		if err := query.bound(ctx, tx, &out, most); err != nil {
			return out, fmt.Errorf("bound a search: %w", err)
		}
	}
	ids, err := tx.Texts(ctx, query.text(), query.args...)
	if err != nil {
		return out, fmt.Errorf("search audit events: %w", err)
	}
	if len(ids) == 0 {
		return out, nil
	}
	args, marks := []any{tx.Tenant}, make([]string, len(ids))
	for i, id := range ids {
		args = append(args, id)
		marks[i] = fmt.Sprintf("$%d", len(args))
	}
	out.Rows, err = events(ctx, tx, `
		SELECT `+columns+` FROM audit_events WHERE tenant_id = $1 AND id IN (`+strings.Join(marks, ", ")+`)
		ORDER BY id DESC`, args...)
	if err != nil {
		return out, fmt.Errorf("load audit events: %w", err)
	}
	return out, nil
}

// bound ends the search at the row that is so many rows older than where it begins, if there is one.
func (q *searchQuery) bound(ctx context.Context, tx *db.Tx, out *Found, most int) error {
	from := Filter{Since: q.filter.Since, Before: q.filter.Before}
	where, args := from.conditions([]any{tx.Tenant})
	args = append(args, most-1)
	err := tx.QueryRow(ctx, `SELECT id, at FROM audit_events WHERE tenant_id = $1`+where+
		fmt.Sprintf(" ORDER BY id DESC LIMIT 1 OFFSET $%d", len(args)), args...).
		Scan(&out.Back, db.ScanTime(&out.BackAt))
	if db.IsNoRows(err) {
		return nil
	}
	q.filter.oldest = out.Back
	return err
}

// searchQuery finds the ids of rows: each branch its own newest, by an index where there is one, and all together the
// newest of those. One condition with OR would read every row.
type searchQuery struct {
	filter   Filter
	args     []any
	branches []string
}

func (q *searchQuery) add(w Words) {
	for i := range peopleBranches(len(w.People)) {
		id := w.People[min(i, len(w.People)-1)]
		q.branch("user_id = %s", id)
		q.branch("actor_id = %s AND actor_id <> user_id AND actor_id <> ''", id)
	}
	routine, others := split(w.Actions)
	q.among(routine, "")
	q.among(others, " AND "+rare)
	if w.RequestID != "" {
		q.branch("request_id = %s", w.RequestID)
	}
}

// split tells routine actions from the others, which an index finds.
func split(all []Action) (routine, others []Action) {
	for _, a := range all {
		if isRoutine(a) {
			routine = append(routine, a)
		} else {
			others = append(others, a)
		}
	}
	return routine, others
}

// among adds the condition that an action is one of some, and what an index asks for.
func (q *searchQuery) among(actions []Action, index string) {
	if len(actions) == 0 {
		return
	}
	var marks []string
	for _, a := range actions {
		q.args = append(q.args, string(a))
		marks = append(marks, fmt.Sprintf("$%d", len(q.args)))
	}
	q.branch("action IN (" + strings.Join(marks, ", ") + ")" + index)
}

// peopleBranches is for how many people a statement is made: few or all, so that there are few statements. The last
// one of the people stands for those who are not there.
func peopleBranches(people int) int {
	switch {
	case people == 0:
		return 0
	case people <= 3:
		return 3
	}
	return MaxWordPeople
}

// branch adds a condition; %s in it stands for the value.
func (q *searchQuery) branch(condition string, value ...any) {
	if len(value) > 0 {
		q.args = append(q.args, value[0])
		condition = strings.ReplaceAll(condition, "%s", fmt.Sprintf("$%d", len(q.args)))
	}
	q.branches = append(q.branches, condition)
}

func (q *searchQuery) text() string {
	narrow, args := q.filter.conditions(q.args)
	q.args = append(args, q.filter.limit())
	limit := fmt.Sprintf(" ORDER BY id DESC LIMIT $%d", len(q.args))
	var all []string
	for _, b := range q.branches {
		all = append(all, `SELECT b.id FROM (
			SELECT id FROM audit_events WHERE tenant_id = $1 AND `+b+narrow+limit+`) b`)
	}
	return strings.Join(all, " UNION ") + limit
}
