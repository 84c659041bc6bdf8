// Package message carries texts to people and knows what became of each: queued, accepted
// by the next mail server, delayed, bounced or failed. It does not know what a message
// says, and it refuses to keep the words once they have left.
package message

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"countersign/internal/db"
	"countersign/internal/jobs"
	"countersign/internal/secret"
)

// State is what became of a message.
type State string

// The states. Accepted, Delivered, Bounced and Failed hold no content any more.
const (
	None     State = "none"     // there is no such message
	Queued   State = "queued"   // on its way out of the house
	Accepted State = "accepted" // the next server has taken responsibility (RFC 5321 section 2.1)
	Delayed  State = "delayed"  // tried, and will be tried again
	Bounced  State = "bounced"  // refused for good
	Failed   State = "failed"   // given up: too late, withdrawn or unreadable

	// Delivered is told only where someone reports it: phones and receivers do,
	// mailboxes do not.
	Delivered State = "delivered"
)

// Became is what this package tells of a message each time that its state is written, once
// that is durable.
type Became struct {
	Channel string
	State   State
}

// JobSend is the kind of the job that delivers one message, a mail as a rule.
const JobSend = "message.send"

// Ways are the channels whose messages have jobs of a kind of their own, because someone else's
// machine takes them, which may be slow or never answer.
var Ways = []string{"sms", "push"}

// JobOf is the kind of the job that delivers a message of a channel.
func JobOf(channel string) string {
	if slices.Contains(Ways, channel) {
		return JobSend + "." + channel
	}
	return JobSend
}

// Outgoing is one message to one address.
type Outgoing struct {
	UserID    string
	Channel   string // "email", "sms", "push"
	Purpose   string // "signin.code": what the message is for, shown to administrators
	To        string // the address; kept sealed and erased with the content
	Hint      string // the address masked, shown to people
	Language  string // BCP 47
	Template  string // which text; see email.Template
	Data      any    // what the text is about; kept as sealed JSON
	CopyOf    string // the message that says the same to another receiver of the same person; empty: none
	ExpiresAt time.Time
}

// content is what is sealed until the message has left.
type content struct {
	To, Language, Template string
	Data                   json.RawMessage
}

// Queue takes messages in.
type Queue struct {
	Jobs *jobs.Queue
	Keys *secret.Keys
}

// args names the message in its job; the tenant is the job's.
type args struct {
	Message string `json:"message"`
}

// Put stores a message, sealed, and the job that sends it, in the caller's transaction.
func (q *Queue) Put(ctx context.Context, tx *db.Tx, m Outgoing) (id string, err error) {
	data, err := json.Marshal(m.Data)
	if err != nil {
		return "", errors.New("message data is not JSON") // the cause may quote the data
	}
	plain, err := json.Marshal(content{
		To:       m.To,
		Language: m.Language,
		Template: m.Template,
		Data:     data,
	})
	if err != nil {
		return "", errors.New("message content is not JSON")
	}
	id = tx.NewID()
	err = tx.ExecDeferred(ctx, `
		INSERT INTO messages (tenant_id, id, user_id, channel, purpose, hint, sealed, state, host, attempts,
			queued_at, state_at, next_try_at, expires_at, copy_of, destination)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, '', 0, $9, $10, 0, $11, $12, $13)`,
		tx.Tenant, id, m.UserID, m.Channel, m.Purpose, m.Hint, q.Keys.Seal(plain, place(tx.Tenant, id)...), Queued,
		tx.Now, tx.Now, m.ExpiresAt, m.CopyOf, destinationOf(m.Channel, m.To))
	if err != nil {
		return "", fmt.Errorf("queue message: %w", err)
	}
	if _, err := q.Jobs.Enqueue(ctx, tx, JobOf(m.Channel), args{Message: id}, tx.Now); err != nil {
		return "", fmt.Errorf("queue message: %w", err)
	}
	tx.EmitOnCommit(Became{m.Channel, Queued})
	return id, nil
}

// place binds sealed content to its row.
func place(tenant, id string) []string { return []string{"messages", "sealed", tenant, id} }

// Status is what is known about a message.
type Status struct {
	State    State
	Host     string // the server that last answered
	At       time.Time
	NextTry  time.Time // zero unless we shall try again
	Attempts int
}

// Delivery tells what became of a message of tx.Tenant; the state is None where there is none.
func Delivery(ctx context.Context, tx *db.Tx, id string) (Status, error) {
	s := Status{State: None}
	if id == "" {
		return s, nil
	}
	err := tx.QueryRow(ctx, `SELECT state, host, state_at, next_try_at, attempts FROM messages
		WHERE tenant_id = $1 AND id = $2`,
		tx.Tenant, id).Scan(s.Targets()...)
	if err != nil && !db.IsNoRows(err) {
		return s, fmt.Errorf("read delivery: %w", err)
	}
	return s, nil
}

// Joined are the columns of a message's status that another query joins as m, perhaps none.
const Joined = `COALESCE(m.state, 'none'), COALESCE(m.host, ''), COALESCE(m.state_at, 0), COALESCE(m.next_try_at,
	0), COALESCE(m.attempts, 0)`

// Unread stands in for Joined where no one needs the status.
const Unread = `'none', '', 0, 0, 0`

// Targets are what to scan Joined into; the state is None where there is no message.
func (s *Status) Targets() []any {
	return []any{&s.State, &s.Host, db.ScanTime(&s.At), db.ScanTime(&s.NextTry), &s.Attempts}
}

// Withdraw erases a message that has not left yet, so that a dead code is not delivered.
// One that has left, or does not exist, stays as it is.
func Withdraw(ctx context.Context, tx *db.Tx, id string) error {
	_, err := settle(ctx, tx, id, change{state: Failed})
	return err
}

// change is how a row looks after an attempt.
type change struct {
	state   State
	host    string
	nextTry time.Time
	tried   int
	problem Problem // what went wrong; nothing also where the message was withdrawn
}

// settle moves a message that is still ours to another state, once, and reports whether it
// did. The content stays only where another attempt needs it.
func settle(ctx context.Context, tx *db.Tx, id string, c change) (bool, error) {
	n, attempts := counted{to: c.state, timed: c.state == Accepted, problem: c.problem}, 0
	err := tx.QueryRow(ctx, `
		UPDATE messages SET state = $1, host = CASE WHEN $2 = '' THEN host ELSE $3 END, attempts = attempts + $4,
			state_at = $5, next_try_at = $6,
			sealed = CASE WHEN $7 = 'delayed' THEN sealed ELSE NULL END
		WHERE tenant_id = $8 AND id = $9 AND state IN ('queued', 'delayed') AND sealed IS NOT NULL
		RETURNING channel, destination, queued_at, attempts`,
		c.state, c.host, c.host, c.tried, tx.Now, c.nextTry, c.state, tx.Tenant, id).
		Scan(&n.channel, &n.destination, db.ScanTime(&n.queuedAt), &attempts)
	if db.IsNoRows(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("settle message: %w", err)
	}
	tx.EmitOnCommit(Became{n.channel, c.state})
	if c.state == Failed && c.problem == "" {
		return true, nil // withdrawn: that says nothing about where it goes
	}
	if attempts > c.tried {
		n.from = Delayed
	}
	return true, count(ctx, tx, n)
}

const (
	keep      = 30 * 24 * time.Hour
	keepHours = 8 * 24 * time.Hour // counts are shown for seven days
)

// Sweep deletes what is known about messages older than 30 days and counts that are shown no more, and returns how
// many rows those were.
func Sweep(ctx context.Context, d *db.DB) (int64, error) {
	n, err := d.DeleteOld(ctx, "messages", `
		DELETE FROM messages WHERE (tenant_id, id) IN (
			SELECT tenant_id, id FROM messages WHERE expires_at < $1 LIMIT $2)`, keep)
	if err != nil {
		return n, err
	}
	hours, err := d.DeleteOld(ctx, "delivery_hours", `
		DELETE FROM delivery_hours WHERE (tenant_id, channel, destination, hour) IN (
			SELECT h.tenant_id, h.channel, h.destination, h.hour FROM delivery_hours h WHERE h.hour < $1 LIMIT $2)`,
		keepHours)
	return n + hours, err
}
