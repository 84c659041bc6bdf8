package signin_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/internal/authenticator/outofband"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/jobs"
	"countersign/internal/message/email"
	"countersign/internal/secret"
	"countersign/internal/signin"
	"countersign/internal/user"
)

// mailLinks runs the jobs that mail links, and sends the mails.
func (h *house) mailLinks() {
	h.t.Helper()
	var due []jobs.Job
	err := h.DB.View(h.t.Context(), db.Installation, func(tx *db.Tx) error {
		rows, err := tx.Query(h.t.Context(), `SELECT tenant_id, id, args FROM jobs
			WHERE tenant_id <> '' AND kind = $1 AND done_at = 0`, signin.JobAdmission)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var j jobs.Job
			if err := rows.Scan(&j.Tenant, &j.ID, &j.Args); err != nil {
				return err
			}
			due = append(due, j)
		}
		return rows.Err()
	})
	if err != nil {
		h.t.Fatal(err)
	}
	for _, j := range due {
		if err := h.MailAdmission(h.t.Context(), j); err != nil {
			h.t.Fatal(err)
		}
		h.in(j.Tenant, func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE jobs SET done_at = $1
				WHERE tenant_id = $2 AND id = $3`, tx.Now, tx.Tenant, j.ID)
			return err
		})
	}
	h.deliver()
}

// links are the mails with a link in one mailbox, the newest last.
func (h *house) links(address string) (out []email.Admission) {
	h.t.Helper()
	h.post.mu.Lock()
	defer h.post.mu.Unlock()
	for _, e := range h.post.mails {
		if e.Template != email.Template(email.Admission{}) || e.To != address {
			continue
		}
		var letter email.Admission
		if err := json.Unmarshal(e.Data, &letter); err != nil {
			h.t.Fatal(err)
		}
		out = append(out, letter)
	}
	return out
}

// admit lets a browser in by the newest link of a mailbox.
func (h *house) admit(address string) secret.Reference {
	h.t.Helper()
	if err := h.AskAdmission(h.t.Context(), address, visitor); err != nil {
		h.t.Fatal(err)
	}
	h.mailLinks()
	all := h.links(address)
	if len(all) == 0 {
		h.t.Fatal("no link was mailed")
	}
	browser, err := h.UseAdmission(h.t.Context(), admissionOf(h.t, all[len(all)-1]), visitor)
	if err != nil {
		h.t.Fatal(err)
	}
	return browser
}

// exhaust uses up what strangers of an account have, by its password.
func (h *house) exhaust(address string) {
	h.t.Helper()
	for range 61 {
		if _, err := h.SubmitPassword(h.t.Context(), attempt(address, rightPassword, "dashboard")); err != nil {
			return
		}
	}
	h.t.Fatal("strangers may begin as many sign-ins as they like")
}

// guard: UseAdmission
func TestATK12_ALinkLetsOneBrowserInOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		const maria = "maria@company.test"
		h.exhaust(maria)
		if err := h.AskAdmission(t.Context(), maria, visitor); err != nil {
			t.Fatal(err)
		}
		h.mailLinks()
		link := admissionOf(t, h.links(maria)[0])
		for range 3 { // as a scanner does
			if state, account, err := h.OpenAdmission(t.Context(), link); state != outofband.LinkReady ||
				account == "" || err != nil {
				t.Fatalf("%s %q %v", state, account, err)
			}
		}
		browser, err := h.UseAdmission(t.Context(), link, visitor)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.UseAdmission(t.Context(), link, visitor); !fault.Is(err, fault.NotFound) {
			t.Errorf("a second use: %v", err)
		}
		if state, account, _ := h.OpenAdmission(t.Context(), link); state != outofband.LinkUsed || account != "" {
			t.Errorf("a used link: %s %q", state, account)
		}
		a := attempt(maria, rightPassword, "dashboard")
		a.Admission = browser
		step, err := h.SubmitPassword(t.Context(), a)
		if err != nil || !isAsk(step) { // and still asks for the second step
			t.Fatalf("%#v, %v", step, err)
		}
		for what, forged := range map[string]secret.Reference{
			"the link itself": link,
			"another token": {Tenant: browser.Tenant, ID: browser.ID,
				Token: h.signIn("owner@company.test", "dashboard", false).Device.Token},
			"another row":       {Tenant: browser.Tenant, ID: "0", Token: browser.Token},
			"the zero value":    {},
			"another's company": {Tenant: db.Installation, ID: browser.ID, Token: browser.Token},
		} {
			a.Admission = forged
			if _, err := h.SubmitPassword(t.Context(), a); !fault.Is(err, fault.RateLimited) {
				t.Errorf("%s lets in: %v", what, err)
			}
		}
		a.Admission = browser
		h.clock.pass(signin.AdmissionLife)
		h.exhaust(maria)
		if _, err := h.SubmitPassword(t.Context(), a); !fault.Is(err, fault.RateLimited) {
			t.Errorf("an hour later it still lets in: %v", err)
		}
	})
}

func TestATK12_ALinkIsForItsAccountAndItsPassword(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		mine := h.admit("owner@company.test")
		h.exhaust("maria@company.test")
		a := attempt("maria@company.test", rightPassword, "dashboard")
		a.Admission = mine
		if _, err := h.SubmitPassword(t.Context(), a); !fault.Is(err, fault.RateLimited) {
			t.Errorf("another person's link lets in: %v", err)
		}
		a.Admission = h.admit("maria@company.test")
		h.in(h.company, func(ctx context.Context, tx *db.Tx) error {
			u, err := user.ByEmail(ctx, tx.ForTenant(db.Installation), "maria@company.test")
			if err != nil {
				return err
			}
			return user.PasswordChanged(ctx, tx, u.ID)
		})
		h.exhaust("maria@company.test")
		if _, err := h.SubmitPassword(t.Context(), a); !fault.Is(err, fault.RateLimited) {
			t.Errorf("a link from before the new password lets in: %v", err)
		}
	})
}

// TestATK12_ALinkThatRanOutStaysSo: also where the clock goes back (SEC-140).
func TestATK12_ALinkThatRanOutStaysSo(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		if err := h.AskAdmission(t.Context(), "maria@company.test", visitor); err != nil {
			t.Fatal(err)
		}
		h.mailLinks()
		link := admissionOf(t, h.links("maria@company.test")[0])
		h.clock.pass(signin.AdmissionLife)
		if state, _, _ := h.OpenAdmission(t.Context(), link); state != outofband.LinkExpired {
			t.Errorf("it is %s", state)
		}
		for range 2 {
			if _, err := h.UseAdmission(t.Context(), link, visitor); !fault.Is(err, fault.NotFound) {
				t.Errorf("it was used: %v", err)
			}
			h.clock.pass(-time.Minute)
		}
	})
}

// TestATK12_ThereIsAlwaysALink: however often someone asks, another mail can be sent or the
// mailbox has a link that is valid; and the mailbox is not filled.
func TestATK12_ThereIsAlwaysALink(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		const maria = "maria@company.test"
		for range 3 * 24 * 4 { // every quarter of an hour for three days
			if err := h.AskAdmission(t.Context(), maria, visitor); err != nil {
				t.Fatal(err)
			}
			h.mailLinks()
			all := h.links(maria)
			if newest := all[len(all)-1]; !h.clock.now().Before(newest.ExpiresAt) {
				t.Fatalf("at %s the newest link was over", h.clock.now())
			}
			h.clock.pass(15 * time.Minute)
		}
		if n := len(h.links(maria)); n > 30 {
			t.Errorf("%d mails in three days", n)
		}
		for range 12 { // anyone who uses a link may ask for another
			h.admit(maria)
		}
	})
}

// TestATK12_AskingTellsNothing: one job each, anyone who has the address; mail for open accounts only.
func TestATK12_AskingTellsNothing(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		closed := h.newUser(h.company, "closed@company.test", user.Agent)
		h.in(h.company, func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE users SET disabled_at = $1
				WHERE tenant_id = $2 AND id = $3`, tx.Now, tx.Tenant, closed.ID)
			return err
		})
		var statements []int64
		for _, address := range []string{"maria@company.test", "closed@company.test", "nobody@company.test",
			"no address at all", strings.Repeat("x", 5000)} {
			before := h.DB.Statements()
			if err := h.AskAdmission(t.Context(), address, visitor); err != nil {
				t.Fatalf("%.20s: %v", address, err)
			}
			statements = append(statements, h.DB.Statements()-before)
		}
		if len(slices.Compact(slices.Clone(statements))) != 1 {
			t.Errorf("statements for each address: %v", statements)
		}
		h.mailLinks()
		if maria, others := len(h.links("maria@company.test")),
			h.post.count(email.Template(email.Admission{})); maria != 1 || others != 1 {
			t.Errorf("%d mails to the open account, %d in all", maria, others)
		}
	})
}

// TestATK12_OneNetworkAsksOnlySoOften bounds what may be written.
func TestATK12_OneNetworkAsksOnlySoOften(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for i := range 300 {
			if err := h.AskAdmission(t.Context(), "nobody@company.test", visitor); err != nil {
				t.Fatalf("the %dth: %v", i+1, err)
			}
		}
		if err := h.AskAdmission(t.Context(), "maria@company.test", visitor); !fault.Is(err, fault.RateLimited) {
			t.Errorf("one more: %v", err)
		}
		other := visitor
		other.IP = "198.51.100.7"
		if err := h.AskAdmission(t.Context(), "maria@company.test", other); err != nil {
			t.Errorf("another network: %v", err)
		}
	})
}
