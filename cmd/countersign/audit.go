package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"countersign/internal/app"
	"countersign/internal/audit"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// AuditCmd is about the record of who did what.
type AuditCmd struct {
	Verify AuditVerifyCmd `cmd:"" help:"Check the chain of every company, or of one, and name the first bad row."`
	List   AuditListCmd   `cmd:"" help:"List events, newest first."`
	Export AuditExportCmd `cmd:"" help:"Write all events as lines of JSON, to keep a copy elsewhere."`
}

// AuditVerifyCmd checks chains.
type AuditVerifyCmd struct {
	Tenant string `xor:"what" help:"Id or name of a company, or installation. Default: all."`
	File   string `xor:"what" type:"existingfile" help:"An activity that a company exported. Needs no database and no key."`
}

var errNotIntact = errors.New("the audit record is not intact")

// Run prints a line per chain and fails if one is broken.
func (c AuditVerifyCmd) Run(ctx context.Context, env *Env) error {
	if c.File != "" {
		return c.verifyFile(env)
	}
	return env.within(ctx, func(h *app.Core) error {
		ids, err := c.chains(ctx, h)
		if err != nil {
			return err
		}
		broken := false
		for _, id := range ids {
			r, err := audit.Verify(ctx, h.DB, h.Keys, id)
			if err != nil {
				return err
			}
			broken = broken || !r.Intact()
			printReport(env, r)
		}
		if broken {
			return errNotIntact
		}
		return nil
	})
}

// verifyFile checks an exported chain alone.
func (c AuditVerifyCmd) verifyFile(env *Env) error {
	f, err := os.Open(c.File)
	if err != nil {
		return usageError(err.Error())
	}
	defer func() { _ = f.Close() }()
	r, err := audit.VerifyExport(f)
	if err != nil {
		return fmt.Errorf("%s is no exported activity: %w", c.File, err)
	}
	printReport(env, r)
	if !r.Intact() {
		return errNotIntact
	}
	return nil
}

func printReport(env *Env, r audit.Report) {
	document := chainDocument{r.Tenant, r.Intact(), r.Checked, r.Unsealed, r.FirstBad, r.Why}
	if r.Intact() {
		env.say(document, "%-40s intact: %d rows checked, %d waiting to be sealed\n", r.Tenant, r.Checked, r.Unsealed)
		return
	}
	env.say(document, "%-40s BROKEN at row %s: %s (%d rows before it are intact)\n", r.Tenant, r.FirstBad,
		r.Why, r.Checked)
}

func (c AuditVerifyCmd) chains(ctx context.Context, h *app.Core) (ids []string, err error) {
	if c.Tenant != "" {
		// The installation's chain says which companies' chains have begun, so it is looked at as well.
		id, err := tenantOrInstallation(ctx, h, c.Tenant)
		if id == db.Installation {
			return []string{id}, err
		}
		return []string{db.Installation, id}, err
	}
	ids = []string{db.Installation}
	err = h.DB.View(ctx, db.Installation, func(tx *db.Tx) error {
		all, err := tenant.List(ctx, tx)
		for _, t := range all {
			ids = append(ids, t.ID)
		}
		return err
	})
	return ids, err
}

func tenantOrInstallation(ctx context.Context, h *app.Core, name string) (id string, err error) {
	if name == db.Installation {
		return name, nil
	}
	err = h.DB.View(ctx, db.Installation, func(tx *db.Tx) error {
		t, err := tenant.Find(ctx, tx, name)
		id = t.ID
		return err
	})
	return id, err
}

// AuditListCmd lists events.
type AuditListCmd struct {
	Tenant string `required:"" help:"Id or name of a company, or installation."`
	Action string `help:"Only this action, for example signin.second_factor."`
	Result string `help:"Only this result: ok, failed or refused."`
	User   string `help:"Only what this person did: address or id."`
	Since  string `help:"Only what is not older: 2027-01-31, 2027-01-31T08:00:00Z, or a duration such as 90m."`
	Follow bool   `short:"f" help:"Go on listing new events, oldest first, until Ctrl-C."`
	Limit  int    `default:"1000" help:"The most events to list."`
}

// Run prints one event per line, fields apart by tabs.
func (c AuditListCmd) Run(ctx context.Context, env *Env) error {
	return env.within(ctx, func(h *app.Core) error {
		id, err := tenantOrInstallation(ctx, h, c.Tenant)
		if err != nil {
			return err
		}
		f, err := c.filter(ctx, h, id)
		if err != nil {
			return err
		}
		rows, err := auditRows(ctx, h, id, f)
		if err != nil || !c.Follow {
			printRows(env, rows)
			return err
		}
		return c.follow(ctx, env, h, id, f, rows)
	})
}

func (c AuditListCmd) filter(ctx context.Context, h *app.Core, tenantID string) (audit.Filter, error) {
	f := audit.Filter{
		Action: audit.Action(c.Action),
		Result: audit.Result(c.Result),
		Limit:  c.Limit,
		UserID: c.User,
	}
	if c.Since != "" {
		var err error
		if f.Since, err = sinceWhen(c.Since); err != nil {
			return f, err
		}
	}
	if !strings.Contains(c.User, "@") {
		return f, nil
	}
	err := h.DB.View(ctx, db.Installation, func(tx *db.Tx) error {
		u, err := user.ByEmail(ctx, tx, c.User)
		if err == nil && u.TenantID != tenantID {
			return fault.New(fault.NotFound, "user.unknown")
		}
		f.UserID = u.ID
		return err
	})
	return f, err
}

func auditRows(ctx context.Context, h *app.Core, id string, f audit.Filter) (rows []audit.Row, err error) {
	err = h.DB.View(ctx, id, func(tx *db.Tx) error {
		rows, err = audit.List(ctx, tx, f)
		return err
	})
	return rows, err
}

// followOverlap is how much later than its time a row may become visible.
const followOverlap = 30 * time.Second

// follow prints what is there, oldest first, and then what comes. Rows of transactions
// that commit late are not missed, because each look goes back a little.
func (c AuditListCmd) follow(ctx context.Context, env *Env, h *app.Core, id string, f audit.Filter,
	rows []audit.Row) error {
	printed := map[string]time.Time{}
	newest := now()
	for {
		slices.Reverse(rows)
		for _, r := range rows {
			if _, again := printed[r.ID]; !again {
				printRows(env, []audit.Row{r})
				printed[r.ID] = r.At
				if r.At.After(newest) {
					newest = r.At
				}
			}
		}
		maps.DeleteFunc(printed, func(_ string, at time.Time) bool { return at.Before(newest.Add(-2 * followOverlap)) })
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Second):
		}
		if from := newest.Add(-followOverlap); from.After(f.Since) {
			f.Since = from
		}
		f.Limit = 1000
		var err error
		if rows, err = auditRows(ctx, h, id, f); err != nil && ctx.Err() == nil {
			return err
		}
	}
}

// printRows leaves out fields that say nothing.
func printRows(env *Env, rows []audit.Row) {
	for _, r := range rows {
		line := []string{r.At.Format("2006-01-02T15:04:05.000Z"), string(r.Action), string(r.Result)}
		if r.Reason != "" {
			line = append(line, r.Reason)
		}
		for _, f := range [][2]string{
			{"user", r.UserID},
			{"app", r.ClientID},
			{"method", r.Method},
			{"level", r.Level},
			{"subject", r.SubjectID},
			{"by", r.ActorID},
			{"ip", r.IP},
			{"place", r.Place},
			{"browser", r.Browser},
			{"request", r.RequestID},
		} {
			if f[1] != "" {
				line = append(line, f[0]+"="+f[1])
			}
		}
		env.say(eventOf(r), "%s\n", strings.Join(line, "\t"))
	}
}
