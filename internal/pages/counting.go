package pages

import (
	"cmp"
	"net/http"
	"slices"
)

// Counting is a request that is answered once everyone has been counted: until then it is sent again and again.
type Counting struct {
	Action string
	Posts  bool
	Fields []Field
}

// Field is a value that a form sends along.
type Field struct{ Name, Value string }

// CountingOf is the request that waits.
func CountingOf(r *http.Request) Counting {
	out, from := Counting{Action: r.URL.Path, Posts: r.Method == http.MethodPost}, r.URL.Query()
	if out.Posts {
		from = r.PostForm
	}
	for name, values := range from {
		for _, value := range values {
			out.Fields = append(out.Fields, Field{name, value})
		}
	}
	slices.SortStableFunc(out.Fields, func(a, b Field) int { return cmp.Compare(a.Name, b.Name) })
	return out
}
