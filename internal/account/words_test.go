package account

import (
	"testing"
	"time"

	"countersign/internal/audit"
	"countersign/internal/authenticator"
	"countersign/internal/binding"
	"countersign/internal/locale"
	"countersign/internal/policy"
)

func inEveryLanguage(t *testing.T, fn func(p *locale.Printer)) {
	t.Helper()
	catalog, err := locale.New()
	if err != nil {
		t.Fatal(err)
	}
	for _, lang := range catalog.Languages() {
		fn(catalog.In(lang))
	}
}

func TestEveryLevelHasItsSummary(t *testing.T) {
	inEveryLanguage(t, func(p *locale.Printer) {
		for _, l := range []policy.Level{policy.None, policy.PasswordOnly, policy.EmailConfirmed, policy.TwoFactor,
			policy.PhishingResistant} {
			if !p.Has(summaryOf(l)) {
				t.Errorf("%s: no words for %s", p.Lang(), l)
			}
		}
	})
}

// TestSEC1_TheSummaryClaimsNoMoreThanIsTrue: codes by email are no second factor.
func TestSEC1_TheSummaryClaimsNoMoreThanIsTrue(t *testing.T) {
	for _, c := range []struct {
		has  []authenticator.Kind
		want string
	}{
		{nil, "profile.summary.password"},
		{[]authenticator.Kind{authenticator.Email}, "profile.summary.email"},
		{[]authenticator.Kind{authenticator.Email, authenticator.TOTP}, "profile.summary.device"},
		{[]authenticator.Kind{authenticator.SMS}, "profile.summary.device"},
		{[]authenticator.Kind{authenticator.TOTP, authenticator.Passkey}, "profile.summary.passkey"},
	} {
		if got := summaryOf(policy.Reachable(c.has)); got != c.want {
			t.Errorf("%v: %s instead of %s", c.has, got, c.want)
		}
	}
}

func TestEveryDoneWordIsASentence(t *testing.T) {
	words := []string{"forgotten", "ended", "restored", "renamed", "removed", "password", "email", "email_kept", "on",
		"off", "language"}
	inEveryLanguage(t, func(p *locale.Printer) {
		for _, word := range words {
			if !p.Has(doneKey(word)) {
				t.Errorf("%s: no words for %s", p.Lang(), word)
			}
		}
	})
	if doneKey("<script>") != "" {
		t.Error("an address says what it likes")
	}
}

func TestEventsNameMethodsAsTheirOwnerDoes(t *testing.T) {
	inEveryLanguage(t, func(p *locale.Printer) {
		words := eventText{Printer: p,
			methods: []binding.Method{{Authenticator: authenticator.Authenticator{ID: "a1", Label: "Work phone"}}}}
		row := audit.Row{Event: audit.Event{Method: "totp", SubjectID: "a1"}}
		want := p.T("method.named", "Method", p.T("method.totp"), "Name", "Work phone")
		if got := words.method(row, ""); got != want {
			t.Errorf("%q instead of %q", got, want)
		}
		row.SubjectID = "gone"
		if got := words.method(row, ""); got != p.T("method.totp") {
			t.Errorf("a method that is gone: %q", got)
		}
		if got := words.app("unknown"); got != p.T("word.unknown") {
			t.Errorf("an app that is gone: %q", got)
		}
	})
}

func TestAMailboxIsLeftOnlyWithoutSomethingStronger(t *testing.T) {
	app := methodView{ID: "app", Kind: "totp", Mine: true}
	codes := methodView{ID: "codes", Kind: "backup"}
	gone := methodView{ID: "gone", Kind: "push", Mine: true, Gone: time.Unix(1, 0)}
	m := &signedInUser{methods: []methodView{app, codes, gone}}
	if left := m.methodsWithout("app"); len(left) != 1 || left[0].ID != "codes" {
		t.Errorf("left: %+v", left)
	}
	if left := m.methodsWithout("codes"); len(left) != 1 || left[0].ID != "app" {
		t.Errorf("left: %+v", left)
	}
}
