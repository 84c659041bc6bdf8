package config

import (
	"fmt"
	"strings"
)

// Effective is the configuration as it applies, in the form of the file, with secrets
// masked.
func (c Config) Effective() string {
	var b strings.Builder
	for _, f := range c.fields() {
		fmt.Fprintf(&b, "%s = %s\n", f.key, f.show())
	}
	return b.String()
}

const preface = `# Configuration

<!-- Generated from the code: go test ./internal/config -update -->

Countersign reads one file in [TOML](https://toml.io) and then the environment, which wins. It refuses to start on a
key or a variable that it does not know, and it reports every mistake at once. A secret may lie in a file of its own:
give its ` + "`_file`" + ` key instead. Durations are written like ` + "`\"10m\"`" + `.

A small installation:

` + "```toml" + `
public_url = "https://sign-in.example.com"

[smtp]
host = "mail.example.com"
username = "countersign"
password_file = "/run/secrets/smtp"
from = "Example <sign-in@example.com>"
` + "```" + `
`

// Reference is the page that documents every key, with its variable and default.
func Reference() string {
	c := Default()
	var b strings.Builder
	b.WriteString(preface)
	section := "\x00"
	for _, f := range c.fields() {
		if s := f.key[:max(0, strings.LastIndexByte(f.key, '.'))]; s != section {
			section = s
			fmt.Fprintf(&b, "\n## %s\n\n| key | default | what it is | variable |\n|---|---|---|---|\n", title(section))
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | `%s` |\n", f.key, f.initial(), f.doc, f.env())
	}
	return b.String()
}

func title(section string) string {
	if section == "" {
		return "General"
	}
	return "[" + section + "]"
}

// initial is the default; that of database.url is no secret.
func (f field) initial() string {
	if f.secret() && f.value.String() != "" {
		return fmt.Sprintf("`%q`", f.value.String())
	}
	if s := f.show(); s != `""` && s != "[]" {
		return "`" + s + "`"
	}
	return ""
}
