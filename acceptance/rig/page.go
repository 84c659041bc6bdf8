package rig

import (
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// Page is an answer as a person sees it.
type Page struct {
	Status int
	Header http.Header
	Body   string
	URL    *url.URL
	Left   *url.URL // set when the answer sends the browser out of our origin
	Given  []string // the cookies that were set on the way here, as they were written
	Wire   int      // bytes of the body
	doc    *html.Node
}

// Form is one form of a page with the values it would send untouched.
type Form struct {
	Action string
	Values url.Values
}

func readPage(res *http.Response) (*Page, error) {
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	pg := &Page{
		Status: res.StatusCode,
		Header: res.Header,
		Given:  res.Header.Values("Set-Cookie"),
		Body:   string(body),
		Wire:   len(body),
	}
	if res.Request != nil {
		pg.URL = res.Request.URL
	}
	pg.doc, err = html.Parse(strings.NewReader(pg.Body))
	return pg, err
}

// GaveSession reports whether the answer, or one on the way to it, gives the browser a session.
func (pg *Page) GaveSession() bool {
	return slices.ContainsFunc(pg.Given, func(line string) bool {
		return strings.HasPrefix(line, "__Host-session=") && !strings.HasPrefix(line, "__Host-session=;")
	})
}

// Text is what is written on the page, in one line, without what is hidden.
func (pg *Page) Text() string {
	var b strings.Builder
	written(pg.doc, &b)
	return plain(b.String())
}

// plain is a text as one would type it: simple spaces, and hyphens that may break a line.
func plain(s string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(s), " "), "\u2011", "-")
}

func written(n *html.Node, b *strings.Builder) {
	if n == nil || n.Type == html.ElementNode &&
		(has(n, "hidden") || n.Data == "script" || n.Data == "style" || n.Data == "template") {
		return
	}
	if n.Type == html.TextNode {
		b.WriteString(n.Data + " ")
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		written(c, b)
	}
}

// Says reports whether the page's text contains words, whatever the white space.
func (pg *Page) Says(words string) bool {
	return strings.Contains(pg.Text(), strings.Join(strings.Fields(words), " "))
}

// Form returns the form that posts to a path, or that a mailed link's page has.
func (pg *Page) Form(path string) (Form, bool) {
	path, _ = Pressed(path)
	for _, f := range pg.Forms() {
		if f.Action == path {
			return f, true
		}
	}
	return Form{}, false
}

// Forms returns every form.
func (pg *Page) Forms() []Form {
	var out []Form
	walk(pg.doc, func(n *html.Node) {
		if n.Type == html.ElementNode && n.Data == "form" {
			f := Form{Action: pg.resolve(attr(n, "action")), Values: url.Values{}}
			walk(n, f.field)
			out = append(out, f)
		}
	})
	return out
}

func (pg *Page) resolve(action string) string {
	if pg.URL == nil {
		return action
	}
	u, err := pg.URL.Parse(action)
	if err != nil {
		return action
	}
	return u.RequestURI()
}

func (f Form) field(n *html.Node) {
	if n.Type != html.ElementNode || n.Data != "input" || attr(n, "name") == "" {
		return
	}
	switch attr(n, "type") {
	case "submit", "button":
	case "hidden":
		f.Values.Add(attr(n, "name"), attr(n, "value"))
	case "checkbox", "radio":
		if has(n, "checked") {
			f.Values.Set(attr(n, "name"), attr(n, "value"))
		}
	default:
		f.Values.Set(attr(n, "name"), attr(n, "value"))
	}
}

// Element returns the first element for which ok.
func (pg *Page) Element(ok func(tag string, attr func(string) string) bool) *html.Node {
	var found *html.Node
	walk(pg.doc, func(n *html.Node) {
		if found == nil && n.Type == html.ElementNode && ok(n.Data, func(k string) string { return attr(n, k) }) {
			found = n
		}
	})
	return found
}

// Input returns the attributes of the input called name, nil when there is none.
func (pg *Page) Input(name string) map[string]string {
	n := pg.Element(func(tag string, a func(string) string) bool { return tag == "input" && a("name") == name })
	if n == nil {
		return nil
	}
	out := map[string]string{}
	for _, a := range n.Attr {
		out[a.Key] = a.Val
	}
	return out
}

// Sources returns the addresses that the page loads by itself: styles, scripts, images.
func (pg *Page) Sources() []string {
	var out []string
	walk(pg.doc, func(n *html.Node) {
		if n.Type != html.ElementNode {
			return
		}
		if n.Data == "link" && strings.Contains(attr(n, "rel"), "stylesheet") || n.Data == "link" &&
			strings.Contains(attr(n, "rel"), "icon") {
			out = append(out, attr(n, "href"))
		}
		if src := attr(n, "src"); src != "" {
			out = append(out, src)
		}
	})
	return out
}

// Expect fails the test unless the page has the status and says each of the words.
func (pg *Page) Expect(t testing.TB, status int, words ...string) *Page {
	t.Helper()
	if pg.Status != status {
		t.Fatalf("status %d, want %d: %s", pg.Status, status, Quietly(pg.Text()))
	}
	for _, w := range words {
		if !pg.Says(w) {
			t.Fatalf("the page does not say %q: %s", w, Quietly(pg.Text()))
		}
	}
	return pg
}

var varying = regexp.MustCompile(`[0-9a-zA-Z_-]{16,}|[0-9a-f]{8,}|[0-9]+`)

// Shape is the body without what differs by chance: ids, tokens, numbers.
func (pg *Page) Shape() string { return varying.ReplaceAllString(pg.Body, "~") }

func walk(n *html.Node, visit func(*html.Node)) {
	if n == nil {
		return
	}
	visit(n)
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		walk(c, visit)
	}
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, key string) bool {
	for _, a := range n.Attr {
		if a.Key == key {
			return true
		}
	}
	return false
}

// LinkSaying returns the address of the first link or button-like link that says words.
func (pg *Page) LinkSaying(words string) string {
	href := ""
	walk(pg.doc, func(n *html.Node) {
		if href == "" && n.Type == html.ElementNode && n.Data == "a" && strings.Contains(plain(textOf(n)), words) {
			href = attr(n, "href")
		}
	})
	return href
}

func textOf(n *html.Node) string {
	var b strings.Builder
	walk(n, func(n *html.Node) {
		if n.Type == html.TextNode {
			b.WriteString(n.Data)
		}
	})
	return b.String()
}
