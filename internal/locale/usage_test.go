package locale

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/template/parse"
)

// use is a sentence that the program asks for. names is nil where it cannot be read off
// the source which values it is given.
type use struct {
	where, key string
	names      []string
	given      bool // names are known to be all
}

const root = "../.."

// speakers are the words that say a sentence whose key is their first argument.
var speakers = []string{"T", "t", "rich", "say", "Say", "because"}

// makers are the words whose last text is the key of a sentence to be said later.
var makers = []string{"New", "refuse"}

// tellers are the packages whose dotted words are keys, or names of files and hosts.
var tellers = regexp.MustCompile(
	`internal/(web|help|portal|account|enrollpages|methodtext|pages|policy|message/email|authenticator/password)/[^/]+\.go$`)

var notKeys = regexp.MustCompile(`\.(html|txt|js|css|svg|example)$`)

var dotted = regexp.MustCompile(`^[a-z][a-z0-9_]*(\.[a-z0-9_]+)+$`)

func sources(t *testing.T, suffixes ...string) []string {
	t.Helper()
	var out []string
	for _, top := range []string{"internal", "cmd"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() && d.Name() == "testdata" {
				return fs.SkipDir
			}
			if slices.Contains(suffixes, filepath.Ext(path)) && !strings.HasSuffix(path, "_test.go") {
				out = append(out, path)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// inGo reads what Go files say. all holds every text of every file, said or not.
func inGo(t *testing.T) (said []use, all map[string]bool) {
	t.Helper()
	all = map[string]bool{}
	for _, path := range sources(t, ".go") {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				said = append(said, called(path, n)...)
			case *ast.BasicLit:
				s, ok := text(n)
				if all[s] = true; ok && dotted.MatchString(s) && tellers.MatchString(path) && !notKeys.MatchString(s) {
					said = append(said, use{where: path, key: s})
				}
			}
			return true
		})
	}
	return said, all
}

func called(path string, call *ast.CallExpr) []use {
	name := callee(call.Fun)
	var texts []string
	for _, a := range call.Args {
		s, _ := text(a)
		texts = append(texts, s)
	}
	if len(texts) == 0 {
		return nil
	}
	first, last := texts[0], texts[len(texts)-1]
	switch {
	case slices.Contains(speakers, name) && dotted.MatchString(first):
		return []use{{path, first, odd(texts), call.Ellipsis == token.NoPos}}
	case slices.Contains(makers, name) && len(texts) > 1 && dotted.MatchString(last):
		// the sign-in page says how long to wait
		return []use{{path, last, nil, !strings.HasPrefix(last, "signin.problem.")}}
	}
	return nil
}

func callee(f ast.Expr) string {
	switch f := f.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}

func text(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(lit.Value)
	return s, err == nil
}

// odd are the names of "key", "Name", value, "Name", value.
func odd(texts []string) []string {
	var out []string
	for i := 1; i < len(texts); i += 2 {
		out = append(out, texts[i])
	}
	return out
}

// inTemplates reads what templates say.
func inTemplates(t *testing.T) []use {
	t.Helper()
	var said []use
	for _, path := range sources(t, ".html", ".txt") {
		b, err := os.ReadFile(filepath.Clean(path))
		if err != nil {
			t.Fatal(err)
		}
		top := parse.New(path)
		top.Mode = parse.SkipFuncCheck
		trees := map[string]*parse.Tree{}
		if _, err := top.Parse(string(b), "", "", trees); err != nil {
			t.Fatal(err)
		}
		for _, tree := range trees {
			said = append(said, walk(path, tree.Root)...)
		}
	}
	return said
}

func walk(path string, n parse.Node) []use {
	var out []use
	each := func(nodes ...parse.Node) {
		for _, n := range nodes {
			out = append(out, walk(path, n)...)
		}
	}
	branch := func(b *parse.BranchNode) {
		each(b.Pipe, b.List)
		if b.ElseList != nil {
			each(b.ElseList)
		}
	}
	switch n := n.(type) {
	case *parse.ListNode:
		each(n.Nodes...)
	case *parse.ActionNode:
		each(n.Pipe)
	case *parse.TemplateNode:
		if n.Pipe != nil {
			each(n.Pipe)
		}
	case *parse.IfNode:
		branch(&n.BranchNode)
	case *parse.WithNode:
		branch(&n.BranchNode)
	case *parse.RangeNode:
		branch(&n.BranchNode)
	case *parse.PipeNode:
		for _, c := range n.Cmds {
			each(c)
		}
	case *parse.CommandNode:
		out = append(out, spoken(path, n)...)
		each(n.Args...)
	}
	return out
}

func spoken(path string, c *parse.CommandNode) []use {
	var texts []string
	for _, a := range c.Args {
		s, _ := a.(*parse.StringNode)
		if s == nil {
			texts = append(texts, "")
			continue
		}
		texts = append(texts, s.Text)
	}
	name := c.Args[0].String()
	name = name[strings.LastIndex(name, ".")+1:]
	if len(texts) < 2 || !slices.Contains(speakers, name) || !dotted.MatchString(texts[1]) {
		return nil
	}
	return []use{{path, texts[1], odd(texts[1:]), true}}
}

func TestEverySentenceThatIsSaidExists(t *testing.T) {
	said, _ := inGo(t)
	said = append(said, inTemplates(t)...)
	if len(said) < 300 {
		t.Fatalf("only %d sentences found: the search is broken", len(said))
	}
	for _, lang := range newCatalog(t).Languages() {
		words := catalogue(t, lang)
		for _, u := range said {
			if words[u.key] == nil {
				t.Errorf("%s says %q, which %s lacks", u.where, u.key, lang)
			}
		}
	}
}

// A value that is not given would be drawn as "<no value>".
func TestEverySentenceIsGivenItsValues(t *testing.T) {
	said, _ := inGo(t)
	words := catalogue(t, Default)
	for _, u := range append(said, inTemplates(t)...) {
		want := words[u.key].placeholders()
		got := slices.Compact(slices.Sorted(slices.Values(u.names)))
		if u.given && !slices.Equal(got, want) {
			t.Errorf("%s gives %v to %q, which asks for %v", u.where, got, u.key, want)
		}
	}
}

func TestNoSentenceIsUnused(t *testing.T) {
	_, used := inGo(t)
	for _, u := range inTemplates(t) {
		used[u.key] = true
	}
	for key := range catalogue(t, Default) {
		if !used[key] {
			t.Errorf("no one says %q", key)
		}
	}
}
