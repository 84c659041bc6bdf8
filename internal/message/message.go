// Package message carries texts to people and knows what became of each: queued, accepted
// by the next mail server, delayed, bounced or failed. It does not know what a message
// says, and it refuses to keep the words once they have left.
package message

import (
	"context"
	"log/slog"
	"time"

	"countersign/internal/db"
	"countersign/internal/jobs"
	"countersign/internal/secret"
)

// State is what became of a message.
type State string

// The states.
const (
	None     State = "none"     // there is no such message
	Queued   State = "queued"   // on its way out of the house
	Accepted State = "accepted" // the next server has taken responsibility (RFC 5321 section 2.1)
	Delayed  State = "delayed"  // tried, and will be tried again
	Bounced  State = "bounced"  // refused for good
	Failed   State = "failed"   // given up: too late, withdrawn or unreadable
)

// JobSend is the kind of the job that delivers one message.
const JobSend = "message.send"

// Outgoing is one message to one address.
type Outgoing struct {
	UserID    string
	Channel   string // "email"
	Purpose   string // "signin.code": what the message is for, shown to administrators
	To        string // the address; kept sealed and erased with the content
	Hint      string // the address masked, shown to people
	Language  string // BCP 47
	Template  string // which text; see email.Template
	Data      any    // what the text is about; kept as sealed JSON
	ExpiresAt time.Time
}

// Queue takes messages in.
type Queue struct {
	Jobs *jobs.Queue
	Keys *secret.Keys
}

// Put stores a message, sealed, and the job that sends it, in the caller's transaction.
func (q *Queue) Put(ctx context.Context, tx *db.Tx, m Outgoing) (id string, err error) {
	return tx.NewID(), nil
}

// Status is what is known about a message.
type Status struct {
	State    State
	Host     string // the server that last answered
	At       time.Time
	NextTry  time.Time // zero unless Delayed
	Attempts int
}

// Delivery tells what became of a message of tx.Tenant; the state is None where there is none.
func Delivery(ctx context.Context, tx *db.Tx, id string) (Status, error) {
	return Status{State: None}, nil
}

// Withdraw erases a message that has not left yet, so that a dead code is not delivered.
func Withdraw(ctx context.Context, tx *db.Tx, id string) error { return nil }

// Envelope is a message on its way to a Sender.
type Envelope struct {
	ID       string // stable over repeated sending
	To       string
	Language string
	Template string
	Data     []byte // JSON
	ReturnTo string // what a bounce must carry to be believed; see Courier.Returned
}

// Sender hands one message to the next server. host is the server that answered. Any
// error but a *Refusal counts as temporary.
type Sender interface {
	Send(ctx context.Context, e Envelope) (host string, err error)
}

// Courier sends queued messages and records what became of them.
type Courier struct {
	DB      *db.DB
	Keys    *secret.Keys
	Senders map[string]Sender // by channel
	Log     *slog.Logger
}

// Deliver is the handler of JobSend.
func (c *Courier) Deliver(ctx context.Context, j jobs.Job) error { return nil }

// Sweep deletes what is known about messages older than 30 days.
func Sweep(ctx context.Context, d *db.DB) (int64, error) { return 0, nil }
