package portal

import (
	"fmt"
	"net/http"

	"countersign/internal/client"
	"countersign/internal/db"
	"countersign/internal/user"
)

// nextSteps reports whether an operator has yet to register an app: until then nobody can sign
// in to one.
func (p *Portal) nextSteps(r *http.Request, u user.User) (next bool, err error) {
	if u.Role != user.Operator {
		return false, nil
	}
	err = p.DB.View(r.Context(), db.Installation, func(tx *db.Tx) error {
		apps, err := client.List(r.Context(), tx)
		next = len(apps) == 0
		return err
	})
	if err != nil {
		return false, fmt.Errorf("look for apps: %w", err)
	}
	return next, nil
}
