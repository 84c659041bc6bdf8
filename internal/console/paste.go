package console

import (
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"

	"countersign/internal/fault"
	"countersign/internal/locale"
	"countersign/internal/pages"
	"countersign/internal/people"
)

var (
	errNoRows   = fault.New(fault.Invalid, "console.import.no_rows")
	errNoEmails = fault.New(fault.Invalid, "console.import.no_addresses")
	errQuotes   = fault.New(fault.Invalid, "console.import.quotes")
)

// readPasted reads people from text as it is pasted from a spreadsheet or a CSV file: cells apart by tabs, semicolons
// or commas. A first row without an address names the columns; without one they are name, address and role, or address
// and name, as the addresses lie. Roles are in the words of the page or of the program.
func readPasted(p *locale.Printer, text string) ([]people.Row, error) {
	text = strings.TrimPrefix(text, "\ufeff")
	r := csv.NewReader(strings.NewReader(text))
	r.Comma, r.FieldsPerRecord, r.LazyQuotes, r.TrimLeadingSpace = separatorOf(text), -1, true, false
	var rows []people.Row
	var at columns
	for begun := false; ; {
		cells, err := r.Read()
		switch {
		case err == nil && blank(cells):
			continue
		case errors.Is(err, io.EOF) && len(rows) == 0:
			return nil, errNoRows
		case errors.Is(err, io.EOF):
			return rows, nil
		case err != nil:
			return nil, errQuotes.Because(err)
		}
		if !begun {
			begun = true
			header := false
			if at, header = columnsOf(p, cells); at.email < 0 {
				return nil, errNoEmails
			}
			if header {
				continue
			}
		}
		line, _ := r.FieldPos(0)
		row := at.row(p, cells)
		row.Line = line
		rows = append(rows, row)
		if len(rows) > people.MaxAdded {
			return nil, people.ErrTooMany
		}
	}
}

func blank(cells []string) bool {
	return !slices.ContainsFunc(cells, func(c string) bool { return strings.TrimSpace(c) != "" })
}

// separatorOf is what keeps the cells of the first line apart.
func separatorOf(text string) rune {
	line, _, _ := strings.Cut(text, "\n")
	for _, separator := range "\t;" {
		if strings.ContainsRune(line, separator) {
			return separator
		}
	}
	return ','
}

// columns are where the cells of a row lie; -1 = nowhere.
type columns struct{ email, name, role int }

// columnsOf reads the first row. header reports whether it names the columns.
func columnsOf(p *locale.Printer, cells []string) (at columns, header bool) {
	at.email = slices.IndexFunc(cells, func(c string) bool { return strings.Contains(c, "@") })
	if at.email >= 0 {
		at.name, at.role = 0, 2
		if at.email == 0 {
			at.name = 1
		}
		return at, false
	}
	column := func(words ...string) int {
		return slices.IndexFunc(cells, func(c string) bool {
			return slices.Contains(words, strings.ToLower(strings.TrimSpace(c)))
		})
	}
	word := func(key string) string { return strings.ToLower(p.T(key)) }
	at.email = column("email", "e-mail", "mail", word("signin.email"))
	at.name = column("name", word("word.name"))
	at.role = column("role", word("console.users.role"))
	return at, true
}

func (at columns) row(p *locale.Printer, cells []string) people.Row {
	cell := func(n int) string {
		if n < 0 || n >= len(cells) {
			return ""
		}
		return strings.TrimSpace(cells[n])
	}
	return people.Row{Email: cell(at.email), Name: cell(at.name), Role: roleNamed(p, cell(at.role))}
}

// roleNamed is the role that the page calls by a name, or the name where it calls none so.
func roleNamed(p *locale.Printer, name string) string {
	for role, key := range pages.RoleKeys {
		if strings.EqualFold(name, p.T(key)) {
			return string(role)
		}
	}
	return strings.ToLower(name)
}
