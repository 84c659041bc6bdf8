package audit

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"

	"countersign/internal/db"
	"countersign/internal/secret"
)

// Report is what Verify found.
type Report struct {
	Tenant   string
	Checked  int    // rows whose link was recomputed
	Unsealed int    // rows that the sealer has not reached yet
	Erased   int    // rows whose personal fields can no longer be checked
	FirstBad string // id of the first row that does not fit; empty where only the head is wrong
	Why      string // empty = intact
}

// Intact reports whether nothing was found.
func (r Report) Intact() bool { return r.Why == "" }

func (r *Report) addProblem(id, why string, args ...any) {
	if r.Why == "" {
		r.FirstBad, r.Why = id, fmt.Sprintf(why, args...)
	}
}

// Verify recomputes the whole chain of a tenant, while sealers may go on. It stops at the
// first row that does not fit. An error means that it could not look, never that it found
// something.
func Verify(ctx context.Context, d *db.DB, keys *secret.Keys, tenant string) (Report, error) {
	r := Report{Tenant: tenant}
	err := d.View(ctx, tenant, func(tx *db.Tx) error {
		h, found, err := readHead(ctx, tx)
		if err != nil {
			return err
		}
		last, err := r.checkRows(ctx, tx, h.seq)
		if err != nil {
			return err
		}
		if !found {
			if err := r.checkHeadExists(ctx, tx); err != nil {
				return err
			}
		} else {
			r.checkEnd(h, last, keys)
		}
		return r.checkUnlinked(ctx, tx)
	})
	if err != nil {
		return r, fmt.Errorf("verify audit chain of %s: %w", tenant, err)
	}
	return r, nil
}

func readHead(ctx context.Context, tx *db.Tx) (h head, found bool, err error) {
	err = tx.QueryRow(ctx, `SELECT seq, chain, seal FROM audit_heads
		WHERE tenant_id = $1`, tx.Tenant).Scan(&h.seq, &h.chain, &h.seal)
	if db.IsNoRows(err) {
		return head{}, false, nil
	}
	return h, err == nil, err
}

// checkRows checks row after row up to seq until and returns the last that it read.
func (r *Report) checkRows(ctx context.Context, tx *db.Tx, until int64) (last link, err error) {
	rows, err := tx.Query(ctx, `SELECT `+columns+` FROM audit_events WHERE tenant_id = $1 AND seq > 0 AND seq <= $2
		ORDER BY seq`, tx.Tenant, until)
	if err != nil {
		return last, err
	}
	defer rows.Close()
	for rows.Next() && r.Intact() {
		l, err := scanLink(rows)
		if err != nil {
			return last, err
		}
		r.check(tx.Tenant, last, &l)
		last = l
	}
	return last, rows.Err()
}

func (r *Report) check(tenant string, before link, l *link) {
	if l.Seq <= before.Seq {
		r.addProblem(l.ID, "the row is out of order")
		return
	}
	if l.Seq != before.Seq+1 {
		r.addProblem(l.ID, "%d row(s) before this one are missing", l.Seq-before.Seq-1)
		return
	}
	if !bytes.Equal(l.chain, l.nextHash(before.chain, tenant, l.Seq)) {
		r.addProblem(l.ID, "the row, or its place, was changed")
		return
	}
	if l.salt == nil {
		if !l.isShortened() {
			r.addProblem(l.ID, "address, place or browser stands where it was erased")
			return
		}
		r.Erased++
	} else if !bytes.Equal(l.personal, l.personalHash(l.salt)) {
		r.addProblem(l.ID, "address, place or browser was changed")
		return
	}
	r.Checked++
}

// checkHeadExists tells a chain that has not begun from one whose end was taken away.
func (r *Report) checkHeadExists(ctx context.Context, tx *db.Tx) error {
	before, err := hasChain(ctx, tx)
	if err != nil || !before && tx.Tenant != db.Installation {
		return err
	}
	if _, found, err := readHead(ctx, tx); err != nil || found { // begun between two reads
		return err
	}
	r.addProblem("", "the sealed end of the chain is gone")
	return nil
}

// isShortened reports whether a row whose salt is gone tells no more than it may: at most the
// network of an address, which nothing can be checked against any more.
func (l *link) isShortened() bool {
	network, err := netip.ParsePrefix(l.IP)
	return l.Place == "" && l.Browser == "" &&
		(l.IP == "" || err == nil && network == network.Masked() && !network.IsSingleIP())
}

// checkEnd compares where the rows end with where the head says that they do.
func (r *Report) checkEnd(h head, last link, keys *secret.Keys) {
	switch {
	case !h.isSealed(keys, r.Tenant):
		r.addProblem("", "the end of the chain was not sealed with this key file")
	case last.Seq < h.seq:
		r.addProblem(last.ID, "%d row(s) after this one are missing", h.seq-last.Seq)
	case !bytes.Equal(last.chain, h.chain) && h.seq > 0:
		r.addProblem(last.ID, "the chain does not end as it was sealed")
	}
}

// checkUnlinked looks for rows outside the chain, in one statement, because sealers may be at work.
func (r *Report) checkUnlinked(ctx context.Context, tx *db.Tx) error {
	var id string
	err := tx.QueryRow(ctx, `
		SELECT id FROM audit_events WHERE tenant_id = $1 AND (seq < 0 OR seq > COALESCE((SELECT seq FROM audit_heads
			WHERE tenant_id = $2), 0))
		ORDER BY seq LIMIT 1`, tx.Tenant, tx.Tenant).Scan(&id)
	if err == nil {
		r.addProblem(id, "the row claims a place outside the sealed chain")
	}
	if err != nil && !db.IsNoRows(err) {
		return err
	}
	return tx.QueryRow(ctx, `SELECT COUNT(*) FROM audit_events
		WHERE tenant_id = $1 AND seq = 0`, tx.Tenant).Scan(&r.Unsealed)
}
