package console

import (
	"slices"
	"strings"
	"testing"

	"countersign/internal/fault"
	"countersign/internal/locale"
	"countersign/internal/people"
)

func TestPastedRowsAreRead(t *testing.T) {
	c, err := locale.New()
	if err != nil {
		t.Fatal(err)
	}
	es := c.In("es")
	spanish := es.T("word.name") + ";" + es.T("signin.email") + ";" + es.T("console.users.role")
	maria := people.Row{Line: 1, Name: "Maria Ortiz", Email: "maria@x.example"}
	second := func(r people.Row) people.Row { r.Line = 2; return r }
	admin := maria
	admin.Role = "admin"
	formula := maria
	formula.Name = `=HYPERLINK("http://x")`
	for name, tc := range map[string]struct {
		lang, text string
		want       []people.Row
		problem    string
	}{
		"from a spreadsheet":   {"en", "Maria Ortiz\tmaria@x.example\r\n", []people.Row{maria}, ""},
		"address first":        {"en", "maria@x.example, Maria Ortiz", []people.Row{maria}, ""},
		"with a mark of bytes": {"en", "\ufeffMaria Ortiz;maria@x.example", []people.Row{maria}, ""},
		"with names of columns": {
			"en", "Role,Email,Name\nadmin,maria@x.example,Maria Ortiz", []people.Row{second(admin)}, "",
		},
		"in Spanish": {
			"es", spanish + "\nMaria Ortiz;maria@x.example;Administrador", []people.Row{second(admin)}, "",
		},
		"role in words":          {"en", "Maria Ortiz,maria@x.example,Administrator", []people.Row{admin}, ""},
		"empty lines between":    {"en", "Maria Ortiz,maria@x.example\n\n,,\n", []people.Row{maria}, ""},
		"a comma in quotes":      {"en", "\"Maria Ortiz\",\"maria@x.example\"", []people.Row{maria}, ""},
		"a formula stays a name": {"en", "\"=HYPERLINK(\"\"http://x\"\")\",maria@x.example", []people.Row{formula}, ""},
		"nothing":                {"en", " \n", nil, "console.import.no_rows"},
		"no addresses":           {"en", "Maria,Ortiz\n", nil, "console.import.no_addresses"},
		"too many":               {"en", strings.Repeat("M,m@x.example\n", people.MaxAdded+1), nil, "people.too_many_rows"},
	} {
		got, err := readPasted(c.In(tc.lang), tc.text)
		if !slices.Equal(got, tc.want) || tc.problem == "" && err != nil ||
			tc.problem != "" && fault.Of(err).Message != tc.problem {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}
