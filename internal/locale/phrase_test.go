package locale

import (
	"regexp"
	"testing"
)

// TestSentencesAreSaidAsByTheLibrary compares what was taken apart with the library's own
// templates and plural rules, for every sentence, and for arguments that are not as expected.
func TestSentencesAreSaidAsByTheLibrary(t *testing.T) {
	catalog, err := New()
	if err != nil {
		t.Fatal(err)
	}
	names := []string{}
	placeholder := regexp.MustCompile(`\{\{\.([A-Za-z]+)\}\}`)
	for _, lang := range catalog.Languages() {
		p := catalog.In(lang)
		if len(p.parts) < 100 {
			t.Errorf("%s: %d sentences were taken apart", lang, len(p.parts))
		}
		for key := range p.parts {
			names = names[:0]
			for _, parts := range p.parts[key].forms {
				for _, found := range placeholder.FindAllStringSubmatch(rejoin(parts), -1) {
					names = append(names, found[1])
				}
			}
			for _, args := range argumentsFor(names, p.parts[key].counted) {
				if got, want := p.T(key, args...), p.localize(key, args); got != want {
					t.Fatalf("%s %s %v: %q, want %q", lang, key, args, got, want)
				}
			}
		}
	}
}

func rejoin(parts []part) (text string) {
	for _, p := range parts {
		if text += p.text; p.name != "" {
			text += "{{." + p.name + "}}"
		}
	}
	return text
}

// argumentsFor leaves out counts of a sentence that has one form only where they are none
// that speaks of many: the library does not say it for any other.
func argumentsFor(names []string, counted bool) (all [][]any) {
	counts := []any{3, 100}
	if counted {
		counts = append(counts, 0, 1, 2, 11, 21, 1_000_000, 2_000_000, -1, "7", 1.5)
	}
	for _, count := range counts {
		args := []any{"Count", count, "Count", count}
		for _, n := range names {
			if n != "Count" {
				args = append(args, n, `<"{{.Count}}" & 'x'>`)
			}
		}
		all = append(all, args)
	}
	return append(all, nil, []any{"Count"}, []any{"Count", 3}, []any{"Other", "x"})
}
