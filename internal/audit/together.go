package audit

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"countersign/internal/db"
)

// together is how many companies are sealed in one transaction: where many are at work, each
// has only a few new rows a second, and a transaction of its own would cost more than they.
const together = 32

// errAlone says that the rows of a company must be linked separately: its chain is new or broken.
var errAlone = errors.New("a chain that has not begun, or is broken")

// sealTogether links what is new of some companies, the oldest first, and returns how many
// rows it linked. On any doubt it links nothing.
func (s *Sealer) sealTogether(ctx context.Context, tenants []string) (total int, err error) {
	for {
		n := 0
		err := s.DB.InTx(ctx, db.Installation, func(tx *db.Tx) (err error) {
			n, err = s.linkAll(ctx, tx, tenants)
			return err
		})
		if total += n; err != nil || n < batch {
			return total, err
		}
	}
}

// linkAll holds the heads first. Another sealer then waits for this transaction and reads
// what it wrote, so that the two never link the same row.
func (s *Sealer) linkAll(ctx context.Context, tx *db.Tx, tenants []string) (int, error) {
	heads, err := s.holdHeads(ctx, tx, tenants)
	if err != nil {
		return 0, err
	}
	links, err := newest(ctx, tx, tenants)
	if err != nil {
		return 0, err
	}
	ends := map[string]head{}
	for i := range links {
		l := &links[i]
		h, moved := ends[l.tenant]
		if !moved {
			h = heads[l.tenant]
		}
		h.seq++
		h.chain = l.nextHash(h.chain, l.tenant, h.seq)
		ends[l.tenant] = h
		err := tx.ExecExpect(ctx, 1, `UPDATE audit_events SET seq = $1, chain = $2
			WHERE tenant_id = $3 AND id = $4 AND seq = 0`, h.seq, h.chain, l.tenant, l.ID)
		if err != nil {
			return 0, err
		}
	}
	for tenant, h := range ends {
		h = h.sealed(s.Keys, tenant)
		err := tx.ExecExpect(ctx, 1, `UPDATE audit_heads SET seq = $1, chain = $2, seal = $3
			WHERE tenant_id = $4 AND seq = $5`, h.seq, h.chain, h.seal, tenant, heads[tenant].seq)
		if err != nil {
			return 0, err
		}
	}
	return len(links), nil
}

// holdHeads takes the heads of all tenants, in one order, and looks whether each is genuine.
func (s *Sealer) holdHeads(ctx context.Context, tx *db.Tx, tenants []string) (map[string]head, error) {
	rows, err := tx.Query(ctx, `UPDATE audit_heads SET seq = seq WHERE tenant_id IN (SELECT tenant_id
		FROM audit_heads WHERE tenant_id IN (`+marks+`) ORDER BY tenant_id)
		RETURNING tenant_id, seq, chain, seal`, padTenants(tenants)...)
	heads := map[string]head{}
	err = db.ForEach(rows, err, func(row db.Row) error {
		var tenant string
		var h head
		if err := row.Scan(&tenant, &h.seq, &h.chain, &h.seal); err != nil {
			return err
		}
		if !h.isSealed(s.Keys, tenant) {
			return errAlone
		}
		heads[tenant] = h
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, tenant := range tenants {
		if _, ok := heads[tenant]; !ok {
			return nil, errAlone
		}
	}
	return heads, nil
}

// linkOf is a row with its tenant.
type linkOf struct {
	link
	tenant string
}

func newest(ctx context.Context, tx *db.Tx, tenants []string) ([]linkOf, error) {
	rows, err := tx.Query(ctx, `SELECT tenant_id, `+columns+` FROM audit_events
		WHERE tenant_id IN (`+marks+`) AND seq = 0 ORDER BY tenant_id, id LIMIT `+fmt.Sprint(batch),
		padTenants(tenants)...)
	return db.Collect(rows, err, func(row db.Row) (l linkOf, err error) {
		err = row.Scan(append([]any{&l.tenant}, l.targets()...)...)
		return l, err
	})
}

// marks are as many as tenants are sealed together; fewer are filled up with the last one,
// so that there is one text.
var marks = func() string {
	out := make([]string, together)
	for i := range out {
		out[i] = fmt.Sprintf("$%d", i+1)
	}
	return strings.Join(out, ", ")
}()

func padTenants(tenants []string) []any {
	out := make([]any, together)
	for i := range out {
		out[i] = tenants[min(i, len(tenants)-1)]
	}
	return out
}
