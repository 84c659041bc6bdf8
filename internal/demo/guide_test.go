package demo

import (
	"strings"
	"testing"

	"countersign/internal/policy"
)

// The demo's page begins with one person and one button; the rest is folded away.
func TestThePageLeadsWithOnePersonAndOneButton(t *testing.T) {
	d := start(t)
	page := newVisitor(t).get(d.URL)
	lead, rest, found := strings.Cut(page.body, "</header>")
	maya := companies[0].People[0]
	if !found || !strings.Contains(lead, maya.Email) || !strings.Contains(lead, maya.Password) ||
		strings.Count(lead, `class="button"`) != 1 || !strings.Contains(lead, d.at.Dashboard+"/sign-in") {
		t.Errorf("it begins with\n%s", lead)
	}
	for _, c := range companies {
		for _, p := range c.People {
			if p.Email != maya.Email && strings.Contains(lead, p.Email) {
				t.Errorf("%s is there, too", p.Email)
			}
		}
	}
	if n := strings.Count(rest, `<details class="company"`); n != len(companies)+4 || strings.Contains(rest, " open>") {
		t.Errorf("%d folded parts:\n%s", n, rest)
	}
	for _, own := range []string{d.Issuer, OwnClient, OwnRedirect} {
		if !strings.Contains(rest, "<code>"+own+"</code>") {
			t.Errorf("it does not say %s", own)
		}
	}
	if n := strings.Count(newVisitor(t).get(d.URL+"?at="+companies[1].ID).body, " open>"); n != 1 {
		t.Errorf("%d parts are open", n)
	}
}

// A person who cannot sign in reads what to do, and no name of a level.
func TestAStuckAccountIsExplainedInSentences(t *testing.T) {
	d := start(t)
	v := d.decided(dashboardID, policy.Decision{
		Outcome:    policy.Deny,
		NeedsAdmin: true,
		Protection: policy.TwoFactor,
		Need:       policy.TwoFactor,
		Because:    []policy.Reason{{Key: "policy.nothing_strong_enough"}},
	})
	text := v.Asks + " " + strings.Join(v.Because, " ")
	if strings.Contains(text, "urn:") || !strings.Contains(text, "An administrator can reset their methods") {
		t.Error(text)
	}
}
