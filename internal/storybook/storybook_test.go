package storybook

import (
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"countersign/internal/message/email"
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

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", strings.ReplaceAll(name, "/", "_")+".golden")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s changed (run with -update and read the difference):\n%s", name, got)
	}
}

func TestPagesAreGolden(t *testing.T) {
	b := open(t, "https://sign-in.harbor.example")
	for _, s := range b.Stories {
		for _, lang := range b.Langs {
			rec := httptest.NewRecorder()
			if err := b.Draw(rec, httptest.NewRequest(http.MethodGet, "/", nil), lang, s); err != nil {
				t.Fatalf("%s in %s: %v", s.Name, lang, err)
			}
			if rec.Code != s.Status {
				t.Errorf("%s: status %d", s.Name, rec.Code)
			}
			got := rec.Body.String()
			if strings.Contains(got, "no value") || strings.Contains(got, "%!") {
				t.Errorf("%s in %s: a sentence misses a value", s.Name, lang)
			}
			golden(t, s.Name+"."+lang+".html", got)
		}
	}
}

func TestMailsAreGolden(t *testing.T) {
	b := open(t, "https://sign-in.harbor.example")
	for _, l := range b.Mails {
		for _, lang := range b.Langs {
			m, err := email.Render(b.catalog.In(lang), l.Content)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, "mail_"+l.Name+"."+lang+".html", m.HTML)
			golden(t, "mail_"+l.Name+"."+lang+".txt", "Subject: "+m.Subject+"\n\n"+m.Text)
		}
	}
}
