package main

import (
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// Every line of examples.txt is a command that the program understands, and every command
// has one.
func TestExamplesParse(t *testing.T) {
	shown := map[string]bool{}
	for line := range strings.Lines(exampleLines) {
		var c cli
		parser := newParser(&c, kong.Exit(func(int) {}))
		args := splitLine(t, strings.TrimSpace(line))
		command, err := parser.Parse(args)
		if err != nil && !strings.Contains(err.Error(), "no such file") { // restore names a file
			t.Errorf("%s: %v", line, err)
			continue
		}
		if command == nil {
			command, _ = kong.Trace(parser, args)
		}
		shown[commandOf(command)] = true
	}
	var c cli
	for _, leaf := range newParser(&c).Model.Leaves(true) {
		if !shown[leaf.Path()] || leaf.Detail == "" {
			t.Errorf("%s has no example", leaf.Path())
		}
	}
}

// splitLine splits a line as a shell does and leaves out the program's name and what is
// redirected.
func splitLine(t *testing.T, line string) (out []string) {
	t.Helper()
	for i, part := range strings.Split(line, `"`) {
		if i%2 == 1 {
			out = append(out, part)
			continue
		}
		part, _, redirected := strings.Cut(part, " <")
		part, _, written := strings.Cut(part, " >")
		out = append(out, strings.Fields(part)...)
		if redirected || written {
			break
		}
	}
	if len(out) < 2 || out[0] != "countersign" {
		t.Fatalf("not a command: %s", line)
	}
	return out[1:]
}
