package message

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"countersign/internal/db"
	"countersign/internal/phone"
)

// Problem is what went wrong with a message, without any words of a server.
type Problem string

// The problems.
const (
	Refused     Problem = "refused"     // the server refused the recipient or the message
	Returned    Problem = "returned"    // it was accepted and came back
	LateNotice  Problem = "late_notice" // a server that accepted it reports a delay
	Postponed   Problem = "postponed"   // the server asked to try again later
	NotLetIn    Problem = "not_let_in"  // the server does not accept us as a sender
	Unreachable Problem = "unreachable" // no connection, or no answer
	TooLate     Problem = "too_late"    // it had expired before it left
	Stopped     Problem = "stopped"     // we did not send it, although nobody refused it
)

// Temporary is a failure after which it is tried again, and what the problem is.
type Temporary struct {
	Problem Problem
	Cause   error
}

// Error is for the log.
func (t *Temporary) Error() string { return t.Cause.Error() }

// Unwrap returns the cause.
func (t *Temporary) Unwrap() error { return t.Cause }

// problemOf is what a failed attempt shows.
func problemOf(failure error) Problem {
	var refusal *Refusal
	var givenUp *GivenUp
	var temporary *Temporary
	switch {
	case failure == nil:
		return ""
	case errors.As(failure, &refusal):
		return Refused
	case errors.As(failure, &givenUp):
		return Stopped
	case errors.As(failure, &temporary):
		return temporary.Problem
	}
	return Unreachable
}

// destinationOf is the mail domain or the country of an address: what may be counted without saying whose it is.
func destinationOf(channel, to string) string {
	switch channel {
	case "email":
		if at := strings.LastIndexByte(to, '@'); at >= 0 {
			return strings.ToLower(to[at+1:])
		}
	case "sms":
		if n, err := phone.Of(to); err == nil {
			return n.Region
		}
	}
	return ""
}

// counted is how one message changes the counts of its destination.
type counted struct {
	channel     string
	destination string
	queuedAt    time.Time
	from        State // where it was counted before; empty: nowhere
	to          State
	timed       bool // a server has taken it now, for the first time
	problem     Problem
}

// bounds are the times by which messages are counted, in seconds.
var bounds = [...]int{2, 10, 30, 60, 300}

// hourOf is the beginning of the hour in which a message counts: that in which it was queued, whenever its state
// changes.
func hourOf(at time.Time) time.Time { return at.UTC().Truncate(time.Hour) }

// count moves a message from one column of its hour to another. It commits with the state of the message, so that each
// is counted once. The row is taken last, as many messages share it.
func count(ctx context.Context, tx *db.Tx, c counted) error {
	if c.destination == "" {
		return nil
	}
	args := []any{tx.Tenant, c.channel, c.destination, hourOf(c.queuedAt)}
	for _, state := range []State{Accepted, Delivered, Delayed, Bounced, Failed} {
		args = append(args, change01(state == c.to)-change01(state == c.from))
	}
	args = append(args, change01(c.timed))
	took := tx.Now.Sub(c.queuedAt)
	for _, seconds := range bounds {
		args = append(args, change01(c.timed && took <= time.Duration(seconds)*time.Second))
	}
	problem := ""
	if c.problem != "" {
		problem = fmt.Sprintf("%016d %s", db.Micros(tx.Now), c.problem)
	}
	return tx.ExecDeferred(ctx, `
		INSERT INTO delivery_hours (tenant_id, channel, destination, hour, accepted, delivered, delayed, bounced,
			failed, timed, within_2, within_10, within_30, within_60, within_300, last_problem)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
		ON CONFLICT (tenant_id, channel, destination, hour) DO UPDATE SET
			accepted = delivery_hours.accepted + excluded.accepted,
			delivered = delivery_hours.delivered + excluded.delivered,
			delayed = delivery_hours.delayed + excluded.delayed,
			bounced = delivery_hours.bounced + excluded.bounced,
			failed = delivery_hours.failed + excluded.failed,
			timed = delivery_hours.timed + excluded.timed,
			within_2 = delivery_hours.within_2 + excluded.within_2,
			within_10 = delivery_hours.within_10 + excluded.within_10,
			within_30 = delivery_hours.within_30 + excluded.within_30,
			within_60 = delivery_hours.within_60 + excluded.within_60,
			within_300 = delivery_hours.within_300 + excluded.within_300,
			last_problem = CASE WHEN excluded.last_problem > delivery_hours.last_problem
				THEN excluded.last_problem ELSE delivery_hours.last_problem END`,
		append(args, problem)...)
}

func change01(yes bool) int {
	if yes {
		return 1
	}
	return 0
}
