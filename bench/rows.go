package main

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
)

// dump is every row of every tenant's table, by table and primary key. It is taken while
// there is only the pattern in the database.
type dump map[string]table

type table struct {
	columns []string
	rows    map[string][]any
}

// skipped tables hold the chain of what happened. Copies begin without a history: the
// sealer would link ours before it came to what is measured.
var skipped = []string{"audit_events", "audit_heads"}

// tables lists the tables that name a tenant, with their primary keys.
func (w *world) tables(ctx context.Context) (map[string][]string, error) {
	query := `SELECT m.name, p.name FROM sqlite_master m JOIN pragma_table_info(m.name) p
		WHERE m.type = 'table' AND p.pk > 0
		AND EXISTS (SELECT 1 FROM pragma_table_info(m.name) q WHERE q.name = 'tenant_id') ORDER BY m.name, p.pk`
	if w.engine == "postgres" {
		query = `SELECT k.table_name, k.column_name FROM information_schema.key_column_usage k
			JOIN information_schema.table_constraints c ON c.constraint_schema = k.constraint_schema
				AND c.constraint_name = k.constraint_name AND c.table_name = k.table_name
			WHERE c.constraint_type = 'PRIMARY KEY' AND c.table_schema = current_schema()
			AND EXISTS (SELECT 1 FROM information_schema.columns x
				WHERE x.table_schema = current_schema() AND x.table_name = k.table_name AND x.column_name = 'tenant_id')
			ORDER BY k.table_name, k.ordinal_position`
	}
	rows, err := w.db.QueryContext(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("list tables: %w", err)
	}
	defer func() { _ = rows.Close() }()
	out := map[string][]string{}
	for rows.Next() {
		var t, column string
		if err := rows.Scan(&t, &column); err != nil {
			return nil, err
		}
		if !slices.Contains(skipped, t) {
			out[t] = append(out[t], column)
		}
	}
	return out, rows.Err()
}

func (w *world) dump(ctx context.Context) (dump, error) {
	keys, err := w.tables(ctx)
	if err != nil {
		return nil, err
	}
	out := dump{}
	for name, key := range keys {
		if out[name], err = w.read(ctx, name, key); err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
	}
	return out, nil
}

func (w *world) read(ctx context.Context, name string, key []string) (t table, err error) {
	rows, err := w.db.QueryContext(ctx, "SELECT * FROM "+name)
	if err != nil {
		return t, err
	}
	defer func() { _ = rows.Close() }()
	if t.columns, err = rows.Columns(); err != nil {
		return t, err
	}
	t.rows = map[string][]any{}
	for rows.Next() {
		values, into := make([]any, len(t.columns)), make([]any, len(t.columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return t, err
		}
		id := ""
		for _, k := range key {
			id += fmt.Sprint(values[slices.Index(t.columns, k)]) + "\x00"
		}
		t.rows[id] = values
	}
	return t, rows.Err()
}

// parents must be there before what refers to them.
var parents = []string{"tenants", "users", "authenticators", "flows", "sessions"}

// without returns the rows of d whose key older does not have, parents first.
func (d dump) without(older dump) (out []group) {
	for name, t := range d {
		g := group{table: name, columns: t.columns}
		for key, values := range t.rows {
			if _, old := older[name].rows[key]; !old {
				g.rows = append(g.rows, values)
			}
		}
		if len(g.rows) > 0 {
			out = append(out, g)
		}
	}
	rank := func(g group) int {
		if i := slices.Index(parents, g.table); i >= 0 {
			return i
		}
		return len(parents)
	}
	slices.SortFunc(out, func(a, b group) int {
		if rank(a) != rank(b) {
			return rank(a) - rank(b)
		}
		return strings.Compare(a.table, b.table)
	})
	return out
}

// cell makes the values of one column of copies.
type cell func(it item) any

// earliest is an instant before any that the product stores, in microseconds; whole numbers
// above it are instants.
const earliest = 1_600_000_000_000_000

// cellOf finds the pattern's names in a value.
func (w *world) cellOf(table, column string, v any) cell {
	switch special := table + "." + column; special {
	case "flows.token_hash", "sessions.token_hash", "authorization_codes.secret_hash", "refresh_families.secret_hash":
		return func(it item) any { return hashOf(table, it.serial) }
	case "challenges.state":
		return func(it item) any { return w.stateOf(it, knownCode) }
	}
	switch v := v.(type) {
	case string:
		return w.textCell(v)
	case []byte: // the SQLite driver reads an empty one as nil, which it would write as NULL
		return func(item) any { return append([]byte{}, v...) }
	case int64:
		if v > earliest {
			return func(it item) any { return v + it.shift }
		}
	}
	return func(item) any { return v }
}

// textCell cuts a text at the names in it.
func (w *world) textCell(text string) cell {
	for _, n := range w.pattern.names {
		before, after, found := strings.Cut(text, n.text)
		if !found {
			continue
		}
		if before == "" && after == "" {
			return func(it item) any { return n.make(it) }
		}
		head, tail := w.textCell(before), w.textCell(after)
		return func(it item) any { return head(it).(string) + n.make(it) + tail(it).(string) }
	}
	return func(item) any { return text }
}

// recipe makes the rows of one table.
type recipe struct {
	table   string
	columns []string
	rows    [][]cell
}

// recipes are how to copy what some steps left behind that is different in each copy.
func (w *world) recipes(sets ...string) (out []recipe) {
	for _, set := range sets {
		switch set {
		case setKit:
			out = append(out, w.kitRecipes()...)
		case setTOTP, setPasskey, setBackup:
			out = append(out, w.flowRecipes(set)...)
		default:
			out = append(out, w.copying(perCopy, set)...)
		}
	}
	return out
}

// population is how to copy a person, with what is left of an earlier sign-in and is one
// for all sign-ins of that person, such as a budget.
func (w *world) population() []recipe {
	return append(w.copying(perCopy, setPerson), w.copying(perPerson, setFlow, setSession, setCode, setTokens)...)
}

// How far a row belongs to someone: a row that is the same for everyone, such as one of
// the whole installation's, cannot be laid twice and is left out.
type belonging int

const (
	perInstallation belonging = iota
	perPerson
	perCopy
)

func (w *world) copying(which belonging, sets ...string) (out []recipe) {
	for _, set := range sets {
		for _, g := range w.pattern.sets[set] {
			r := recipe{table: g.table, columns: g.columns}
			for _, values := range g.rows {
				if w.belongs(set, values) == which {
					r.rows = append(r.rows, w.cells(g, values))
				}
			}
			if len(r.rows) > 0 && g.table != "tenants" {
				out = append(out, r)
			}
		}
	}
	return out
}

func (w *world) cells(g group, values []any) []cell {
	cells := make([]cell, len(values))
	for i, v := range values {
		cells[i] = w.cellOf(g.table, g.columns[i], v)
	}
	return cells
}

// belongs looks for names in the texts of a row.
func (w *world) belongs(set string, values []any) (b belonging) {
	for _, v := range values {
		text, ok := v.(string)
		for _, n := range w.pattern.names {
			switch {
			case !ok || n.text == patternTenant || !strings.Contains(text, n.text):
			case n.perCopy || set == setPerson:
				return perCopy
			default:
				b = perPerson
			}
		}
	}
	return b
}

var letters = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// idOf has the form of the product's ids: it sorts by n, and ends in what looks random.
func idOf(kind int, n uint64) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(1_790_000_000_000)<<16+n)
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%d/%d", kind, n)
	binary.BigEndian.PutUint64(b[8:], h.Sum64())
	return letters.EncodeToString(b[:])
}

func companyID(n int) string { return fmt.Sprintf("company-%07d", n) }

func emailOf(user int) string { return fmt.Sprintf("person-%09d@people.example.test", user) }

// addressOf gives each copy an address of its own, so that none is slowed for another's sake.
func addressOf(n uint64) string { return fmt.Sprintf("10.%d.%d.%d", n>>16&0xff, n>>8&0xff, n&0xff) }

// tokenOf is the bearer token of a copy; no one keeps it.
func tokenOf(kind string, n uint64) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "bench/%s/%d", kind, n))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func hashOf(kind string, n uint64) []byte {
	sum := sha256.Sum256([]byte(tokenOf(kind, n)))
	return sum[:]
}

func challengeOf(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func textOf(body []byte, key string) string {
	var m map[string]any
	_ = json.Unmarshal(body, &m)
	text, _ := m[key].(string)
	return text
}
