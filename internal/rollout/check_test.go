package rollout_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/internal/access"
	"countersign/internal/authenticator"
	"countersign/internal/db"
	"countersign/internal/people"
	"countersign/internal/policy"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// defects are what is wrong with some people, by how their address begins.
var defects = []string{"bounce-plain", "bounce-app", "bounce-invited", "again", "app", "suspended", "phone",
	"phone-codes", "lost", "lost-recovery", "lost-released", "reset", "reset-app", "reported", "no-mailbox",
	"no-mailbox-app", "invited", "closed"}

// seed is a company of n people, every second of whom has some defect.
func (r *rig) seed(n int) (all []string) {
	r.t.Helper()
	for i := range n {
		word := "plain"
		if i%2 == 0 {
			word = defects[i/2%len(defects)]
		}
		all = append(all, fmt.Sprintf("%s.%03d@people.example", word, i))
	}
	r.addPeople(all...)
	for _, word := range []string{"bounce-app", "app", "reset-app", "no-mailbox-app"} {
		r.bind(word, authenticator.TOTP, 0)
	}
	r.bind("suspended", authenticator.TOTP, 1)
	r.bind("phone", authenticator.SMS, 0) // and no text message is sent here
	r.bind("phone-codes", authenticator.Backup, 0)
	for _, word := range []string{"lost", "bounce-app", "app", "phone", "suspended", "reset-app"} {
		r.mark(word, "first_factor_at", int64(1))
	}
	r.mark("lost-recovery", "recovery_until", r.at.Add(time.Hour))
	r.mark("lost-released", "released_at", int64(2))
	r.mark("reset", "password_reset_at", r.at.Add(-time.Hour))
	r.mark("reported", "password_flagged_at", int64(1))
	r.mark("closed", "disabled_at", int64(1))
	r.exec(`UPDATE authenticators SET disabled_at = 1 WHERE tenant_id = $1 AND kind = 'email' AND user_id IN (
		SELECT id FROM users WHERE tenant_id = $1 AND email LIKE 'no-mailbox%')`)
	for _, word := range []string{"invited", "bounce-invited"} {
		r.exec(`DELETE FROM passwords WHERE tenant_id = $1 AND user_id IN (
			SELECT id FROM users WHERE tenant_id = $1 AND email LIKE $2)`, word+"%")
	}
	r.exec(`UPDATE outofband_addresses SET verified_at = 1 WHERE tenant_id = $1`)
	r.mailed("bounce", "bounced", 10)
	r.mailed("again", "accepted", 20) // it works again
	r.mailed("plain.011", "bounced", 10)
	r.mailed("plain.011", "accepted", 10)
	return all
}

// mailed stores what became of an earlier mail to those whose address begins with a word.
func (r *rig) mailed(word, state string, at int64) {
	r.t.Helper()
	r.exec(`INSERT INTO messages (tenant_id, id, user_id, channel, purpose, hint, sealed, state, host, attempts,
			queued_at, state_at, next_try_at, expires_at, copy_of)
		SELECT tenant_id, id || $2, id, 'email', 'notice', '', NULL, $2, 'mx.test', 1, $3, $3, 0, $4, '' FROM users
		WHERE tenant_id = $1 AND email LIKE $5`, state, at, r.at, word+"%")
}

// predicted are the addresses of those of whom the checks say that they will be stopped.
func (r *rig) predicted(c people.Coming) (out []string) {
	r.t.Helper()
	for _, view := range people.Stopping {
		p, err := r.people.Search(r.t.Context(), access.Server, "acme",
			people.Search{View: view, Coming: &c, Limit: 500})
		if err != nil {
			r.t.Fatal(err)
		}
		for _, l := range p.People {
			out = append(out, l.User.Email)
		}
	}
	return out
}

// TestAIR18_ThePredictedAreWhomASignInStops: of 500 people with defects of every kind, the report names exactly those
// whom a sign-in stops once the rules apply.
func TestAIR18_ThePredictedAreWhomASignInStops(t *testing.T) {
	each(t, func(r *rig) {
		all := r.seed(500)
		for _, methods := range []tenant.Methods{"", "email", "totp"} {
			coming := people.Coming{Methods: methods}
			report, err := r.Check(t.Context(), access.Server, "acme", &coming)
			if err != nil {
				t.Fatal(err)
			}
			got := r.predicted(coming)
			r.in("acme", func(ctx context.Context, tx *db.Tx) error {
				if err := tenant.SetMethods(ctx, tx, methods); err != nil {
					return err
				}
				return tenant.SwitchOn(ctx, tx)
			})
			clear(r.mails.codes)
			want := r.stopped(slices.DeleteFunc(slices.Clone(all), func(address string) bool {
				return strings.Contains(address, "invited") || strings.HasPrefix(address, "closed")
			}))
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				r.t.Errorf("%q: predicted and not stopped: %v\nstopped and not predicted: %v", methods,
					without(got, want), without(want, got))
			}
			if report.Stopped != len(want) || len(want) < 20 || report.People != 500-closed(all) {
				r.t.Errorf("%q: the report says %d of %d, and %d are stopped",
					methods, report.Stopped, report.People, len(want))
			}
		}
	})
}

func closed(all []string) (n int) {
	for _, address := range all {
		if strings.HasPrefix(address, "closed") {
			n++
		}
	}
	return n
}

func without(these, others []string) (out []string) {
	for _, s := range these {
		if !slices.Contains(others, s) {
			out = append(out, s)
		}
	}
	return out
}

// TestAIR18_FindingsNameWhoAndHowMany: each finding counts its people, and names the first by name.
func TestAIR18_FindingsNameWhoAndHowMany(t *testing.T) {
	each(t, func(r *rig) {
		all := r.seed(500)
		r.mark("plain.001", "role", string(user.Owner))
		report, err := r.Check(t.Context(), access.Server, "acme", nil)
		if err != nil {
			t.Fatal(err)
		}
		number := func(word string) (n int) {
			for _, address := range all {
				if strings.HasPrefix(address, word+".") {
					n++
				}
			}
			return n
		}
		want := map[people.SavedView]int{
			people.NoWayIn: number("suspended") + number("phone") + number("lost") + number("no-mailbox"),
			// email is allowed: no one has to wait
			people.MailStops:       number("bounce-plain"),
			people.OneMethodOwners: 1,
			people.MailBounces:     number("bounce-app") + number("bounce-invited"),
			people.NeverInvited:    number("invited") + number("bounce-invited"),
		}
		got := map[people.SavedView]int{}
		for _, f := range report.Findings {
			if len(f.First) != min(f.Count, 20) || !slices.IsSortedFunc(f.First, func(a, b user.User) int {
				return strings.Compare(a.Name, b.Name)
			}) {
				r.t.Errorf("%s: %d named of %d", f.View, len(f.First), f.Count)
			}
			got[f.View] = f.Count
		}
		for view, n := range want {
			if got[view] != n {
				r.t.Errorf("%s: %d people, want %d", view, got[view], n)
			}
		}
		if report.Owners != 1 || report.Rule != policy.Off || report.Mail.Enough() {
			r.t.Errorf("%+v", report)
		}
	})
}
