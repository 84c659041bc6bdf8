package app

import (
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// lineLimit is the number of columns of a line of code; a tab counts as four.
const lineLimit = 120

// padding is what gofmt puts between keys and values, so that values stand below each other.
var padding = regexp.MustCompile(`(\S) {2,}`)

// TestLinesAreShort reads every Go file. A line may be longer only because of one literal, such as a sentence or the
// tag of a field, that would be harder to read in two pieces.
func TestLinesAreShort(t *testing.T) {
	eachGoFile(t, func(path, text string) {
		literals := literalColumns(text)
		for i, line := range strings.Split(text, "\n") {
			line = padding.ReplaceAllString(line, "$1 ")
			if columns(line) > lineLimit && columns(line)-literals[i+1] > lineLimit/2 {
				t.Errorf("%s:%d has %d columns", path, i+1, columns(line))
			}
		}
	})
}

// TestLiteralsHaveAFieldPerLine looks at composite literals with four or more named fields, outside tests.
func TestLiteralsHaveAFieldPerLine(t *testing.T) {
	eachGoFile(t, func(path, text string) {
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, text, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if lit, ok := n.(*ast.CompositeLit); ok && sharesALine(set, lit) {
				t.Errorf("%s: two fields share a line", set.Position(lit.Pos()))
			}
			return true
		})
	})
}

func sharesALine(set *token.FileSet, lit *ast.CompositeLit) bool {
	if _, isMap := lit.Type.(*ast.MapType); isMap || len(lit.Elts) < 4 {
		return false
	}
	last := set.Position(lit.Lbrace).Line
	shared := false
	for _, e := range lit.Elts {
		field, ok := e.(*ast.KeyValueExpr)
		if !ok {
			return false
		}
		if _, named := field.Key.(*ast.Ident); !named {
			return false
		}
		shared = shared || set.Position(e.Pos()).Line == last
		last = set.Position(e.End()).Line
	}
	return shared
}

func columns(line string) (n int) {
	for _, r := range line {
		if n++; r == '\t' {
			n += 3
		}
	}
	return n
}

// literalColumns is, for each line, the width of the longest string that begins and ends in it. What stands on several
// lines, such as SQL, and comments can be broken.
func literalColumns(text string) map[int]int {
	set := token.NewFileSet()
	var s scanner.Scanner
	s.Init(set.AddFile("", -1, len(text)), []byte(text), nil, scanner.ScanComments)
	out := map[int]int{}
	for {
		pos, tok, literal := s.Scan()
		switch tok {
		case token.EOF:
			return out
		case token.STRING:
			if line := set.Position(pos).Line; !strings.Contains(literal, "\n") {
				out[line] = max(out[line], columns(literal))
			}
		}
	}
}

func eachGoFile(t *testing.T, do func(path, text string)) {
	t.Helper()
	read := 0
	for _, root := range []string{"../../internal", "../../cmd", "../../bench", "../../acceptance", "../../docs"} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && d.Name() == "node_modules":
				return filepath.SkipDir
			case d.IsDir() || !strings.HasSuffix(path, ".go"):
				return nil
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			read++
			do(path, string(text))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if read < 300 {
		t.Fatalf("only %d files read", read)
	}
}
