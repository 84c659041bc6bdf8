package keyring

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"countersign/internal/audit"
	"countersign/internal/db"
	"countersign/internal/secret"
)

// sealedAt is a column whose values are sealed to the place [table, column, key…].
type sealedAt struct {
	table, column string
	key           []string
}

// sealedPlaces are all columns that hold what secret.Keys.Seal made, with the key of their
// table, in the order in which it stands in the place. A test reads the schema and fails
// where a column called sealed is missing here.
var sealedPlaces = []sealedAt{
	{"signing_keys", "sealed", []string{"id"}},
	{"rsa_signing_keys", "sealed", []string{"id"}},
	{"canaries", "sealed", []string{"id"}},
	{"messages", "sealed", []string{"tenant_id", "id"}},
	{"drafts", "sealed", []string{"tenant_id", "id"}},
	{"totp_secrets", "sealed", []string{"tenant_id", "authenticator_id"}},
	{"push_subscriptions", "sealed", []string{"tenant_id", "authenticator_id"}},
	{"push_keys", "sealed", []string{"id"}},
}

// resealBatch keeps a transaction short; a kill costs at most this much work.
const resealBatch = 100

// row is one sealed value; the key as it is written in its place.
type row struct {
	key    []string
	sealed []byte
}

// Reseal seals everything at rest with the generation that seals now. It may be killed and
// repeated, and run beside itself and the servers: each row is replaced only while it is
// what was read. A value that cannot be opened stays and is named in the error.
func (m *Masters) Reseal(ctx context.Context) (resealed int, err error) {
	for _, p := range sealedPlaces {
		n, failed := m.resealPlace(ctx, p)
		resealed, err = resealed+n, errors.Join(err, failed)
	}
	n, failed := audit.Reseal(ctx, m.DB, m.Keys)
	return resealed + n, errors.Join(err, failed)
}

// ResealWhenNeeded is Reseal for every minute: once the sealing generation has sealed for
// long enough that no program seals with an older one, a pass that finds nothing is the last.
func (m *Masters) ResealWhenNeeded(ctx context.Context) error {
	all := m.Keys.Generations()
	i := slices.IndexFunc(all, func(g secret.Generation) bool { return g.Sealing })
	if i == 0 || m.sealedBy.Load() == all[i].ID {
		return nil
	}
	n, err := m.Reseal(ctx)
	if err == nil && n == 0 && m.DB.Now().After(all[i].From.Add(time.Minute)) {
		m.sealedBy.Store(all[i].ID)
	}
	return err
}

func (m *Masters) resealPlace(ctx context.Context, p sealedAt) (resealed int, bad error) {
	after := make([]string, len(p.key)) // no key is empty
	for {
		var rows []row
		err := m.DB.View(ctx, db.Installation, func(tx *db.Tx) (err error) {
			rows, err = p.read(ctx, tx, m.Keys.Current(), after)
			return err
		})
		if err != nil || len(rows) == 0 {
			return resealed, errors.Join(bad, err)
		}
		n, unopened, err := m.resealRows(ctx, p, rows)
		resealed, bad = resealed+n, errors.Join(bad, unopened)
		if err != nil {
			return resealed, errors.Join(bad, err)
		}
		after = rows[len(rows)-1].key
	}
}

func (m *Masters) resealRows(ctx context.Context, p sealedAt, rows []row) (resealed int, bad, err error) {
	err = m.DB.InTx(ctx, db.Installation, func(tx *db.Tx) error {
		resealed, bad = 0, nil
		for _, r := range rows {
			place := append([]string{p.table, p.column}, r.key...)
			plain, err := m.Keys.Open(r.sealed, place...)
			if err != nil {
				bad = errors.Join(bad, fmt.Errorf("%s %s: %w", p.table, strings.Join(r.key, " "), err))
				continue
			}
			n, err := tx.Exec(ctx, p.update(), p.args(m.Keys.Seal(plain, place...), r)...)
			if err != nil {
				return fmt.Errorf("seal %s anew: %w", p.table, err)
			}
			resealed += int(n)
		}
		return nil
	})
	return resealed, bad, err
}

func (p sealedAt) args(sealed []byte, r row) []any {
	args := []any{sealed, r.sealed}
	for _, k := range r.key {
		args = append(args, k)
	}
	return args
}

// update replaces a value while it is what was read.
func (p sealedAt) update() string {
	text := `UPDATE ` + p.table + ` SET ` + p.column + ` = $1 WHERE ` + p.column + ` = $2`
	for i, k := range p.key {
		text += fmt.Sprintf(` AND %s = $%d`, k, i+3)
	}
	return text
}

// read returns the next rows that another generation sealed, in the order of their keys.
func (p sealedAt) read(ctx context.Context, tx *db.Tx, current string, after []string) ([]row, error) {
	marks, args := make([]string, len(p.key)), []any{[]byte(current)}
	for i, k := range after {
		marks[i] = fmt.Sprintf("$%d", i+2)
		args = append(args, k)
	}
	keys := strings.Join(p.key, ", ")
	query := fmt.Sprintf(
		`SELECT %s, %s FROM %s WHERE %s IS NOT NULL AND substr(%s, 1, 8) <> $1 AND (%s) > (%s) ORDER BY %s LIMIT %d`,
		p.column, keys, p.table, p.column, p.column, keys, strings.Join(marks, ", "), keys, resealBatch)
	rows, err := tx.Query(ctx, query, args...)
	out, err := db.Collect(rows, err, func(from db.Row) (row, error) {
		r := row{key: make([]string, len(p.key))}
		to := []any{&r.sealed}
		for i := range r.key {
			to = append(to, &r.key[i])
		}
		return r, from.Scan(to...)
	})
	if err != nil {
		return nil, fmt.Errorf("find what to seal anew in %s: %w", p.table, err)
	}
	return out, nil
}

// countSealed counts what a generation has sealed and no other has sealed since.
func (m *Masters) countSealed(ctx context.Context, tx *db.Tx, id string) (total int64, err error) {
	queries := []string{`SELECT COUNT(*) FROM audit_heads WHERE tenant_id <> '' AND substr(seal, 1, 8) = $1`}
	for _, p := range sealedPlaces {
		queries = append(queries, `SELECT COUNT(*) FROM `+p.table+`
			WHERE `+p.column+` IS NOT NULL AND substr(`+p.column+`, 1, 8) = $1`)
	}
	for _, query := range queries {
		var n int64
		if err := tx.QueryRow(ctx, query, []byte(id)).Scan(&n); err != nil {
			return 0, fmt.Errorf("count what master key %s has sealed: %w", id, err)
		}
		total += n
	}
	return total, nil
}

// SealedColumns names, as table.column, what Reseal seals anew.
func SealedColumns() map[string]bool {
	out := map[string]bool{}
	for _, p := range sealedPlaces {
		out[p.table+"."+p.column] = true
	}
	return out
}
