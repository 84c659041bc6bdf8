package demo

import (
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/internal/access"
	"countersign/internal/audit"
	"countersign/internal/db"
	"countersign/internal/people"
	"countersign/internal/policy"
)

// The people who are made up are the same at each start, and no address can be anyone's.
func TestTheCrowdIsMadeUpTheSameWay(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	one, two := crowdOf("northgate.example", 240, now.Add(-84*day), now), crowdOf("northgate.example", 240,
		now.Add(-84*day), now)
	if !slices.Equal(one, two) {
		t.Error("two crowds differ")
	}
	seen, set := map[string]bool{}, 0
	for _, c := range one {
		if !strings.HasSuffix(c.Email, "@northgate.example") || seen[c.Email] {
			t.Errorf("%s: %s", c.Name, c.Email)
		}
		seen[c.Email] = true
		for _, at := range []time.Time{c.Joined, c.App, c.Left} {
			if at.After(now) {
				t.Errorf("%s: %s is to come", c.Name, at)
			}
		}
		if c.activated(now) {
			set++
		}
	}
	if set < 120 || set > 210 {
		t.Errorf("%d of 240 have an app", set)
	}
}

// What happened before the demo began is in the hash chain, and every page of a company has something to show.
func TestTheHistoryIsWhole(t *testing.T) {
	d := start(t)
	ctx, c := t.Context(), northgate
	if _, err := (&audit.Sealer{DB: d.house.DB, Keys: d.house.Keys}).Seal(ctx); err != nil {
		t.Fatal(err)
	}
	r, err := audit.Verify(ctx, d.house.DB, d.house.Keys, c.ID)
	if err != nil || !r.Intact() || r.Unsealed > 0 || r.Checked < 5000 {
		t.Errorf("%+v, %v", r, err)
	}
	now := d.house.DB.Now()
	err = d.house.DB.View(ctx, c.ID, func(tx *db.Tx) error {
		newest, err := audit.List(ctx, tx, audit.Filter{Limit: 1})
		if len(newest) != 1 || newest[0].At.After(now) {
			t.Errorf("the newest event: %+v", newest)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	days, err := d.house.Company.Adoption(ctx, access.Server, c.ID)
	if err != nil || len(days) < 83 || days[10].Activated >= days[len(days)-1].Activated {
		t.Errorf("%d days of adoption, %v", len(days), err)
	}
	pending, err := d.house.People.Search(ctx, access.Server, c.ID, people.Search{Status: policy.Pending, Limit: 500})
	if err != nil || len(pending.People) < 20 || len(pending.People) > 100 {
		t.Errorf("%d people are pending, %v", len(pending.People), err)
	}
	if mails := d.mail.newestFirst(); len(mails) != 0 {
		t.Errorf("the inbox is not empty: %+v", mails[0])
	}
}

// The page leads each owner to what their company is about.
func TestThePageLeadsEachOwner(t *testing.T) {
	page := newVisitor(t).get(start(t).URL)
	for _, c := range companies {
		given, _, _ := strings.Cut(c.People[0].Name, " ")
		led := slices.ContainsFunc(c.Tries, func(t try) bool {
			return strings.Contains(t.Do, given) && strings.Contains(t.Do, "Manage your company")
		})
		if !led {
			t.Errorf("%s is not led to the pages of %s", given, c.Name)
		}
	}
	page.says(t, "look as if several people used them", "switch is on and locked")
}
