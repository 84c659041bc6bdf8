package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"countersign/internal/app"
	"countersign/internal/audit"
	"countersign/internal/db"
	"countersign/internal/tenant"
)

// AuditCmd is about the record of who did what.
type AuditCmd struct {
	Verify AuditVerifyCmd `cmd:"" help:"Check the chain of every company, or of one, and name the first bad row."`
	List   AuditListCmd   `cmd:"" help:"List events, newest first."`
}

// AuditVerifyCmd checks chains.
type AuditVerifyCmd struct {
	Tenant string `help:"Id or name of a company, or installation. Default: all."`
}

var errNotIntact = errors.New("the audit record is not intact")

// Run prints a line per chain and fails if one is broken.
func (c AuditVerifyCmd) Run(ctx context.Context, env *Env) error {
	return env.within(ctx, func(h *app.House) error {
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
			printReport(r)
		}
		if broken {
			return errNotIntact
		}
		return nil
	})
}

func printReport(r audit.Report) {
	if r.Intact() {
		fmt.Printf("%-40s intact: %d rows checked, %d waiting to be sealed\n", r.Tenant, r.Checked, r.Unsealed)
		return
	}
	fmt.Printf("%-40s BROKEN at row %s: %s (%d rows before it are intact)\n", r.Tenant, r.FirstBad, r.Why, r.Checked)
}

func (c AuditVerifyCmd) chains(ctx context.Context, h *app.House) (ids []string, err error) {
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

func tenantOrInstallation(ctx context.Context, h *app.House, name string) (id string, err error) {
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
	Action string `help:"Only this action, for example signin.code."`
	Result string `help:"Only this result: ok, failed or refused."`
	Limit  int    `default:"1000" help:"How many at the most."`
}

// Run prints one event per line, fields apart by tabs.
func (c AuditListCmd) Run(ctx context.Context, env *Env) error {
	return env.within(ctx, func(h *app.House) error {
		id, err := tenantOrInstallation(ctx, h, c.Tenant)
		if err != nil {
			return err
		}
		return h.DB.View(ctx, id, func(tx *db.Tx) error {
			rows, err := audit.List(ctx, tx, audit.Filter{Action: c.Action, Result: c.Result, Limit: c.Limit})
			for _, r := range rows {
				fmt.Println(strings.Join([]string{
					r.At.Format("2006-01-02T15:04:05.000Z"), r.Action, r.Result, r.Reason, "user=" + r.UserID, "app=" + r.ClientID, "method=" + r.Method,
					"level=" + r.Level, "subject=" + r.SubjectID, "by=" + r.ActorID, "ip=" + r.IP, "place=" + r.Place, "browser=" + r.Browser, "request=" + r.RequestID,
				}, "\t"))
			}
			return err
		})
	})
}
