package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"countersign/internal/people"
)

// readPerson is one row of a file; err is why it could not be read.
type readPerson struct {
	people.Row
	err error
}

// longestLine bounds what one line may take, in bytes.
const longestLine = 64 << 10

// readPeople reads a file of people row by row: lines of JSON where it begins with {, else
// CSV with a header.
func readPeople(in io.Reader, take func(readPerson) error) error {
	text := bufio.NewReaderSize(in, longestLine)
	if mark, err := text.Peek(3); err == nil && string(mark) == "\xef\xbb\xbf" { // spreadsheets begin a file with it
		_, _ = text.Discard(len(mark))
	}
	first, err := text.Peek(1)
	switch {
	case errors.Is(err, io.EOF):
		return usageError("the file is empty")
	case err != nil:
		return fmt.Errorf("read: %w", err)
	case first[0] == '{':
		return readJSON(text, take)
	}
	return readCSV(text, take)
}

// columns are what a row may have.
var columns = []string{"tenant", "email", "name", "role", "language"}

func readCSV(in io.Reader, take func(readPerson) error) error {
	r := csv.NewReader(in)
	r.ReuseRecord, r.TrimLeadingSpace = true, true
	head, err := r.Read()
	if err != nil {
		return usageError("the header cannot be read: " + err.Error())
	}
	header := slices.Clone(head)
	for _, name := range header {
		if !slices.Contains(columns, strings.TrimSpace(name)) {
			return usageError(fmt.Sprintf("%q is not a column: use %s", name, strings.Join(columns, ", ")))
		}
	}
	for _, needed := range []string{"email", "name"} {
		if !slices.ContainsFunc(header, func(h string) bool { return strings.TrimSpace(h) == needed }) {
			return usageError("the column " + needed + " is missing")
		}
	}
	for {
		record, err := r.Read()
		var mistake *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &mistake):
			if err := take(readPerson{Row: people.Row{Line: mistake.StartLine}, err: mistake.Err}); err != nil {
				return err
			}
			continue
		case err != nil:
			return fmt.Errorf("read: %w", err)
		}
		line, _ := r.FieldPos(0)
		row := people.Row{Line: line}
		for i, name := range header {
			*field(&row, strings.TrimSpace(name)) = strings.TrimSpace(record[i])
		}
		if err := take(readPerson{Row: row}); err != nil {
			return err
		}
	}
}

func field(row *people.Row, name string) *string {
	switch name {
	case "tenant":
		return &row.Tenant
	case "email":
		return &row.Email
	case "name":
		return &row.Name
	case "role":
		return &row.Role
	}
	return &row.Lang
}

func readJSON(in io.Reader, take func(readPerson) error) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, longestLine)
	for line := 1; lines.Scan(); line++ {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		var named struct{ Tenant, Email, Name, Role, Language string }
		d := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		d.DisallowUnknownFields()
		err := d.Decode(&named)
		if err == nil && d.More() {
			err = errors.New("more than one object on a line")
		}
		row := people.Row{
			Line:   line,
			Tenant: named.Tenant,
			Email:  named.Email,
			Name:   named.Name,
			Role:   named.Role,
			Lang:   named.Language,
		}
		if err := take(readPerson{row, err}); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read: %w", err)
	}
	return nil
}
