package lookup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/db"
	"countersign/internal/locale"
	"countersign/internal/secret"
	"countersign/internal/user"
)

// draft is what the set-up of a set remembers: the codes, until they are confirmed, and
// their hashes.
type draft struct {
	Vendor, Account, Company string
	Codes, Hashes            []string
}

func draftOf(s authenticator.State) (d draft, err error) {
	if err = json.Unmarshal(s, &d); err == nil && (len(d.Codes) != Count || len(d.Hashes) != Count) {
		err = fmt.Errorf("%d codes and %d hashes", len(d.Codes), len(d.Hashes))
	}
	if err != nil {
		return draft{}, fmt.Errorf("read draft of backup codes: %w", err)
	}
	return d, nil
}

// Prepare makes a set and hashes it, in the lane of ctx.
func (v Verifier) Prepare(ctx context.Context) (authenticator.State, error) {
	var d draft
	for range Count {
		code := randomCode()
		hash, err := v.Hash(ctx, code)
		if err != nil {
			return nil, err
		}
		d.Codes, d.Hashes = append(d.Codes, code), append(d.Hashes, hash)
	}
	return json.Marshal(d)
}

// Propose adds whose codes they are to what was prepared.
func (v Verifier) Propose(_ context.Context, _ *db.Tx, who authenticator.Subject, d authenticator.PendingEnrollment,
	_ string) (authenticator.State, error) {
	made, err := draftOf(d.State)
	if err != nil {
		return nil, err
	}
	made.Vendor, made.Account, made.Company = line(who.Vendor), line(who.Email), line(who.Company)
	return json.Marshal(made)
}

func line(s string) string { return locale.Line(s, 100) }

// Confirm stores a set, in place of any older one, when the person says that they saved it or
// types one of its codes. That code stays good.
func (v Verifier) Confirm(ctx context.Context, tx *db.Tx, who authenticator.Subject, d authenticator.PendingEnrollment,
	r authenticator.Response) (authenticator.Verdict, error) {
	made, err := draftOf(d.State)
	if err != nil {
		return authenticator.Verdict{}, err
	}
	if !r.Saved && !made.contains(r.Code) {
		return authenticator.Verdict{Reason: wrongCode}, nil
	}
	if err := removeOlderSets(ctx, tx, who.UserID, d.ID); err != nil {
		return authenticator.Verdict{}, fmt.Errorf("replace backup codes: %w", err)
	}
	n, err := made.store(ctx, tx, d.ID)
	if err != nil {
		return authenticator.Verdict{}, fmt.Errorf("store backup codes: %w", err)
	}
	if n == 0 {
		return authenticator.Verdict{Reason: alreadyUsed}, nil
	}
	return authenticator.Verdict{OK: true, AuthenticatorID: d.ID}, nil
}

// contains reports whether one of the codes was typed, with its own number or none.
func (d draft) contains(typed string) bool {
	number, code, ok := parse(typed)
	found := false
	for i, c := range d.Codes {
		same := secret.Equal([]byte(c), []byte(code))
		found = found || same && (number == 0 || number == i+1)
	}
	return ok && found
}

// removeOlderSets takes older sets away. The person's row is held, so that of two new sets at once
// one stays.
func removeOlderSets(ctx context.Context, tx *db.Tx, userID, id string) error {
	if err := user.Lock(ctx, tx, userID); err != nil {
		return err
	}
	all, err := authenticator.Of(ctx, tx, userID)
	if err != nil {
		return err
	}
	for _, a := range all {
		if a.Kind != authenticator.Backup || a.ID == id {
			continue
		}
		if err := authenticator.Unbind(ctx, tx, userID, a.ID); err != nil {
			return err
		}
	}
	return nil
}

func (d draft) store(ctx context.Context, tx *db.Tx, id string) (stored int64, err error) {
	args := []any{tx.Tenant, id}
	var rows []string
	for i, hash := range d.Hashes {
		args = append(args, hash)
		rows = append(rows, fmt.Sprintf("($1, $2, %d, $%d, 0)", i+1, len(args)))
	}
	return tx.Exec(ctx, `INSERT INTO backup_codes (tenant_id, authenticator_id, number, hash, used_at)
		VALUES `+strings.Join(rows, ", ")+
		` ON CONFLICT (tenant_id, authenticator_id, number) DO NOTHING`, args...)
}

// FileName is the name of the file that File writes.
const FileName = "countersign-backup-codes.txt"

// Code is one code as it is shown: with its number in front.
type Code struct {
	Number int
	Text   string
}

// Sheet is a set as it is shown, until it is confirmed and never again.
type Sheet struct {
	Vendor, Account, Company string
	Made                     time.Time
	Codes                    []Code
}

// Show returns the sheet of a set that waits to be confirmed.
func Show(d authenticator.PendingEnrollment) (Sheet, error) {
	made, err := draftOf(d.State)
	if err == nil && made.Account == "" {
		err = errors.New("backup codes of no one")
	}
	if err != nil {
		return Sheet{}, err
	}
	s := Sheet{
		Vendor:  made.Vendor,
		Account: made.Account,
		Company: made.Company,
		Made:    d.Begun,
	}
	for i, code := range made.Codes {
		s.Codes = append(s.Codes, Code{Number: i + 1, Text: formatCode(i+1, code)})
	}
	return s, nil
}

// File is the sheet as a text file in the language of p.
func (s Sheet) File(p *locale.Printer) string {
	lines := []string{p.T("lookup.file.title", "Vendor", s.Vendor), p.T("lookup.file.account", "Account", s.Account)}
	if s.Company != "" {
		lines = append(lines, p.T("lookup.file.company", "Company", s.Company))
	}
	lines = append(lines, p.T("lookup.file.made", "Date", p.Date(s.Made)), "")
	for _, c := range s.Codes {
		lines = append(lines, fmt.Sprintf("%*s", len("10-")+letters+2, c.Text))
	}
	lines = append(lines, "", p.T("lookup.file.use"), p.T("lookup.file.keep"), "")
	return strings.Join(lines, "\r\n")
}

// String keeps a sheet out of logs.
func (Sheet) String() string { return "[hidden]" }

// LogValue keeps a sheet out of logs.
func (Sheet) LogValue() slog.Value { return slog.StringValue("[hidden]") }
