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
	if w == nil && f.exact() {
		out.Rows, err = List(ctx, tx, f)
		return out, err
	}
	query := searchQuery{tenant: tx.Tenant, filter: f, most: most}
	query.add(w)
	var ids []string
	switch len(query.branches) {
	case 0:
		return out, nil
	case 1:
		ids, err = query.findInWindow(ctx, tx, &out)
	default:
		if err := query.bound(ctx, tx, &out); err != nil {
			return out, fmt.Errorf("bound a search: %w", err)
		}
		ids, err = query.find(ctx, tx)
	}
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
	most     int // how many rows may be read
	branches []branch
}

// branch is one sort of rows.
type branch struct {
	by   condition // what an index finds them by; empty: what the filter has for all others
	also condition // which of those they are
}

// condition is a part of a statement; each %s in it stands for a value.
type condition struct {
	text   string
	values []any
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
		q.branches = append(q.branches, branch{also: among(routine)})
	}
	if len(others) > 0 {
		q.branches = append(q.branches, branch{condition{text: rare}, among(others)})
	}
	if w.RequestID != "" {
		q.branches = append(q.branches, branch{also: condition{"request_id = %s", []any{w.RequestID}}})
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

func (q *searchQuery) indexed(text string, values ...any) {
	q.branches = append(q.branches, branch{by: condition{text, values}})
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
func among(actions []Action) condition {
	var values []any
	for _, a := range actions {
		values = append(values, string(a))
	}
	return condition{"action IN (" + strings.Join(slices.Repeat([]string{"%s"}, len(actions)), ", ") + ")", values}
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

// findInWindow returns the ids of the newest rows of the only branch that match, among so many that its driver reads.
// Where they fill no page, out says where it ended.
func (q *searchQuery) findInWindow(ctx context.Context, tx *db.Tx, out *Found) ([]string, error) {
	by := q.driver(q.branches[0])
	read := q.share(by, 1)
	w := where{args: []any{q.tenant}}
	w.and(by.text, by.values...)
	q.filter.times(&w)
	window := `SELECT ` + narrowed + ` FROM audit_events WHERE tenant_id = $1` + w.text.String() + newestRows(read)
	w.text.Reset()
	w.and(q.branches[0].also.text, q.branches[0].also.values...)
	q.filter.narrow(&w)
	limit := q.filter.limit()
	if q.filter.readsRows() {
		limit = read
	}
	ids, err := q.scan(ctx, tx, `SELECT w.id, w.ip, w.place FROM (`+window+`) w WHERE w.tenant_id = $1`+
		w.text.String()+newestRows(limit), w.args)
	if err != nil || len(ids) == q.filter.limit() {
		return ids, err
	}
	return ids, q.bound(ctx, tx, out)
}

// narrowed are the columns that Filter.narrow and branches ask for.
const narrowed = "tenant_id, id, user_id, actor_id, action, result, client_id, request_id, ip, place"

// newestRows ends a statement with so many rows. PostgreSQL plans once for all values.
func newestRows(rows int) string { return fmt.Sprintf(" ORDER BY id DESC LIMIT %d", rows) }

// bound ends the search where it would read more rows than most: at the newest of the rows at which a driver has read
// its share of them.
func (q *searchQuery) bound(ctx context.Context, tx *db.Tx, out *Found) error {
	drivers := q.drivers()
	if len(drivers) == 0 {
		return nil
	}
	ends, args := joined(drivers, []any{q.tenant})
	span := Filter{Since: q.filter.Since, Until: q.filter.Until, Before: q.filter.Before}
	within, args := span.conditions(args)
	for i, condition := range ends {
		ends[i] = `SELECT b.id, b.at FROM (
			SELECT id, at FROM audit_events WHERE tenant_id = $1` + condition + within +
			fmt.Sprintf(" ORDER BY id DESC LIMIT 1 OFFSET %d) b", q.share(drivers[i], len(drivers))-1)
	}
	err := tx.QueryRow(ctx, strings.Join(ends, " UNION ALL ")+" ORDER BY id DESC LIMIT 1", args...).
		Scan(&out.Back, db.ScanTime(&out.BackAt))
	if db.IsNoRows(err) {
		return nil
	}
	q.filter.oldest = out.Back
	return err
}

// share is how many rows one of so many drivers may read.
func (q *searchQuery) share(by condition, drivers int) int {
	share := q.most / drivers
	if by.text != "" {
		share /= apart
	}
	return max(share, 1)
}

// driver is what the rows of a branch are read by.
func (q *searchQuery) driver(b branch) condition {
	if b.by.text != "" {
		return b.by
	}
	return q.filter.driver()
}

// drivers are the conditions by which rows are read that may not match: those of the branches that an index finds,
// where more than that is asked for, and what the filter has for all others.
func (q *searchQuery) drivers() (all []condition) {
	others := false
	for _, b := range q.branches {
		switch {
		case b.by.text == "":
			others = true
		case b.also.text != "" || q.filter.narrows():
			all = append(all, b.by)
		}
	}
	if others {
		all = append(all, q.filter.driver())
	}
	return all
}

// joined writes conditions, with the arguments of all of them.
func joined(all []condition, args []any) (texts []string, _ []any) {
	for _, c := range all {
		w := where{args: args}
		w.and(c.text, c.values...)
		texts, args = append(texts, w.text.String()), w.args
	}
	return texts, args
}

// find returns the ids of the newest rows of all branches that match.
func (q *searchQuery) find(ctx context.Context, tx *db.Tx) ([]string, error) {
	found, read := `id, '' AS ip, '' AS place`, q.filter.limit()
	if q.filter.readsRows() {
		found, read = `id, ip, place`, q.most
	}
	text, args := q.text(found, read)
	return q.scan(ctx, tx, text, args)
}

// scan returns the ids of the first rows of a statement that match what it does not ask for.
func (q *searchQuery) scan(ctx context.Context, tx *db.Tx, text string, args []any) (ids []string, err error) {
	rows, err := tx.Query(ctx, text, args...)
	err = db.ForEach(rows, err, func(row db.Row) error {
		var id, ip, place string
		err := row.Scan(&id, &ip, &place)
		if len(ids) < q.filter.limit() && q.filter.matches(ip, place) {
			ids = append(ids, id)
		}
		return err
	})
	return ids, err
}

func (q *searchQuery) text(found string, read int) (string, []any) {
	var branches []condition
	for _, b := range q.branches {
		both := condition{b.by.text, slices.Concat(b.by.values, b.also.values)}
		if b.by.text != "" && b.also.text != "" {
			both.text += " AND "
		}
		both.text += b.also.text
		branches = append(branches, both)
	}
	all, args := joined(branches, []any{q.tenant})
	narrow, args := q.filter.conditions(args)
	for i, condition := range all {
		all[i] = `SELECT b.id, b.ip, b.place FROM (
			SELECT ` + found + ` FROM audit_events WHERE tenant_id = $1` + condition + narrow + newestRows(read) + `) b`
	}
	return strings.Join(all, " UNION ") + newestRows(read), args
}
