package client

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/secret"
	"countersign/internal/typed"
)

// The kinds of registered address.
const (
	Redirect   = "redirect"
	PostLogout = "post_logout"
)

// ErrUnknown says that there is no such client.
var ErrUnknown = fault.New(fault.NotFound, "client.unknown")

// New is what a client is made of.
type New struct {
	ID, Name, Kind, HomeURL      string
	RedirectURIs, PostLogoutURIs []string
	SigningAlg                   string // "" is ES256
	PKCEOptional                 bool
}

// Create registers a client. A confidential one gets a secret, which is told this once.
func Create(ctx context.Context, tx *db.Tx, n New) (Client, secret.Text, error) {
	n.Name = strings.Join(strings.Fields(n.Name), " ")
	c := Client{
		ID:           n.ID,
		Name:         n.Name,
		Kind:         n.Kind,
		HomeURL:      n.HomeURL,
		SigningAlg:   cmp.Or(n.SigningAlg, signingAlgs[0]),
		PKCEOptional: n.PKCEOptional,
		CreatedAt:    tx.Now,
	}
	if err := n.check(); err != nil {
		return c, "", invalid(err)
	}
	token, hash := newSecret(n.Kind)
	c.SecretHash = hash
	made, err := tx.Exec(ctx, `INSERT INTO clients (id, name, kind, secret_hash, home_url, signing_alg, pkce,
		exempt_until, created_at, disabled_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, 0)
			ON CONFLICT (id) DO NOTHING`, c.ID, c.Name, c.Kind, hash, c.HomeURL, c.SigningAlg,
		pkce(c.PKCEOptional), tx.Now)
	if err != nil {
		return c, "", fmt.Errorf("store client: %w", err)
	}
	if made == 0 {
		return c, "", fault.New(fault.Conflict, "client.exists")
	}
	for _, u := range n.RedirectURIs {
		if err := AddURI(ctx, tx, &c, Redirect, u); err != nil {
			return c, "", err
		}
	}
	for _, u := range n.PostLogoutURIs {
		if err := AddURI(ctx, tx, &c, PostLogout, u); err != nil {
			return c, "", err
		}
	}
	return c, token, nil
}

func newSecret(kind string) (secret.Text, []byte) {
	if kind != Confidential {
		return "", nil
	}
	return secret.NewToken()
}

// reserved are names that stand for Countersign's own pages where a client id stands.
var reserved = []string{PortalID, "installation"}

const idLetters = "abcdefghijklmnopqrstuvwxyz0123456789-_"

// ValidID reports whether a client could have this id.
func ValidID(id string) bool {
	return len(id) >= 2 && len(id) <= 40 && strings.Trim(id, idLetters) == ""
}

func (n New) check() error {
	switch {
	case !ValidID(n.ID):
		return errors.New("the id must be 2 to 40 of a-z, 0-9, - and _")
	case slices.Contains(reserved, n.ID):
		return errors.New("the id is one that Countersign uses for itself")
	case strings.TrimSpace(n.Name) == "" || len(n.Name) > 80:
		return errors.New("the name must be 1 to 80 characters long")
	case typed.Visible(n.Name) != nil:
		return fmt.Errorf("the name contains %w", typed.Visible(n.Name))
	case n.Kind != Confidential && n.Kind != Public && n.Kind != Native:
		return errors.New("the kind must be confidential, public or native")
	}
	if n.SigningAlg != "" {
		if err := checkSigningAlg(n.SigningAlg); err != nil {
			return err
		}
	}
	if n.PKCEOptional && n.Kind != Confidential {
		return errPKCE
	}
	if err := checkHome(n.HomeURL); err != nil {
		return fmt.Errorf("home URL %s", err)
	}
	return nil
}

func invalid(why error) error { return fault.New(fault.Invalid, "client.invalid").Because(why) }

// Lock takes the client's row until the transaction ends, so that of two changes at the same moment the second sees
// what the first has left.
func Lock(ctx context.Context, tx *db.Tx, id string) error {
	return change(ctx, tx, `UPDATE clients SET created_at = created_at WHERE id = $1`, id)
}

const columns = `c.id, c.name, c.kind, c.secret_hash, c.home_url, c.exempt_until, c.created_at, c.disabled_at,
	c.signing_alg, c.pkce, u.kind, u.uri`

// ByID returns a client, disabled or not, with its addresses; ErrUnknown where there is
// none, and for bytes that no database would take for a text.
func ByID(ctx context.Context, tx *db.Tx, id string) (Client, error) {
	if !utf8.ValidString(id) || strings.ContainsRune(id, 0) {
		return Client{}, ErrUnknown
	}
	rows, err := tx.Query(ctx, `SELECT `+columns+` FROM clients c LEFT JOIN client_uris u ON u.client_id = c.id
		WHERE c.id = $1 ORDER BY u.kind, u.uri`, id)
	list, err := collect(rows, err)
	if err != nil {
		return Client{}, fmt.Errorf("read client: %w", err)
	}
	if len(list) == 0 {
		return Client{}, ErrUnknown
	}
	return list[0], nil
}

// List returns every client by id.
func List(ctx context.Context, tx *db.Tx) ([]Client, error) {
	rows, err := tx.Query(ctx, `SELECT `+columns+` FROM clients c LEFT JOIN client_uris u ON u.client_id = c.id
		ORDER BY c.id, u.kind, u.uri`)
	list, err := collect(rows, err)
	if err != nil {
		return nil, fmt.Errorf("list clients: %w", err)
	}
	return list, nil
}

// Names are what people call the apps, by id; our own pages are called by the vendor's name.
func Names(ctx context.Context, tx *db.Tx, vendor string) (map[string]string, error) {
	names := map[string]string{PortalID: vendor}
	all, err := List(ctx, tx)
	for _, c := range all {
		names[c.ID] = c.Name
	}
	return names, err
}

// collect folds one row per address into one client per id.
func collect(rows *sql.Rows, err error) (list []Client, _ error) {
	err = db.ForEach(rows, err, func(row db.Row) error {
		c, kind, uri, err := scan(row)
		if len(list) == 0 || list[len(list)-1].ID != c.ID {
			list = append(list, c)
		}
		list[len(list)-1].add(kind, uri)
		return err
	})
	return list, err
}

func scan(row db.Row) (c Client, kind, uri string, err error) {
	var k, u sql.NullString
	var proofKey string
	err = row.Scan(
		&c.ID,
		&c.Name,
		&c.Kind,
		&c.SecretHash,
		&c.HomeURL,
		db.ScanTime(&c.ExemptUntil),
		db.ScanTime(&c.CreatedAt),
		db.ScanTime(&c.DisabledAt),
		&c.SigningAlg,
		&proofKey,
		&k,
		&u,
	)
	c.PKCEOptional = proofKey == pkceOptional
	return c, k.String, u.String, err
}

func (c *Client) add(kind, uri string) {
	switch kind {
	case Redirect:
		c.RedirectURIs = append(c.RedirectURIs, uri)
	case PostLogout:
		c.PostLogoutURIs = append(c.PostLogoutURIs, uri)
	}
}

// AddURI registers one more address of kind Redirect or PostLogout; twice is as once.
func AddURI(ctx context.Context, tx *db.Tx, c *Client, kind, uri string) error {
	if kind != Redirect && kind != PostLogout {
		return invalid(fmt.Errorf("there is no kind of address %q", kind))
	}
	if err := checkRedirect(c.Kind, uri); err != nil {
		return invalid(fmt.Errorf("%s %w", uri, err))
	}
	added, err := tx.Exec(ctx, `INSERT INTO client_uris (client_id, kind, uri) VALUES ($1, $2, $3)
		ON CONFLICT (client_id, kind, uri) DO NOTHING`, c.ID, kind, uri)
	if err != nil {
		return fmt.Errorf("store client address: %w", err)
	}
	if added == 0 {
		return nil
	}
	c.add(kind, uri)
	return changed(ctx, tx, c.ID)
}

// RemoveURI forgets an address; it reports whether it was registered.
func RemoveURI(ctx context.Context, tx *db.Tx, id, kind, uri string) (bool, error) {
	n, err := tx.Exec(ctx, `DELETE FROM client_uris WHERE client_id = $1 AND kind = $2 AND uri = $3`, id, kind, uri)
	if err != nil {
		return false, fmt.Errorf("remove client address: %w", err)
	}
	if n == 0 {
		return false, nil
	}
	return true, changed(ctx, tx, id)
}

// changed adds one to a client's version where its addresses changed.
func changed(ctx context.Context, tx *db.Tx, id string) error {
	if err := tx.ExecDeferred(ctx, `UPDATE clients SET version = version + 1 WHERE id = $1`, id); err != nil {
		return fmt.Errorf("count a change of a client: %w", err)
	}
	return nil
}

// Exempt frees sign-ins to the client from the second step until an instant; the zero time ends that now.
func Exempt(ctx context.Context, tx *db.Tx, id string, until time.Time) error {
	return change(ctx, tx, `UPDATE clients SET exempt_until = $1, version = version + 1 WHERE id = $2`, until, id)
}

// RotateSecret replaces the secret of a confidential client. The old one stops at once.
func RotateSecret(ctx context.Context, tx *db.Tx, id string) (secret.Text, error) {
	token, hash := secret.NewToken()
	err := change(ctx, tx, `UPDATE clients SET secret_hash = $1, version = version + 1
		WHERE id = $2 AND kind = 'confidential'`, hash, id)
	if err == nil {
		return token, nil
	}
	if _, known := ByID(ctx, tx, id); errors.Is(err, ErrUnknown) && known == nil {
		return "", invalid(errors.New("only a confidential client has a secret"))
	}
	return "", err
}

// Disable stops every new sign-in and every token request of the client.
func Disable(ctx context.Context, tx *db.Tx, id string) error {
	return change(ctx, tx, `UPDATE clients
		SET disabled_at = CASE WHEN disabled_at = 0 THEN $1 ELSE disabled_at END, version = version + 1
			WHERE id = $2`, tx.Now, id)
}

// Enable lifts Disable. Tokens that were refused meanwhile work again for as long as they live.
func Enable(ctx context.Context, tx *db.Tx, id string) error {
	return change(ctx, tx, `UPDATE clients SET disabled_at = 0, version = version + 1 WHERE id = $1`, id)
}

func change(ctx context.Context, tx *db.Tx, query string, args ...any) error {
	n, err := tx.Exec(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("change client: %w", err)
	}
	if n == 0 {
		return ErrUnknown
	}
	return nil
}
