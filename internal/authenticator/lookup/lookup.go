// Package lookup owns backup codes: ten numbered codes to print and keep, each good once
// (NIST SP 800-63B-4 §3.1.2). They are random enough to be stored under a salted slow hash
// alone, so that they outlive every key. It refuses to show a set again once it is bound, to
// keep two sets of one person, and to compare more than one code for an answer.
package lookup

import (
	"context"
	"encoding/json"
	"fmt"

	"countersign/internal/authenticator"
	"countersign/internal/db"
)

// Why an answer is wrong, for the audit log.
const (
	wrongCode   = "wrong_code"
	alreadyUsed = "already_used"
	noNumber    = "no_number"
)

// Verifier judges backup codes and makes sets of them. Hash and Match are slow on purpose;
// Match takes as long for an empty hash, which nothing matches.
type Verifier struct {
	Hash  func(ctx context.Context, code string) (string, error)
	Match func(ctx context.Context, tenant, userID, hash, code string) (bool, error)
}

// Begin has nothing to send and nothing to remember: the codes are with the person.
func (v Verifier) Begin(context.Context, *db.Tx, authenticator.Authenticator,
	authenticator.ChallengeContext) (authenticator.IssuedChallenge, error) {
	return authenticator.IssuedChallenge{State: authenticator.State{}}, nil
}

// compared is what Compare tells Verify. Without it every answer is wrong.
type compared struct {
	OK     bool
	Reason string // where it is not
	Set    string // the authenticator whose code it is
	Number int
}

// Compare hashes once for whatever looks like a code with its number, also when there is no
// such code. A code without its number is not looked for: that would be ten times the work.
func (v Verifier) Compare(ctx context.Context, d *db.DB, a authenticator.Authenticator, tenant string,
	r authenticator.Response) (authenticator.Response, error) {
	c, err := v.compare(ctx, d, a.UserID, tenant, r.Code)
	if err != nil {
		return r, err
	}
	text, err := json.Marshal(c)
	r.Compared = string(text)
	return r, err
}

func (v Verifier) compare(ctx context.Context, d *db.DB, userID, tenant, typed string) (c compared, err error) {
	number, code, ok := parse(typed)
	if !ok {
		return compared{Reason: wrongCode}, nil
	}
	if number == 0 {
		return compared{Reason: noNumber}, nil
	}
	var hash string
	err = d.View(ctx, tenant, func(tx *db.Tx) error {
		c.Set, hash, err = stored(ctx, tx, userID, number)
		return err
	})
	if err != nil {
		return c, err
	}
	c.Number = number
	c.OK, err = v.Match(ctx, tenant, userID, hash, code)
	if !c.OK {
		c.Reason = wrongCode
	}
	return c, err
}

// stored returns the hash of one code of a person's set, used or not; empty where there is
// none.
func stored(ctx context.Context, tx *db.Tx, userID string, number int) (set, hash string, err error) {
	err = tx.QueryRow(ctx, `
		SELECT c.authenticator_id, c.hash FROM backup_codes c JOIN authenticators a ON a.tenant_id = c.tenant_id
			AND a.id = c.authenticator_id
		WHERE c.tenant_id = $1 AND a.user_id = $2 AND c.number = $3 AND a.disabled_at = 0
			ORDER BY a.id DESC LIMIT 1`, tx.Tenant, userID, number).Scan(&set, &hash)
	if db.IsNoRows(err) {
		return "", "", nil
	}
	if err != nil {
		return "", "", fmt.Errorf("load backup code: %w", err)
	}
	return set, hash, nil
}

// Verify judges by what Compare found, and spends the code.
func (v Verifier) Verify(ctx context.Context, tx *db.Tx, a authenticator.Authenticator,
	_ authenticator.ChallengeContext, _ authenticator.State, r authenticator.Response) (authenticator.Verdict, error) {
	c := compared{Reason: wrongCode}
	if r.Compared != "" {
		if err := json.Unmarshal([]byte(r.Compared), &c); err != nil {
			return authenticator.Verdict{}, fmt.Errorf("read comparison: %w", err)
		}
	}
	if !c.OK {
		return wrongVerdict(c.Reason), nil
	}
	first, err := markUsed(ctx, tx, a.UserID, c)
	if err != nil {
		return authenticator.Verdict{}, fmt.Errorf("spend backup code: %w", err)
	}
	if !first {
		return authenticator.Verdict{Reason: alreadyUsed}, nil
	}
	left, err := Remaining(ctx, tx, a.UserID)
	if err != nil {
		return authenticator.Verdict{}, err
	}
	out := authenticator.Verdict{OK: true, AuthenticatorID: c.Set}
	out.Notice, out.NoticeArgs = notice(left)
	return out, nil
}

func wrongVerdict(reason string) authenticator.Verdict {
	v := authenticator.Verdict{Reason: reason}
	if reason == noNumber {
		v.Notice, v.NoticeArgs = "lookup.notice.number", []any{"Example", example}
	}
	return v
}

// markUsed marks a code as used. Only the first of any number of callers gets true, and no one
// whose set was replaced meanwhile.
func markUsed(ctx context.Context, tx *db.Tx, userID string, c compared) (first bool, err error) {
	n, err := tx.Exec(ctx, `
		UPDATE backup_codes SET used_at = $1
		WHERE tenant_id = $2 AND authenticator_id = $3 AND number = $4 AND used_at = 0
		AND EXISTS (SELECT 1 FROM authenticators a WHERE a.tenant_id = $2 AND a.id = $3 AND a.user_id = $5
			AND a.disabled_at = 0)`,
		tx.Now, tx.Tenant, c.Set, c.Number, userID)
	return n > 0, err
}

// few is how many codes are so few that a fresh set is offered (ALP-9).
const few = 2

func notice(left int) (key string, args []any) {
	switch {
	case left == 0:
		return "lookup.notice.none", nil
	case left <= few:
		return "lookup.notice.few", []any{"Count", left}
	}
	return "lookup.notice.left", []any{"Count", left}
}

// Remaining is how many codes a person has that were not used.
func Remaining(ctx context.Context, tx *db.Tx, userID string) (left int, err error) {
	err = tx.QueryRow(ctx, `
		SELECT COUNT(*) FROM backup_codes c JOIN authenticators a ON a.tenant_id = c.tenant_id
			AND a.id = c.authenticator_id
		WHERE c.tenant_id = $1 AND a.user_id = $2 AND a.disabled_at = 0
			AND c.used_at = 0`, tx.Tenant, userID).Scan(&left)
	if err != nil {
		return 0, fmt.Errorf("count backup codes: %w", err)
	}
	return left, nil
}
