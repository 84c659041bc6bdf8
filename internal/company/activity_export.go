package company

import (
	"context"
	"fmt"
	"io"

	"countersign/internal/access"
	"countersign/internal/audit"
	"countersign/internal/db"
	"countersign/internal/message/email"
	"countersign/internal/people"
	"countersign/internal/user"
)

// ExportActivity writes the whole activity of a company as a chain that anyone can verify without us. Before the first
// line leaves, the export is recorded and the owners are told. Events of the last seconds, which are not linked yet,
// are not in it.
func (s *Service) ExportActivity(ctx context.Context, a access.Actor, idOrName string, w io.Writer) error {
	var id string
	err := s.DB.InTx(ctx, db.Installation, func(tx *db.Tx) error {
		a, err := people.Hold(ctx, tx, s.Gate, a)
		if err != nil {
			return err
		}
		t, err := find(ctx, tx, a, access.ExportActivity, idOrName)
		if err != nil {
			return err
		}
		if err := access.Check(a, access.ExportActivity, access.Target{TenantID: t.ID}); err != nil {
			return err
		}
		id, tx = t.ID, tx.ForTenant(t.ID)
		if err := record(ctx, tx, a, audit.ActivityExported, ""); err != nil {
			return fmt.Errorf("record an export: %w", err)
		}
		return people.TellOwners(ctx, tx, s.Notifier, a, email.AlertActivityExported, user.User{})
	})
	if err = people.RecordRefusal(ctx, s.DB, err); err != nil {
		return err
	}
	return audit.ExportChain(ctx, s.DB, id, w)
}
