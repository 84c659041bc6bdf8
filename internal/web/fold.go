package web

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"io"
	"reflect"
	"slices"
	"strings"
	"sync"
	"text/template/parse"
)

// folder replaces in a page's templates what is the same each time that it is drawn in one
// language: sentences without values, addresses of assets, drawings. What is left to be
// evaluated varies with a person, a company or a request, and keeps its contextual escaping.
type folder struct {
	t     *template.Template
	words *words
	err   error
}

// words are the functions of one language, and what was already said with them on any page.
type words struct {
	mu    sync.Mutex // held while a page is folded
	funcs template.FuncMap
	said  map[string][]byte // by pipeline, with its escapers
}

// leaf is the templates of one page in one language. They are folded when the page is drawn
// for the first time: to fold every page would make the start as long again.
type leaf struct {
	once  sync.Once
	t     *template.Template
	words *words
	err   error
}

func (l *leaf) folded() (*template.Template, error) {
	l.once.Do(func() { l.err = fold(l.t, l.words) })
	return l.t, l.err
}

// fold escapes t and folds it. A mistake is found here in a constant part also where no
// drawing would come to it.
func fold(t *template.Template, w *words) error {
	var wrong *template.Error
	// Without data the drawing ends at the first field; until then the tree was escaped.
	if err := t.ExecuteTemplate(io.Discard, layout, nil); errors.As(err, &wrong) {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	f := &folder{t: t, words: w}
	for again := true; again && f.err == nil; {
		again = false
		for _, part := range t.Templates() {
			if part.Tree != nil && f.list(part.Tree.Root) {
				again = true
			}
		}
	}
	return f.err
}

// list folds the nodes of a list and reports whether anything became text.
func (f *folder) list(l *parse.ListNode) (changed bool) {
	if l == nil {
		return false
	}
	var out []parse.Node
	for _, n := range l.Nodes {
		text, ok := f.constant(n)
		if !ok {
			changed = f.inside(n) || changed
			out = append(out, n)
			continue
		}
		if _, was := n.(*parse.TextNode); !was {
			changed = true
		}
		out = join(out, text)
	}
	l.Nodes = out
	return changed
}

// join adds text behind nodes, as part of the last one where that is text, too.
func join(nodes []parse.Node, text []byte) []parse.Node {
	if i := len(nodes) - 1; i >= 0 {
		if before, ok := nodes[i].(*parse.TextNode); ok {
			nodes[i] = &parse.TextNode{
				NodeType: parse.NodeText,
				Pos:      before.Pos,
				Text:     slices.Concat(before.Text, text),
			}
			return nodes
		}
	}
	return append(nodes, &parse.TextNode{NodeType: parse.NodeText, Text: text})
}

// inside folds the branches of a node.
func (f *folder) inside(n parse.Node) (changed bool) {
	var branch *parse.BranchNode
	switch n := n.(type) {
	case *parse.IfNode:
		branch = &n.BranchNode
	case *parse.RangeNode:
		branch = &n.BranchNode
	case *parse.WithNode:
		branch = &n.BranchNode
	default:
		return false
	}
	changed = f.list(branch.List)
	return f.list(branch.ElseList) || changed
}

// constant is what a node always draws.
func (f *folder) constant(n parse.Node) (text []byte, ok bool) {
	switch n := n.(type) {
	case *parse.TextNode:
		return n.Text, true
	case *parse.TemplateNode:
		if part := f.t.Lookup(n.Name); n.Pipe == nil && part != nil && part.Tree != nil {
			return onlyText(part.Tree.Root)
		}
	case *parse.ActionNode:
		if len(n.Pipe.Decl) == 0 {
			return f.said(n.Pipe)
		}
	}
	return nil, false
}

func onlyText(l *parse.ListNode) (text []byte, ok bool) {
	switch len(l.Nodes) {
	case 0:
		return nil, true
	case 1:
		t, ok := l.Nodes[0].(*parse.TextNode)
		if ok {
			return t.Text, true
		}
	}
	return nil, false
}

// foldable are the functions whose value follows from their arguments and the language.
var foldable = []string{"t", "rich", "asset", "language", "languages"}

// surroundings are contexts in which html/template can be asked for the escaped form, by
// the escapers that it has put there.
var surroundings = map[string][2]string{
	"_html_template_htmlescaper":   {"", ""},
	"_html_template_rcdataescaper": {"<title>", "</title>"},
	"_html_template_attrescaper":   {`<p title="`, `">`},
	"_html_template_urlfilter _html_template_urlnormalizer _html_template_attrescaper": {`<a href="`, `">`},
}

// said evaluates a pipeline of a foldable function with constant arguments.
func (f *folder) said(p *parse.PipeNode) (text []byte, ok bool) {
	name, args, ok := call(p.Cmds[0])
	if !ok || !slices.Contains(foldable, name) {
		return nil, false
	}
	var escapers []string
	for _, c := range p.Cmds[1:] {
		escapers = append(escapers, c.String())
	}
	around, known := surroundings[strings.Join(escapers, " ")]
	if !known {
		return nil, false
	}
	pipeline := p.String()
	if text, ok := f.words.said[pipeline]; ok {
		return text, true
	}
	text, err := evaluate(f.words.funcs[name], args, around)
	if err != nil {
		f.err = errors.Join(f.err, fmt.Errorf("%s: %w", pipeline, err))
	}
	f.words.said[pipeline] = text
	return text, err == nil
}

// call is a command that calls a function with nothing but strings.
func call(c *parse.CommandNode) (name string, args []reflect.Value, ok bool) {
	id, ok := c.Args[0].(*parse.IdentifierNode)
	if !ok {
		return "", nil, false
	}
	for _, a := range c.Args[1:] {
		s, ok := a.(*parse.StringNode)
		if !ok {
			return "", nil, false
		}
		args = append(args, reflect.ValueOf(s.Text))
	}
	return id.Ident, args, true
}

// evaluate calls fn and has html/template escape what it says.
func evaluate(fn any, args []reflect.Value, around [2]string) ([]byte, error) {
	out := reflect.ValueOf(fn).Call(args)
	if len(out) == 2 && !out[1].IsNil() {
		return nil, out[1].Interface().(error)
	}
	t, err := template.New("").Parse(around[0] + "{{.}}" + around[1])
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, out[0].Interface()); err != nil {
		return nil, err
	}
	return b.Bytes()[len(around[0]) : b.Len()-len(around[1])], nil
}
