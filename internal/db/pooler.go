package db

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// ErrTransactionPooler means that each transaction gets another server connection, so
// that settings, prepared statements and LISTEN do not last.
var ErrTransactionPooler = errors.New("a pooler in transaction mode stands between this program and PostgreSQL: " +
	"use session mode, or connect directly (docs/operations/two-replicas.md#pgbouncer)")

const (
	poolerRounds  = 5
	poolerTimeout = 5 * time.Second
)

// rejectTransactionPooler asks a pooler for two connections and sees whether they share a
// server process. A direct connection is known by its process ID and costs one query.
// The modes that prepare no statements work behind a pooler; an operator who sets one
// knows about it.
func rejectTransactionPooler(ctx context.Context, config *pgx.ConnConfig) error {
	unprepared := []pgx.QueryExecMode{pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol}
	if slices.Contains(unprepared, config.DefaultQueryExecMode) {
		return nil
	}
	c, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("reach postgres: %w", err)
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
	ctx, cancel := context.WithTimeout(ctx, 4*poolerTimeout)
	defer cancel()
	pid, err := serverProcess(ctx, c)
	if err != nil || pid == c.PgConn().PID() {
		return err
	}
	other, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("reach postgres: %w", err)
	}
	defer func() { _ = other.Close(context.WithoutCancel(ctx)) }()
	for range poolerRounds {
		shared, err := shareProcesses(ctx, c, other)
		if err != nil {
			return err
		}
		if shared {
			return ErrTransactionPooler
		}
	}
	return nil
}

// shareProcesses holds a transaction open on one connection, so that the other, whose own
// process may be the one that is held, needs another.
func shareProcesses(ctx context.Context, c, holder *pgx.Conn) (bool, error) {
	before, err := serverProcess(ctx, c)
	if err != nil {
		return false, err
	}
	if _, err := holder.Exec(ctx, "BEGIN", pgx.QueryExecModeSimpleProtocol); err != nil {
		return false, fmt.Errorf("look for a pooler: %w", err)
	}
	held, err := serverProcess(ctx, holder)
	if err != nil {
		return false, err
	}
	limited, cancel := context.WithTimeout(ctx, poolerTimeout)
	defer cancel()
	after, err := serverProcess(limited, c)
	if limited.Err() != nil && ctx.Err() == nil {
		return true, nil // the pool's only process is held
	}
	if err != nil {
		return false, err
	}
	if _, err := holder.Exec(ctx, "ROLLBACK", pgx.QueryExecModeSimpleProtocol); err != nil {
		return false, fmt.Errorf("look for a pooler: %w", err)
	}
	return held == before || after != before, nil
}

func serverProcess(ctx context.Context, c *pgx.Conn) (pid uint32, err error) {
	if err = c.QueryRow(ctx, "SELECT pg_backend_pid()", pgx.QueryExecModeSimpleProtocol).Scan(&pid); err != nil {
		err = fmt.Errorf("look for a pooler: %w", err)
	}
	return pid, err
}
