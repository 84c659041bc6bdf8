package web

import (
	"regexp"
	"strings"
	"text/template/parse"
)

// A place is where a node of a template begins, written as the tag that is unfinished there: none
// between tags, "<p" inside a tag, `<p title="` inside the value of an attribute.
const (
	betweenTags = ""
	unknown     = "?" // a script, a style, a comment, a value without quotes, and all that we do not expect
)

const attributes = `(?:\s+[a-zA-Z-]+(?:="[^"<>]*")?)*`

var (
	emptyScript = regexp.MustCompile(`<script` + attributes + `></script>`)
	script      = regexp.MustCompile(`<(?:script|style)[^<]*>`)
	tag         = regexp.MustCompile(`<!doctype html>|</?[a-z][a-z0-9]*` + attributes + `\s*/?>`)
	openTag     = regexp.MustCompile(`^(<[a-z][a-z0-9]*)` + attributes + `(?:\s*|(\s+[a-zA-Z-]+=")[^"<>]*)$`)

	// These attributes hold plain text, which is escaped for HTML and for nothing else.
	takesSentence = regexp.MustCompile(`\s(?:aria-label|placeholder|data-(?:cancelled|denied|done|exists|failed|hide|` +
		`insecure|label|left|unsupported|wait|waiting))="$`)
	takesAddress = regexp.MustCompile(`\s(?:href|src)="$`)
)

// allowsText reports whether what a function says may be text at a place.
func allowsText(at, function string) bool {
	if function == "asset" {
		return takesAddress.MatchString(at)
	}
	return at == betweenTags || takesSentence.MatchString(at)
}

func afterText(at, text string) string {
	if at == unknown {
		return unknown
	}
	rest := emptyScript.ReplaceAllLiteralString(at+text, ">")
	if script.MatchString(rest) {
		return unknown
	}
	rest = tag.ReplaceAllLiteralString(rest, ">")
	begin := strings.IndexByte(rest, '<')
	if begin < 0 {
		return betweenTags
	}
	if open := openTag.FindStringSubmatch(rest[begin:]); open != nil {
		return open[1] + open[2]
	}
	return unknown
}

// afterAction: a value between tags or in quotes cannot leave them, because it is escaped.
func afterAction(at string, n *parse.ActionNode) string {
	if at == betweenTags || inValue(at) || len(n.Pipe.Decl) > 0 {
		return at
	}
	return unknown
}

func inValue(at string) bool { return strings.HasSuffix(at, `="`) }

// placeAfterBranches returns the place behind two branches. html/template refuses a page where they must be
// escaped differently; a page that only we cannot follow stays as it is.
func placeAfterBranches(a, b string) string {
	if a == b {
		return a
	}
	return unknown
}
