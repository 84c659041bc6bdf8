package audit

import (
	"context"
	"errors"
	"fmt"

	"countersign/internal/db"
	"countersign/internal/secret"
)

// Reseal seals the head of every chain with the key that seals now, as far as another did,
// and returns how many it sealed. A head that is not genuine stays as it is and is named in
// the error. It may be killed and repeated.
func Reseal(ctx context.Context, d *db.DB, keys *secret.Keys) (resealed int, err error) {
	var tenants []string
	err = d.View(ctx, db.Installation, func(tx *db.Tx) (err error) {
		tenants, err = tx.Texts(ctx, `SELECT tenant_id FROM audit_heads WHERE substr(seal, 1, 8) <> $1
			ORDER BY tenant_id`, []byte(keys.Current()))
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("find audit chains to seal anew: %w", err)
	}
	var bad []error
	for _, tenant := range tenants {
		err := d.InTx(ctx, tenant, func(tx *db.Tx) error { return resealHead(ctx, tx, keys) })
		if err != nil {
			bad = append(bad, fmt.Errorf("seal the audit chain of %s anew: %w", tenant, err))
			continue
		}
		resealed++
	}
	return resealed, errors.Join(bad...)
}

// resealHead takes the head as sealers do, so that it does not move meanwhile.
func resealHead(ctx context.Context, tx *db.Tx, keys *secret.Keys) error {
	h, err := takeHead(ctx, tx, keys)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE audit_heads SET seal = $1
		WHERE tenant_id = $2 AND seq = $3`, h.sealed(keys, tx.Tenant).seal, tx.Tenant, h.seq)
	return err
}
