package locale

import (
	"bytes"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// sentence is a key's forms: one without a name, or one for each plural category.
type sentence map[string]string

func (s *sentence) UnmarshalJSON(b []byte) error {
	if bytes.HasPrefix(b, []byte(`"`)) {
		var only string
		err := json.Unmarshal(b, &only)
		*s = sentence{"": only}
		return err
	}
	return json.Unmarshal(b, (*map[string]string)(s))
}

var placeholder = regexp.MustCompile(`\{\{\s*\.(\w+)\s*\}\}`)

// placeholders are the names that any form of the sentence asks for, sorted.
func (s sentence) placeholders() []string {
	names := map[string]bool{}
	for _, form := range s {
		for _, found := range placeholder.FindAllStringSubmatch(form, -1) {
			names[found[1]] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// catalogue reads the words of one language as they stand in the file.
func catalogue(t testing.TB, lang string) map[string]sentence {
	t.Helper()
	b, err := files.ReadFile("active." + lang + ".json")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]sentence{}
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatalf("active.%s.json: %v", lang, err)
	}
	return out
}

func newCatalog(t testing.TB) *Catalog {
	t.Helper()
	c, err := New()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestEveryLanguageSaysTheSame(t *testing.T) {
	ours := catalogue(t, Default)
	for _, lang := range newCatalog(t).Languages() {
		theirs := catalogue(t, lang)
		for key := range ours {
			if theirs[key] == nil {
				t.Errorf("%s lacks %q", lang, key)
			}
		}
		for key, s := range theirs {
			if ours[key] == nil {
				t.Errorf("%s has %q, which %s lacks", lang, key, Default)
				continue
			}
			if got, want := s.placeholders(), ours[key].placeholders(); !slices.Equal(got, want) {
				t.Errorf("%s in %s asks for %v, in %s for %v", key, lang, got, Default, want)
			}
		}
	}
}

func TestUnknownLanguageNamesThoseWeSpeak(t *testing.T) {
	c := newCatalog(t)
	for _, lang := range c.Languages() {
		said := c.In(lang).T("user.unknown_language")
		for _, other := range c.Languages() {
			if !regexp.MustCompile(`\b` + other + `\b`).MatchString(said) {
				t.Errorf("%s does not name %s: %s", lang, other, said)
			}
		}
	}
}

// A key written twice would silently lose its first sentence.
func TestNoKeyIsGivenTwice(t *testing.T) {
	key := regexp.MustCompile(`(?m)^  "([^"]+)":`)
	for _, lang := range newCatalog(t).Languages() {
		b, err := files.ReadFile("active." + lang + ".json")
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, found := range key.FindAllSubmatch(b, -1) {
			if name := string(found[1]); seen[name] {
				t.Errorf("%s gives %q twice", lang, name)
			}
			seen[string(found[1])] = true
		}
		if len(seen) != len(catalogue(t, lang)) {
			t.Errorf("%s: %d keys at the start of a line, %d in all", lang, len(seen), len(catalogue(t, lang)))
		}
	}
}

// formsOf are the plural forms of CLDR for the languages that we speak.
var formsOf = map[string][]string{
	"de":    {"one", "other"},
	"en":    {"one", "other"},
	"es":    {"many", "one", "other"},
	"fr":    {"many", "one", "other"},
	"pt-BR": {"many", "one", "other"},
}

func TestPluralsHaveEveryForm(t *testing.T) {
	for _, lang := range newCatalog(t).Languages() {
		if formsOf[lang] == nil {
			t.Fatalf("say which plural categories %s has", lang)
		}
		for key, s := range catalogue(t, lang) {
			_, single := s[""]
			forms := slices.Sorted(maps.Keys(s))
			if !single && !slices.Equal(forms, formsOf[lang]) {
				t.Errorf("%s in %s has the forms %v, wants %v", key, lang, forms, formsOf[lang])
			}
			if counts := slices.Contains(s.placeholders(), "Count"); counts == single {
				t.Errorf("%s in %s: a Count (%v) and plural forms (%v) go together", key, lang, counts, !single)
			}
		}
	}
}

func TestEverySentenceCanBeSaid(t *testing.T) {
	c := newCatalog(t)
	for _, lang := range c.Languages() {
		p := c.In(lang)
		for key, s := range catalogue(t, lang) {
			if !p.Has(key) {
				t.Errorf("%s does not know its own %s", lang, key)
			}
			for _, count := range []int{0, 1, 2, 1_000_000} {
				if said := p.T(key, values(s, count)...); bad(key, said) {
					t.Errorf("%s in %s with Count %d says %q", key, lang, count, said)
				}
			}
		}
	}
}

func values(s sentence, count int) []any {
	var args []any
	for _, name := range s.placeholders() {
		if name == "Count" {
			args = append(args, name, count)
			continue
		}
		args = append(args, name, "value of "+name)
	}
	return args
}

func bad(key, said string) bool {
	return said == key || strings.Contains(said, "{{") || strings.Contains(said, "no value") ||
		strings.TrimSpace(said) != said || said == ""
}

// boasts are words that no method of ours may be sold with.
var boasts = regexp.MustCompile(`(?i)multi-?factor|\bM\.?F\.?A\b|\bAAL ?[23]\b|phishing-?(proof|resistant)|` +
	`resistente al phishing|[aà] (prueba|prova|l’épreuve) de phishing|phishing-?(sicher|resistent)|` +
	`multi-?faktor|multi-?facteurs?|multi-?fator|résistante? au phishing|resistente a phishing`)

// claims are words that a code by email does not earn (SEC-1: NIST SP 800-63B-4 3.1.3.1). People
// read "two-factor authentication" where it is turned on and where its status is shown, but never
// about an email code.
var (
	claims = regexp.MustCompile(
		`(?i)two-?factor|second factor|\b2FA\b|(doble|segundo|dos) factor|dos factores|en dos pasos|` +
			`zwei-faktor|zweiter faktor|(deux|second) facteurs?|(dois|segundo) fator(es)?|duas etapas`)
	byEmail = regexp.MustCompile(
		`(?i)\bemail(ed)? (code|a code)|code (by|from your|in the) email|\bcódigos? (por|del|de su) correo|` +
			`\bcodes? (per|aus der|in der) e-mail|e-mail-codes?|\bcodes? (par|de l’|dans l’) ?e-mail|` +
			`\bcódigos? (por|do|no|de) e-mail`)
	boasting = func(form string) string {
		if found := boasts.FindString(form); found != "" {
			return found
		}
		if byEmail.MatchString(form) {
			return claims.FindString(form)
		}
		return ""
	}
)

func TestSEC1NoSentenceBoasts(t *testing.T) {
	for _, lang := range newCatalog(t).Languages() {
		for key, s := range catalogue(t, lang) {
			for _, form := range s {
				// What administrators read says that an email code is not enough.
				honest := key == "explain.protected" || key == "console.email_only"
				if found := boasting(form); found != "" && !honest {
					t.Errorf("%s in %s claims %q: %s", key, lang, found, form)
				}
			}
		}
	}
	for _, claim := range []string{"multi-factor", "Multifactor", "MFA", "AAL2", "phishing-proof"} {
		if boasting("This is "+claim+".") == "" {
			t.Errorf("%q would pass", claim)
		}
	}
	for _, claim := range []string{"two-factor authentication", "2FA", "a second factor", "doble factor",
		"autenticación en dos pasos", "Zwei-Faktor-Authentifizierung", "deux facteurs", "dois fatores"} {
		for _, sentence := range []string{"A code by email is " + claim + ".",
			"Un código por correo es " + claim + ".", "Ein Code per E-Mail ist " + claim + ".",
			"Un code par e-mail est " + claim + ".", "Um código por e-mail é " + claim + "."} {
			if boasting(sentence) == "" {
				t.Errorf("%q would pass", sentence)
			}
		}
	}
}

// Catalogue text is put into pages by html/template and into mails; neither expects tags.
func TestNoSentenceHoldsMarkup(t *testing.T) {
	markup := regexp.MustCompile(`[<>]|&[a-z#0-9]+;|\{\{[^}]*[^}\w\s.][^}]*\}\}`)
	for _, lang := range newCatalog(t).Languages() {
		for key, s := range catalogue(t, lang) {
			for _, form := range s {
				if markup.MatchString(form) || strings.ContainsAny(form, "\r\n\x00") {
					t.Errorf("%s in %s: %q", key, lang, form)
				}
			}
		}
	}
}
