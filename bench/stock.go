package main

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"countersign/internal/db"
	"countersign/internal/keyring"
)

// lay writes n copies. SQLite gets them a few thousand at a time, so that the server beside
// us is not kept waiting.
func (w *world) lay(ctx context.Context, recipes []recipe, n int, at func(i int) item) error {
	for _, r := range recipes {
		var err error
		if w.engine == "postgres" {
			err = w.copyIn(ctx, r, n, at)
		} else {
			err = w.insert(ctx, r, n, at)
		}
		if err != nil {
			return fmt.Errorf("lay %s: %w", r.table, err)
		}
	}
	return nil
}

func (r recipe) values(cells []cell, it item) []any {
	out := make([]any, len(cells))
	for i, c := range cells {
		out[i] = c(it)
	}
	return out
}

func (w *world) copyIn(ctx context.Context, r recipe, n int, at func(int) item) error {
	c, err := w.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	return c.Raw(func(raw any) error {
		next := 0
		_, err := raw.(*stdlib.Conn).Conn().CopyFrom(ctx, pgx.Identifier{r.table}, r.columns,
			pgx.CopyFromFunc(func() ([]any, error) {
				if next == n*len(r.rows) {
					return nil, nil
				}
				i, row := next/len(r.rows), next%len(r.rows)
				next++
				return r.values(r.rows[row], at(i)), nil
			}))
		return err
	})
}

const batch = 4000

func (w *world) insert(ctx context.Context, r recipe, n int, at func(int) item) error {
	query := "INSERT INTO " + r.table + " (" + strings.Join(r.columns, ", ") + ") VALUES (?" + strings.Repeat(", ?",
		len(r.columns)-1) + ")"
	for from := 0; from < n; from += batch {
		tx, err := w.db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		if err := insertSome(ctx, tx, query, r, from, min(from+batch, n), at); err != nil {
			_ = tx.Rollback()
			return err
		}
		if err := tx.Commit(); err != nil {
			return err
		}
	}
	return nil
}

func insertSome(ctx context.Context, tx *sql.Tx, query string, r recipe, from, to int, at func(int) item) error {
	stmt, err := tx.PrepareContext(ctx, query)
	if err != nil {
		return err
	}
	defer func() { _ = stmt.Close() }()
	for i := from; i < to; i++ {
		for _, cells := range r.rows {
			if _, err := stmt.ExecContext(ctx, r.values(cells, at(i))...); err != nil {
				return err
			}
		}
	}
	return nil
}

// historic is how many earlier sign-ins are there.
const historic = 20_000

// populate lays the companies, the people, and a history.
func (w *world) populate(ctx context.Context) error {
	p := &w.pattern
	companies := recipe{table: "tenants"}
	for _, g := range p.sets[setPerson] {
		if g.table == "tenants" {
			companies.columns = g.columns
			companies.rows = [][]cell{w.cells(g, g.rows[0])}
		}
	}
	if err := w.lay(ctx, []recipe{companies}, w.tenants, func(i int) item { return item{user: i} }); err != nil {
		return err
	}
	if err := w.lay(ctx, w.population(), w.users,
		func(i int) item { return item{user: i, serial: uint64(i)} }); err != nil {
		return err
	}
	w.serial = uint64(w.users)
	// Sign-ins of an hour ago: the planner must not believe that these tables are empty.
	if _, err := w.prepare(ctx, min(w.users, historic), time.Hour, setFlow, setSession, setCode,
		setTokens); err != nil {
		return err
	}
	if w.engine == "postgres" {
		_, err := w.db.ExecContext(ctx, "VACUUM ANALYZE")
		return err
	}
	_, err := w.db.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	return err
}

// stock is copies that are ready to be used up, each once.
type stock struct {
	from  uint64
	n     int
	users int
	shift int64
}

// stride walks over the people in an order that no index likes. It is a prime, so that
// everyone has a turn before anyone has two.
const stride = 15_485_863

func (s stock) item(i int) item {
	serial := s.from + uint64(i)
	return item{user: int(serial * stride % uint64(s.users)), serial: serial, shift: s.shift}
}

// prepare lays n copies of some steps as if they had happened age ago.
func (w *world) prepare(ctx context.Context, n int, age time.Duration, sets ...string) (stock, error) {
	s := stock{
		from:  w.serial,
		n:     n,
		users: w.users,
		shift: time.Now().Add(-age).UnixMicro() - w.pattern.started,
	}
	w.serial += uint64(n)
	return s, w.lay(ctx, w.recipes(sets...), n, s.item)
}

// cookie is what a browser holds of a copy: of its flow or its session.
func (w *world) cookie(kind, table string, it item) string {
	return "__Host-" + kind + "=" + w.reference(table, it)
}

func (w *world) reference(table string, it item) string {
	return companyID(it.user%w.tenants) + "." + w.pattern.byTable[table][0].make(it) + "." + tokenOf(table, it.serial)
}

func (w *world) basic() string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(w.pattern.clientID+":"+w.pattern.clientSecret))
}

func (w *world) tokenForm(code string) string {
	return url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {redirectURI},
		"code_verifier": {w.pattern.verifier}}.Encode()
}

// bearers are access tokens of copies, signed with the installation's key. All that is in
// them is the pattern's, with other names and other times.
func (w *world) bearers(ctx context.Context, s stock) ([]string, error) {
	d, err := db.Open(ctx, w.dsn, time.Now)
	if err != nil {
		return nil, err
	}
	defer func() { _ = d.Close() }()
	key, err := (&keyring.Keyring{DB: d, Keys: w.keys}).Signer(ctx, keyring.ES256)
	if err != nil {
		return nil, err
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256,
		Key: jose.JSONWebKey{Key: key.Private, KeyID: key.ID}},
		(&jose.SignerOptions{}).WithType("at+jwt"))
	if err != nil {
		return nil, err
	}
	parts := strings.Split(w.pattern.access, ".")
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return nil, err
	}
	claims := map[string]any{}
	if err := json.Unmarshal(payload, &claims); err != nil {
		return nil, err
	}
	out := make([]string, s.n)
	var wg sync.WaitGroup
	for k := range 2 {
		wg.Go(func() {
			for i := k; i < s.n; i += 2 {
				out[i] = w.bearer(signer, claims, s.item(i))
			}
		})
	}
	wg.Wait()
	return out, nil
}

func (w *world) bearer(signer jose.Signer, claims map[string]any, it item) string {
	mine := make(map[string]any, len(claims))
	for k, v := range claims {
		switch v := v.(type) {
		case string:
			mine[k] = w.pattern.of(v, it)
		case float64:
			mine[k] = int64(v) + it.shift/1_000_000
		default:
			mine[k] = v
		}
	}
	text, err := json.Marshal(mine)
	if err != nil {
		return ""
	}
	signed, err := signer.Sign(text)
	if err != nil {
		return ""
	}
	compact, err := signed.CompactSerialize()
	if err != nil {
		return ""
	}
	return compact
}
