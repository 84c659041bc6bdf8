package ops

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// recorders are the functions that take an action or a result and then a reason, which is a literal as a rule.
var recorders = []string{"recordEvent", "event", "asked", "record"}

// refusals are the functions whose fourth argument is a reason.
var refusals = []string{"refused", "wrong"}

// TestEveryActionHasALabel reads the constants.
func TestEveryActionHasALabel(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../audit/actions.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	ast.Inspect(file, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok {
			word, _ := strconv.Unquote(lit.Value)
			if actions.orOther(word) == other && results.orOther(word) == other {
				t.Errorf("%q has no label: add it to words.go", word)
			}
			seen++
		}
		return true
	})
	if seen < 60 {
		t.Errorf("only %d words read", seen)
	}
}

// TestEveryWordOfTheAuditTrailHasALabel reads the program: what a server records must not
// end as "other". Commands record in processes of their own, which no one scrapes.
func TestEveryWordOfTheAuditTrailHasALabel(t *testing.T) {
	seen := 0
	check := func(at token.Position, kind string, e ast.Expr) {
		lit, ok := e.(*ast.BasicLit)
		if !ok || lit.Kind != token.STRING {
			return
		}
		word, _ := strconv.Unquote(lit.Value)
		lists := map[string]words{"Reason": reasons, "Method": methods, "Limit": limits}
		if lists[kind].orOther(word) == other {
			t.Errorf("%s: %s %q has no label: add it to words.go", at, kind, word)
		}
		seen++
	}
	eachServed(t, func(set *token.FileSet, n ast.Node) {
		switch n := n.(type) {
		case *ast.CallExpr:
			if reason := reasonIn(n); reason != nil {
				check(set.Position(n.Pos()), "Reason", reason)
			}
		case *ast.CompositeLit:
			fields(n, func(name string, value ast.Expr) { check(set.Position(n.Pos()), name, value) })
		case *ast.AssignStmt:
			assigned(n, func(name string, value ast.Expr) { check(set.Position(n.Pos()), name, value) })
		}
	})
	if seen < 50 {
		t.Errorf("only %d words read", seen)
	}
}

func eachServed(t *testing.T, fn func(*token.FileSet, ast.Node)) {
	t.Helper()
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") ||
			strings.Contains(path, "/demo/") || strings.Contains(path, "/backup/") ||
			strings.Contains(path, "/configminimum/") {
			return err
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool { fn(set, n); return true })
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func called(c *ast.CallExpr) string {
	switch f := c.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}

// reasonIn is the argument of a recorder behind its last action or result, or of a refusal.
func reasonIn(c *ast.CallExpr) ast.Expr {
	if slices.Contains(refusals, called(c)) && len(c.Args) > 3 {
		return c.Args[3]
	}
	if !slices.Contains(recorders, called(c)) {
		return nil
	}
	for i, arg := range slices.Backward(c.Args) {
		if s, ok := arg.(*ast.SelectorExpr); ok && i+1 < len(c.Args) {
			if x, ok := s.X.(*ast.Ident); ok && x.Name == "audit" {
				return c.Args[i+1]
			}
		}
	}
	return nil
}

// fields are those of audit.Event, of a verifier's Verdict and of a ratelimit.Limit.
func fields(c *ast.CompositeLit, fn func(string, ast.Expr)) {
	name := ""
	switch x := c.Type.(type) {
	case *ast.SelectorExpr:
		name = x.Sel.Name
	case *ast.Ident:
		name = x.Name
	}
	for _, e := range c.Elts {
		kv, ok := e.(*ast.KeyValueExpr)
		key, isIdent := (*ast.Ident)(nil), false
		if ok {
			key, isIdent = kv.Key.(*ast.Ident)
		}
		switch {
		case !isIdent:
		case name == "Event" || name == "Verdict" && key.Name == "Reason":
			fn(key.Name, only(key.Name, kv.Value))
		case name == "Limit" && key.Name == "Name":
			fn("Limit", kv.Value)
		}
	}
}

// only leaves out the fields that are no label.
func only(name string, value ast.Expr) ast.Expr {
	switch name {
	case "Reason", "Method":
		return value
	}
	return nil
}

// assigned is what is called reason on its way into an event.
func assigned(a *ast.AssignStmt, fn func(string, ast.Expr)) {
	if len(a.Lhs) != len(a.Rhs) {
		return
	}
	for i, to := range a.Lhs {
		if to, ok := to.(*ast.Ident); ok && to.Name == "reason" {
			fn("Reason", a.Rhs[i])
		}
	}
}

// guard: a label comes from a list
func TestHostileWordsAreNoLabels(t *testing.T) {
	const address = "maya@acme.example"
	for _, w := range []words{actions, results, methods, reasons, limits, levels, channels, states, verbs} {
		for _, bad := range []string{address, "ok " + address, "pwd pwd pwd pwd pwd", " ok", "OK", "ok\n"} {
			if got := w.orOther(bad); got != other {
				t.Errorf("%q is %q", bad, got)
			}
			if got := w.all(bad); got != other {
				t.Errorf("%q is %q", bad, got)
			}
		}
	}
	if methods.all("pwd email") != "pwd email" || methods.all("pwd x") != other || methods.all("") != "" {
		t.Error("several methods at once")
	}
}
