package main

import (
	_ "embed"
	"strings"
)

// exampleLines are shown by --help, each by its command. A test parses every line and finds
// one for every command.
//
//go:embed examples.txt
var exampleLines string

// exampleText is what the help of a command shows. Indented, it is set as it is.
func exampleText(command string) string {
	var b strings.Builder
	for line := range strings.Lines(exampleLines) {
		if strings.HasPrefix(strings.TrimSpace(line)+" ", "countersign "+command+" ") {
			b.WriteString("\t" + line)
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return "Examples:\n\n" + b.String()
}
