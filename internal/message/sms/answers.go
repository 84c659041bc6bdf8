package sms

import (
	"context"
	"fmt"
	"time"

	"countersign/internal/db"
	"countersign/internal/phone"
)

// Answers says when a company's texts to one country are paused: at least Least were sent in the
// last hour, and codes of less than Percent of them were entered. Zero Least pauses nothing. Of
// one user, no more than a quarter of Least counts.
type Answers struct{ Least, Percent int }

const (
	answersWithin = 60 // minutes that count
	answersAfter  = 2  // a text younger than that may still be read and typed
)

func minuteOf(at time.Time) int64 { return db.Micros(at) / int64(time.Minute/time.Microsecond) }

// Paused reports whether nothing is sent to the country of a number for now: too few of the codes
// that the company sent there were entered, as happens where people who earn by messages
// cause them. Nothing is stored about the pause; it ends when those texts are an hour old, or
// when enough of them have been answered after all.
func (m *Meter) Paused(ctx context.Context, tx *db.Tx, n phone.Number) (bool, error) {
	if m.Answers.Least == 0 {
		return false, nil
	}
	now := minuteOf(tx.Now)
	var sent, answered int64
	err := tx.QueryRow(ctx, `
		SELECT COALESCE(SUM(sent), 0), COALESCE(SUM(answered), 0) FROM text_answers
		WHERE tenant_id = $1 AND country = $2 AND minute > $3 AND minute <= $4`,
		tx.Tenant, n.Region, now-answersWithin, now-answersAfter).Scan(&sent, &answered)
	if err != nil {
		return false, fmt.Errorf("count answered texts: %w", err)
	}
	if sent < int64(m.Answers.Least) || answered*100 >= sent*int64(m.Answers.Percent) {
		return false, nil
	}
	m.note(Account{tx.Tenant, unanswered + n.Region, db.Micros(tx.Now) / dayMicros})
	return true, nil
}

const unanswered = "unanswered:"

// Unanswered is the country for which texts are paused, empty where the account is one of money.
func (a Account) Unanswered() string {
	if len(a.Name) > len(unanswered) && a.Name[:len(unanswered)] == unanswered {
		return a.Name[len(unanswered):]
	}
	return ""
}

// Sent counts a text of a user to the country of a number, in the transaction that queues it.
// What one user causes in an hour counts up to a quarter of what a pause takes, so that
// no one pauses the texts of their colleagues alone.
func (m *Meter) Sent(ctx context.Context, tx *db.Tx, n phone.Number, userID string) error {
	return tx.ExecDeferred(ctx, `
		INSERT INTO text_answers (tenant_id, country, minute, sent, answered)
		SELECT t.tenant_id, $2, $3, 1, 0 FROM tenants t WHERE t.tenant_id = $1 AND $4 >= (
			SELECT COUNT(*) FROM messages m
				WHERE m.tenant_id = $1 AND m.user_id = $5 AND m.channel = '`+Channel+`' AND m.queued_at > $6)
		ON CONFLICT (tenant_id, country, minute) DO UPDATE SET sent = text_answers.sent + 1`,
		tx.Tenant, n.Region, minuteOf(tx.Now), m.Answers.ofOne(), userID, tx.Now.Add(-answersWithin*time.Minute))
}

// ofOne is how many texts of one user count in an hour, the newest included.
func (a Answers) ofOne() int64 { return int64(max(a.Least/4, 1)) }

// Answered counts the right code of a text that was sent at an instant, in the transaction that
// spends the code, so that each is counted once.
func Answered(ctx context.Context, tx *db.Tx, n phone.Number, sent time.Time) error {
	return tx.ExecDeferred(ctx, `UPDATE text_answers SET answered = answered + 1
		WHERE tenant_id = $1 AND country = $2 AND minute = $3`,
		tx.Tenant, n.Region, minuteOf(sent))
}
