package binding

import (
	"context"
	"unicode/utf8"

	"countersign/internal/audit"
	"countersign/internal/authenticator"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/session"
	"countersign/internal/typed"
	"countersign/internal/user"
)

// Outcome is what came of a first proof.
type Outcome struct {
	authenticator.Verdict
	Bound     authenticator.Authenticator // set when OK
	TriesLeft int
}

// Confirm judges the first proof of a draft and binds the authenticator when it is right,
// in the caller's unit of work. A wrong one costs a try. NotFound where the draft is over,
// someone else's or began in another browser, or the holder's session has ended.
func (s *Service) Confirm(ctx context.Context, tx *db.Tx, h Enrollee, id string,
	r authenticator.Response) (out Outcome, err error) {
	if err := h.lock(ctx, tx); err != nil {
		return out, err
	}
	d, err := s.takeTry(ctx, tx, h, id)
	if err != nil {
		return out, err
	}
	b := s.Binders[d.Kind]
	if b == nil {
		return out, errNoKind
	}
	r.LinkToken, r.Compared = "", ""
	out.TriesLeft = d.TriesLeft
	out.Bound, err = authenticator.BindIn(ctx, tx, h.FlowID, d.ID, h.UserID, d.Kind, d.Label)
	if err != nil {
		return out, err
	}
	if out.Verdict, err = b.Confirm(ctx, tx, h.Who, d.PendingEnrollment, r); err != nil {
		return out, err
	}
	if !out.OK {
		return out, s.recordWrong(ctx, tx, h, d, out.Reason)
	}
	return out, s.finishBinding(ctx, tx, h, d)
}

// takeTry reserves a try of an open draft before anything is compared.
func (s *Service) takeTry(ctx context.Context, tx *db.Tx, h Enrollee, id string) (PendingEnrollment, error) {
	return s.scan(tx, h, tx.QueryRow(ctx, `
		UPDATE drafts SET tries_left = tries_left - 1
		WHERE tenant_id = $1 AND id = $2 AND user_id = $3 AND holder = $4 AND token_hash = $6 AND closed_at = 0
			AND ends_at > $5 AND tries_left > 0
		RETURNING id, token_hash, kind, label, sealed, tries_left, sends, begun_at,
			ends_at`, tx.Tenant, id, h.UserID, h.Scope, tx.Now, h.Held.Hash(tx.Tenant, id)))
}

func (s *Service) recordWrong(ctx context.Context, tx *db.Tx, h Enrollee, d PendingEnrollment, reason string) error {
	if err := authenticator.Unbind(ctx, tx, h.UserID, d.ID); err != nil {
		return err
	}
	return s.recordEvent(ctx, tx, h, audit.MethodAdded, audit.Failed, reason, d.Kind, d.ID)
}

// readLabel is the name that the profile shows: a kind gives one to what was left without.
func readLabel(ctx context.Context, tx *db.Tx, id string) (label string, err error) {
	err = tx.QueryRow(ctx, `SELECT label FROM authenticators
		WHERE tenant_id = $1 AND id = $2`, tx.Tenant, id).Scan(&label)
	return label, err
}

// finishBinding ends the draft, and what a weaker proof had opened for the future: browsers that
// were remembered before need a second step again.
func (s *Service) finishBinding(ctx context.Context, tx *db.Tx, h Enrollee, d PendingEnrollment) error {
	n, err := tx.Exec(ctx, `UPDATE drafts SET closed_at = $1, closed_because = 'bound', sealed = NULL
		WHERE tenant_id = $2 AND id = $3 AND closed_at = 0`, tx.Now, tx.Tenant, d.ID)
	if err == nil && n == 0 {
		err = errOver
	}
	if err != nil {
		return err
	}
	if d.Kind != authenticator.Backup {
		if err := user.FactorBound(ctx, tx, h.UserID); err != nil {
			return err
		}
		if err := user.ChooseSecondStep(ctx, tx, h.UserID, true); err != nil {
			return err
		}
		if err := session.ForgetAll(ctx, tx, h.UserID, session.MethodChanged); err != nil {
			return err
		}
	}
	label, err := readLabel(ctx, tx, d.ID)
	if err != nil {
		return err
	}
	if err := s.recordEvent(ctx, tx, h, audit.MethodAdded, audit.OK, label, d.Kind, d.ID); err != nil {
		return err
	}
	return s.sendNotice(ctx, tx, h, "method.added", d.Kind, label)
}

func (s *Service) recordEvent(
	ctx context.Context, tx *db.Tx, h Enrollee,
	action audit.Action, result audit.Result, reason string, k authenticator.Kind, subject string,
) error {
	return audit.Record(ctx, tx, audit.Event{
		Action:    action,
		Result:    result,
		Reason:    reason,
		ActorID:   h.UserID,
		UserID:    h.UserID,
		Method:    string(k),
		SubjectID: subject,
		Origin:    h.Visitor.Origin(),
	})
}

// cleanLabel makes a name fit for pages, mails and logs; empty stays empty.
func cleanLabel(label string) (string, error) {
	label, err := typed.Line(label)
	if err != nil {
		return "", fault.New(fault.Invalid, "text.unseen").Because(err)
	}
	if utf8.RuneCountInString(label) > maxLabel {
		return "", fault.New(fault.Invalid, "binding.bad_label")
	}
	return label, nil
}
