package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = "../.."

// declared holds what the program declares: functions, types, fields, variables and constants,
// each by itself and with its package and its type in front.
type declared map[string]bool

// TestEveryGuardCommentNamesWhatExists reads the comments that say which check a test watches.
// A name in one of them that no longer exists sends the reader after nothing.
func TestEveryGuardCommentNamesWhatExists(t *testing.T) {
	names, comments := declared{}, map[string]string{}
	eachFile(t, func(path string, file *ast.File, at *token.FileSet) {
		if !strings.HasSuffix(path, "_test.go") {
			names.add(file)
		}
		for _, group := range file.Comments {
			if _, guard, ok := strings.Cut(group.Text(), "guard: "); ok {
				comments[at.Position(group.Pos()).String()] = guard
			}
		}
	})
	keys, err := os.ReadFile(filepath.Join(root, "docs/configuration.md"))
	if err != nil {
		t.Fatal(err)
	}
	schema, configuration := migrations(t), string(keys)
	if len(comments) < 200 {
		t.Fatalf("only %d comments name a guard: the search is broken", len(comments))
	}
	for at, guard := range comments {
		for _, name := range codeNames(guard) {
			if !names[name] && !strings.Contains(schema, " "+name+" ") &&
				!strings.Contains(configuration, "`"+name+"`") {
				t.Errorf("%s: no %s exists (guard: %s)", at, name, strings.TrimSpace(guard))
			}
		}
	}
}

// TestEveryGuardNamesTestsThatExist: a pattern that matches no test watches nothing.
func TestEveryGuardNamesTestsThatExist(t *testing.T) {
	tests := map[string][]string{}
	eachFile(t, func(path string, file *ast.File, _ *token.FileSet) {
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasSuffix(path, "_test.go") &&
				strings.HasPrefix(f.Name.Name, "Test") {
				folder := "./" + filepath.ToSlash(filepath.Dir(path))
				tests[folder] = append(tests[folder], f.Name.Name)
			}
		}
	})
	for _, g := range everyGuard() {
		for alternative := range strings.SplitSeq(g.Tests, "|") {
			pattern := regexp.MustCompile(alternative)
			found := false
			for _, name := range tests[g.Package] {
				found = found || pattern.MatchString(name)
			}
			if !found {
				t.Errorf("%s: no test of %s matches %s", g.Name, g.Package, alternative)
			}
		}
	}
}

// TestEveryListOfGuardsIsRun: a list that was left out of the run would never be tried.
func TestEveryListOfGuardsIsRun(t *testing.T) {
	run := map[string]bool{}
	for _, g := range everyGuard() {
		run[g.Name] = true
	}
	entries := 0
	eachFile(t, func(path string, file *ast.File, _ *token.FileSet) {
		if filepath.ToSlash(filepath.Dir(path)) != "acceptance/guards" {
			return
		}
		ast.Inspect(file, func(n ast.Node) bool {
			kv, ok := n.(*ast.KeyValueExpr)
			if !ok {
				return true
			}
			key, _ := kv.Key.(*ast.Ident)
			value, _ := kv.Value.(*ast.BasicLit)
			if key != nil && key.Name == "Name" && value != nil {
				entries++
				if !run[strings.Trim(value.Value, "\"")] {
					t.Errorf("%s is in no list that is run", value.Value)
				}
			}
			return true
		})
	})
	if entries != len(run) {
		t.Errorf("%d entries, of which %d run under a name of their own", entries, len(run))
	}
}

// eachFile parses every Go file of the tree; paths begin at the root.
func eachFile(t *testing.T, see func(path string, file *ast.File, at *token.FileSet)) {
	t.Helper()
	at := token.NewFileSet()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git") {
			if err == nil {
				err = fs.SkipDir
			}
			return err
		}
		if d.IsDir() || filepath.Ext(path) != ".go" {
			return nil
		}
		file, err := parser.ParseFile(at, path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		short, err := filepath.Rel(root, path)
		see(short, file, at)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (d declared) add(file *ast.File) {
	pkg := file.Name.Name
	imported := map[string]bool{}
	for _, i := range file.Imports {
		imported[path.Base(strings.Trim(i.Path.Value, "\""))] = true
	}
	name := func(parts ...string) {
		for i := range parts {
			d[strings.Join(parts[i:], ".")] = true
		}
		d[pkg+"."+parts[len(parts)-1]] = true
		d[strings.Join(append([]string{pkg}, parts...), ".")] = true
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if n.Recv == nil {
				name(n.Name.Name)
				break
			}
			name(receiver(n.Recv.List[0].Type), n.Name.Name)
		case *ast.TypeSpec:
			name(n.Name.Name)
			if s, ok := n.Type.(*ast.StructType); ok {
				for _, field := range s.Fields.List {
					for _, f := range field.Names {
						name(n.Name.Name, f.Name)
					}
				}
			}
		case *ast.ValueSpec:
			for _, v := range n.Names {
				name(v.Name)
			}
		case *ast.BasicLit:
			if n.Kind == token.STRING { // the names of budgets
				d[strings.Trim(n.Value, "\"")] = true
			}
		case *ast.SelectorExpr: // what is imported, such as http.ServeMux
			if x, ok := n.X.(*ast.Ident); ok && imported[x.Name] {
				d[x.Name+"."+n.Sel.Name], d[n.Sel.Name] = true, true
			}
		case *ast.KeyValueExpr:
			if field, ok := n.Key.(*ast.Ident); ok {
				d[field.Name] = true
			}
		}
		return true
	})
}

func receiver(x ast.Expr) string {
	switch x := x.(type) {
	case *ast.StarExpr:
		return receiver(x.X)
	case *ast.IndexExpr:
		return receiver(x.X)
	case *ast.Ident:
		return x.Name
	}
	return ""
}

// migrations is every word of the schema, and every column behind its table, between spaces.
func migrations(t *testing.T) string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(root, "internal/db/migrations/*.sql"))
	if err != nil || len(paths) == 0 {
		t.Fatal("no migrations", err)
	}
	var b strings.Builder
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		table := ""
		for line := range strings.Lines(string(text)) {
			words := regexp.MustCompile(`[a-z_]+`).FindAllString(line, -1)
			if m := regexp.MustCompile(`(?:CREATE|ALTER) TABLE (?:IF NOT EXISTS )?(\w+)`).FindStringSubmatch(
				line); m != nil {
				table = m[1]
			}
			for _, w := range words {
				b.WriteString(" " + w + " " + table + "." + w + " ")
			}
		}
	}
	return b.String()
}

var (
	word = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_]*(?:[.-][A-Za-z_][A-Za-z0-9_]*)*`)
	// identifier is what no English sentence holds: a dot or an underscore inside, or a capital after a small letter.
	identifier = regexp.MustCompile(`[a-z0-9][A-Z]|[a-z0-9]_[a-z0-9]|\w\.\w|^[A-Z][a-z]+$`)
	// prose is what looks like a name and is none.
	prose = regexp.MustCompile(
		`^(PostgreSQL|SQLite|MACs|Otherwise|Twenty|The|busy_timeout|[A-Z]\w*(-\w+)+|\w+\.(sql|go|css|js|html))$`)
	// opening is a guard that consists of one name.
	opening = regexp.MustCompile(`^(\w+)(?: in (\w+))?\.?\s*$`)
)

// codeNames are the names of code in what a guard comment says.
func codeNames(guard string) []string {
	var names []string
	if m := opening.FindStringSubmatch(guard); m != nil && m[1] != "none" {
		names = append(names, m[1])
		if m[2] != "" {
			names = append(names, m[2])
		}
		return names
	}
	for _, w := range word.FindAllString(guard, -1) {
		if identifier.MatchString(w) && !prose.MatchString(w) {
			names = append(names, w)
		}
	}
	return names
}
