package audit

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"countersign/internal/db"
)

// KeepPersonal is how long an audit row holds a whole address, the place and the browser.
// After it only the network is kept: /24 of IPv4, /48 of IPv6.
const KeepPersonal = 90 * 24 * time.Hour

// Shorten takes the personal part out of rows older than KeepPersonal, a few hundred at a
// time, and returns how many. The chain stays whole: it binds that part by a salted hash
// only, and the salt goes with it. A row that was shortened before is left alone, so a run
// that is late or twice does no harm.
func Shorten(ctx context.Context, d *db.DB) (total int, err error) {
	for {
		old, err := personal(ctx, d)
		if err != nil {
			return total, fmt.Errorf("find old audit rows: %w", err)
		}
		if err := shortenAll(ctx, d, old); err != nil {
			return total, fmt.Errorf("shorten audit rows: %w", err)
		}
		if total += len(old); len(old) < batch {
			return total, nil
		}
	}
}

// aged is a row whose personal part is too old.
type aged struct{ tenant, id, ip string }

func personal(ctx context.Context, d *db.DB) (old []aged, err error) {
	err = d.View(ctx, db.Installation, func(tx *db.Tx) error {
		rows, err := tx.Query(ctx, `
			SELECT tenant_id, id, ip FROM audit_events WHERE at < $1 AND personal_salt IS NOT NULL AND seq > 0
			ORDER BY at LIMIT $2`,
			tx.Now.Add(-KeepPersonal), batch)
		old, err = db.Collect(rows, err, func(row db.Row) (a aged, err error) {
			err = row.Scan(&a.tenant, &a.id, &a.ip)
			return a, err
		})
		return err
	})
	return old, err
}

func shortenAll(ctx context.Context, d *db.DB, old []aged) error {
	if len(old) == 0 {
		return nil
	}
	return d.InTx(ctx, db.Installation, func(tx *db.Tx) error {
		for _, a := range old {
			_, err := tx.Exec(ctx, `
				UPDATE audit_events SET ip = $1, place = '', browser = '', personal_salt = NULL
				WHERE tenant_id = $2 AND id = $3 AND personal_salt IS NOT NULL
					AND seq > 0`, shortenAddress(a.ip), a.tenant, a.id)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// shortenAddress is what stays of an address; nothing stays of a text that is none.
func shortenAddress(ip string) string {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return ""
	}
	a, bits := a.Unmap(), 24
	if a.Is6() {
		bits = 48
	}
	p, err := a.WithZone("").Prefix(bits)
	if err != nil {
		return ""
	}
	return p.String()
}
