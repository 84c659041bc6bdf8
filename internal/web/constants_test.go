package web

import (
	"fmt"
	"html/template"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"text/template/parse"

	"pgregory.net/rapid"
)

// breakout is a sentence that would leave any place where it is not escaped.
const breakout = `</title></script>--><script>x</script>"'` + "`" + `><i a="&lt;+={{.}}` + "\x00\xff" +
	`javascript:alert(1)//*/`

// testFuncs say a sentence that begins with its key.
func testFuncs(sentence string) template.FuncMap {
	return template.FuncMap{
		"list":  func() []string { return []string{breakout, "b"} },
		"t":     func(key string, args ...any) (string, error) { return fmt.Sprint(key, sentence, args), nil },
		"rich":  func(string) template.HTML { return "<b>bold</b>" },
		"asset": func(name string) (string, error) { return "/assets/0a/" + name + ".css", nil },
	}
}

// drawBoth draws a text as a layout, as html/template does it by itself and with constants as text.
// It returns no text where html/template refuses the page.
func drawBoth(tb interface {
	Helper()
	Fatalf(string, ...any)
}, text, sentence string, data any) (plain, withText string, left int) {
	tb.Helper()
	text, parts, found := strings.Cut(text, "{{define ")
	if found {
		parts = "{{define " + parts
	}
	text = `{{define "layout"}}` + text + `{{end}}` + parts
	parsed := func() *template.Template {
		t, err := template.New("").Funcs(testFuncs(sentence)).Parse(text)
		if err != nil {
			tb.Fatalf("%s: %v", text, err)
		}
		return t
	}
	var out [2]strings.Builder
	refused := parsed().ExecuteTemplate(&out[0], layout, data)
	t := parsed()
	if err := prepare(t, testFuncs(sentence)); err != nil {
		if refused == nil {
			tb.Fatalf("%s is refused only with constants as text: %v", text, err)
		}
		return "", "", 0
	}
	if err := t.ExecuteTemplate(&out[1], layout, data); (err == nil) != (refused == nil) {
		tb.Fatalf("%s: %v, with constants as text: %v", text, refused, err)
	}
	for _, part := range t.Templates() {
		if part.Tree != nil {
			left += strings.Count(part.Tree.Root.String(), "{{t ") + strings.Count(part.Tree.Root.String(), "{{asset ")
		}
	}
	return out[0].String(), out[1].String(), left
}

func TestAPageWithConstantsAsTextIsTheSamePage(t *testing.T) {
	for text, left := range map[string]int{
		// Places that take a constant.
		`<title>{{t "a"}}</title><p>{{t "b" "c"}} & {{.}}</p>{{t "d"}}`:                                        0,
		`<!doctype html><p aria-label="{{t "a"}}">{{.}}</p><i data-hide="x {{t "b"}}{{.}}" class="{{.}}">`:     0,
		`<a href="{{asset "x"}}">{{.}}</a><script src="{{asset "y"}}" defer></script>{{t "a"}}`:                0,
		`<p{{if .}} hidden{{end}} class="a {{if .}}b{{end}}">{{if .}}{{t "a"}}{{else}}{{t "b"}}{{end}}</p>`:    0,
		`{{template "x"}}<h1>{{template "x"}}</h1>{{define "x"}}{{t "a"}}{{.}}{{end}}`:                         0,
		`{{range $i, $c := .}}<b>{{t "a"}}</b>{{$c}}{{else}}{{t "b"}}{{end}}{{with $x := t "c"}}{{$x}}{{end}}`: 0,
		`<a href="/p?q={{.}}">{{t "a"}}</a><style></style>{{t "b"}}`:                                           1,
		// Addresses.
		`<a href="{{t "a"}}">x</a><a href="/p?q={{t "b"}}">{{.}}</a><img src="javascript:{{t "c"}}">`:     3,
		`<form action="{{t "a"}}"><a data-href="{{t "b"}}" data-url="{{t "c"}}"><img srcset="{{t "d"}}">`: 4,
		`<meta http-equiv="refresh" content="0;url={{t "a"}}"><p title="{{asset "a"}}">`:                  2,
		// Scripts and styles, also where they do not look like one.
		`<script>var a = {{t "a"}}, b = "{{t "b"}}", c = '{{t "c"}}', d = {{.}}</script>`:     3,
		`<script>/* <p> */ a = {{t "a"}}; /* aria-label="{{t "b"}}" */</script>`:              2,
		`<script type="application/json">{"a": {{t "a"}}}</script><SCRIPT>{{t "b"}}</SCRIPT>`: 2,
		`<style>p { color: {{t "a"}} } <p> {{t "b"}}</style>`:                                 2,
		`<p onclick="f({{t "a"}})" data-onclick="{{t "b"}}" style="color: {{t "c"}}">`:        3,
		`<p onclick='f("<p aria-label="{{t "a"}}")'>`:                                         1,
		`<script aria-label="{{t "a"}}">{{t "b"}}</script>`:                                   1,
		`<script{{if .}} defer{{end}}>{{t "a"}}</script>`:                                     1,
		`<script src="{{asset "a"}}"> {{t "b"}}</script>`:                                     1,
		`<scrip{{if .}}t{{else}}t{{end}}>{{t "a"}}`:                                           1,
		`<script x{{if .}}y{{else}}y{{end}}>{{t "a"}}</script>`:                               1,
		`<title><script></title><b>{{t "a"}}</b>`:                                             1,
		`<textarea><p aria-label="</textarea><script>{{t "a"}}</script>`:                      1,
		// Names, values without quotes and comments.
		`<p {{t "a"}}>{{t "b"}}</p>`:                                      2,
		`<p title={{t "a"}}>{{t "b"}}</p><p title='{{t "c"}}'>`:           3,
		`<p on{{if .}}aria-label="{{else}}aria-label="{{end}}{{t "a"}}">`: 1,
		`<p aria{{.}}-label="{{t "a"}}">`:                                 1,
		`<!-- <b> {{t "a"}} --> {{t "b"}}`:                                2,
		`a <{{t "a"}} &{{t "b"}}; </{{t "c"}}`:                            3,
		// One template at several places.
		`<p aria-label="{{template "x"}}" onclick="{{template "x"}}">{{define "x"}}{{t "a"}}{{end}}`: 1,
		`<p onclick="{{template "x"}}" aria-label="{{template "x"}}">{{define "x"}}{{t "a"}}{{end}}`: 1,
		`{{template "x"}}<script>{{template "x"}}</script>{{define "x"}}{{t "a"}}{{end}}`:            1,
		`{{template "x" .}}{{define "x"}}{{t "a"}}{{if not .}}{{template "x" .}}{{end}}{{end}}`:      0,
		`{{range .}}{{t "a"}}{{if .}}{{continue}}{{end}}<b{{break}}>{{t "b"}}{{end}}`:                2,
		// Values of other kinds stay.
		`{{len (t "a")}}{{t "b" . | printf "%s"}}{{rich "x"}}{{$x := t "c"}}{{$x}}{{t .}}`: 2,
	} {
		for _, sentence := range []string{"", " & more", breakout} {
			data := any(breakout)
			if strings.Contains(text, "{{range") {
				data = []string{breakout, "b"}
			}
			plain, withText, stay := drawBoth(t, text, sentence, data)
			if plain != withText {
				t.Errorf("%s\ndraws %s\nand with constants as text %s", text, plain, withText)
			}
			if plain != "" && stay != left {
				t.Errorf("%s: %d constants stay, want %d", text, stay, left)
			}
		}
	}
}

// pieces are what random pages are made of.
var pieces = []string{
	"<p>", "</p>", "<b ", "<a ", "<script>", "</script>", "<script ", "<style>", "</style>", "<title>", "</title>",
	"<textarea>", "</textarea>", `<path d="M1"/>`, "<!--", "-->", "<", ">", "/>", "/", " ", "\n", "=", `"`, `"`,
	"'", "`",
	"a", "on", "click", "data-", "script", "style", "//", "/*", "*/", "&", ";", "?q=", "#", ":", "javascript:", "0",
	` aria-label="`, ` data-hide="`, ` onclick="`, ` style="`, ` href="`, ` src="`, ` title='`, ` class=`, " hidden",
	"{{.}}", `{{t "a"}}`, `{{t "b"}}`, `aria-label="{{t "c"}}"`,
	` href="{{asset "x"}}"`, `<b>{{t "d"}}</b>`, `<script>f("{{t "e"}}")</script>`, `<i{{if .}} hidden{{end}}>`,
}

// endings lead out of most places, so that html/template does not refuse the page.
var endings = []string{"", ">", `">`, `"></script>`, "</style>", "-->", "</title>", "</textarea>", "'>", "*/</script>"}

// somePage returns a random text with branches and the templates that it calls.
func somePage(rt *rapid.T) string {
	page := someText(rt, `{{template "x" .}}`, `{{template "y" .}}`)
	y, x := someText(rt, `{{template "x" .}}`), someText(rt)
	return page + rapid.SampledFrom(endings).Draw(rt, "ending") +
		`{{define "x"}}` + x + `{{end}}{{define "y"}}` + y + `{{end}}`
}

func someText(rt *rapid.T, calls ...string) string {
	list := rapid.Map(rapid.SliceOfN(rapid.SampledFrom(slices.Concat(pieces, calls)), 0, 6), func(all []string) string {
		return strings.Join(all, "")
	})
	var b strings.Builder
	for range rapid.IntRange(1, 3).Draw(rt, "parts") {
		b.WriteString(list.Draw(rt, "before"))
		branch := rapid.SampledFrom([]string{"", "", "{{if .}}", "{{with .}}", "{{range list}}"}).Draw(rt, "branch")
		if branch != "" {
			both := list.Draw(rt, "then")
			other := rapid.SampledFrom([]string{both, "", list.Draw(rt, "else")}).Draw(rt, "other")
			b.WriteString(branch + both + "{{else}}" + other + "{{end}}")
		}
	}
	return b.String()
}

// TestARandomPageIsTheSamePage: whatever the surroundings are, a constant is written as html/template
// would have written it, and what follows is escaped as before.
func TestARandomPageIsTheSamePage(t *testing.T) {
	pages, texts := 0, 0
	check := func(rt *rapid.T) {
		text := somePage(rt)
		sentence := rapid.SampledFrom([]string{"", breakout}).Draw(rt, "sentence")
		value := rapid.SampledFrom([]string{"", breakout}).Draw(rt, "value")
		plain, withText, left := drawBoth(rt, text, sentence, value)
		if plain != withText {
			rt.Fatalf("%s\ndraws %s\nand with constants as text %s", text, plain, withText)
		}
		if plain != "" {
			pages++
			texts += strings.Count(text, "{{t ") + strings.Count(text, "{{asset ") - left
		}
	}
	for round := 0; round < 5 || texts == 0 && round < 60; round++ { // most random pages are refused or say nothing
		rapid.Check(t, check)
	}
	t.Logf("%d pages with %d constants as text", pages, texts)
	if texts == 0 {
		t.Error("no page says anything")
	}
}

// TestTheConstantsOfOurPagesAreText: one that is at a place that we do not know is drawn as well, but
// each time anew.
func TestTheConstantsOfOurPagesAreText(t *testing.T) {
	house := open(t, ours)
	house.Templates = map[string]fs.FS{}
	for _, owner := range []string{"account", "console", "desk", "enrollpages", "help", "oidc", "pages", "portal"} {
		house.Templates[owner] = os.DirFS("../" + owner)
	}
	set, err := house.pages(house.Catalog.In("en"))
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for name, page := range set.byName {
		parsed, err := page.parsed()
		if err != nil {
			t.Fatal(err)
		}
		c := &constants{page: parsed, safe: map[*parse.Node]bool{}, ends: map[visit]string{}}
		if end := c.template(layout, betweenTags); end != betweenTags {
			t.Errorf("%s ends at %q", name, end)
		}
		for node, safe := range c.safe {
			seen++
			if !safe {
				t.Errorf("%s: %s stays", name, *node)
			}
		}
	}
	if seen < 500 {
		t.Errorf("%d constants", seen)
	}
}

func TestAMistakeIsFoundBeforeAPageIsDrawn(t *testing.T) {
	house := open(t, ours)
	funcs := house.funcs(house.Catalog.In("en"))
	for _, text := range []string{`<p>{{t "no.such.sentence"}}</p>`, `<a href="{{if .}}/a?{{end}}{{.}}">`,
		`<p>{{template "no such part"}}`, `{{if .No}}<p class="{{t "no.such.sentence"}}">{{end}}`,
		`<img src="{{asset "no such asset"}}">`} {
		set := template.Must(template.New("").Funcs(funcs).Parse(
			`{{define "layout"}}{{template "content" .}}{{end}}{{define "content"}}` + text + `{{end}}`))
		if err := prepare(set, funcs); err == nil {
			t.Errorf("%s stops nothing", text)
		}
	}
}
