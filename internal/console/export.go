package console

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"countersign/internal/access"
	"countersign/internal/authenticator"
	"countersign/internal/fault"
	"countersign/internal/pages"
	"countersign/internal/people"
)

// exported is one person in a file.
type exported struct {
	Name       string          `json:"name"`
	Email      string          `json:"email"`
	Role       string          `json:"role"`
	Status     string          `json:"status"`
	Must       bool            `json:"required"`
	Can        []string        `json:"usable_methods"`
	Methods    []exportedUsage `json:"methods"`
	Invited    bool            `json:"invited"`
	Disabled   bool            `json:"account_disabled"`
	LastSignIn string          `json:"last_sign_in,omitempty"` // RFC 3339; not there: never
}

type exportedUsage struct {
	Kind     string `json:"kind"`
	LastUsed string `json:"last_used,omitempty"`
	Works    bool   `json:"works"`
}

func instant(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339)
}

func exportedOf(l people.Listed) exported {
	out := exported{
		Name:       l.User.Name,
		Email:      l.User.Email,
		Role:       string(l.User.Role),
		Status:     string(l.Status.Status),
		Must:       l.Status.Must,
		Can:        []string{},
		Methods:    []exportedUsage{},
		Invited:    l.Invited,
		Disabled:   !l.User.DisabledAt.IsZero(),
		LastSignIn: instant(l.SignedInAt),
	}
	for _, k := range l.Status.Can {
		out.Can = append(out.Can, string(k))
	}
	for _, m := range l.Methods {
		if m.Kind != authenticator.Password {
			out.Methods = append(out.Methods, exportedUsage{string(m.Kind), instant(m.LastUsed), !m.OutOfOrder})
		}
	}
	return out
}

var exportColumns = []string{
	"name", "email", "role", "status", "required", "usable_methods", "methods", "invited", "account_disabled",
	"last_sign_in",
}

func (e exported) columns() []string {
	var methods []string
	for _, m := range e.Methods {
		methods = append(methods, m.Kind)
	}
	return []string{
		notFormula(e.Name), notFormula(e.Email), e.Role, e.Status, fmt.Sprint(e.Must), strings.Join(e.Can, " "),
		strings.Join(methods, " "), fmt.Sprint(e.Invited), fmt.Sprint(e.Disabled), e.LastSignIn,
	}
}

// formula finds what a spreadsheet would compute: at the beginning of a cell, and behind a sign at which some of them
// split cells.
var formula = regexp.MustCompile(`(^|[;,|\t])(\s*[=+\-@\x{ff1d}\x{ff0b}\x{ff0d}\x{ff20}])`)

// notFormula keeps spreadsheets from evaluating names as formulas.
func notFormula(s string) string { return formula.ReplaceAllString(s, "$1'$2") }

// exportUsers answers with a file of everyone whom the filter of the page selects, as it is read: a large company
// begins to download at once.
func (c *Console) exportUsers(w http.ResponseWriter, r *http.Request, a *administrator) error {
	if err := c.Check(r, a.Administrator, access.ExportPeople, a.own()); err != nil {
		return err
	}
	format := r.PostForm.Get("format")
	write, flush, err := exporter(w, format)
	if err != nil {
		return err
	}
	begun := false
	err = c.People.Export(r.Context(), a.Actor, a.company(), pages.SearchOf(r.PostForm), func(l people.Listed) error {
		if !begun {
			begun = true
			setFile(w, format)
		}
		return write(exportedOf(l))
	})
	if err != nil && begun {
		panic(http.ErrAbortHandler) // a file that breaks off must not look whole
	}
	if err != nil {
		return err
	}
	setFile(w, format)
	return flush()
}

func setFile(w http.ResponseWriter, format string) {
	types := map[string]string{"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl; charset=utf-8"}
	w.Header().Set("Content-Type", types[format])
	w.Header().Set("Content-Disposition", `attachment; filename="users.`+format+`"`)
}

// exporter writes people in a format; flush writes what is left of them.
func exporter(w http.ResponseWriter, format string) (write func(exported) error, flush func() error, err error) {
	switch format {
	case "csv":
		rows, headed := csv.NewWriter(w), false
		head := func() error {
			if headed {
				return nil
			}
			headed = true
			return rows.Write(exportColumns)
		}
		write = func(e exported) error {
			if err := head(); err != nil {
				return err
			}
			return rows.Write(e.columns())
		}
		flush = func() error {
			if err := head(); err != nil {
				return err
			}
			rows.Flush()
			return rows.Error()
		}
		return write, flush, nil
	case "jsonl":
		lines := json.NewEncoder(w)
		return func(e exported) error { return lines.Encode(e) }, func() error { return nil }, nil
	}
	return nil, nil, fault.New(fault.Invalid, "error.malformed")
}
