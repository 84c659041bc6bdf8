package app

import (
	"go/ast"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// statement is one SQL text of the program, with the function that it stands in.
type statement struct {
	where    string // file and line
	function *ast.FuncDecl
	text     string
}

var beginsSQL = regexp.MustCompile(`^\s*(SELECT|INSERT INTO|UPDATE|DELETE FROM|WITH|CREATE|ALTER|SET|PRAGMA|LISTEN)\s`)

// statements reads every SQL text. Parts that are joined with + are one text; a constant is
// replaced by its value and anything else by a mark.
func statements(t *testing.T) (all []statement) {
	t.Helper()
	constants := map[string]map[string]ast.Expr{}
	eachFile(t, func(path string, file *ast.File, _ *token.FileSet) {
		folder := filepath.Dir(path)
		if constants[folder] == nil {
			constants[folder] = map[string]ast.Expr{}
		}
		collectConstants(file, constants[folder])
	})
	eachFile(t, func(path string, file *ast.File, set *token.FileSet) {
		known := constants[filepath.Dir(path)]
		for _, d := range file.Decls {
			function, _ := d.(*ast.FuncDecl)
			ast.Inspect(d, func(n ast.Node) bool {
				e, ok := n.(ast.Expr)
				if !ok {
					return true
				}
				text, ok := joined(e, known, 0)
				if ok && beginsSQL.MatchString(text) {
					all = append(all, statement{set.Position(e.Pos()).String(), function, text})
				}
				return !ok
			})
		}
	})
	if len(all) < 250 {
		t.Fatalf("only %d statements found; the reader is broken", len(all))
	}
	return all
}

func collectConstants(file *ast.File, into map[string]ast.Expr) {
	for _, d := range file.Decls {
		decl, ok := d.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range decl.Specs {
			v, ok := spec.(*ast.ValueSpec)
			if !ok {
				continue
			}
			for i, name := range v.Names {
				if i < len(v.Values) {
					into[name.Name] = v.Values[i]
				}
			}
		}
	}
}

// joined is the text of an expression of strings; ok says that it has a literal in it.
func joined(e ast.Expr, known map[string]ast.Expr, depth int) (text string, ok bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind != token.STRING {
			return "?", false
		}
		s, err := strconv.Unquote(e.Value)
		return s, err == nil
	case *ast.BinaryExpr:
		if e.Op != token.ADD {
			return "?", false
		}
		a, isA := joined(e.X, known, depth)
		b, isB := joined(e.Y, known, depth)
		return a + b, isA || isB
	case *ast.ParenExpr:
		return joined(e.X, known, depth)
	case *ast.Ident:
		if value := known[e.Name]; value != nil && depth < 5 {
			if s, ok := joined(value, known, depth+1); ok {
				return s, false
			}
		}
	}
	return "?", false
}

var (
	created = regexp.MustCompile(`(?ms)^CREATE TABLE (?:IF NOT EXISTS )?([a-z_]+) \((.*?)^\);`)
	added   = regexp.MustCompile(`(?m)^ALTER TABLE ([a-z_]+) ADD COLUMN ([a-z_]+) `)
	column  = regexp.MustCompile(`(?m)^\s+([a-z_]+)\s+(?:TEXT|BIGINT|BYTEA|BOOLEAN)`)
)

// schemaColumns are the columns of every table, as the migrations make them.
func schemaColumns(t *testing.T) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	paths, err := filepath.Glob("../db/migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range created.FindAllStringSubmatch(string(text), -1) {
			for _, c := range column.FindAllStringSubmatch(m[2], -1) {
				out[m[1]] = append(out[m[1]], c[1])
			}
		}
		for _, m := range added.FindAllStringSubmatch(string(text), -1) {
			out[m[1]] = append(out[m[1]], m[2])
		}
	}
	if len(out) < 30 || len(out["users"]) < 15 {
		t.Fatalf("%d tables, users has %v: the reader is broken", len(out), out["users"])
	}
	return out
}

// words puts every space of a text in one form.
func words(text string) string { return strings.Join(strings.Fields(text), " ") }
