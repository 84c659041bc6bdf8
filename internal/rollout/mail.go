package rollout

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"countersign/internal/db"
)

// MailDelays is how long codes took to come back, by the domain that they were mailed to.
type MailDelays struct {
	Codes int // how many codes it rests on; too few say nothing
	Late  []LateDomain
}

// Enough reports whether there is anything to go by.
func (m MailDelays) Enough() bool { return m.Codes >= enoughCodes }

// LateDomain is a domain whose mail arrives late.
type LateDomain struct {
	Name   string
	Codes  int           // how many were answered
	Median time.Duration // from the mail server to the right code
}

// lateAfter is how long it takes from the mail server to the right code, in the middle of all codes, where a domain
// counts as late. People fetch their mail and type: a minute is usual.
const lateAfter = 2 * time.Minute

const (
	newestCodes = 5000 // how many codes are looked at
	enoughCodes = 5    // how many say something, of a company as of a domain
)

// mailDelays looks at the newest codes by mail that were answered: from the moment when the mail server took each, to
// the right answer. What has not been answered says nothing: people give up for other reasons, too.
func mailDelays(ctx context.Context, tx *db.Tx) (out MailDelays, err error) {
	byDomain := map[string][]time.Duration{}
	rows, err := tx.Query(ctx, `
		SELECT u.email_key, c.closed_at - m.state_at
		FROM challenges c
		JOIN messages m ON m.tenant_id = c.tenant_id AND m.id = c.message_id
		JOIN users u ON u.tenant_id = c.tenant_id AND u.id = c.user_id
		WHERE c.tenant_id = $1 AND c.kind = 'email' AND c.closed_because = 'answered' AND m.state = 'accepted'
			AND c.closed_at >= m.state_at
		ORDER BY c.id DESC LIMIT $2`, tx.Tenant, newestCodes)
	err = db.ForEach(rows, err, func(row db.Row) error {
		var address string
		var micros int64
		if err := row.Scan(&address, &micros); err != nil {
			return err
		}
		_, domain, _ := strings.Cut(address, "@")
		byDomain[domain] = append(byDomain[domain], time.Duration(micros)*time.Microsecond)
		out.Codes++
		return nil
	})
	if err != nil {
		return out, fmt.Errorf("read delivery: %w", err)
	}
	for domain, delays := range byDomain {
		slices.Sort(delays)
		if median := delays[len(delays)/2]; len(delays) >= enoughCodes && median > lateAfter {
			out.Late = append(out.Late, LateDomain{Name: domain, Codes: len(delays), Median: median})
		}
	}
	slices.SortFunc(out.Late, func(a, b LateDomain) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}
