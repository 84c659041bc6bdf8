package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"countersign/internal/access"
	"countersign/internal/app"
	"countersign/internal/fault"
	"countersign/internal/people"
)

// UserImportCmd adds many people.
type UserImportCmd struct {
	File         string `arg:"" help:"CSV with a header, or lines of JSON; - for standard input."`
	Tenant       string `help:"ID or name of the company for rows without one."`
	DryRun       bool   `help:"Check every row and change nothing."`
	NoInvitation bool   `help:"Mail no invitations."`
}

// Help says what a file holds.
func (UserImportCmd) Help() string {
	return "A row has email and name, and may have tenant, role and language. Rows that cannot be added are named with their " +
		"line, and the others are added, 500 in one transaction. A person who is there already stays as they are, so that " +
		"the same file can be imported again."
}

// importBatch is how many people one transaction adds.
const importBatch = 500

// Run imports, and fails if a row was not added.
func (c UserImportCmd) Run(ctx context.Context, env *Env) error {
	in, err := c.open()
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	return env.within(ctx, func(h *app.Core) error {
		if err := canInvite(h, !c.NoInvitation); err != nil {
			return err
		}
		i := &people.Importer{
			Service:   h.People,
			Actor:     access.Server,
			Uninvited: c.NoInvitation,
			DryRun:    c.DryRun,
		}
		run := &importRun{
			env:      env,
			importer: i,
			tenant:   c.Tenant,
			last:     now(),
		}
		if err := errors.Join(readPeople(in, func(p readPerson) error { return run.take(ctx, p) }),
			run.flush(ctx)); err != nil {
			return fmt.Errorf("import up to line %d: %w", run.lines, err)
		}
		return run.report(c.DryRun)
	})
}

func (c UserImportCmd) open() (io.ReadCloser, error) {
	if c.File == "-" {
		return io.NopCloser(os.Stdin), nil
	}
	f, err := os.Open(c.File)
	if err != nil {
		return nil, usageError(err.Error())
	}
	return f, nil
}

// importRun is an import under way.
type importRun struct {
	env      *Env
	importer *people.Importer
	tenant   string // for rows without one
	waiting  []people.Row
	unread   []people.RowError // rows of this batch that could not be read
	done     people.Imported
	failed   int
	lines    int
	last     time.Time // of the newest progress line
}

// take adds a row to the batch.
func (r *importRun) take(ctx context.Context, p readPerson) error {
	r.lines = p.Line
	if p.err != nil {
		r.unread = append(r.unread, people.RowError{Line: p.Line, Err: p.err})
		return nil
	}
	if p.Tenant == "" {
		p.Tenant = r.tenant
	}
	if p.Tenant == "" {
		r.unread = append(r.unread,
			people.RowError{Line: p.Line, Err: errors.New("no company: add a column tenant, or --tenant")})
		return nil
	}
	if r.waiting = append(r.waiting, p.Row); len(r.waiting) < importBatch {
		return nil
	}
	return r.flush(ctx)
}

func (r *importRun) flush(ctx context.Context) error {
	done, err := r.importer.Batch(ctx, r.waiting)
	if err != nil {
		return err
	}
	r.waiting = r.waiting[:0]
	r.done.Created += done.Created
	r.done.Exists += done.Exists
	failed := append(r.unread, done.Failed...)
	slices.SortFunc(failed, func(a, b people.RowError) int { return a.Line - b.Line })
	for _, f := range failed {
		r.complain(f)
	}
	r.unread = nil
	if at := now(); isTerminal(os.Stderr) && at.Sub(r.last) >= time.Second {
		r.last = at
		fmt.Fprintf(os.Stderr, "%d lines read, %d people added\n", r.lines, r.done.Created)
	}
	return nil
}

// rowProblem is a row that was not added, in JSON.
type rowProblem struct {
	Line int `json:"line"`
	problem
}

func (r *importRun) complain(p people.RowError) {
	r.failed++
	text := explain(p.Err)
	if fault.Is(p.Err, fault.Internal) {
		text = p.Err.Error()
	}
	if r.env.asJSON() {
		writeLine(os.Stderr, rowProblem{p.Line, problem{errorCodes[exitCode(p.Err)], text}})
		return
	}
	fmt.Fprintf(os.Stderr, "line %d: %s\n", p.Line, text)
}

type importDocument struct {
	Created int  `json:"created"`
	Exists  int  `json:"exists"`
	Failed  int  `json:"failed"`
	DryRun  bool `json:"dry_run"`
}

func (r *importRun) report(dryRun bool) error {
	verb := "Created"
	if dryRun {
		verb = "Dry run, nothing was changed. To create"
	}
	r.env.say(importDocument{r.done.Created, r.done.Exists, r.failed, dryRun},
		"%s: %d. Already there: %d. Lines with mistakes: %d.\n",
		verb, r.done.Created, r.done.Exists, r.failed)
	if r.failed > 0 {
		return fmt.Errorf("lines that were not imported: %d. Correct them and import the file again", r.failed)
	}
	return nil
}
