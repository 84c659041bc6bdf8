package profile

import (
	"context"

	"countersign/internal/audit"
	"countersign/internal/authenticator"
	"countersign/internal/db"
)

// RestoreMethod lifts the suspension of one of the owner's methods, who has just proved an
// undisputed one. NotFound where it is not theirs or not suspended.
func (s *Service) RestoreMethod(ctx context.Context, o Owner, id string) error {
	return s.limitedInSession(ctx, o, func(tx *db.Tx) error {
		kind, err := authenticator.Restore(ctx, tx, o.User.ID, id)
		if err == nil && kind == "" {
			err = errGone
		}
		if err != nil {
			return err
		}
		e := o.event(audit.MethodRestored, audit.OK, "", id)
		e.Method = string(kind)
		return audit.Record(ctx, tx, e)
	})
}
