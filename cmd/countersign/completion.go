package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// CompletionCmd prints a script that completes words in a shell.
type CompletionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// The scripts ask the program itself, so that they fit every version.
var completions = map[string]string{
	"bash": `_countersign() {
	local IFS=$'\n'
	COMPREPLY=($(countersign complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _countersign countersign
`,
	"zsh": `#compdef countersign
_countersign() {
	local -a found
	found=(${(f)"$(countersign complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)"})
	if (( ${#found} )); then compadd -a found; else _files; fi
}
compdef _countersign countersign
`,
	"fish": `function __countersign
	set -l words (commandline -opc) (commandline -ct)
	set -l found (countersign complete -- $words[2..-1] 2>/dev/null)
	if set -q found[1]
		printf '%s\n' $found
	else
		__fish_complete_path (commandline -ct)
	end
end
complete -c countersign -f -a '(__countersign)'
`,
}

// Run prints the script.
func (c CompletionCmd) Run() error {
	fmt.Print(completions[c.Shell])
	return nil
}

// CompleteCmd prints what the last word may become, one candidate per line, for the scripts.
type CompleteCmd struct {
	Words []string `arg:"" optional:"" help:"The words after the program's name."`
}

// Run prints nothing where a file or free text is expected.
func (c CompleteCmd) Run(k *kong.Context) error {
	for _, candidate := range complete(k.Model.Node, c.Words) {
		_, _ = fmt.Fprintln(os.Stdout, candidate)
	}
	return nil
}

// complete lists the commands, flags or values that the last of words may become.
func complete(node *kong.Node, words []string) (out []string) {
	if len(words) == 0 {
		words = []string{""}
	}
	last := words[len(words)-1]
	var value *kong.Flag // whose value comes next
	for _, word := range words[:len(words)-1] {
		switch {
		case word == "=": // bash takes --flag=value apart
		case value != nil:
			value = nil
		case strings.HasPrefix(word, "-"):
			value = flagOf(node, word)
		default:
			if i := slices.IndexFunc(node.Children, func(c *kong.Node) bool { return c.Name == word }); i >= 0 {
				node = node.Children[i]
			}
		}
	}
	if last == "=" {
		last = ""
	}
	switch name, _, attached := strings.Cut(last, "="); {
	case attached:
		for _, v := range valuesOf(flagOf(node, name)) {
			out = append(out, name+"="+v)
		}
	case value != nil:
		out = valuesOf(value)
	case strings.HasPrefix(last, "-"):
		out = flagsOf(node)
	default:
		out = namesOf(node)
	}
	return slices.DeleteFunc(out, func(s string) bool { return !strings.HasPrefix(s, last) })
}

// flagOf is the flag that word names and that takes a value; nil where it takes none.
func flagOf(node *kong.Node, word string) *kong.Flag {
	for _, group := range node.AllFlags(true) {
		for _, f := range group {
			if (word == "--"+f.Name || f.Short != 0 && word == "-"+string(f.Short)) && !f.IsBool() {
				return f
			}
		}
	}
	return nil
}

func valuesOf(f *kong.Flag) (out []string) {
	if f == nil || f.Enum == "" {
		return nil
	}
	for v := range strings.SplitSeq(f.Enum, ",") {
		if v != "" {
			out = append(out, v)
		}
	}
	return out
}

func flagsOf(node *kong.Node) (out []string) {
	for _, group := range node.AllFlags(true) {
		for _, f := range group {
			out = append(out, "--"+f.Name)
		}
	}
	slices.Sort(out)
	return out
}

func namesOf(node *kong.Node) (out []string) {
	for _, c := range node.Children {
		if !c.Hidden {
			out = append(out, c.Name)
		}
	}
	for _, p := range node.Positional {
		for v := range strings.SplitSeq(p.Enum, ",") {
			if v != "" {
				out = append(out, v)
			}
		}
	}
	return out
}
