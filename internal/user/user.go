// Package user owns people: one person in exactly one tenant, and the directory that
// finds a person by address. It refuses to know how someone proves who they are.
package user

import (
	"context"
	"fmt"
	"net/mail"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/tenant"
	"countersign/internal/typed"
)

// Role is what a user may do in their tenant.
type Role string

// The roles: four in a company, two for the vendor's staff.
const (
	Owner      Role = "owner"
	Admin      Role = "admin"
	Supervisor Role = "supervisor"
	Agent      Role = "agent"
	Operator   Role = "operator"
	Support    Role = "support"
)

// ParseRole reads a role as it is written in commands.
func ParseRole(s string) (Role, error) {
	switch r := Role(s); r {
	case Owner, Admin, Supervisor, Agent, Operator, Support:
		return r, nil
	}
	return "", fault.New(fault.Invalid, "user.unknown_role")
}

// User is one person.
type User struct {
	TenantID, ID, Email, Name string
	Role                      Role
	Language                  string
	SecurityVersion           int64 // grows with every change that ends flows, sessions and remembered browsers
	PasswordFlaggedAt         time.Time
	SecondStepAt              time.Time // when they switched their own second step on, where that is theirs to decide
	CreatedAt, DisabledAt     time.Time
}

// AddressTaken is the message of the fault that someone has an address already.
const AddressTaken = "user.address_taken"

var (
	errUnknown      = fault.New(fault.NotFound, "user.unknown")
	errAddressTaken = fault.New(fault.Conflict, AddressTaken)
	errBadAddress   = fault.New(fault.Invalid, "user.bad_address")
	errLongLocal    = fault.New(fault.Invalid, "user.long_address")
	errNeedsUTF8    = fault.New(fault.Invalid, "user.address_beyond_ascii")
)

// EmailKey is the canonical form under which an address is unique and found: NFC, case-folded,
// the domain in ASCII. It takes every address that was ever accepted; CleanAddress is for new ones.
func EmailKey(address string) (string, error) {
	address = tidy(address)
	local, domain, ok := strings.Cut(address, "@")
	if !ok || local == "" || domain == "" || len(address) > 254 ||
		strings.ContainsAny(address, " \t\r\n,;<>()[]\\\"") || strings.Contains(domain, "@") {
		return "", errBadAddress
	}
	if parsed, err := mail.ParseAddress(address); err != nil || parsed.Name != "" {
		return "", errBadAddress
	}
	ascii, err := idna.Lookup.ToASCII(domain)
	if err != nil || !strings.Contains(ascii, ".") && ascii != "localhost" {
		return "", errBadAddress
	}
	return cases.Fold().String(local) + "@" + ascii, nil
}

// tidy is an address as it is stored: without spaces around it, in NFC, and with the sign
// that Chinese and Japanese keyboards put in place of "@" (U+FF20, U+FE6B) as that.
func tidy(address string) string {
	address = norm.NFC.String(strings.TrimSpace(address))
	if !strings.Contains(address, "@") {
		address = strings.NewReplacer("\uff20", "@", "\ufe6b", "@").Replace(address)
	}
	return address
}

// maxLocal is the longest part before the @, in octets (RFC 5321 section 4.5.3.1.1).
const maxLocal = 64

// CleanAddress returns a new address as it is stored, and its key. It refuses what EmailKey
// refuses, characters that can't be seen, and a part before the @ that is too long for mail.
func CleanAddress(address string) (stored, key string, err error) {
	stored = tidy(address)
	if err := typed.Plain(stored); err != nil {
		return "", "", fault.New(fault.Invalid, "text.unseen").Because(err)
	}
	if key, err = EmailKey(stored); err != nil {
		return "", "", err
	}
	if local, _, _ := strings.Cut(stored, "@"); len(local) > maxLocal {
		return "", "", errLongLocal
	}
	return stored, key, nil
}

// CheckReachable is CleanAddress for those who hand an address on. It also fails with Invalid for
// one with letters beyond ASCII before the @, unless the mail server takes those (SMTPUTF8, RFC 6531).
func CheckReachable(address string, smtpUTF8 bool) error {
	stored, _, err := CleanAddress(address)
	if err != nil {
		return err
	}
	local, _, _ := strings.Cut(stored, "@")
	if !smtpUTF8 && strings.ContainsFunc(local, func(r rune) bool { return r >= utf8.RuneSelf }) {
		return errNeedsUTF8
	}
	return nil
}

// Create adds a person to the transaction's tenant and to the directory.
func Create(ctx context.Context, tx *db.Tx, email, name string, role Role, language string) (User, error) {
	stored, key, err := CleanAddress(email)
	if err != nil {
		return User{}, err
	}
	if name, err = tenant.CleanName(name); err != nil {
		return User{}, err
	}
	u := User{
		TenantID:        tx.Tenant,
		ID:              tx.NewID(),
		Email:           stored,
		Name:            name,
		Role:            role,
		Language:        language,
		SecurityVersion: 1,
		CreatedAt:       tx.Now,
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO users (tenant_id, id, email, email_key, name, role, language, security_version,
			password_flagged_at, created_at, disabled_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, 1, 0, $8,
			0)`, u.TenantID, u.ID, u.Email, key, u.Name, string(u.Role), u.Language, tx.Now)
	if err != nil {
		return User{}, err
	}
	return u, claim(ctx, tx, key, u.ID)
}

const columns = `u.tenant_id, u.id, u.email, u.name, u.role, u.language, u.security_version, u.password_flagged_at,
	u.created_at, u.disabled_at`

func scan(row db.Row) (u User, err error) {
	err = row.Scan(
		&u.TenantID,
		&u.ID,
		&u.Email,
		&u.Name,
		&u.Role,
		&u.Language,
		&u.SecurityVersion,
		db.ScanTime(&u.PasswordFlaggedAt),
		db.ScanTime(&u.CreatedAt),
		db.ScanTime(&u.DisabledAt),
	)
	return u, err
}

// ByEmail finds a person in any tenant by address. It answers fault NotFound for an
// address that no one has and for one that cannot be an address.
func ByEmail(ctx context.Context, tx *db.Tx, email string) (User, error) {
	key, err := EmailKey(email)
	if err != nil {
		return User{}, errUnknown
	}
	tenantID, id, err := InDirectory(ctx, tx, key)
	if err != nil {
		return User{}, err
	}
	u, err := scan(tx.QueryRow(ctx, `SELECT `+columns+` FROM users u
		WHERE u.tenant_id = $1 AND u.id = $2 AND u.email_key = $3`, tenantID, id, key))
	if db.IsNoRows(err) {
		return u, errUnknown
	}
	return u, err
}

// InDirectory tells who has an address, by its key, in whichever tenant; nothing where no one has.
// The directory lies on every machine and its people do not, so they are read by a statement that
// names their tenant. That one looks at the address again: it may have changed in between.
func InDirectory(ctx context.Context, tx *db.Tx, key string) (tenantID, id string, err error) {
	err = tx.QueryRow(ctx, `SELECT tenant_id, user_id FROM directory
		WHERE email_key = $1 AND held_until = 0`, key).Scan(&tenantID, &id)
	if err != nil && !db.IsNoRows(err) {
		return "", "", fmt.Errorf("read directory: %w", err)
	}
	return tenantID, id, nil
}

// ByID loads a person of the transaction's tenant.
func ByID(ctx context.Context, tx *db.Tx, id string) (User, error) {
	u, err := scan(tx.QueryRow(ctx, `SELECT `+columns+` FROM users u
		WHERE u.tenant_id = $1 AND u.id = $2`, tx.Tenant, id))
	if db.IsNoRows(err) {
		return u, errUnknown
	}
	return u, err
}

// List returns the people of the transaction's tenant by address.
func List(ctx context.Context, tx *db.Tx) ([]User, error) {
	rows, err := tx.Query(ctx, `SELECT `+columns+` FROM users u WHERE u.tenant_id = $1 ORDER BY u.email_key`, tx.Tenant)
	return db.Collect(rows, err, scan)
}

// ListAfter returns up to limit people of the transaction's tenant by address, after an address; an
// empty one begins the list.
func ListAfter(ctx context.Context, tx *db.Tx, after string, limit int) ([]User, error) {
	key := ""
	if after != "" {
		var err error
		if key, err = EmailKey(after); err != nil {
			return nil, err
		}
	}
	rows, err := tx.Query(ctx, `
		SELECT `+columns+` FROM users u WHERE u.tenant_id = $1 AND u.email_key > $2
		ORDER BY u.email_key LIMIT $3`, tx.Tenant, key, limit)
	return db.Collect(rows, err, scan)
}

// ActiveByID returns up to limit people whose accounts are not disabled, by id, after an id.
func ActiveByID(ctx context.Context, tx *db.Tx, after string, limit int) ([]User, error) {
	rows, err := tx.Query(ctx, `
		SELECT `+columns+` FROM users u WHERE u.tenant_id = $1 AND u.id > $2 AND u.disabled_at = 0
		ORDER BY u.id LIMIT $3`, tx.Tenant, after, limit)
	return db.Collect(rows, err, scan)
}

// ChangeEmail gives a person another address, returns it as it was stored, and frees the old one. Sessions, flows and
// remembered browsers end with it.
func ChangeEmail(ctx context.Context, tx *db.Tx, id, email string) (stored string, err error) {
	stored, key, err := CleanAddress(email)
	if err != nil {
		return "", err
	}
	if err := Lock(ctx, tx, id); err != nil { // as anyone who moves the address themselves does
		return "", err
	}
	if err := closeChanges(ctx, tx, id); err != nil {
		return "", err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM directory
		WHERE tenant_id = $1 AND user_id = $2`, tx.Tenant, id); err != nil {
		return "", err
	}
	if err := claim(ctx, tx, key, id); err != nil {
		return "", err
	}
	return stored, changed(tx.Exec(ctx, `
		UPDATE users SET email = $1, email_key = $2, security_version = security_version + 1, version = version + 1
			WHERE tenant_id = $3 AND id = $4`,
		stored, key, tx.Tenant, id))
}

// SetRole changes what a person may do, and ends what they have open: nothing keeps the role of before. A person
// without a password has nothing open but their invitation, which stays good.
func SetRole(ctx context.Context, tx *db.Tx, id string, role Role) error {
	return changed(tx.Exec(ctx, `
		UPDATE users SET role = $1, version = version + 1, security_version = security_version + CASE WHEN EXISTS (
			SELECT 1 FROM passwords p WHERE p.tenant_id = $2 AND p.user_id = $3) THEN 1 ELSE 0 END
		WHERE tenant_id = $2 AND id = $3`, string(role), tx.Tenant, id))
}

// Disable keeps a person out and ends what they have open; Enable lets them in again.
func Disable(ctx context.Context, tx *db.Tx, id string) error {
	return changed(tx.Exec(ctx, `UPDATE users
		SET disabled_at = $1, security_version = security_version + 1, version = version + 1
			WHERE tenant_id = $2 AND id = $3`, tx.Now, tx.Tenant, id))
}

// Enable lifts Disable.
func Enable(ctx context.Context, tx *db.Tx, id string) error {
	return changed(tx.Exec(ctx, `UPDATE users SET disabled_at = 0, version = version + 1
		WHERE tenant_id = $1 AND id = $2`, tx.Tenant, id))
}

// FlagPassword notes that someone else knows the password. Only the first report since
// the last change counts; first says whether this was it.
func FlagPassword(ctx context.Context, tx *db.Tx, id string) (first bool, err error) {
	n, err := tx.Exec(ctx, `UPDATE users SET password_flagged_at = $1, version = version + 1
		WHERE tenant_id = $2 AND id = $3 AND password_flagged_at = 0`, tx.Now, tx.Tenant, id)
	return n > 0, err
}

// PasswordChanged ends everything that the old password opened.
func PasswordChanged(ctx context.Context, tx *db.Tx, id string) error {
	return changed(tx.Exec(ctx, `UPDATE users
		SET password_flagged_at = 0, security_version = security_version + 1, version = version + 1
			WHERE tenant_id = $1 AND id = $2`, tx.Tenant, id))
}

func changed(n int64, err error) error {
	if err == nil && n == 0 {
		return errUnknown
	}
	return err
}

// ChooseSecondStep records that a person switched their own second step on or off.
func ChooseSecondStep(ctx context.Context, tx *db.Tx, id string, on bool) error {
	var at time.Time
	if on {
		at = tx.Now
	}
	n, err := tx.Exec(ctx, `UPDATE users SET second_step_at = $1, version = version + 1
		WHERE tenant_id = $2 AND id = $3`, at, tx.Tenant, id)
	if err == nil && n == 0 {
		err = errUnknown
	}
	return err
}

// Lock takes a person's row until the transaction ends, so that of two changes to their
// account the second sees what the first has left.
func Lock(ctx context.Context, tx *db.Tx, id string) error {
	return changed(tx.Exec(ctx, `UPDATE users SET disabled_at = disabled_at
		WHERE tenant_id = $1 AND id = $2`, tx.Tenant, id))
}

// LockIfUnchanged is Hold where the person must be as u says: nothing has happened that ends what they
// have open.
func LockIfUnchanged(ctx context.Context, tx *db.Tx, u User) (same bool, err error) {
	n, err := tx.Exec(ctx, `UPDATE users SET disabled_at = disabled_at
		WHERE tenant_id = $1 AND id = $2 AND security_version = $3
			AND disabled_at = 0`, tx.Tenant, u.ID, u.SecurityVersion)
	return n > 0, err
}

// SetLanguage sets the language in which mails to a user are written (BCP 47).
func SetLanguage(ctx context.Context, tx *db.Tx, id, language string) error {
	return changed(tx.Exec(ctx, `UPDATE users SET language = $1
		WHERE tenant_id = $2 AND id = $3`, language, tx.Tenant, id))
}

// TenantsByAddress says for each of these keys (EmailKey) that a person has, of whichever
// tenant, which tenant is theirs.
func TenantsByAddress(ctx context.Context, tx *db.Tx, keys []string) (map[string]string, error) {
	out := map[string]string{}
	if len(keys) == 0 {
		return out, nil
	}
	marks, args := make([]string, len(keys)), make([]any, len(keys))
	for i, key := range keys {
		marks[i], args[i] = fmt.Sprintf("$%d", i+1), key
	}
	rows, err := tx.Query(ctx, `
		SELECT email_key, tenant_id FROM directory
			WHERE held_until = 0 AND email_key IN (`+strings.Join(marks, ", ")+`)`, args...)
	err = db.ForEach(rows, err, func(row db.Row) error {
		var key, in string
		err := row.Scan(&key, &in)
		out[key] = in
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("find addresses: %w", err)
	}
	return out, nil
}
