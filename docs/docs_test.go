// Package docs_test keeps the documents true where a machine can tell.
package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// documents are the Markdown files of the repository, by path from its root.
func documents(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	add := func(path string) {
		text, err := os.ReadFile(filepath.Join("..", path))
		if err != nil {
			t.Fatal(err)
		}
		out[path] = string(text)
	}
	for _, path := range []string{"README.md", "SECURITY.md", "CONTRIBUTING.md"} {
		add(path)
	}
	err := filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if filepath.Ext(path) == ".md" {
			add(filepath.Join("docs", path))
		}
		return err
	})
	if err != nil || len(out) < 8 {
		t.Fatalf("%d documents: %v", len(out), err)
	}
	return out
}

var link = regexp.MustCompile(`\]\(([^)\s]+)\)`)

func TestLinksLeadSomewhere(t *testing.T) {
	all := documents(t)
	for path, text := range all {
		for _, found := range link.FindAllStringSubmatch(text, -1) {
			to := found[1]
			if strings.Contains(to, "://") {
				continue
			}
			file, heading, _ := strings.Cut(to, "#")
			target := path
			if file != "" {
				target = filepath.Join(filepath.Dir(path), file)
			}
			if _, err := os.Stat(filepath.Join("..", target)); err != nil {
				t.Errorf("%s links to %s, which does not exist", path, to)
			}
			if heading != "" && !hasHeading(all[target], heading) {
				t.Errorf("%s links to %s, which has no such heading", path, to)
			}
		}
	}
}

var notInSlug = regexp.MustCompile(`[^a-z0-9 -]`)

func hasHeading(text, slug string) bool {
	for line := range strings.Lines(text) {
		words := strings.TrimSpace(strings.TrimLeft(line, "#"))
		if strings.HasPrefix(line, "#") &&
			strings.ReplaceAll(notInSlug.ReplaceAllString(strings.ToLower(words), ""), " ", "-") == slug {
			return true
		}
	}
	return false
}

var setting = regexp.MustCompile("`((?:limits|smtp|sms|push|tls|geo|database|ops|tracing)\\.[a-z0-9_.]+)`")

// TestSEC8DeviationsNameSettings: a departure from a standard that can be undone says by
// which key, and the key exists.
func TestSEC8DeviationsNameSettings(t *testing.T) {
	all := documents(t)
	for path, text := range all {
		for _, found := range setting.FindAllStringSubmatch(text, -1) {
			if !strings.Contains(all["docs/configuration.md"], "`"+found[1]+"`") {
				t.Errorf("%s names %s, which is no setting", path, found[1])
			}
		}
	}
	for line := range strings.Lines(all["docs/deviations.md"]) {
		if strings.HasPrefix(line, "| DEV-") && strings.Count(line, "`") < 2 {
			t.Errorf("no key or command undoes %.60s", line)
		}
	}
}
