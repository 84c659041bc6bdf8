package db

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// migrationLease is how long the migration lock outlives a program that died with it. It also
	// has to cover how far the clocks of replicas differ.
	migrationLease = time.Minute
	// leasePoll is how often a waiting program looks whether the lock is free.
	leasePoll = 200 * time.Millisecond
)

// errLeaseLost says that someone else has taken the lock over.
var errLeaseLost = errors.New("the migration lock was taken over")

// lockMigrations waits for the migration lock and takes it: a row that says who has it and
// until when. An advisory lock would not do: it is the server's it was taken on, so that
// programs on different servers of one cluster would not see it.
func (d *DB) lockMigrations(ctx context.Context) (holder string, err error) {
	for {
		holder, err = d.tryLockMigrations(ctx)
		if err != nil || holder != "" {
			return holder, err
		}
		sleep(ctx, leasePoll)
		if err := ctx.Err(); err != nil {
			return "", err
		}
	}
}

// tryLockMigrations takes the lock where it is free; holder is empty where it is not.
func (d *DB) tryLockMigrations(ctx context.Context) (holder string, err error) {
	err = d.InTx(ctx, Installation, func(tx *Tx) error {
		_, err := tx.Exec(ctx, `
			CREATE TABLE IF NOT EXISTS migration_lock (
				id         TEXT   NOT NULL PRIMARY KEY,
				holder     TEXT   NOT NULL,
				held_until BIGINT NOT NULL
			)`)
		if err != nil {
			return err
		}
		holder = tx.NewID()
		n, err := tx.Exec(ctx, `
			INSERT INTO migration_lock (id, holder, held_until) VALUES ('schema', $1, $2)
			ON CONFLICT (id) DO UPDATE SET holder = excluded.holder, held_until = excluded.held_until
			WHERE migration_lock.held_until <= $3`, holder, tx.Now.Add(migrationLease), tx.Now)
		if n == 0 {
			holder = ""
		}
		return err
	})
	if createdTwice(err) {
		return "", nil
	}
	return holder, err
}

// createdTwice holds where PostgreSQL refuses one of two programs that create the same table at
// the same moment, in spite of IF NOT EXISTS.
func createdTwice(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "23505" || pg.Code == "42P07")
}

// renewLease moves the end of the lease of holder; the zero time gives the lock back.
func (t *Tx) renewLease(ctx context.Context, holder string, until time.Time) error {
	n, err := t.Exec(ctx, `
		UPDATE migration_lock SET held_until = $1 WHERE id = 'schema' AND holder = $2`, until, holder)
	if err == nil && n == 0 {
		err = errLeaseLost
	}
	return err
}

// unlockMigrations gives the lock back after migrations that failed; those that went well have
// given it back themselves.
func (d *DB) unlockMigrations(ctx context.Context, holder string, failed error) error {
	if failed == nil {
		return nil
	}
	return d.InTx(context.WithoutCancel(ctx), Installation, func(tx *Tx) error {
		if err := tx.renewLease(ctx, holder, time.Time{}); !errors.Is(err, errLeaseLost) {
			return err
		}
		return nil
	})
}
