package help

import (
	"slices"
	"strings"
	"testing"

	"countersign/internal/access"
	"countersign/internal/locale"
)

func printer(t *testing.T, lang string) *locale.Printer {
	t.Helper()
	c, err := locale.New()
	if err != nil {
		t.Fatal(err)
	}
	return c.In(lang)
}

func TestEveryTopicIsWhole(t *testing.T) {
	p, seen := printer(t, "en"), map[string]bool{}
	for _, topic := range topics {
		if seen[topic.url()] {
			t.Errorf("%s is there twice", topic.url())
		}
		seen[topic.url()] = true
		for _, key := range slices.Concat([]string{topic.Title, topic.Intro}, topic.Steps, topic.Points, topic.Notes) {
			if !p.Has(key) {
				t.Errorf("%s says %s, which the catalogue lacks", topic.Name, key)
			}
		}
		for _, name := range topic.See {
			if _, ok := named(topic.For, name); !ok || name == topic.Name {
				t.Errorf("%s leads to %q", topic.Name, name)
			}
		}
	}
}

// The table in the help is the one that the program decides by: each of its actions and reaches has words.
func TestEveryRightHasWords(t *testing.T) {
	if len(access.OfCompanies()) < 20 {
		t.Fatalf("only %d rights", len(access.OfCompanies()))
	}
	known := map[access.Action]bool{}
	for _, r := range access.OfCompanies() {
		known[r.Action] = true
		if actionKeys[r.Action] == "" {
			t.Errorf("no words for %s", r.Action)
		}
		for _, reach := range []access.Reach{r.Owner, r.Admin, r.Supervisor} {
			if reachKeys[reach] == "" {
				t.Errorf("%s: no words for %q", r.Action, reach)
			}
		}
	}
	for action := range actionKeys {
		if !known[action] {
			t.Errorf("%s is no company's right", action)
		}
	}
}

func TestSearchFinds(t *testing.T) {
	for _, tc := range []struct {
		lang  string
		of    audience
		query string
		first string
	}{
		{"en", everyone, "", "sign-in"},
		{"en", everyone, "Passkey", "passkey"},
		{"en", everyone, "new phone", "new-phone"},
		{"en", everyone, "qr key", "authenticator"},
		{"en", administrators, "  DISABLE two-factor ", "disable"},
		{"en", everyone, "carrier pigeon", ""},
		{"en", everyone, strings.Repeat("a ", 60), ""},
		{"es", everyone, "codigo no llega", "no-code"},
		{"en", everyone, "reset’s <script>", ""},
	} {
		found := find(printer(t, tc.lang), tc.of, strings.TrimSpace(tc.query))
		switch {
		case tc.first == "" && len(found) > 0:
			t.Errorf("%q finds %s", tc.query, found[0].Name)
		case tc.first != "" && (len(found) == 0 || found[0].Name != tc.first):
			t.Errorf("%q does not find %s first: %v", tc.query, tc.first, found)
		}
	}
	for _, topic := range find(printer(t, "en"), everyone, "") {
		if topic.For != everyone {
			t.Errorf("everyone is shown %s", topic.Name)
		}
	}
}
