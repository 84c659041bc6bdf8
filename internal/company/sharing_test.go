package company_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"countersign/internal/access"
	"countersign/internal/audit"
	"countersign/internal/company"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/sharing"
	"countersign/internal/user"
)

// uses records that someone gave the codes of their mailbox in some browsers, an hour apart.
func (r *rig) uses(tenantID, userID, method string, answers ...audit.Event) {
	r.t.Helper()
	for _, e := range answers {
		r.at = r.at.Add(time.Hour)
		e.Action, e.Result, e.Method, e.UserID = audit.SignInSecondFactor, audit.OK, method, userID
		r.in(tenantID, func(ctx context.Context, tx *db.Tx) error { return audit.Record(ctx, tx, e) })
	}
}

func inBrowsers(names ...string) (out []audit.Event) {
	for _, name := range names {
		out = append(out, audit.Event{Reason: "typed", Origin: audit.Origin{Browser: name}})
	}
	return out
}

func atClocks(reasons ...string) (out []audit.Event) {
	for _, reason := range reasons {
		out = append(out, audit.Event{Reason: reason, SubjectID: "a1"})
	}
	return out
}

// TestSharingIsFoundInTheLogAndForOwnersAndAdmins: in the last 30 days, in their own company only.
func TestSharingIsFoundInTheLogAndForOwnersAndAdmins(t *testing.T) {
	each(t, func(r *rig) {
		team, key := r.person("acme", user.Agent), r.person("acme", user.Supervisor)
		stranger := r.person("other", user.Agent)
		four := inBrowsers("Firefox, Linux", "Chrome, Linux", "Safari, iOS", "Edge, Windows")
		r.uses("acme", team.UserID, "email", four...)
		r.uses("other", stranger.UserID, "email", four...)
		fast, slow := "typed clock +1", "typed clock -1"
		r.uses("acme", key.UserID, "totp", atClocks(fast, slow, "typed", fast, slow)...)
		for a, allowed := range map[access.Actor]bool{
			r.person("acme", user.Owner):      true,
			r.person("acme", user.Admin):      true,
			r.person("vendor", user.Operator): true,
			r.person("vendor", user.Support):  false,
			r.person("acme", user.Supervisor): false,
			r.person("acme", user.Agent):      false,
			r.person("other", user.Owner):     false,
		} {
			found, err := r.Sharing(t.Context(), a, "acme", "")
			if !allowed {
				if !fault.Is(err, fault.Denied) && !fault.Is(err, fault.NotFound) || len(found.People) > 0 {
					t.Errorf("%s of %s: %v", a.UserID, a.TenantID, err)
				}
				continue
			}
			if err != nil || len(found.People) != 2 || found.Next != "" || found.Places {
				t.Fatalf("%+v, %v", found, err)
			}
			first, second := found.People[0], found.People[1]
			if first.User.ID != team.UserID || first.Likelihood != sharing.Likely || len(first.Browsers) != 4 ||
				second.User.ID != key.UserID || second.Likelihood != sharing.Low || len(second.Clocks) != 2 {
				t.Errorf("%+v", found.People)
			}
		}
		r.at = r.at.AddDate(0, 0, company.SharingDays+1)
		if later, err := r.Sharing(t.Context(), access.Server, "acme", ""); err != nil || len(later.People) > 0 {
			t.Errorf("a month later: %+v, %v", later, err)
		}
	})
}

// TestSharingPageByPage: a page ends after some evidence, and the next one begins where it ended.
func TestSharingPageByPage(t *testing.T) {
	each(t, func(r *rig) {
		const people = 230
		r.in("acme", func(ctx context.Context, tx *db.Tx) error {
			for n := range people {
				u, err := user.Create(ctx, tx, fmt.Sprintf("p%d@x.example", n), "P", user.Agent, "en")
				if err != nil {
					return err
				}
				if n%5 > 0 {
					continue
				}
				events := inBrowsers("Firefox, Linux", "Chrome, Linux", "Safari, iOS", "Edge, Windows")
				for i := range events {
					events[i].Action, events[i].Result = audit.SignInSecondFactor, audit.OK
					events[i].Method, events[i].UserID = "email", u.ID
				}
				if err := audit.Record(ctx, tx, events...); err != nil {
					return err
				}
			}
			return nil
		})
		seen, looked, pages := map[string]bool{}, 0, 0
		for after := ""; pages == 0 || after != ""; pages++ {
			found, err := r.Sharing(t.Context(), access.Server, "acme", after)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range found.People {
				if seen[s.User.ID] {
					t.Errorf("%s is on two pages", s.User.ID)
				}
				seen[s.User.ID] = true
			}
			looked, after = looked+found.Looked, found.Next
		}
		if len(seen) != people/5 || looked != people || pages < 2 {
			t.Errorf("%d suspects, %d people, %d pages", len(seen), looked, pages)
		}
	})
}
