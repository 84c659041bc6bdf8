package app

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// mayGoBack are the packages that write rows as of an earlier instant: the demo, which makes up what happened before it
// began.
var mayGoBack = []string{"internal/demo"}

// ownNow are assignments to fields named Now that are not those of a unit of work.
var ownNow = []string{"d.Now", "o.Now", "out.Now", "r.Now", "h.Passwords.Now"}

// TestOnlyTheDemoWritesThePast holds that no unit of work gets another instant than that of its beginning: audit events
// say when things happened because nothing can set tx.Now.
func TestOnlyTheDemoWritesThePast(t *testing.T) {
	files := token.NewFileSet()
	err := filepath.WalkDir("../..", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		if dir := strings.TrimPrefix(filepath.Dir(path), "../../"); slices.Contains(mayGoBack, dir) ||
			strings.HasSuffix(dir, "test") || strings.HasPrefix(dir, "acceptance") {
			return nil
		}
		tree, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, at := range setsNow(tree) {
			t.Errorf("%s sets an instant", files.Position(at))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestASetInstantIsSeen(t *testing.T) {
	for text, want := range map[string]int{
		"past := tx.ForTenant(id); past.Now = then": 1,
		"tx.Now, a.B = then, 1":                     1,
		"_ = db.Tx{Now: then}":                      1,
		"p := &tx.Now; _ = p":                       1,
		"d.Now = tx.Now; now := tx.Now; _ = now":    0,
	} {
		tree, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x\nfunc f() { "+text+" }", 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(setsNow(tree)); got != want {
			t.Errorf("%s: %d", text, got)
		}
	}
}

// setsNow is where a file writes to a field Now, makes a db.Tx, or takes the address of a Now.
func setsNow(tree *ast.File) (out []token.Pos) {
	ast.Inspect(tree, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for _, to := range n.Lhs {
				if name := dotted(to); strings.HasSuffix(name, ".Now") && !slices.Contains(ownNow, name) {
					out = append(out, to.Pos())
				}
			}
		case *ast.UnaryExpr:
			if n.Op == token.AND && strings.HasSuffix(dotted(n.X), ".Now") {
				out = append(out, n.Pos())
			}
		case *ast.CompositeLit:
			if dotted(n.Type) == "db.Tx" {
				out = append(out, n.Pos())
			}
		}
		return true
	})
	return out
}

// dotted is a.b.c as text; empty for other expressions.
func dotted(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return dotted(e.X) + "." + e.Sel.Name
	}
	return ""
}
