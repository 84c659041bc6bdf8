package flow

import (
	"context"
	"fmt"
	"time"

	"countersign/internal/db"
)

// giveUp is how long after its beginning a sign-in that has not finished counts as failed: people fetch their mail,
// look for their phone and set up a method.
const giveUp = 15 * time.Minute

// Asked is how many people of a company were asked for a second step, and how many of them could not sign in.
type Asked struct{ People, Failed int }

// MoreThan reports whether more than so many percent could not sign in.
func (a Asked) MoreThan(percent int) bool { return a.Failed*100 > percent*a.People }

// CountAsked counts the people of tx.Tenant who were asked for a second step in a sign-in that began since an instant.
// Those failed whose newest such sign-in is a quarter of an hour old, and who have finished none since it began. What
// someone has disowned, and step-ups from a session, are left out. It reads each sign-in once.
func CountAsked(ctx context.Context, tx *db.Tx, since time.Time) (a Asked, err error) {
	err = tx.QueryRow(ctx, `
		SELECT count(*), count(*) FILTER (WHERE newest > finished AND newest < $3)
		FROM (
			SELECT f.user_id,
				MAX(CASE WHEN f.challenge_id <> ''
						OR f.closed_because IN ('`+Unmet+`', '`+SetUpLater+`', '`+NeedsAdmin+`')
					THEN f.started_at ELSE 0 END) AS newest,
				MAX(CASE WHEN f.closed_because = '`+Finished+`' THEN f.closed_at ELSE 0 END) AS finished
			FROM flows f
			WHERE f.tenant_id = $1 AND f.started_at >= $2 AND f.stepping_up = '' AND f.closed_because <> '`+NotMe+`'
			GROUP BY f.user_id
		) people WHERE newest > 0`, tx.Tenant, since, tx.Now.Add(-giveUp)).Scan(&a.People, &a.Failed)
	if err != nil {
		return a, fmt.Errorf("count people who were asked: %w", err)
	}
	return a, nil
}
