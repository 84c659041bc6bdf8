package grant

import (
	"context"
	"time"

	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/ratelimit"
	"countersign/internal/secret"
)

// limitCodes bounds what one signed-in browser may write.
var limitCodes = ratelimit.Limit{Name: "code.session", Windows: []ratelimit.Window{{Count: 60, Per: time.Minute}}}

// Authorize issues a code for a session of a company, which may ask for so many in a minute.
func Authorize(ctx context.Context, d *db.DB, tenant string, c Code, life time.Duration) (code secret.Text, err error) {
	err = d.InTx(ctx, tenant, func(tx *db.Tx) error {
		wait, err := ratelimit.SpendIn(ctx, tx, limitCodes, c.SessionID)
		if err == nil && wait > 0 {
			err = fault.New(fault.RateLimited, "error.rate_limited").After(wait)
		}
		if err != nil {
			return err
		}
		code, err = IssueCode(ctx, tx, c, life)
		return err
	})
	return code, err
}
