package app

import (
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// interfaces are the packages that people, apps and programs talk to, and what they draw with.
var interfaces = []string{
	"portal", "account", "enrollpages", "pages", "oidc", "console", "desk", "help", "rest", "scim",
	"forwardauth", "webhook",
}

// nouns are the packages whose rows only a journey may change.
var nouns = []string{
	"tenant", "user", "client", "authenticator", "challenge", "session", "grant", "audit", "flow", "notify",
	"message", "keyring", "configminimum", "authenticator/outofband", "authenticator/passkey", "authenticator/receiver",
	"authenticator/totp", "authenticator/lookup", "authenticator/password",
}

// changing is SQL that writes.
var changing = regexp.MustCompile(`(?s)\b(INSERT INTO|UPDATE|DELETE FROM)\s+[a-z_]+`)

// TestNoInterfaceWritesOrDecides: a handler decodes, calls one function of a journey and draws. It
// opens no transaction that writes, asks policy nothing, spends no budget, and calls no function
// that changes a noun's rows inside a transaction of its caller.
func TestNoInterfaceWritesOrDecides(t *testing.T) {
	writing := writingFunctions(t)
	for _, known := range []string{"session.Issue", "audit.Record", "grant.IssueCode", "outofband.Prove"} {
		if !slices.Contains(writing, known) {
			t.Errorf("%s is not found: the reader of the nouns is broken", known)
		}
	}
	calls := 0
	eachFile(t, func(path string, file *ast.File, set *token.FileSet) {
		if !slices.Contains(interfaces, packageOf(path)) {
			return
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			calls++
			if name := calledName(call); writesOrDecides(name, writing) {
				t.Errorf("%s calls %s: a journey does that", set.Position(call.Pos()), name)
			}
			return true
		})
	})
	if calls < 1000 {
		t.Fatalf("only %d calls read", calls)
	}
}

func writesOrDecides(name string, writing []string) bool {
	_, method, _ := strings.Cut(name, ".")
	return method == "InTx" || name == "policy.Evaluate" || strings.HasPrefix(name, "ratelimit.Spend") ||
		slices.Contains(writing, name)
}

// calledName is "package.Function" or "value.Method" with the last value before the method.
func calledName(call *ast.CallExpr) string {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	switch x := sel.X.(type) {
	case *ast.Ident:
		return x.Name + "." + sel.Sel.Name
	case *ast.SelectorExpr:
		return x.Sel.Name + "." + sel.Sel.Name
	}
	return "." + sel.Sel.Name
}

// packageOf is the path of a file's package below internal.
func packageOf(path string) string {
	dir := strings.TrimPrefix(path, "../")
	return dir[:max(strings.LastIndex(dir, "/"), 0)]
}

// writingFunctions are the exported functions of nouns that take a transaction and, by themselves
// or through another function of their package, change rows.
func writingFunctions(t *testing.T) (out []string) {
	t.Helper()
	writes := map[string]bool{}
	callees, takesTx := map[string][]string{}, map[string]bool{}
	eachFile(t, func(path string, file *ast.File, _ *token.FileSet) {
		dir := packageOf(path)
		if !slices.Contains(nouns, dir) {
			return
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv != nil || f.Body == nil {
				continue
			}
			name := file.Name.Name + "." + f.Name.Name
			takesTx[name] = hasTx(f)
			writes[name] = writes[name] || changes(f.Body)
			callees[name] = append(callees[name], called(file.Name.Name, f.Body)...)
		}
	})
	for again := true; again; {
		again = false
		for name, all := range callees {
			if !writes[name] && slices.ContainsFunc(all, func(c string) bool { return writes[c] }) {
				writes[name], again = true, true
			}
		}
	}
	for name := range writes {
		_, f, _ := strings.Cut(name, ".")
		if writes[name] && takesTx[name] && ast.IsExported(f) {
			out = append(out, name)
		}
	}
	return out
}

// hasTx reports whether a function works in a transaction of its caller.
func hasTx(f *ast.FuncDecl) bool {
	return slices.ContainsFunc(f.Type.Params.List, func(p *ast.Field) bool {
		star, ok := p.Type.(*ast.StarExpr)
		if !ok {
			return false
		}
		sel, ok := star.X.(*ast.SelectorExpr)
		return ok && sel.Sel.Name == "Tx"
	})
}

// executes are the methods of a transaction that run a statement for its effect.
var executes = []string{"Exec", "ExecDeferred", "ExecExpect"}

func changes(body *ast.BlockStmt) (found bool) {
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BasicLit:
			found = found || n.Kind == token.STRING && changing.MatchString(n.Value)
		case *ast.SelectorExpr:
			found = found || slices.Contains(executes, n.Sel.Name)
		}
		return !found
	})
	return found
}

// called are the functions that a body calls, those of its own package with its name.
func called(pkg string, body *ast.BlockStmt) (out []string) {
	ast.Inspect(body, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		if id, ok := call.Fun.(*ast.Ident); ok {
			out = append(out, pkg+"."+id.Name)
		} else {
			out = append(out, calledName(call))
		}
		return true
	})
	return out
}
