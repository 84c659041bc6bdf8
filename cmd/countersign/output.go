package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// asJSON reports whether a program reads what the command prints.
func (e *Env) asJSON() bool { return e.Output == "json" }

// say prints one result: a sentence for people, or with --output json the document, on one
// line. A list is one such line for each of its members.
func (e *Env) say(document any, format string, args ...any) {
	if !e.asJSON() {
		fmt.Printf(format, args...)
		return
	}
	writeLine(os.Stdout, document)
}

// explainMore prints what people read and no program needs.
func (e *Env) explainMore(format string, args ...any) {
	if !e.asJSON() {
		fmt.Printf(format, args...)
	}
}

func writeLine(to *os.File, document any) {
	out := json.NewEncoder(to)
	out.SetEscapeHTML(false)
	_ = out.Encode(document) // where standard output is gone, no one is left to tell
}

// table prints a list: aligned columns, or with --output json one document per line.
type table struct {
	env     *Env
	columns *tabwriter.Writer
}

func (e *Env) table() table { return table{e, tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)} }

func (t table) row(document any, cells ...string) {
	if t.env.asJSON() {
		writeLine(os.Stdout, document)
		return
	}
	_, _ = fmt.Fprintln(t.columns, strings.Join(cells, "\t"))
}

// note is a line for people only.
func (t table) note(cells ...string) {
	if !t.env.asJSON() {
		_, _ = fmt.Fprintln(t.columns, strings.Join(cells, "\t"))
	}
}

func (t table) flush() error {
	if err := t.columns.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// at is an instant in a document: null for none.
func at(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// problem is a failed command in JSON.
type problem struct {
	Error   string `json:"error"` // one of the words of errorCodes
	Message string `json:"message"`
}

// errorCodes name the exit codes.
var errorCodes = map[int]string{
	exitFailed:        "failed",
	exitUsage:         "usage",
	exitNotFound:      "not_found",
	exitConflict:      "conflict",
	exitConfiguration: "configuration",
}

// textOnly are commands that serve until they are stopped, or print something that is a
// format of its own.
var textOnly = []string{"serve", "demo", "storybook", "config reference", "completion"}

// speaksJSON refuses --output json where a command has no documents: a program that asked for
// them must not read something else.
func speaksJSON(env *Env, command string) error {
	if env.asJSON() && slices.Contains(textOnly, command) {
		return usageError(command + " has no JSON output")
	}
	return nil
}

// wantsJSON reads the output format from arguments that may not have been understood.
func wantsJSON(args []string) bool {
	for i, a := range args {
		if a == "--output=json" || a == "-ojson" || a == "json" && i > 0 &&
			(args[i-1] == "--output" || args[i-1] == "-o") {
			return true
		}
	}
	return false
}

// isTerminal reports whether a person sees f, or types into it.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull) // a device, too, and no one sits there
	return err == nil && !os.SameFile(info, null)
}

// words splits a stored list; an empty one is null, which means that nothing is ruled out.
func words(list string) []string {
	if list == "" {
		return nil
	}
	return strings.FieldsFunc(list, func(r rune) bool { return r == ' ' || r == ',' })
}
