package main

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"countersign/internal/authenticator/password"
	"countersign/internal/db"
	"countersign/internal/secret"
)

// measureLimits finds out what the machine could do if there were nothing else to do.
func measureLimits(ctx context.Context, m *machine, r *report) error {
	said("limits of the machine")
	if err := m.limitHello(r); err != nil {
		return err
	}
	if err := m.limitArgon(ctx, r); err != nil {
		return err
	}
	if slices.Contains(m.o.engines, "sqlite") {
		if err := m.limitFsync(r); err != nil {
			return err
		}
		if err := m.limitGroupCommit(ctx, r); err != nil {
			return err
		}
	}
	if m.pgURL != "" {
		return m.limitPostgres(ctx, r)
	}
	return nil
}

// limit repeats one bare operation with each number of clients.
func (m *machine) limit(r *report, what, engine string, ours []int, base int, clients []int, do task) error {
	for _, n := range clients {
		var all []repetition
		for tries := 0; len(all) < m.o.reps; tries++ {
			var one repetition
			before := snapshot(ours, base)
			one.sample = load{
				addrs:   []string{""},
				clients: n,
				span:    m.o.span,
				do:      do,
			}.run()
			one.work = snapshot(ours, base).since(before)
			one.whole = one.work
			if err := one.sound(); err != nil {
				return fmt.Errorf("%s: %w", what, err)
			}
			if one.work.disturbed() > tolerable && tries < m.o.again && !m.o.hurry {
				continue
			}
			all = append(all, one)
		}
		f := summary(all)
		f.Row, f.What, f.Engine, f.Clients = "limit", what, engine, n
		r.add(f)
	}
	return nil
}

// limitHello is the same client against a handler that does nothing.
func (m *machine) limitHello(r *report) error {
	addr, err := freeAddr()
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self, addr)
	cmd.Env = append(os.Environ(), childEnv+"=hello")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return err
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	for range 200 {
		probe := &conn{addr: addr}
		if probe.dial() == nil {
			probe.close()
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	return m.limit(r, "net/http that says hello", "", []int{cmd.Process.Pid}, 0, m.o.clients,
		func(c *conn, _ int) error {
			c.addr = addr
			return c.expect(c.get("/", "192.0.2.1", ""), 200)
		})
}

func (m *machine) limitArgon(ctx context.Context, r *report) error {
	pool, err := password.NewPool(secret.NewKeys(time.Now()), password.DefaultCost, 0, 8)
	if err != nil {
		return err
	}
	stored, err := pool.Hash(ctx, patternPassword)
	if err != nil {
		return err
	}
	return m.limit(r, "Argon2id 19 MiB, t=2, p=1", "", nil, 0, []int{1, 2}, func(*conn, int) error {
		_, err := pool.Match(ctx, stored, patternPassword)
		return err
	})
}

// limitFsync appends a page to a file and waits until the disk has it.
func (m *machine) limitFsync(r *report) error {
	f, err := os.Create(filepath.Join(m.dir, "fsync"))
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	page := make([]byte, 4096)
	return m.limit(r, "write 4 KiB and fsync", "", nil, 0, []int{1}, func(*conn, int) error {
		if _, err := f.Write(page); err != nil {
			return err
		}
		return f.Sync()
	})
}

// limitGroupCommit is one insert in a transaction of our own SQLite writer.
func (m *machine) limitGroupCommit(ctx context.Context, r *report) error {
	path := filepath.Join(m.dir, "bare.db")
	d, err := db.Open(ctx, "sqlite:"+path, time.Now)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	create := func(tx *db.Tx) error {
		_, err := tx.Exec(ctx,
			`CREATE TABLE bare (tenant_id TEXT NOT NULL, id TEXT NOT NULL PRIMARY KEY, at BIGINT NOT NULL)`)
		return err
	}
	if err := d.InTx(ctx, "bare", create); err != nil {
		return err
	}
	return m.limit(r, "one insert, durable, commits shared", "sqlite", nil, 0, m.o.clients, func(*conn, int) error {
		return d.InTx(ctx, "bare", func(tx *db.Tx) error {
			_, err := tx.Exec(ctx, `INSERT INTO bare (tenant_id, id, at)
				VALUES ($1, $2, $3)`, tx.Tenant, tx.NewID(), tx.Now)
			return err
		})
	})
}

// limitPostgres commits one row at a time, each client on a connection of its own.
func (m *machine) limitPostgres(ctx context.Context, r *report) error {
	d, err := sql.Open("pgx", m.pgURL)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	most := slices.Max(m.o.clients)
	d.SetMaxOpenConns(most)
	d.SetMaxIdleConns(most)
	name := fmt.Sprintf("bare_%d", os.Getpid())
	if _, err := d.ExecContext(ctx,
		"CREATE TABLE "+name+" (id TEXT NOT NULL PRIMARY KEY, at BIGINT NOT NULL)"); err != nil {
		return err
	}
	defer func() { _, _ = d.Exec("DROP TABLE " + name) }()
	var n atomic.Int64
	err = m.limit(r, "one insert, durable", "postgres", nil, m.base, m.o.clients, func(*conn, int) error {
		_, err := d.ExecContext(ctx, "INSERT INTO "+name+" (id, at) VALUES ($1, $2)", idOf(0, uint64(n.Add(1))),
			time.Now().UnixMicro())
		return err
	})
	if err != nil {
		return err
	}
	total := uint64(n.Load())
	return m.limit(r, "one update, durable", "postgres", nil, m.base, m.o.clients, func(*conn, int) error {
		_, err := d.ExecContext(ctx, "UPDATE "+name+" SET at = $1 WHERE id = $2", time.Now().UnixMicro(),
			idOf(0, 1+uint64(n.Add(1))*stride%total))
		return err
	})
}
