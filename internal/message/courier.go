package message

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"countersign/internal/db"
	"countersign/internal/jobs"
	"countersign/internal/secret"
)

// Envelope is a message on its way to a Sender.
type Envelope struct {
	ID       string // stable over repeated sending
	Tenant   string
	To       string
	Language string
	Template string
	Data     []byte // JSON
	ReturnTo string // what a bounce must carry to be believed; see Courier.Returned
}

// Sender hands one message to the next server. host is the server that answered. Any
// error but a *Refusal counts as temporary. Neither may hold content or an address: both
// are stored or logged.
type Sender interface {
	Send(ctx context.Context, e Envelope) (host string, err error)
}

// Refusal says that no further attempt can succeed: the server refused this recipient or
// this message for good.
type Refusal struct{ Cause error }

// Error is for the log.
func (r *Refusal) Error() string { return "refused for good: " + r.Cause.Error() }

// Unwrap returns the cause.
func (r *Refusal) Unwrap() error { return r.Cause }

// GivenUp says that there will be no further attempt, though no one has refused the message.
type GivenUp struct{ Cause error }

// Error is for the log.
func (g *GivenUp) Error() string { return "given up: " + g.Cause.Error() }

// Unwrap returns the cause.
func (g *GivenUp) Unwrap() error { return g.Cause }

// Courier sends queued messages and records what became of them.
type Courier struct {
	DB      *db.DB
	Keys    *secret.Keys
	Senders map[string]Sender // by channel
	Log     *slog.Logger
}

// pauses are the waits after the first attempts; the last one repeats. A code lives ten
// minutes, so the early attempts come quickly.
var pauses = []time.Duration{2 * time.Second, 5 * time.Second, 10 * time.Second, 20 * time.Second,
	40 * time.Second, time.Minute}

func pause(attempts int) time.Duration { return pauses[min(attempts, len(pauses)-1)] }

// waiting is a message that has not left.
type waiting struct {
	channel   string
	sealed    []byte
	attempts  int
	expiresAt time.Time
	now       time.Time
}

// Deliver is the handler of JobSend. It sends at least once, outside any transaction, and
// then settles the row. A message that is too late is erased rather than sent.
func (c *Courier) Deliver(ctx context.Context, j jobs.Job) error {
	var a args
	if err := json.Unmarshal(j.Args, &a); err != nil || a.Message == "" {
		return jobs.Drop(errors.New("the job names no message"))
	}
	w, err := c.load(ctx, j.Tenant, a.Message)
	if err != nil || w == nil {
		return err
	}
	if !w.now.Before(w.expiresAt) {
		return c.settle(ctx, j, a.Message, change{state: Failed, problem: TooLate}, nil)
	}
	envelope, sender, err := c.open(j.Tenant, a.Message, w)
	if err != nil {
		c.Log.Error("message cannot be sent", "message", a.Message, "tenant", j.Tenant, "error", err)
		return c.settle(ctx, j, a.Message, change{state: Failed, problem: Stopped}, nil)
	}
	host, err := sender.Send(ctx, envelope)
	if err == nil {
		err = db.Point("sent", "message.Courier.Deliver")
	}
	return c.conclude(ctx, j, a.Message, w, host, err)
}

// load returns nil where the message has left, was withdrawn or does not exist.
func (c *Courier) load(ctx context.Context, tenant, id string) (*waiting, error) {
	var w waiting
	err := c.DB.View(ctx, tenant, func(tx *db.Tx) error {
		w.now = tx.Now
		return tx.QueryRow(ctx, `
			SELECT channel, sealed, attempts, expires_at FROM messages
			WHERE tenant_id = $1 AND id = $2 AND state IN ('queued', 'delayed') AND sealed IS NOT NULL`,
			tx.Tenant, id).Scan(&w.channel, &w.sealed, &w.attempts, db.ScanTime(&w.expiresAt))
	})
	if db.IsNoRows(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("load message: %w", err)
	}
	return &w, nil
}

func (c *Courier) open(tenant, id string, w *waiting) (Envelope, Sender, error) {
	sender := c.Senders[w.channel]
	if sender == nil {
		return Envelope{}, nil, fmt.Errorf("nothing sends by %s", w.channel)
	}
	plain, err := c.Keys.Open(w.sealed, place(tenant, id)...)
	if err != nil {
		return Envelope{}, nil, err
	}
	var m content
	if err := json.Unmarshal(plain, &m); err != nil {
		return Envelope{}, nil, errors.New("message content is not readable")
	}
	return Envelope{
		ID:       id,
		Tenant:   tenant,
		To:       m.To,
		Language: m.Language,
		Template: m.Template,
		Data:     m.Data,
		ReturnTo: returnTo(c.Keys, id),
	}, sender, nil
}

// conclude writes down the outcome of an attempt and says when the next one is due.
func (c *Courier) conclude(ctx context.Context, j jobs.Job, id string, w *waiting, host string, failure error) error {
	var refusal *Refusal
	var givenUp *GivenUp
	after := change{
		state:   Failed,
		host:    host,
		tried:   1,
		problem: problemOf(failure),
	}
	switch {
	case failure == nil:
		after.state = Accepted
		return c.settle(ctx, j, id, after, nil)
	case errors.As(failure, &refusal):
		c.Log.Warn("message bounced", "message", id, "tenant", j.Tenant, "host", host, "error", failure)
		after.state = Bounced
		return c.settle(ctx, j, id, after, nil)
	case errors.As(failure, &givenUp):
		c.Log.Warn("message given up", "message", id, "tenant", j.Tenant, "host", host, "error", failure)
		return c.settle(ctx, j, id, after, nil)
	}
	next := c.DB.Now().UTC().Add(pause(w.attempts))
	if !next.Before(w.expiresAt) {
		c.Log.Warn("message given up", "message", id, "tenant", j.Tenant, "host", host, "error", failure)
		return c.settle(ctx, j, id, after, nil)
	}
	after.state, after.nextTry = Delayed, next
	return c.settle(ctx, j, id, after, jobs.Later(next, failure))
}

// settle writes the message and its job down together. It outlives the context of the
// attempt: what was sent must be written down.
func (c *Courier) settle(ctx context.Context, j jobs.Job, id string, ch change, outcome error) error {
	ctx = context.WithoutCancel(ctx)
	err := c.DB.InTx(ctx, j.Tenant, func(tx *db.Tx) error {
		if _, err := settle(ctx, tx, id, ch); err != nil {
			return err
		}
		return j.Settle(ctx, tx, outcome)
	})
	return cmp.Or(err, outcome)
}
