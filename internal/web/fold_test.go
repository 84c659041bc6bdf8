package web

import (
	"fmt"
	"html/template"
	"strings"
	"testing"
	"text/template/parse"
)

// folded parses a layout of one's own, folds it, and draws it before and after.
func folded(t *testing.T, text string, data any) (plain, quick string, tree *parse.Tree) {
	t.Helper()
	funcs := template.FuncMap{
		"t": func(key string, args ...any) (string, error) {
			return fmt.Sprint(append([]any{key, "<&+'"}, args...)...), nil
		},
		"rich":  func(string) template.HTML { return "<b>bold</b>" },
		"asset": func(name string) string { return "/assets/0a/" + name + "?a b&c" },
	}
	made := func() *template.Template { return template.Must(template.New("").Funcs(funcs).Parse(text)) }
	var out [2]strings.Builder
	if err := made().ExecuteTemplate(&out[0], layout, data); err != nil {
		t.Fatal(err)
	}
	quickly := made()
	if err := fold(quickly, &words{funcs: funcs, said: map[string][]byte{}}); err != nil {
		t.Fatal(err)
	}
	if err := quickly.ExecuteTemplate(&out[1], layout, data); err != nil {
		t.Fatal(err)
	}
	return out[0].String(), out[1].String(), quickly.Lookup(layout).Tree
}

// wrapped makes a text the layout, with the parts that it defines beside it.
func wrapped(text string) string {
	text, parts, found := strings.Cut(text, "{{define ")
	if found {
		parts = "{{define " + parts
	}
	return `{{define "layout"}}` + text + `{{end}}` + parts
}

func TestAFoldedPageIsTheSamePage(t *testing.T) {
	const hostile = `javascript:alert("1")//'<b>+`
	for _, text := range []string{
		`<title>{{t "a"}}</title><p title="{{t "b" "c"}}">{{t "d"}}{{.}}</p>{{rich "x"}}<i title="{{rich "x"}}">`,
		`<a href="{{asset "x"}}">{{.}}</a><img src="{{asset "y"}}"><script src="{{asset "z"}}"></script>`,
		`<a href="{{t "javascript:"}}">x</a><a href="/p?q={{t "q"}}">x</a><a href="{{.}}">{{.}}</a>`,
		`<p onclick="f({{t "on"}}, {{.}})" style="color: {{t "red"}}">x</p><script>var a = {{t "js"}}, b = {{.}}</script>`,
		`{{template "still"}}{{template "told" "a"}}{{define "still"}}<b>{{t "in"}}</b>{{template "deep"}}{{end}}{{define "deep"}}deep{{end}}{{define "told"}}{{t .}}{{t "own"}}{{end}}`,
		`<p title="{{template "twice"}}">{{template "twice"}}</p>{{define "twice"}}{{t "both"}}{{end}}`,
		`{{if .}}{{t "yes"}}{{else}}{{t "no"}}{{end}}{{with $x := t "kept"}}{{$x}}{{end}}{{range $i, $c := .}}{{t "each"}}{{end}}{{len (t "nested")}}`,
	} {
		data := any(hostile)
		if strings.Contains(text, "range") {
			data = []string{hostile, "b"}
		}
		plain, quick, _ := folded(t, wrapped(text), data)
		if plain != quick {
			t.Errorf("%s\ndraws %s\nbut folded %s", text, plain, quick)
		}
	}
}

func TestWhatIsAlwaysTheSameBecomesText(t *testing.T) {
	_, _, tree := folded(t,
		`{{define "layout"}}<p>{{t "a"}}{{template "b"}}</p>{{end}}{{define "b"}}{{rich "x"}}{{template "c"}}{{end}}{{define "c"}}c{{end}}`,
		nil)
	if n := len(tree.Root.Nodes); n != 1 {
		t.Errorf("%d nodes: %s", n, tree.Root)
	}
	_, _, tree = folded(t, `{{define "layout"}}<p>{{t "a"}}{{.}}{{t "b"}}</p>{{end}}`, "x")
	if n := len(tree.Root.Nodes); n != 3 || !strings.Contains(tree.Root.String(), "_html_template_htmlescaper") {
		t.Errorf("what varies is not escaped: %s", tree.Root)
	}
}

func TestAMistakeIsFoundByFolding(t *testing.T) {
	house := open(t, ours)
	p := house.Catalog.In("en")
	for _, text := range []string{`<p>{{t "no.such.sentence"}}</p>`, `<a href="{{if .}}/a?{{end}}{{.}}">`,
		`<p>{{template "no such part"}}`} {
		set := template.Must(template.New("").Funcs(house.funcs(p)).Parse(
			`{{define "layout"}}{{template "content" .}}{{end}}{{define "content"}}` + text + `{{end}}`))
		if err := fold(set, &words{funcs: house.funcs(p), said: map[string][]byte{}}); err == nil {
			t.Errorf("%s stops nothing", text)
		}
	}
}

func TestAMemoryOfHeadersIsBounded(t *testing.T) {
	var m memory[int]
	found := 0
	find := func(h string) int { found++; return len(h) }
	for i := range 3 * mostHeaders {
		h := strings.Repeat("x", i%200) + fmt.Sprint(i)
		if n := m.of(h, find); n != len(h) {
			t.Fatalf("%d", n)
		}
	}
	if len(m.all) > mostHeaders || found != 3*mostHeaders {
		t.Errorf("%d kept, %d found", len(m.all), found)
	}
	before := found
	m.of("again", find)
	m.of("again", find)
	long := strings.Repeat("y", longestHeader+1)
	m.of(long, find)
	m.of(long, find)
	if found != before+3 {
		t.Errorf("found %d times", found-before)
	}
}
