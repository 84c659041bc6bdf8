package people

import (
	"context"
	"fmt"

	"countersign/internal/access"
	"countersign/internal/audit"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/flow"
	"countersign/internal/session"
	"countersign/internal/user"
)

var (
	errSignedOut  = fault.New(fault.Conflict, "people.signed_out_already")
	errIsDisabled = fault.New(fault.Conflict, "user.is_disabled")
)

// SignOut ends the sessions and the unfinished sign-ins of a person and, with browsers, also forgets their remembered
// browsers. Conflict where there is nothing to end. It can't be undone, and it mails no one.
func (s *Service) SignOut(ctx context.Context, a access.Actor, ref Ref, browsers bool) error {
	return s.change(ctx, a, access.SignOutPerson, ref, s.signOut(browsers))
}

func (s *Service) signOut(browsers bool) bulkChange {
	return func(ctx context.Context, tx *db.Tx, a access.Actor, u user.User) error {
		if err := access.Check(a, access.SignOutPerson, target(u)); err != nil {
			return err
		}
		if !u.DisabledAt.IsZero() {
			return errIsDisabled // nothing of theirs is open
		}
		open, err := signedInAmong(ctx, tx, []string{u.ID}, browsers)
		if err == nil && !open[u.ID] {
			err = errSignedOut
		}
		if err != nil {
			return err
		}
		if err := spendChange(ctx, tx, a, u); err != nil {
			return err
		}
		// The sign-ins first: one that is finishing commits before this goes on, and its session is ended, too.
		if err := flow.CloseAll(ctx, tx, u.ID, flow.Changed); err != nil {
			return fmt.Errorf("end sign-ins: %w", err)
		}
		ended, err := session.EndAllBut(ctx, tx, u.ID, "", session.EndedByAdmin)
		if err != nil {
			return fmt.Errorf("end sessions: %w", err)
		}
		what := fmt.Sprintf("%d sessions", ended)
		if browsers {
			what += " and remembered browsers"
			if err := session.ForgetAll(ctx, tx, u.ID, session.EndedByAdmin); err != nil {
				return fmt.Errorf("forget browsers: %w", err)
			}
		}
		return record(ctx, tx, a, u, audit.UserSignedOut, what)
	}
}

// signedInAmong returns those of the ids, at most MaxChosen people of tx.Tenant, who have a session or an unfinished
// sign-in or, with browsers, a remembered browser.
func signedInAmong(ctx context.Context, tx *db.Tx, ids []string, browsers bool) (map[string]bool, error) {
	q := &listQuery{args: []any{tx.Tenant, tx.Now, browsers}}
	q.text.WriteString(`
		SELECT u.id FROM users u WHERE u.tenant_id = $1 AND (
			EXISTS (SELECT 1 FROM sessions s WHERE s.tenant_id = u.tenant_id AND s.user_id = u.id AND s.ended_at = 0
				AND s.expires_at > $2 AND s.security_version = u.security_version)
			OR EXISTS (SELECT 1 FROM flows f WHERE f.tenant_id = u.tenant_id AND f.user_id = u.id
				AND f.closed_at = 0 AND f.expires_at > $2)
			OR $3 AND EXISTS (SELECT 1 FROM remembered_browsers r WHERE r.tenant_id = u.tenant_id
				AND r.user_id = u.id AND r.ended_at = 0 AND r.expires_at > $2
				AND r.security_version = u.security_version))`)
	q.among("u.id", ids, MaxChosen)
	found, err := tx.Texts(ctx, q.text.String(), q.args...)
	if err != nil {
		return nil, fmt.Errorf("look for open sessions: %w", err)
	}
	out := map[string]bool{}
	for _, id := range found {
		out[id] = true
	}
	return out, nil
}
