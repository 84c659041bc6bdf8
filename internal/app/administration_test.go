package app

import (
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// administered are the packages whose rows administrators change.
var administered = []string{"tenant", "user", "client"}

// ownAccount are setters of what people do to their own account: the demo sets methods up for its people.
var ownAccount = []string{"user.FactorBound", "user.ChooseSecondStep"}

// writes finds statements that change rows.
var writes = regexp.MustCompile(`(?i)^\s*(INSERT INTO|UPDATE|DELETE FROM)\s`)

// TestInterfacesAdministerThroughTheCore: the command line and the demo call no setter of a tenant, a user or a client.
// people, company, apps and setup do, after they have checked access.
func TestInterfacesAdministerThroughTheCore(t *testing.T) {
	setters := settersOf(t)
	if len(setters) < 25 || !slices.Contains(setters, "user.SetRole") || !slices.Contains(setters, "client.Exempt") {
		t.Fatalf("only these setters were found: %v", setters)
	}
	read := 0
	eachFile(t, func(path string, file *ast.File, set *token.FileSet) {
		if !strings.Contains(path, "/cmd/") && !strings.Contains(path, "/demo/") {
			return
		}
		read++
		ast.Inspect(file, func(n ast.Node) bool {
			name := selected(n)
			if slices.Contains(setters, name) && !slices.Contains(ownAccount, name) {
				t.Errorf("%s uses %s: call people, company or apps", set.Position(n.Pos()), name)
			}
			return true
		})
	})
	if read < 20 {
		t.Fatalf("only %d files read", read)
	}
}

// settersOf lists the exported functions that write: with a statement of their own, or through another function of
// their package.
func settersOf(t *testing.T) (out []string) {
	t.Helper()
	bodies := map[string]*ast.BlockStmt{}
	eachFile(t, func(_ string, file *ast.File, _ *token.FileSet) {
		if !slices.Contains(administered, file.Name.Name) {
			return
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil {
				bodies[file.Name.Name+"."+f.Name.Name] = f.Body
			}
		}
	})
	writers := map[string]bool{}
	for changed := true; changed; {
		changed = false
		for name, body := range bodies {
			if !writers[name] && writesIn(name, body, writers) {
				writers[name], changed = true, true
			}
		}
	}
	for name := range writers {
		if _, function, _ := strings.Cut(name, "."); ast.IsExported(function) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

func writesIn(name string, body *ast.BlockStmt, writers map[string]bool) (found bool) {
	pkg, _, _ := strings.Cut(name, ".")
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BasicLit:
			text, _ := strconv.Unquote(n.Value)
			found = found || n.Kind == token.STRING && writes.MatchString(text)
		case *ast.CallExpr:
			if f, ok := n.Fun.(*ast.Ident); ok {
				found = found || writers[pkg+"."+f.Name]
			}
		}
		return true
	})
	return found
}

// selected is a name of another package, such as user.SetRole.
func selected(n ast.Node) string {
	s, ok := n.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	if x, ok := s.X.(*ast.Ident); ok {
		return x.Name + "." + s.Sel.Name
	}
	return ""
}
