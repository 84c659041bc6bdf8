package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"countersign/internal/db"
	"countersign/internal/fault"
)

// Exit codes, documented in docs/operations/command-line.md.
const (
	exitFailed        = 1 // everything else
	exitUsage         = 2
	exitNotFound      = 3
	exitConflict      = 4
	exitConfiguration = 5
)

// usageError reports a command with wrong arguments.
type usageError string

func (e usageError) Error() string { return string(e) }

// configError is a configuration that cannot be used.
type configError struct{ error }

func (e configError) Unwrap() error { return e.error }

func exitCode(err error) int {
	var usage usageError
	var config configError
	switch {
	case errors.As(err, &usage):
		return exitUsage
	case errors.As(err, &config), errors.Is(err, db.ErrNoDatabase):
		return exitConfiguration
	case fault.Is(err, fault.NotFound):
		return exitNotFound
	case fault.Is(err, fault.Conflict):
		return exitConflict
	}
	return exitFailed
}

// fail prints one line, and for a mistake in the command where its help is. A program gets
// the line as JSON.
func fail(w *os.File, command string, inJSON bool, err error) int {
	code := exitCode(err)
	if inJSON {
		writeLine(w, problem{errorCodes[code], explain(err)})
		return code
	}
	_, _ = fmt.Fprintln(w, "countersign:", explain(err))
	if code == exitUsage {
		_, _ = fmt.Fprintf(w, "Run \"%s --help\" for usage.\n", strings.TrimSpace("countersign "+command))
	}
	return code
}

// commandOf is the command as far as it was understood, without its arguments.
func commandOf(k *kong.Context) string {
	if k == nil {
		return ""
	}
	var words []string
	for _, p := range k.Path {
		if p.Command != nil {
			words = append(words, p.Command.Name)
		}
	}
	return strings.Join(words, " ")
}

// changes lists the flags that were given and that change something. Flags that say only
// when, how or where are not among them alone.
func changes(k *kong.Context) (given changed, err error) {
	something := false
	for _, p := range k.Path {
		if p.Flag == nil || slices.Contains([]string{"config", "output", "yes", "force"}, p.Flag.Name) {
			continue
		}
		something = something || !slices.Contains([]string{"mandate-from", "language"}, p.Flag.Name)
		if !slices.ContainsFunc(given, func(c change) bool { return c.name == p.Flag.Name }) {
			given = append(given, change{p.Flag.Name, deref(k.FlagValue(p.Flag))})
		}
	}
	if !something {
		return nil, usageError("nothing to change: name at least one setting")
	}
	return given, nil
}

func deref(v any) any {
	switch v := v.(type) {
	case *string:
		return *v
	case *int:
		return *v
	}
	return v
}

// changed lists what a command has changed, in the order in which it was given.
type changed []change

type change struct {
	name  string // as a flag is written
	value any
}

// String is the list for people.
func (c changed) String() string {
	var out []string
	for _, one := range c {
		text := strings.ReplaceAll(one.name, "-", " ")
		switch v := one.value.(type) {
		case bool:
		case []string:
			text += " " + strings.Join(v, " ")
		case string:
			text += " " + cmp.Or(v, "(empty)")
		default:
			text += fmt.Sprint(" ", v)
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}

// MarshalJSON is the list as an object with names in snake_case.
func (c changed) MarshalJSON() ([]byte, error) {
	out := map[string]any{}
	for _, one := range c {
		out[strings.ReplaceAll(one.name, "-", "_")] = one.value
	}
	return json.Marshal(out)
}

// confirm asks before something is taken away from people. Without a terminal there is no
// one to ask, so --yes must be given.
func confirm(yes bool, question string) error {
	if yes {
		return nil
	}
	if !isTerminal(os.Stdin) || os.Getenv("TERM") == "" {
		return usageError(question + " Add --yes to confirm.")
	}
	fmt.Fprint(os.Stderr, question+" [y/N] ")
	answer, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the answer: %w", err)
	}
	if a := strings.ToLower(strings.TrimSpace(answer)); a != "y" && a != "yes" {
		return errors.New("nothing was changed")
	}
	return nil
}
