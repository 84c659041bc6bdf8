package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"countersign/internal/db"
	"countersign/internal/secret"
)

// batch bounds how long one tenant's rows hold the write lock.
const batch = 256

// ErrHead says that the end of a tenant's chain is not what the sealer wrote. Nothing is
// linked to it: that would give a forged chain a genuine seal.
var ErrHead = errors.New("audit chain head was tampered with")

// Sealer links recorded rows into the chain of their tenant. Any number may run at once.
type Sealer struct {
	DB   *db.DB
	Keys *secret.Keys
}

// Seal links every row that is not linked yet and returns how many it linked. A tenant
// whose chain is broken does not keep the others from being sealed; its error comes back.
func (s *Sealer) Seal(ctx context.Context) (sealed int, err error) {
	var broken []error
	if err := s.recordPending(ctx); err != nil {
		broken = append(broken, err) // what is written already is linked nevertheless
	}
	tenants, err := s.waiting(ctx)
	if err != nil {
		return 0, errors.Join(append(broken, fmt.Errorf("find unsealed audit rows: %w", err))...)
	}
	for some := range slices.Chunk(tenants, together) {
		n, err := s.sealTogether(ctx, some)
		if sealed += n; err == nil {
			continue
		}
		for _, tenant := range some { // one of them is new, or broken: each by itself
			n, err := s.sealTenant(ctx, tenant)
			sealed += n
			if err != nil {
				broken = append(broken, fmt.Errorf("seal audit rows of %s: %w", tenant, err))
			}
		}
	}
	return sealed, errors.Join(broken...)
}

func (s *Sealer) waiting(ctx context.Context) (tenants []string, err error) {
	err = s.DB.View(ctx, db.Installation, func(tx *db.Tx) (err error) {
		tenants, err = tx.Texts(ctx, `SELECT DISTINCT tenant_id FROM audit_events WHERE seq = 0`)
		return err
	})
	return tenants, err
}

func (s *Sealer) sealTenant(ctx context.Context, tenant string) (total int, err error) {
	for {
		n := 0
		err := s.DB.InTx(ctx, tenant, func(tx *db.Tx) (err error) {
			n, err = s.sealBatch(ctx, tx)
			return err
		})
		if err != nil {
			return total, err
		}
		if total += n; n < batch {
			return total, nil
		}
	}
}

// sealBatch takes the head first. Another sealer then waits for this transaction and
// reads what it wrote, so that the two never link the same row.
func (s *Sealer) sealBatch(ctx context.Context, tx *db.Tx) (int, error) {
	h, err := takeHead(ctx, tx, s.Keys)
	if errors.Is(err, errBegunMeanwhile) {
		return 0, nil // the next round goes on from there
	}
	if err != nil {
		return 0, err
	}
	links, err := unsealed(ctx, tx)
	if err != nil || len(links) == 0 {
		return 0, err
	}
	old := h.seq
	for i := range links {
		if h, err = h.extend(ctx, tx, &links[i]); err != nil {
			return 0, err
		}
	}
	if err := checkLinked(ctx, tx, old, h.seq); err != nil {
		return 0, err
	}
	h = h.sealed(s.Keys, tx.Tenant)
	n, err := tx.Exec(ctx, `UPDATE audit_heads SET seq = $1, chain = $2, seal = $3 WHERE tenant_id = $4 AND seq = $5`,
		h.seq, h.chain, h.seal, tx.Tenant, old)
	if err == nil && n == 0 {
		err = errors.New("another sealer moved the head")
	}
	return len(links), err
}

// takeHead locks the tenant's head and returns it. A tenant's first head is made here, once
// and never again.
func takeHead(ctx context.Context, tx *db.Tx, keys *secret.Keys) (head, error) {
	var h head
	err := tx.QueryRow(ctx, `UPDATE audit_heads SET seq = seq WHERE tenant_id = $1
		RETURNING seq, chain, seal`, tx.Tenant).Scan(&h.seq, &h.chain, &h.seal)
	if db.IsNoRows(err) {
		return firstHead(ctx, tx, keys)
	}
	if err != nil {
		return head{}, err
	}
	if !h.isSealed(keys, tx.Tenant) {
		return head{}, ErrHead
	}
	return h, nil
}

// firstHead begins the chain of a tenant that never had one. The installation's own chain
// keeps that it began, so that a head that was taken away is not made anew.
func firstHead(ctx context.Context, tx *db.Tx, keys *secret.Keys) (head, error) {
	if tx.Tenant == db.Installation {
		return head{}, ErrHead // made with the installation itself, by Begin
	}
	before, err := hasChain(ctx, tx)
	if err != nil {
		return head{}, err
	}
	if before {
		return head{}, checkHeadRemoved(ctx, tx)
	}
	first, err := beginChain(ctx, tx, keys)
	if err != nil {
		return head{}, err
	}
	if !first {
		return head{}, errBegunMeanwhile
	}
	return head{chain: []byte{}}, Record(ctx, tx.ForTenant(db.Installation), Event{
		Action:    Begun,
		Result:    OK,
		SubjectID: tx.Tenant,
	})
}

// checkHeadRemoved tells a head that was taken away from one that another sealer has just made.
func checkHeadRemoved(ctx context.Context, tx *db.Tx) error {
	_, found, err := readHead(ctx, tx)
	switch {
	case err != nil:
		return err
	case found:
		return errBegunMeanwhile
	}
	return ErrHead
}

func hasChain(ctx context.Context, tx *db.Tx) (bool, error) {
	var n int
	err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM audit_events
		WHERE tenant_id = $1 AND action = $2 AND subject_id = $3`, db.Installation, string(Begun), tx.Tenant).Scan(&n)
	return n > 0, err
}

// Begin makes the first head of tx.Tenant's chain. For the installation it is called in the
// transaction that makes the installation, and at no other time; the sealer begins others.
func Begin(ctx context.Context, tx *db.Tx, keys *secret.Keys) error {
	first, err := beginChain(ctx, tx, keys)
	if err == nil && !first {
		err = ErrHead
	}
	return err
}

var errBegunMeanwhile = errors.New("another sealer began the chain")

func beginChain(ctx context.Context, tx *db.Tx, keys *secret.Keys) (first bool, err error) {
	h := head{chain: []byte{}}.sealed(keys, tx.Tenant)
	n, err := tx.Exec(ctx, `INSERT INTO audit_heads (tenant_id, seq, chain, seal) VALUES ($1, $2, $3, $4)
		ON CONFLICT (tenant_id) DO NOTHING`, tx.Tenant, h.seq, h.chain, h.seal)
	return n > 0, err
}

func unsealed(ctx context.Context, tx *db.Tx) ([]link, error) {
	rows, err := tx.Query(ctx, `SELECT `+columns+` FROM audit_events WHERE tenant_id = $1 AND seq = 0
		ORDER BY id LIMIT $2`, tx.Tenant, batch)
	return db.Collect(rows, err, scanLink)
}

// extend ties one row to the chain that ends at h.
func (h head) extend(ctx context.Context, tx *db.Tx, l *link) (head, error) {
	h.seq++
	h.chain = l.nextHash(h.chain, tx.Tenant, h.seq)
	err := tx.ExecDeferred(ctx, `UPDATE audit_events SET seq = $1, chain = $2
		WHERE tenant_id = $3 AND id = $4 AND seq = 0`,
		h.seq, h.chain, tx.Tenant, l.ID)
	return h, err
}

// checkLinked makes sure that every row of a batch took its place: none was linked by someone
// else, or taken away meanwhile.
func checkLinked(ctx context.Context, tx *db.Tx, after, to int64) error {
	var n int64
	err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM audit_events
		WHERE tenant_id = $1 AND seq > $2 AND seq <= $3`, tx.Tenant, after, to).Scan(&n)
	if err == nil && n != to-after {
		err = fmt.Errorf("%d of %d rows could be linked: someone else has written to them", n, to-after)
	}
	return err
}
