package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"countersign/internal/db"
)

var errSearchOnly = errors.New("places and networks are for Search")

// List returns the rows of tx.Tenant that match, newest first. It reads as many as that takes.
func List(ctx context.Context, tx *db.Tx, f Filter) ([]Row, error) {
	if f.readsRows() {
		return nil, fmt.Errorf("list audit events: %w", errSearchOnly)
	}
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
