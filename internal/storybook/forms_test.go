package storybook

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// signInForm is a form of a sign-in that is under way, up to the end of its fields.
var signInForm = regexp.MustCompile(
	`(?s)<form method="post" action="(/signin/(?:code|code/new|other|cancel|new-password|set-up/[a-z/]+))"[^>]*>.*?</form>`)

var namesAFlow = regexp.MustCompile(`<input type="hidden" name="flow" value="[a-z0-9]+">`)

// A form that does not name its sign-in would act on the newest one of the browser.
func TestEveryFormOfASignInNamesIt(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.golden.html")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, form := range signInForm.FindAllSubmatch(text, -1) {
			seen[string(form[1])] = true
			if !namesAFlow.Match(form[0]) {
				t.Errorf("%s: the form for %s names no sign-in", path, form[1])
			}
		}
	}
	for _, action := range []string{"/signin/code", "/signin/code/new", "/signin/other", "/signin/cancel",
		"/signin/new-password", "/signin/set-up/totp/confirm"} {
		if !seen[action] {
			t.Errorf("no page has a form for %s", action)
		}
	}
}
