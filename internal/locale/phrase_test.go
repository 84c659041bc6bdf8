package locale

import (
	"strings"
	"testing"

	"golang.org/x/text/language"
)

func TestMessagesOfAnyOtherFormAreRefused(t *testing.T) {
	for _, c := range []struct{ message, want string }{
		{`5`, "neither a text nor plural forms"},
		{`null`, "empty"},
		{`["a"]`, "neither a text nor plural forms"},
		{`{"other": {"a": "b"}}`, "neither a text nor plural forms"},
		{`{"one": "a"}`, `"other" is missing`},
		{`{}`, `"other" is missing`},
		{`{"other": "a", "several": "b"}`, `"several" is not a plural form`},
		{`{"other": "a", "description": "b"}`, `"description" is not a plural form`},
		{`{"other": "a", "one": "{{.}}"}`, "form one"},
		{`""`, "empty"},
		{`"{{Name}}"`, "not a placeholder"},
		{`"{{ .Name }}"`, "not a placeholder"},
		{`"{{.Name | upper}}"`, "not a placeholder"},
		{`"{{if .Name}}a{{end}}"`, "not a placeholder"},
		{`"{{.Name"`, "not a placeholder"},
		{`"{{.User.Name}}"`, "not a placeholder"},
		{`"a }} b"`, "}} without {{"},
	} {
		catalog := Catalog{printers: map[string]*Printer{}}
		err := catalog.load("es", []byte(`{"some.key": `+c.message+`}`))
		if err == nil || !strings.Contains(err.Error(), "message some.key in es: ") ||
			!strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.message, err, c.want)
		}
	}
}

func TestPhrasesAreSaid(t *testing.T) {
	const days = `{"one": "{{.Count}} day at {{.At}}", "other": "{{.Count}} days at {{.At}}"}`
	const forms = `{"zero": "zero", "one": "one", "two": "two", "few": "few", "many": "many", "other": "other"}`
	for _, c := range []struct {
		lang, message string
		args          []any
		want          string
	}{
		{"en", days, []any{"Count", 1, "At", "sea"}, "1 day at sea"},
		{"en", days, []any{"Count", 0, "At", "sea"}, "0 days at sea"},
		{"en", days, []any{"Count", 1, "Count", 2, "At", "sea"}, "2 days at sea"},
		{"en", days, []any{"Count", -1, "At", "sea"}, "-1 day at sea"},
		{"en", days, []any{"Count", "1", "At", `<"{{.Count}}">`}, `1 days at <"{{.Count}}">`},
		{"en", days, []any{"Count", int64(1), "At", 1.5}, "1 days at 1.5"},
		{"en", days, []any{"Count"}, "{{.Count}} days at {{.At}}"},
		{"en", days, nil, "{{.Count}} days at {{.At}}"},
		{"en", `"a {{.B}}{{.C}} d"`, []any{"B", "b", "C", "c"}, "a bc d"},
		{"en", forms, []any{"Count", 1_000_000}, "other"},
		{"es", forms, []any{"Count", 1}, "one"},
		{"es", forms, []any{"Count", 11}, "other"},
		{"es", forms, []any{"Count", 2_000_000}, "many"},
		{"es", forms, []any{"Count", 2_000_001}, "other"},
		{"pl", forms, []any{"Count", 1}, "one"},
		{"pl", forms, []any{"Count", 22}, "few"},
		{"pl", forms, []any{"Count", 12}, "many"},
		{"ar", forms, []any{"Count", 0}, "zero"},
		{"ar", forms, []any{"Count", 2}, "two"},
		{"ar", forms, []any{"Count", 103}, "few"},
		{"ja", forms, []any{"Count", 1}, "other"},
	} {
		s, err := parsePhrase([]byte(c.message))
		if err != nil {
			t.Fatal(err)
		}
		if got := s.say(language.Make(c.lang), c.args); got != c.want {
			t.Errorf("%s %s %v: %q, want %q", c.lang, c.message, c.args, got, c.want)
		}
	}
}
