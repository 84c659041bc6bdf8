package portal

import (
	"testing"

	"countersign/internal/authenticator"
	"countersign/internal/flow"
	"countersign/internal/locale"
	"countersign/internal/signin"
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

func TestEveryEndHasItsWords(t *testing.T) {
	reasons := []string{
		flow.Expired, flow.Cancelled, flow.Changed, flow.Unmet, flow.Outside,
		flow.NeedsAdmin, flow.SetUpLater, flow.Finished,
		replacedHere, "not_me", "restart", "signed_in", "unheard of",
	}
	inEveryLanguage(t, func(p *locale.Printer) {
		for _, reason := range reasons {
			page := endedPage{Reason: reason}
			if !p.Has(page.Title()) || !p.Has(page.Text()) {
				t.Errorf("%s: %s has no words: %s, %s", p.Lang(), reason, page.Title(), page.Text())
			}
		}
	})
}

func TestEveryLinkHasItsWords(t *testing.T) {
	inEveryLanguage(t, func(p *locale.Printer) {
		for state := range statusOfLink {
			s := string(state)
			for _, key := range []string{
				linkPage{State: s}.Title(), linkPage{State: s}.Text(), admissionPage{State: s}.Title(),
				admissionPage{State: s}.Text(),
				passwordLinkPage{State: s}.Title(), passwordLinkPage{State: s, Invitation: true}.Text(),
			} {
				if !p.Has(key) {
					t.Errorf("%s: no words for %s", p.Lang(), key)
				}
			}
		}
	})
}

func TestACodePageSpeaksOfItsKind(t *testing.T) {
	inEveryLanguage(t, func(p *locale.Printer) {
		for _, k := range authenticator.SecondSteps {
			for _, problem := range []string{"code.problem.wrong", "code.problem.older", "code.problem.sending",
				"code.problem.too_soon"} {
				page := codePage{Kind: k, Problem: problem}
				for _, key := range []string{page.Title(), page.Lead(), page.Submit(), page.Help(), page.ProblemKey()} {
					if !p.Has(key) {
						t.Errorf("%s: no words for %s of %s", p.Lang(), key, k)
					}
				}
			}
		}
	})
	if got := (codePage{Kind: authenticator.Email, ForSetUp: true}).Title(); got != "code.set_up.title" {
		t.Errorf("a code that opens a set-up is announced by %s", got)
	}
	if got := (codePage{Kind: authenticator.TOTP,
		Problem: "code.problem.wrong"}).ProblemKey(); got != "code.problem.wrong_app" {
		t.Errorf("a wrong code of an app is %s", got)
	}
}

func TestAllReceiversAreOneMethod(t *testing.T) {
	ways := mergeReceivers([]signin.MethodOption{
		{ID: "1", Kind: authenticator.Push, Label: "Phone"},
		{ID: "2", Kind: authenticator.TOTP, Label: "App"},
		{ID: "3", Kind: authenticator.Push, Label: "Tablet", Asked: true},
	})
	if len(ways) != 2 || ways[0].Label != "Phone, Tablet" || !ways[0].Asked || ways[1].ID != "2" {
		t.Errorf("%+v", ways)
	}
}

func TestTheMethodOfACookieIsNoMoreThanAWish(t *testing.T) {
	for cookie, want := range map[string]authenticator.Kind{"totp": authenticator.TOTP, "password": "", "": "",
		"<script>": ""} {
		if got := preferredMethod(cookie); got != want {
			t.Errorf("%q: %q", cookie, got)
		}
	}
}
