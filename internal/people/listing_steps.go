package people

import (
	"context"
	"slices"
	"strings"

	"countersign/internal/db"
	"countersign/internal/user"
)

// parts are searches that together find what q finds. For people who were chosen PostgreSQL seeks each of a few, and
// goes through the whole company for many.
func (q Search) parts() (out []Search) {
	switch {
	case q.ids != nil:
		for ids := range slices.Chunk(q.ids, chosenAtOnce) {
			part := q
			part.ids = ids
			out = append(out, part)
		}
	case q.keys != nil:
		for keys := range slices.Chunk(q.keys, chosenAtOnce) {
			part := q
			part.keys = keys
			out = append(out, part)
		}
	default:
		out = []Search{q}
	}
	return out
}

// chosenAtOnce is how many chosen people one statement reads.
const chosenAtOnce = 20

// findAddress makes a search for the whole address of someone one for them alone, whom an index finds.
func (q *Search) findAddress(ctx context.Context, tx *db.Tx) error {
	key, err := user.EmailKey(strings.TrimSpace(q.Text))
	if err != nil {
		return nil // it is no address
	}
	found, err := tx.Texts(ctx, `
		SELECT u.email_key FROM users u WHERE u.tenant_id = $1 AND u.email_key = $2 LIMIT 1`, tx.Tenant, key)
	if err == nil && len(found) > 0 {
		q.address = key
	}
	return err
}

// lookedTo is the last person whom a page looks at, where that is not everyone.
func (q Search) lookedTo(ctx context.Context, tx *db.Tx) (u user.User, err error) {
	few := q.View != AllPeople || q.Status != "" || q.Role == user.Agent || strings.TrimSpace(q.Text) != ""
	rare := q.Role != "" && q.Role != user.Agent // an index has the other roles
	if q.Within == 0 || !few || rare || q.ids != nil || q.address != "" {
		return u, nil
	}
	people := q.Within
	if q.View == AllPeople && q.Status == "" {
		people *= 5 // to look for a text costs a tenth
	}
	err = tx.QueryRow(ctx, `
		SELECT u.id, u.email FROM users u
		WHERE u.tenant_id = $1 AND u.email_key > COALESCE((
			SELECT last.email_key FROM users last WHERE last.tenant_id = $1 AND last.id = $2), '')
		ORDER BY u.email_key LIMIT 1 OFFSET $3`, tx.Tenant, q.After, people-1).Scan(&u.ID, &u.Email)
	if db.IsNoRows(err) {
		return u, nil
	}
	return u, err
}
