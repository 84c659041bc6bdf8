package audit_test

import (
	"cmp"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/audit-events.md anew")

const introduction = `# Audit events

Every change and every sign-in is recorded in the audit log of its company, or of the installation. This page lists what
an event can be about. Read the events with ` + "`countersign audit list`" + ` and copy them elsewhere with
` + "`countersign audit export`" + `; [watching](operations/watching.md) says which of them to look at.

`

// TestDocumentedActions keeps docs/audit-events.md equal to the constants and their comments.
func TestDocumentedActions(t *testing.T) {
	const path = "../../docs/audit-events.md"
	want := introduction + constants(t, "actions.go") + reasons(t)
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	stored, err := os.ReadFile(path)
	if err != nil || string(stored) != want {
		t.Errorf("docs/audit-events.md differs from the code (%v): run go test ./internal/audit -update", err)
	}
}

// constants prints the blocks of constants of a file as tables.
func constants(t *testing.T, path string) string {
	t.Helper()
	var out strings.Builder
	for _, d := range parse(t, path).Decls {
		block, ok := d.(*ast.GenDecl)
		if !ok || block.Tok != token.CONST || !block.Lparen.IsValid() {
			continue
		}
		fmt.Fprintf(&out, "## %s\n\n| event | what happened |\n|---|---|\n",
			strings.TrimSuffix(strings.TrimSpace(block.Doc.Text()), "."))
		for _, spec := range block.Specs {
			row(t, &out, spec.(*ast.ValueSpec))
		}
		out.WriteString("\n")
	}
	return out.String()
}

// row prints one constant.
func row(t *testing.T, out *strings.Builder, c *ast.ValueSpec) {
	t.Helper()
	meaning := strings.TrimSpace(cmp.Or(c.Comment.Text(), c.Doc.Text()))
	value, err := strconv.Unquote(c.Values[0].(*ast.BasicLit).Value)
	if err != nil || meaning == "" || strings.HasSuffix(meaning, ".") {
		t.Errorf("%s %q: %q is not a meaning in one line without a full stop", c.Names[0], value, meaning)
	}
	fmt.Fprintf(out, "| `%s` | %s |\n", value, meaning)
}

func parse(t *testing.T, path string) *ast.File {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// reasons prints why sessions end, which events of sessions and remembered browsers carry as their reason.
func reasons(t *testing.T) string {
	t.Helper()
	table := constants(t, "../session/session.go")
	if strings.Count(table, "## ") != 1 {
		t.Errorf("want one block of constants: %s", table)
	}
	return strings.TrimSpace(strings.Replace(table, "| event | what happened |",
		"| reason | what happened |", 1)) + "\n"
}

var actionInQuery = regexp.MustCompile(`(?:--action |action=~?\\?")([a-z_.|]+)`)

// TestOperatorsWatchForActionsThatExist reads the documents, alerts and panels that name actions.
func TestOperatorsWatchForActionsThatExist(t *testing.T) {
	known, seen := constants(t, "actions.go"), 0
	for _, path := range []string{"watching.md", "alerts.yaml", "grafana.json"} {
		text, err := os.ReadFile("../../docs/operations/" + path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range actionInQuery.FindAllStringSubmatch(string(text), -1) {
			for action := range strings.SplitSeq(m[1], "|") {
				seen++
				if !strings.Contains(known, "| `"+strings.TrimSuffix(action, ".")) {
					t.Errorf("%s: no action is called %s", path, action)
				}
			}
		}
	}
	if seen < 10 {
		t.Errorf("only %d actions found", seen)
	}
}
