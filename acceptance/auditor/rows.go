package auditor

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
)

// Query reads a database: it is the QueryContext of a *sql.DB or of a *sql.Tx.
type Query func(ctx context.Context, query string, args ...any) (*sql.Rows, error)

// row is one row of any table.
type row map[string]any

func (r row) text(column string) string {
	switch v := r[column].(type) {
	case string:
		return v
	case []byte:
		return string(v)
	}
	return ""
}

func (r row) number(column string) int64 {
	n, _ := r[column].(int64)
	return n
}

// key names a row of a tenant.
func (r row) key() string { return r.text("tenant_id") + "." + r.text("id") }

// ref is the key of another row of the same tenant.
func (r row) ref(column string) string { return r.text("tenant_id") + "." + r.text(column) }

// tables are read whole, in this order: an installation that is audited is a small one. A record
// that waits is read before the audit, so that one which moves meanwhile is not missed.
var tables = []string{
	"installation", "clients", "tenants", "users", "flows", "challenges", "sessions", "remembered_browsers",
	"authorization_codes", "refresh_families",
	"budgets", "installation_budgets", "jobs", "messages", "pending_audit_events", "audit_events",
}

// state is the database in memory, by table.
type state map[string][]row

func read(ctx context.Context, query Query) (state, error) {
	s := state{}
	for _, table := range tables {
		rows, err := query(ctx, "SELECT * FROM "+table)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", table, err)
		}
		if s[table], err = scan(rows); err != nil {
			return nil, fmt.Errorf("read %s: %w", table, err)
		}
	}
	s.addPending()
	return s, nil
}

// addPending adds to the audit what an end of a session recorded while the audit could not be
// written: it waits for its place in the chain, and moves there once.
func (s state) addPending() {
	moved := s.by("audit_events", row.key)
	for _, r := range s["pending_audit_events"] {
		if len(moved[r.key()]) == 0 {
			s["audit_events"] = append(s["audit_events"], r)
		}
	}
}

func scan(rows *sql.Rows) (out []row, err error) {
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		r := row{}
		for i, c := range columns {
			r[c] = values[i]
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// by indexes a table by its key; rows with the same key stay together.
func (s state) by(table string, key func(row) string) map[string][]row {
	out := map[string][]row{}
	for _, r := range s[table] {
		out[key(r)] = append(out[key(r)], r)
	}
	return out
}

// events are the audit rows of an action and a result, by what they are about.
func (s state) events(action, result string) map[string][]row {
	out := map[string][]row{}
	for _, r := range s["audit_events"] {
		if r.text("action") == action && r.text("result") == result {
			out[r.ref("subject_id")] = append(out[r.ref("subject_id")], r)
		}
	}
	return out
}

// texts are every text of the rows, one to a line.
func (s state) texts() []byte {
	var all bytes.Buffer
	for _, rows := range s {
		for _, r := range rows {
			for _, v := range r {
				if text, ok := v.(string); ok {
					all.WriteString(text + "\n")
				}
			}
		}
	}
	return all.Bytes()
}
