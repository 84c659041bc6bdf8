package sms

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"countersign/internal/db"
	"countersign/internal/phone"
)

// Money is in micro-units of whatever the operator counts in: 75 000 is 0.075.
type Money int64

// Prices say what one message costs by the first digits of the number, calling code
// included and without the plus; the longest that fits is it.
type Prices struct {
	Default Money // where nothing fits
	By      map[string]Money
}

// Of is the price of one message to a number.
func (p Prices) Of(e164 string) Money {
	digits := strings.TrimPrefix(e164, "+")
	for n := len(digits); n > 0; n-- {
		if m, ok := p.By[digits[:n]]; ok {
			return m
		}
	}
	return p.Default
}

// Ceilings are the most that may be spent in one day (UTC). Zero lets nothing through.
type Ceilings struct {
	Installation, Company, Country, Range Money
}

// rangeDigits are cut off a number to find its range: a thousand neighbours, which is what
// anyone who earns by messages rents (artificially inflated traffic).
const rangeDigits = 3

// Meter reserves the money for each message before it exists, from every account that pays
// for it, or says no. Nothing is given back: what was attempted may have been charged.
type Meter struct {
	Prices   Prices
	Ceilings Ceilings
	Answers  Answers

	mu      sync.Mutex
	refused map[Account]bool
}

// Account is one limit on a day's spending.
type Account struct {
	Tenant string // empty: the installation's
	Name   string // "all", "company", "country:DE", "range:+4915112345"; "unanswered:DE" for a pause
	Day    int64  // since 1970, UTC
}

type line struct {
	Account
	ceiling Money
}

const dayMicros = int64(24 * time.Hour / time.Microsecond)

func (m *Meter) lines(tx *db.Tx, n phone.Number) []line {
	day := db.Micros(tx.Now) / dayMicros
	span := n.E164[:max(0, len(n.E164)-rangeDigits)]
	return []line{ // in one order everywhere, so that no one waits for one another
		{Account{db.Installation, "all", day}, m.Ceilings.Installation},
		{Account{db.Installation, "country:" + n.Region, day}, m.Ceilings.Country},
		{Account{db.Installation, "range:" + span, day}, m.Ceilings.Range},
		{Account{tx.Tenant, "company", day}, m.Ceilings.Company},
	}
}

// Reserve takes the price of so many parts from every account of a number, or from none.
// ok is false where one of them would be overdrawn; the caller then sends nothing.
func (m *Meter) Reserve(ctx context.Context, tx *db.Tx, n phone.Number, parts int) (ok bool, err error) {
	price := m.Prices.Of(n.E164) * Money(parts)
	lines := m.lines(tx, n)
	for _, l := range lines {
		if price > l.ceiling {
			m.note(l.Account)
			return false, nil
		}
	}
	paid, err := reserve(ctx, tx, lines, price)
	if err != nil {
		return false, fmt.Errorf("reserve the price of a text message: %w", err)
	}
	if len(paid) == len(lines) {
		return true, nil
	}
	for _, l := range lines {
		if !slices.Contains(paid, l.Name) {
			m.note(l.Account)
		}
	}
	return false, undoReserve(ctx, tx, lines, paid, price)
}

// reserve adds to each account in which there is room and returns their names.
func reserve(ctx context.Context, tx *db.Tx, lines []line, price Money) (paid []string, err error) {
	var args []any
	for _, l := range lines {
		args = append(args, l.Tenant, l.Name, l.Day, int64(price), int64(l.ceiling))
	}
	return tx.Texts(ctx, paying, args...)
}

// The condition is judged on the newest state of each row, which is held from then on: of
// two that want the last of it, the second sees what the first has taken.
const paying = `
	INSERT INTO message_costs (tenant_id, account, day, reserved, ceiling)
	VALUES ($1, $2, $3, $4, $5), ($6, $7, $8, $9, $10), ($11, $12, $13, $14, $15), ($16, $17, $18, $19, $20)
	ON CONFLICT (tenant_id, account, day) DO UPDATE SET reserved = message_costs.reserved + excluded.reserved,
		ceiling = excluded.ceiling
	WHERE message_costs.reserved + excluded.reserved <= excluded.ceiling
	RETURNING account`

// undoReserve gives back within the unit of work that took it, before anyone else could see it.
func undoReserve(ctx context.Context, tx *db.Tx, lines []line, paid []string, price Money) error {
	for _, l := range lines {
		if !slices.Contains(paid, l.Name) {
			continue
		}
		_, err := tx.Exec(ctx, `UPDATE message_costs SET reserved = reserved - $1
			WHERE tenant_id = $2 AND account = $3 AND day = $4`, int64(price), l.Tenant, l.Name, l.Day)
		if err != nil {
			return fmt.Errorf("give a price back: %w", err)
		}
	}
	return nil
}

func (m *Meter) note(a Account) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.refused == nil {
		m.refused = map[Account]bool{}
	}
	m.refused[a] = true
}

// Refused returns the accounts for which a message was refused since it was asked last. It
// lives in memory, so that a refusal that ends in an error is not lost with its transaction;
// a program that dies forgets it, and the next refusal notes it again.
func (m *Meter) Refused() (out []Account) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for a := range m.refused {
		out = append(out, a)
	}
	m.refused = nil
	return out
}

// Tell reports whether the caller is the one to tell of an account that is used up: once a
// day, no matter who asks first.
func (a Account) Tell(ctx context.Context, tx *db.Tx) (bool, error) {
	n, err := tx.Exec(ctx, `
		INSERT INTO message_costs (tenant_id, account, day, reserved, ceiling, told_at) VALUES ($1, $2, $3, 0, 0, $4)
		ON CONFLICT (tenant_id, account, day) DO UPDATE SET told_at = excluded.told_at WHERE message_costs.told_at = 0`,
		a.Tenant, a.Name, a.Day, tx.Now)
	return n == 1, err
}

// Spent is one account as it stands.
type Spent struct {
	Account
	Reserved, Ceiling Money
	Told              time.Time
}

// Today lists what was reserved on the day of tx.Now, the installation's accounts and every
// company's, the fullest first; not more than 1000.
func Today(ctx context.Context, tx *db.Tx) ([]Spent, error) {
	rows, err := tx.Query(ctx, `
		SELECT tenant_id, account, day, reserved, ceiling, told_at FROM message_costs WHERE day = $1 AND reserved > 0
		ORDER BY reserved DESC, tenant_id, account LIMIT 1000`, db.Micros(tx.Now)/dayMicros)
	out, err := db.Collect(rows, err, func(row db.Row) (s Spent, err error) {
		err = row.Scan(&s.Tenant, &s.Name, &s.Day, &s.Reserved, &s.Ceiling, db.ScanTime(&s.Told))
		return s, err
	})
	if err != nil {
		return nil, fmt.Errorf("read spending: %w", err)
	}
	return out, nil
}

// keepDays is how long spending is kept: bills come by the month.
const keepDays = 92

// Sweep forgets spending that is older than a quarter, and returns how many rows that were; and
// counts of texts that are older than an hour.
func Sweep(ctx context.Context, d *db.DB) (n int64, err error) {
	err = d.InTx(ctx, db.Installation, func(tx *db.Tx) (err error) {
		if _, err := tx.Exec(ctx, `DELETE FROM text_answers
			WHERE tenant_id >= '' AND minute < $1`, minuteOf(tx.Now)-answersWithin); err != nil {
			return err
		}
		n, err = tx.Exec(ctx, `DELETE FROM message_costs
			WHERE tenant_id >= '' AND day < $1`, db.Micros(tx.Now)/dayMicros-keepDays)
		return err
	})
	return n, err
}

// ReadPrices reads "49=75000": digits of a number's beginning and what a message costs.
func ReadPrices(standard int, list []string) (Prices, error) {
	p := Prices{Default: Money(standard), By: map[string]Money{}}
	for _, entry := range list {
		digits, price, ok := strings.Cut(strings.ReplaceAll(entry, " ", ""), "=")
		digits = strings.TrimPrefix(digits, "+")
		n, err := strconv.ParseInt(price, 10, 64)
		if !ok || err != nil || n <= 0 || digits == "" || strings.Trim(digits, "0123456789") != "" {
			return p, fmt.Errorf("%q is not a price such as \"49=75000\"", entry)
		}
		p.By[digits] = Money(n)
	}
	return p, nil
}
