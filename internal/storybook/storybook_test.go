package storybook

import (
	"countersign/internal/web"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var seen = time.Date(2026, 11, 22, 10, 42, 0, 0, time.UTC)

func open(t *testing.T, origin string) *Book {
	t.Helper()
	b, err := New(origin, seen)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// fingerprint is the hash in an asset's address; a changed style sheet is no changed page.
var fingerprint = regexp.MustCompile(`/assets/[0-9a-f]{12}/`)

// kept are the languages whose pages are compared: the other ones have the same pages with other words.
var kept = []string{"en", "es"}

func TestPagesAreGolden(t *testing.T) {
	b := open(t, "https://sign-in.harbor.example")
	known := map[string]bool{}
	for _, s := range b.Stories {
		for _, lang := range b.Langs {
			page := draw(t, b, s, lang)
			if !slices.Contains(kept, lang) {
				continue
			}
			file := filepath.Join("testdata", strings.ReplaceAll(s.Name, "/", "_")+"."+lang+".golden.html")
			if known[file] {
				t.Errorf("two stories are called %s", s.Name)
			}
			known[file] = true
			golden(t, file, page)
		}
	}
	noStrangers(t, known)
}

func draw(t *testing.T, b *Book, s web.Story, lang string) string {
	t.Helper()
	rec := httptest.NewRecorder()
	if err := b.Draw(rec, httptest.NewRequest(http.MethodGet, "/", nil), lang, s); err != nil {
		t.Fatalf("%s in %s: %v", s.Name, lang, err)
	}
	if rec.Code != s.Status {
		t.Errorf("%s: status %d", s.Name, rec.Code)
	}
	page := rec.Body.String()
	if strings.Contains(page, "no value") || strings.Contains(page, "%!") {
		t.Errorf("%s in %s: a sentence misses a value", s.Name, lang)
	}
	return fingerprint.ReplaceAllString(page, "/assets/HASH/")
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (run with -update)", err)
	}
	if got != string(want) {
		t.Errorf("%s changed (run with -update and read the difference):\n%s", file, got)
	}
}

// noStrangers finds the golden files of stories that are told no more.
func noStrangers(t *testing.T, known map[string]bool) {
	t.Helper()
	files, err := filepath.Glob("testdata/*.golden.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		switch {
		case known[file]:
		case *update:
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
		default:
			t.Errorf("%s belongs to no story (run with -update)", file)
		}
	}
}
