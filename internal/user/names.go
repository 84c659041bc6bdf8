package user

import (
	"context"
	"strconv"
	"strings"

	"countersign/internal/db"
)

// namesAtOnce is how many people one statement names. Shorter lists are filled up, so that the statement is always the
// same and is prepared once.
const namesAtOnce = 128

// Names are the names of people of the transaction's tenant, by id. Who is not there has none.
func Names(ctx context.Context, tx *db.Tx, ids []string) (map[string]string, error) {
	out := map[string]string{}
	for len(ids) > 0 {
		n := min(len(ids), namesAtOnce)
		if err := addNames(ctx, tx, ids[:n], out); err != nil {
			return nil, err
		}
		ids = ids[n:]
	}
	return out, nil
}

// Matching are the ids of people of the transaction's tenant whose name or address contains a text, the first by
// address. The whole address of someone finds them alone.
func Matching(ctx context.Context, tx *db.Tx, text string, limit int) ([]string, error) {
	if key, err := EmailKey(text); err == nil {
		found, err := tx.Texts(ctx, `SELECT id FROM users WHERE tenant_id = $1 AND email_key = $2`, tx.Tenant, key)
		if err != nil || len(found) > 0 {
			return found, err
		}
	}
	return tx.Texts(ctx, `SELECT id FROM users
		WHERE tenant_id = $1 AND (lower(name) LIKE $2 ESCAPE '\' OR email_key LIKE $2 ESCAPE '\')
		ORDER BY email_key LIMIT $3`, tx.Tenant, "%"+db.EscapeLike(strings.ToLower(text))+"%", limit)
}

func addNames(ctx context.Context, tx *db.Tx, ids []string, out map[string]string) error {
	args := []any{tx.Tenant}
	var marks []string
	for i := range namesAtOnce {
		args = append(args, ids[min(i, len(ids)-1)])
		marks = append(marks, "$"+strconv.Itoa(len(args)))
	}
	rows, err := tx.Query(ctx, `SELECT id, name FROM users
		WHERE tenant_id = $1 AND id IN (`+strings.Join(marks, ", ")+`)`, args...)
	return db.ForEach(rows, err, func(row db.Row) error {
		var id, name string
		err := row.Scan(&id, &name)
		out[id] = name
		return err
	})
}
