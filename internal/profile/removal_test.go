package profile_test

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"countersign/internal/authenticator"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/binding"
	"countersign/internal/db"
	"countersign/internal/profile"
)

// fillers put a row that belongs to an authenticator into each table that has such rows.
var fillers = map[string]string{
	"outofband_addresses": `INSERT INTO outofband_addresses (tenant_id, authenticator_id, address, verified_at)
		VALUES ($1, $2, '+4915112345678' || substr($3, 1, 0), 1)`,
	"totp_secrets": `INSERT INTO totp_secrets (tenant_id, authenticator_id, user_id, sealed, last_step, drift)
		VALUES ($1, $2, $3, '', 0, 0)`,
	"backup_codes": `INSERT INTO backup_codes (tenant_id, authenticator_id, number, hash, used_at)
		VALUES ($1, $2, 1, 'x' || substr($3, 1, 0), 0)`,
	"passkeys": `INSERT INTO passkeys (tenant_id, authenticator_id, user_id, credential_key, credential, sign_count, synced) VALUES ($1, $2, $3, $2 || 'k', '', 0, 0)`,
	"passkey_directory": `INSERT INTO passkey_directory (credential_key, tenant_id, user_id, authenticator_id)
		VALUES ($2 || 'k', $1, $3, $2)`,
	"push_subscriptions": `INSERT INTO push_subscriptions (tenant_id, authenticator_id, user_id, sealed, gone_at)
		VALUES ($1, $2, $3, '', 0)`,
}

// stays are tables that keep what happened: the record, and requests for proof until their
// sign-in is swept.
var stays = []string{"audit_events", "challenges"}

var created = regexp.MustCompile(`CREATE TABLE (\w+)`)

// tables are the columns of every table.
func (h *house) tables() map[string][]string {
	h.t.Helper()
	out := map[string][]string{}
	files, _ := filepath.Glob("../db/migrations/*.sql")
	h.in(db.Installation, func(ctx context.Context, tx *db.Tx) error {
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			for _, m := range created.FindAllStringSubmatch(string(text), -1) {
				rows, err := tx.Query(ctx, `SELECT * FROM `+m[1]+` LIMIT 0`)
				if err != nil {
					return err
				}
				if out[m[1]], err = rows.Columns(); err != nil {
					return err
				}
				if err := rows.Close(); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return out
}

// furnished is an authenticator with a row in every table that has such rows.
func (h *house) furnished(o profile.Owner, k authenticator.Kind) (id string) {
	h.t.Helper()
	h.in(o.User.TenantID, func(ctx context.Context, tx *db.Tx) error {
		a, err := authenticator.BindIn(ctx, tx, o.FlowID, tx.NewID(), o.User.ID, k, "Mine")
		if err != nil {
			return err
		}
		id = a.ID
		for _, text := range fillers {
			if _, err := tx.Exec(ctx, text, tx.Tenant, id, o.User.ID); err != nil {
				return err
			}
		}
		return nil
	})
	return id
}

// left names the tables in which an id still stands.
func (h *house) left(tables map[string][]string, id string) (out []string) {
	h.t.Helper()
	h.in(db.Installation, func(ctx context.Context, tx *db.Tx) error {
		for table, columns := range tables {
			if slices.Contains(stays, table) {
				continue
			}
			for _, c := range columns {
				var n int
				only := ``
				if table == "drafts" { // closed and erased it may stay for a day
					only = ` AND sealed IS NOT NULL`
				}
				if err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM `+table+`
					WHERE CAST(`+c+` AS TEXT) = $1`+only, id).Scan(&n); err != nil {
					return err
				}
				if n > 0 {
					out = append(out, table+"."+c)
				}
			}
		}
		return nil
	})
	return out
}

func (h *house) holder(o profile.Owner) binding.Enrollee {
	return binding.Enrollee{Tenant: o.User.TenantID, UserID: o.User.ID, Scope: "session:" + o.SessionID,
		FlowID: o.FlowID, Held: h.here(o).Held, Visitor: visitor,
		Who: authenticator.Subject{UserID: o.User.ID, Email: o.User.Email, Name: o.User.Name, Vendor: o.Vendor,
			Company: o.Company, Language: o.User.Language}}
}

func (h *house) remove(o profile.Owner, id string) {
	h.t.Helper()
	h.in(o.User.TenantID, func(ctx context.Context, tx *db.Tx) error {
		return h.binding.Remove(ctx, tx, h.holder(o), id, func(context.Context, *db.Tx) error { return nil })
	})
}

// TestSEC050_NothingOfAMethodIsLeft: whether its kind is configured or not. A report and an
// undo suspend it, and remove nothing.
func TestSEC050_NothingOfAMethodIsLeft(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		tables := h.tables()
		for table, columns := range tables {
			if slices.Contains(columns, "authenticator_id") && fillers[table] == "" && !slices.Contains(stays, table) {
				t.Errorf("%s has rows of authenticators that no one puts there", table)
			}
		}
		ways := map[string]func(o profile.Owner, id string){
			"removed": h.remove,
			"reported": func(o profile.Owner, _ string) {
				if err := h.incident.Disown(t.Context(),
					h.reference(outofband.NotMeLink("", h.Keys, h.company, o.FlowID)), visitor); err != nil {
					t.Error(err)
				}
			},
			"undone": func(o profile.Owner, _ string) {
				was := o.User.Email
				h.move(o, "new-"+was)
				h.undo(was)
			},
		}
		for way, take := range ways {
			for _, k := range []authenticator.Kind{authenticator.TOTP, authenticator.Passkey, authenticator.SMS,
				authenticator.Push, authenticator.Backup} {
				u := h.person(h.company, string(k)+"-"+way+"@company.test")
				o := h.owner(u.Email)
				id := h.furnished(o, k)
				if n := len(h.left(tables, id)); n != len(fillers)+1 {
					t.Fatalf("%d places before it goes", n)
				}
				take(o, id)
				if left := h.left(tables, id); way == "removed" && len(left) > 0 ||
					way != "removed" && len(left) != len(fillers)+1 {
					t.Errorf("%s %s: left in %v", k, way, left)
				}
			}
		}
	})
}

// TestSEC050_NothingOfASetUpIsLeft: a wrong first proof, and codes that newer ones replaced.
func TestSEC050_NothingOfASetUpIsLeft(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		tables := h.tables()
		h.person(h.company, "maria@company.test")
		o := h.owner("maria@company.test")
		d, err := h.binding.Propose(t.Context(), h.holder(o), authenticator.TOTP, "", "")
		if err != nil {
			t.Fatal(err)
		}
		h.in(h.company, func(ctx context.Context, tx *db.Tx) error {
			out, err := h.binding.Confirm(ctx, tx, h.holder(o), d.ID, authenticator.Response{Code: "wrong"})
			if out.OK || out.TriesLeft != h.Limits.WrongAnswers-1 {
				t.Errorf("%+v", out)
			}
			return err
		})
		if left := h.left(tables, d.ID); len(left) != 1 || left[0] != "drafts.id" {
			t.Errorf("of a wrong proof: %v", left)
		}
		first, second := h.codes(o), h.codes(o)
		if left := h.left(tables, first); len(left) != 0 {
			t.Errorf("of the codes before: %v", left)
		}
		if left := h.left(tables, second); len(left) != 2 {
			t.Errorf("of the new ones: %v", left)
		}
	})
}
