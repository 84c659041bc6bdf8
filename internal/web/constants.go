package web

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"slices"
	"sync"
	"text/template/parse"
)

// lazyTemplate is the template of one page in one language. It is read when the page is drawn for the first time.
type lazyTemplate struct {
	base  func() (*template.Template, error)
	files fs.FS
	path  string
	funcs template.FuncMap

	once sync.Once
	t    *template.Template
	err  error
}

func (l *lazyTemplate) prepared() (*template.Template, error) {
	l.once.Do(func() {
		if l.t, l.err = l.parsed(); l.err == nil {
			l.err = prepare(l.t, l.funcs)
		}
	})
	return l.t, l.err
}

// parsed reads the page with a copy of the shared layout.
func (l *lazyTemplate) parsed() (*template.Template, error) {
	base, err := l.base()
	if err != nil {
		return nil, err
	}
	t, err := base.Clone()
	if err != nil {
		return nil, err
	}
	return t.ParseFS(l.files, l.path)
}

// prepare writes the constants of a page into its templates and has html/template escape the rest.
// Mistakes are found here in every branch, also where no drawing would come to it.
func prepare(t *template.Template, funcs template.FuncMap) error {
	if err := insertConstants(t, funcs); err != nil {
		return err
	}
	var wrong *template.Error
	// Without data the drawing ends at the first field; until then the templates were escaped.
	if err := t.ExecuteTemplate(io.Discard, layout, nil); errors.As(err, &wrong) {
		return err
	}
	return nil
}

// constants are the actions of a page that draw the same each time: sentences without values and
// addresses of assets. They become text before html/template reads the templates, which therefore
// escapes every value for the surroundings that this text makes.
type constants struct {
	page *template.Template
	safe map[*parse.Node]bool // whether an action may be text, by where it is in its list
	ends map[visit]string
}

// visit is a call of a template at a place.
type visit struct{ name, at string }

func insertConstants(page *template.Template, funcs template.FuncMap) error {
	c := &constants{page: page, safe: map[*parse.Node]bool{}, ends: map[visit]string{}}
	c.template(layout, betweenTags)
	for node, safe := range c.safe {
		// Constants that stay are evaluated, too, to find a sentence that there is not.
		text, err := drawAction(*node, funcs)
		if err != nil {
			return err
		}
		if safe {
			*node = &parse.TextNode{NodeType: parse.NodeText, Pos: (*node).Position(), Text: text}
		}
	}
	return nil
}

// drawAction has html/template draw an action as it would between tags.
func drawAction(action parse.Node, funcs template.FuncMap) ([]byte, error) {
	t, err := template.New("").Funcs(funcs).Parse(action.String())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", action, err)
	}
	var b bytes.Buffer
	err = t.Execute(&b, nil)
	return b.Bytes(), err
}

// template follows the call of a template and returns the place behind it.
func (c *constants) template(name, at string) string {
	part := c.page.Lookup(name)
	if part == nil || part.Tree == nil {
		return unknown
	}
	v := visit{name, at}
	if _, seen := c.ends[v]; !seen {
		c.ends[v] = unknown // for a template that calls itself
		c.ends[v] = c.list(part.Tree.Root, at)
	}
	return c.ends[v]
}

func (c *constants) list(l *parse.ListNode, at string) string {
	if l == nil {
		return at
	}
	for i := range l.Nodes {
		at = c.node(&l.Nodes[i], at)
	}
	return at
}

// node returns the place behind a node.
func (c *constants) node(node *parse.Node, at string) string {
	switch n := (*node).(type) {
	case *parse.TextNode:
		return afterText(at, string(n.Text))
	case *parse.ActionNode:
		if name := constantCall(n); name != "" {
			before, seen := c.safe[node]
			c.safe[node] = (before || !seen) && allowsText(at, name)
		}
		return afterAction(at, n)
	case *parse.TemplateNode:
		return c.template(n.Name, at)
	case *parse.IfNode:
		return placeAfterBranches(c.list(n.List, at), c.list(n.ElseList, at))
	case *parse.WithNode:
		return placeAfterBranches(c.list(n.List, at), c.list(n.ElseList, at))
	case *parse.RangeNode:
		// html/template refuses a range whose second turn begins at another place than the first.
		return placeAfterBranches(c.list(n.List, at), c.list(n.ElseList, at))
	}
	return unknown
}

// constantCall returns the function that an action calls with nothing but constants.
func constantCall(n *parse.ActionNode) string {
	if len(n.Pipe.Decl) > 0 || len(n.Pipe.Cmds) != 1 {
		return ""
	}
	args := n.Pipe.Cmds[0].Args
	name, ok := args[0].(*parse.IdentifierNode)
	if !ok || name.Ident != "t" && name.Ident != "asset" {
		return ""
	}
	if slices.ContainsFunc(args[1:], func(a parse.Node) bool { return a.Type() != parse.NodeString }) {
		return ""
	}
	return name.Ident
}
