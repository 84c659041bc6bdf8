package binding

import (
	"context"
	"fmt"
	"strings"
	"time"

	"countersign/internal/audit"
	"countersign/internal/authenticator"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/message/email"
	"countersign/internal/notify"
	"countersign/internal/session"
	"countersign/internal/user"
)

// Method is something that a person has set up, for their profile.
type Method struct {
	authenticator.Authenticator
	LastUsedAt time.Time
}

// Methods lists what a person has set up, oldest first; the password is not among them.
func Methods(ctx context.Context, tx *db.Tx, userID string) ([]Method, error) {
	rows, err := tx.Query(ctx, `
		SELECT id, user_id, kind, label, failures, bound_at, last_used_at, disabled_at, suspended_at FROM authenticators
		WHERE tenant_id = $1 AND user_id = $2 AND kind <> 'password' ORDER BY bound_at, id`, tx.Tenant, userID)
	methods, err := db.Collect(rows, err, scanMethod)
	if err != nil {
		return nil, fmt.Errorf("list methods: %w", err)
	}
	return methods, nil
}

func scanMethod(row db.Row) (m Method, err error) {
	err = row.Scan(
		&m.ID,
		&m.UserID,
		&m.Kind,
		&m.Label,
		&m.Failures,
		db.ScanTime(&m.BoundAt),
		db.ScanTime(&m.LastUsedAt),
		db.ScanTime(&m.DisabledAt),
		db.ScanTime(&m.SuspendedAt),
	)
	return m, err
}

// Rename gives a method the person's own name.
func (s *Service) Rename(ctx context.Context, tx *db.Tx, h Enrollee, id, label string) error {
	label, err := cleanLabel(label)
	if err != nil {
		return err
	}
	if label == "" {
		return fault.New(fault.Invalid, "binding.bad_label")
	}
	if err := h.lock(ctx, tx); err != nil {
		return err
	}
	n, err := tx.Exec(ctx, `UPDATE authenticators SET label = $1 WHERE tenant_id = $2 AND id = $3 AND user_id = $4
		AND kind NOT IN ('password', 'email')`, label, tx.Tenant, id, h.UserID)
	if err == nil && n == 0 {
		err = errNoKind
	}
	return err
}

// Remove takes a method away and ends everything that was open, but for the holder's own
// session. Whether it may go is decided by enough, which looks at the account in the same
// unit of work, after the account's row is held: of two removals at once the second sees
// what the first has left.
func (s *Service) Remove(ctx context.Context, tx *db.Tx, h Enrollee, id string,
	enough func(ctx context.Context, tx *db.Tx) error) error {
	if err := h.lock(ctx, tx); err != nil {
		return err
	}
	var k authenticator.Kind
	var label string
	err := tx.QueryRow(ctx, `SELECT kind, label FROM authenticators
		WHERE tenant_id = $1 AND id = $2 AND user_id = $3 AND kind NOT IN ('password', 'email')`,
		tx.Tenant, id, h.UserID).Scan(&k, &label)
	if db.IsNoRows(err) {
		return errNoKind
	}
	if err != nil {
		return err
	}
	if err := authenticator.Unbind(ctx, tx, h.UserID, id); err != nil {
		return err
	}
	if err := user.ReleaseProtection(ctx, tx, h.UserID); err != nil {
		return err
	}
	if err := enough(ctx, tx); err != nil {
		return err
	}
	if err := session.EndOthers(ctx, tx, h.UserID, strings.TrimPrefix(h.Scope, "session:"),
		session.MethodChanged); err != nil {
		return err
	}
	if err := s.recordEvent(ctx, tx, h, audit.MethodRemoved, audit.OK, label, k, id); err != nil {
		return err
	}
	return s.sendNotice(ctx, tx, h, "method.removed", k, label)
}

// sendNotice sends a notice to every address of the account. Set-ups have a limit of their own.
func (s *Service) sendNotice(ctx context.Context, tx *db.Tx, h Enrollee, purpose string, k authenticator.Kind,
	label string) error {
	c := email.MethodChanged{
		Vendor:    h.Who.Vendor,
		Company:   h.Who.Company,
		Kind:      string(k),
		Label:     label,
		Added:     purpose == "method.added",
		IP:        h.Visitor.IP,
		Place:     h.Visitor.Place,
		Browser:   h.Visitor.Browser,
		At:        tx.Now,
		NotMeLink: outofband.NotMeLink(s.Origin, s.Keys, tx.Tenant, h.FlowID),
	}
	holder := user.User{ID: h.UserID, Email: h.Who.Email, Language: h.Who.Language}
	return s.Notifier.SendToHolder(ctx, tx, holder, notify.Notice{Purpose: purpose, Content: c})
}
