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

// searchedAtOnce is how many rows one search reads for what no index finds: apps, places, networks, requests, and what
// signing in writes all the time.
const searchedAtOnce = 10_000

// apart is how much longer it takes to read the rows that an index finds, which lie far apart, than rows that follow
// each other.
const apart = 4

// Found is what a search found. Where it did not look at every row since Filter.Since, Back is the id of the oldest row
// that it looked at, of BackAt: Before: Back goes on.
type Found struct {
	Rows   []Row
	Back   string
	BackAt time.Time
}

// Search returns the rows of tx.Tenant that match the filter and, unless they are nil, the words, newest first.
func Search(ctx context.Context, tx *db.Tx, f Filter, w *Words) (out Found, err error) {
	return search(ctx, tx, f, w, searchedAtOnce)
}

func search(ctx context.Context, tx *db.Tx, f Filter, w *Words, most int) (out Found, err error) {
	if w == nil && !f.inSteps() {
		out.Rows, err = List(ctx, tx, f)
		return out, err
	}
	query := searchQuery{tenant: tx.Tenant, filter: f}
	query.add(w)
	if len(query.branches) == 0 {
		return out, nil
	}
	if err := query.bound(ctx, tx, &out, most); err != nil {
		return out, fmt.Errorf("bound a search: %w", err)
	}
	ids, err := query.find(ctx, tx, most)
	if err != nil {
		return out, fmt.Errorf("search audit events: %w", err)
	}
	if out.Rows, err = load(ctx, tx, ids); err != nil {
		return out, fmt.Errorf("load audit events: %w", err)
	}
	return out, nil
}

// load returns rows by their ids.
func load(ctx context.Context, tx *db.Tx, ids []string) ([]Row, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	args, marks := []any{tx.Tenant}, make([]string, len(ids))
	for i, id := range ids {
		args = append(args, id)
		marks[i] = fmt.Sprintf("$%d", len(args))
	}
	return events(ctx, tx, `
		SELECT `+columns+` FROM audit_events WHERE tenant_id = $1 AND id IN (`+strings.Join(marks, ", ")+`)
		ORDER BY id DESC`, args...)
}

// searchQuery finds the ids of rows: each branch its own newest, by an index where there is one, and all together the
// newest of those. One condition with OR would read every row.
type searchQuery struct {
	tenant   string
	filter   Filter
	branches []branch
}

// branch is a condition of one sort of rows; each %s in it stands for a value.
type branch struct {
	condition string
	values    []any
	indexed   bool // an index has its rows, and no others, by their ids
}

func (q *searchQuery) add(w *Words) {
	if w == nil {
		q.addAll()
		return
	}
	for i := range peopleBranches(len(w.People)) {
		id := w.People[min(i, len(w.People)-1)]
		q.indexed("user_id = %s", id)
		q.indexed("actor_id = %s AND "+byOther, id)
	}
	routine, others := split(w.Actions)
	if len(routine) > 0 {
		q.branches = append(q.branches, among(routine))
	}
	if len(others) > 0 {
		b := among(others)
		q.indexed(b.condition+" AND "+rare, b.values...)
	}
	if w.RequestID != "" {
		q.branches = append(q.branches, branch{condition: "request_id = %s", values: []any{w.RequestID}})
	}
}

// addAll adds the branches of a search without words: only what someone did is in two indexes, because most of it
// concerns themselves.
func (q *searchQuery) addAll() {
	f := q.filter
	if f.ActorID == "" || f.UserID != "" {
		q.branches = []branch{{}}
		return
	}
	q.indexed("actor_id = %s AND "+byOther, f.ActorID)
	q.indexed("user_id = %s", f.ActorID)
}

func (q *searchQuery) indexed(condition string, values ...any) {
	q.branches = append(q.branches, branch{condition, values, true})
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

// among is the condition that an action is one of some.
func among(actions []Action) branch {
	var values []any
	for _, a := range actions {
		values = append(values, string(a))
	}
	return branch{condition: "action IN (" + strings.Join(slices.Repeat([]string{"%s"}, len(actions)), ", ") + ")",
		values: values}
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

// bound ends the search where it would read more rows than most: at the newest of the rows at which a driver has read
// its share of them.
func (q *searchQuery) bound(ctx context.Context, tx *db.Tx, out *Found, most int) error {
	drivers := q.drivers()
	if len(drivers) == 0 {
		return nil
	}
	ends, args := joined(drivers, []any{q.tenant})
	span := Filter{Since: q.filter.Since, Until: q.filter.Until, Before: q.filter.Before}
	within, args := span.conditions(args)
	for i, condition := range ends {
		share := most / len(drivers)
		if drivers[i].indexed {
			share /= apart
		}
		ends[i] = `SELECT b.id, b.at FROM (
			SELECT id, at FROM audit_events WHERE tenant_id = $1` + condition + within +
			fmt.Sprintf(" ORDER BY id DESC LIMIT 1 OFFSET %d) b", max(share, 1)-1)
	}
	err := tx.QueryRow(ctx, strings.Join(ends, " UNION ALL ")+" ORDER BY id DESC LIMIT 1", args...).
		Scan(&out.Back, db.ScanTime(&out.BackAt))
	if db.IsNoRows(err) {
		return nil
	}
	q.filter.oldest = out.Back
	return err
}

// drivers are the conditions by which rows are read that may not match: those of the branches that an index finds,
// where the filter asks for more than that, and what the filter has for all others.
func (q *searchQuery) drivers() (all []branch) {
	others := false
	for _, b := range q.branches {
		if others = others || !b.indexed; b.indexed && q.filter.inSteps() {
			all = append(all, b)
		}
	}
	if others && (q.filter.UserID == "" || q.filter.inSteps()) {
		condition, values := q.filter.driver()
		all = append(all, branch{condition, values, condition != ""})
	}
	return all
}

// joined writes the conditions of branches, with the arguments of all of them.
func joined(branches []branch, args []any) (conditions []string, _ []any) {
	for _, b := range branches {
		w := where{args: args}
		w.and(b.condition, b.values...)
		conditions, args = append(conditions, w.text.String()), w.args
	}
	return conditions, args
}

// find returns the ids of the newest rows that match.
func (q *searchQuery) find(ctx context.Context, tx *db.Tx, most int) (ids []string, err error) {
	limit := q.filter.limit()
	found, read := `id, '' AS ip, '' AS place`, limit
	if q.filter.readsRows() {
		found, read = `id, ip, place`, most
	}
	query, args := q.text(found, read)
	rows, err := tx.Query(ctx, query, args...)
	err = db.ForEach(rows, err, func(row db.Row) error {
		var id, ip, place string
		err := row.Scan(&id, &ip, &place)
		if len(ids) < limit && q.filter.matches(ip, place) {
			ids = append(ids, id)
		}
		return err
	})
	return ids, err
}

func (q *searchQuery) text(found string, read int) (string, []any) {
	all, args := joined(q.branches, []any{q.tenant})
	narrow, args := q.filter.conditions(args)
	limit := fmt.Sprintf(" ORDER BY id DESC LIMIT %d", read) // PostgreSQL plans once for all values
	for i, condition := range all {
		all[i] = `SELECT b.id, b.ip, b.place FROM (
			SELECT ` + found + ` FROM audit_events WHERE tenant_id = $1` + condition + narrow + limit + `) b`
	}
	return strings.Join(all, " UNION ") + limit, args
}
