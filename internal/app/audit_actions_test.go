package app

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"testing"
)

// actionsFile holds the constants of audit events.
const actionsFile = "audit/actions.go"

// wordLists name every constant and record nothing.
const wordLists = "/words.go"

// TestAuditEventsUseConstants refuses a literal where an event's action or result is given or compared, and constants
// that nothing records.
func TestAuditEventsUseConstants(t *testing.T) {
	constants, used, takers := map[string]bool{}, map[string]bool{}, takersOfActions(t)
	eachFile(t, func(path string, file *ast.File, set *token.FileSet) {
		if strings.HasSuffix(path, actionsFile) {
			for _, name := range constantsIn(file) {
				constants[name] = true
			}
			return
		}
		ast.Inspect(file, func(n ast.Node) bool {
			for _, literal := range literalActions(n, takers[file.Name.Name]) {
				t.Errorf("%s: %s is no constant of %s", set.Position(literal.Pos()), literal.Value, actionsFile)
			}
			if name := constantUsed(n, file.Name.Name); name != "" && !strings.HasSuffix(path, wordLists) {
				used[name] = true
			}
			return true
		})
	})
	if len(constants) < 60 {
		t.Fatalf("only %d constants found", len(constants))
	}
	for name := range constants {
		if !used[name] {
			t.Errorf("nothing records audit.%s", name)
		}
	}
}

func constantsIn(file *ast.File) (names []string) {
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok {
			names = append(names, spec.Names[0].Name)
		}
		return true
	})
	return names
}

// constantUsed is the name behind "audit.", or any name inside the package itself.
func constantUsed(n ast.Node, where string) string {
	if id, ok := n.(*ast.Ident); ok && where == "audit" {
		return id.Name
	}
	if s, ok := n.(*ast.SelectorExpr); ok {
		if x, ok := s.X.(*ast.Ident); ok && x.Name == "audit" {
			return s.Sel.Name
		}
	}
	return ""
}

// taker is a function or a method with parameters that are actions or results.
type taker map[string][]int

// takersOfActions finds, for each package, the functions that take actions or results, and at which places.
func takersOfActions(t *testing.T) map[string]taker {
	t.Helper()
	all := map[string]taker{}
	eachFile(t, func(_ string, file *ast.File, _ *token.FileSet) {
		add := func(name string, f *ast.FuncType) {
			if at := placesOfActions(f); at != nil {
				if all[file.Name.Name] == nil {
					all[file.Name.Name] = taker{}
				}
				all[file.Name.Name][name] = at
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				add(n.Name.Name, n.Type)
			case *ast.AssignStmt:
				if f, ok := n.Rhs[0].(*ast.FuncLit); ok {
					if name, ok := n.Lhs[0].(*ast.Ident); ok {
						add(name.Name, f.Type)
					}
				}
			}
			return true
		})
	})
	if len(all) < 5 {
		t.Fatalf("only %d packages take actions", len(all))
	}
	return all
}

func placesOfActions(f *ast.FuncType) (at []int) {
	i := 0
	for _, p := range f.Params.List {
		s, ok := p.Type.(*ast.SelectorExpr)
		for range max(1, len(p.Names)) {
			if ok && isAudit(s) {
				at = append(at, i)
			}
			i++
		}
	}
	return at
}

func isAudit(s *ast.SelectorExpr) bool {
	x, ok := s.X.(*ast.Ident)
	return ok && x.Name == "audit" && (s.Sel.Name == "Action" || s.Sel.Name == "Result")
}

// literalActions are the string literals in n that stand for actions or results.
func literalActions(n ast.Node, takers taker) (out []*ast.BasicLit) {
	add := func(e ast.Expr) {
		if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING && lit.Value != `""` {
			out = append(out, lit)
		}
	}
	switch n := n.(type) {
	case *ast.CompositeLit:
		addFields(n, add)
	case *ast.AssignStmt:
		for i, to := range n.Lhs {
			if isField(to) && len(n.Lhs) == len(n.Rhs) {
				add(n.Rhs[i])
			}
		}
	case *ast.BinaryExpr:
		if isField(n.X) {
			add(n.Y)
		}
	case *ast.CallExpr:
		addArguments(n, takers, add)
	}
	return out
}

// addFields adds the action and the result of an audit.Event or audit.Filter.
func addFields(c *ast.CompositeLit, add func(ast.Expr)) {
	name := ""
	switch x := c.Type.(type) {
	case *ast.Ident:
		name = x.Name
	case *ast.SelectorExpr:
		name = x.Sel.Name
	case nil: // in a list
		name = "Event"
	}
	if name != "Event" && name != "Filter" {
		return
	}
	for _, e := range c.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			if key, ok := kv.Key.(*ast.Ident); ok && (key.Name == "Action" || key.Name == "Result") {
				add(kv.Value)
			}
		}
	}
}

// addArguments adds the arguments of a conversion to an action, or of a function that takes them.
func addArguments(c *ast.CallExpr, takers taker, add func(ast.Expr)) {
	name := ""
	switch f := c.Fun.(type) {
	case *ast.Ident:
		name = f.Name
	case *ast.SelectorExpr:
		if isAudit(f) {
			add(c.Args[0])
			return
		}
		name = f.Sel.Name
	}
	for _, i := range takers[name] {
		if i < len(c.Args) {
			add(c.Args[i])
		}
	}
}

func isField(e ast.Expr) bool {
	s, ok := e.(*ast.SelectorExpr)
	return ok && (s.Sel.Name == "Action" || s.Sel.Name == "Result")
}

// TestLiteralActionsAreSeen holds the reader itself.
func TestLiteralActionsAreSeen(t *testing.T) {
	for text, want := range map[string]int{
		`audit.Event{Action: "a.b", Result: "ok"}`:         2,
		`audit.Event{Action: audit.Begun, Result: "ok"}`:   1,
		`record(ctx, "a.b", "why")`:                        1,
		`s.record(ctx, audit.Begun, "why")`:                0,
		`audit.Action("a.b")`:                              1,
		`audit.Action(name)`:                               0,
		`e.Action == "a.b"`:                                1,
		`func() { e.Action, e.Reason = "a.b", "why" }`:     1,
		`func() { e.Action, e.Reason = audit.Begun, "x" }`: 0,
	} {
		n, seen := parseExpression(t, text), 0
		ast.Inspect(n, func(n ast.Node) bool {
			seen += len(literalActions(n, taker{"record": {1}}))
			return true
		})
		if seen != want {
			t.Errorf("%s: %d literals, want %d", text, seen, want)
		}
	}
}

func parseExpression(t *testing.T, text string) ast.Expr {
	t.Helper()
	e, err := parser.ParseExpr(text)
	if err != nil {
		t.Fatal(err)
	}
	return e
}
