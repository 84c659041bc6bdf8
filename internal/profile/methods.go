package profile

import (
	"context"

	"countersign/internal/authenticator"
	"countersign/internal/db"
)

// RestoreMethod lifts the suspension of one of the owner's methods, who has just proved an
// undisputed one. NotFound where it is not theirs or not suspended.
func (s *Service) RestoreMethod(ctx context.Context, o Owner, id string) error {
	return s.press(ctx, o, o.event("method.restored", "ok", "", id), func(tx *db.Tx) error {
		first, err := authenticator.Restore(ctx, tx, o.User.ID, id)
		if err == nil && !first {
			err = errGone
		}
		return err
	})
}
