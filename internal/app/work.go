package app

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"countersign/internal/audit"
	"countersign/internal/authenticator/passkey"
	"countersign/internal/binding"
	"countersign/internal/company"
	"countersign/internal/db"
	"countersign/internal/firststep"
	"countersign/internal/flow"
	"countersign/internal/grant"
	"countersign/internal/jobs"
	"countersign/internal/message"
	"countersign/internal/message/push"
	"countersign/internal/message/sms"
	"countersign/internal/passwordlink"
	"countersign/internal/people"
	"countersign/internal/ratelimit"
	"countersign/internal/session"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// Work runs what happens beside requests until ctx ends: mails leave, audit rows are
// linked, what is old is swept.
func (a *App) Work(ctx context.Context) error {
	var wg sync.WaitGroup
	runners := append(a.messageRunners(), a.runner())
	errs := make(chan error, len(runners)+2)
	for _, r := range runners {
		wg.Go(func() { errs <- r.Run(ctx) })
	}
	if a.tracer != nil {
		wg.Go(func() { a.tracer.Run(ctx) })
	}
	wg.Go(func() { a.DB.Listen(ctx, a.forgetTopic) })
	wg.Go(func() { a.obeyHangUp(ctx) })
	if a.smpp != nil {
		wg.Go(func() { errs <- a.smpp.Run(ctx) })
	}
	if a.bounces != nil {
		l, err := listen(ctx, a.Config.SMTP.Bounces.Listen)
		if err != nil {
			return fmt.Errorf("smtp.bounces.listen: %w", err)
		}
		wg.Go(func() { errs <- a.bounces.Serve(ctx, l) })
	}
	wg.Wait()
	close(errs)
	var all error
	for err := range errs {
		all = errors.Join(all, err)
	}
	// What was noted in memory must not be lost with a graceful stop.
	return errors.Join(all, a.Gate.Seen.Flush(context.WithoutCancel(ctx), a.DB))
}

// messageRunners send what does not go by mail, each with workers of its own: a gateway that hangs
// holds up no mail. Anyone who sets a receiver up chooses its push service, so that one company's
// must not hold up another's either (SEC-79).
func (a *App) messageRunners() (all []*jobs.Runner) {
	for _, way := range message.Ways {
		kind := message.JobOf(way)
		r := &jobs.Runner{
			DB:       a.DB,
			Queue:    a.jobs,
			Log:      a.Log,
			Kinds:    []string{kind},
			Handlers: map[string]jobs.Handler{kind: a.courier.Deliver},
		}
		if way == push.Channel {
			r.Workers, r.EachTenant = pushesAtOnce, ofOneCompany
		}
		all = append(all, r)
	}
	return all
}

func (a *App) runner() *jobs.Runner {
	var others []string
	for _, way := range message.Ways {
		others = append(others, message.JobOf(way))
	}
	return &jobs.Runner{
		DB:     a.DB,
		Queue:  a.jobs,
		Log:    a.Log,
		Leaves: others,
		Handlers: map[string]jobs.Handler{
			message.JobSend:        a.courier.Deliver,
			people.JobBulk:         a.People.GoOnWithBulk,
			company.JobTell:        a.Company.TellCompanies,
			passwordlink.Job:       a.PasswordLinks.SendLink,
			firststep.JobAdmission: a.FirstStep.MailAdmission,
		},
		Periodic: append(a.custodyJobs(), a.periodic()...),
	}
}

// periodic is the work that every replica does at intervals.
func (a *App) periodic() []jobs.Periodic {
	return append(a.sweeping(), []jobs.Periodic{
		{
			Name:  "audit.seal",
			Every: time.Second,
			Run:   func(ctx context.Context) error { _, err := a.sealer.Seal(ctx); return err },
		},
		{Name: "fitness", Every: lookEvery, Run: a.runChecks},
		{
			Name:  "session.seen",
			Every: 30 * time.Second,
			Run:   func(ctx context.Context) error { return a.Gate.Seen.Flush(ctx, a.DB) },
		},
		{
			Name:  "audit.shorten",
			Every: time.Hour,
			Run:   func(ctx context.Context) error { _, err := audit.Shorten(ctx, a.DB); return err },
		},
		{Name: "failures", Every: time.Minute, Run: a.Incident.TellFailures},
		{Name: "company.adoption", Every: time.Hour, Run: a.Company.CountAdoption},
		{Name: "company.steps", Every: 5 * time.Minute, Run: a.Company.StopSteps},
		{Name: "sms.spending", Every: 5 * time.Second, Run: a.tellSpending},
	}...)
}

// sweeps delete what no one will ask for any more, each noun its own rows, of every company.
var sweeps = map[string]func(ctx context.Context, d *db.DB) (int64, error){
	"activations":    tenant.Sweep,
	"adoption":       company.Sweep,
	"addresses":      user.Sweep,
	"budgets":        ratelimit.Sweep,
	"bulk actions":   people.Sweep,
	"flows":          flow.Sweep,
	"grants":         grant.Sweep,
	"jobs":           jobs.Sweep,
	"admissions":     firststep.Sweep,
	"password links": passwordlink.Sweep,
	"messages":       message.Sweep,
	"passkeys":       passkey.Sweep,
	"sessions":       session.Sweep,
	"set-ups":        binding.Sweep,
	"spending":       sms.Sweep,
}

func (a *App) sweeping() (out []jobs.Periodic) {
	for name, sweep := range sweeps {
		out = append(out, jobs.Periodic{
			Name:  "sweep." + name,
			Every: time.Hour,
			Run:   func(ctx context.Context) error { _, err := sweep(ctx, a.DB); return err },
		})
	}
	return out
}
