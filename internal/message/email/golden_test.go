package email_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/internal/locale"
	"countersign/internal/message/email"
	"countersign/internal/storybook"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestMailsAreGolden holds every mail, in every language and both forms, to what was read
// and approved. The letters are the storybook's.
// kept are the languages whose mails are compared: the other ones have the same mails with other words.
var kept = []string{"en", "es"}

func TestMailsAreGolden(t *testing.T) {
	book, err := storybook.New("https://sign-in.harbor.example", time.Date(2026, 11, 22, 10, 42, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	catalog, err := locale.New()
	if err != nil {
		t.Fatal(err)
	}
	if len(book.Mails) == 0 || len(book.Langs) < 2 {
		t.Fatalf("%d mails in %d languages", len(book.Mails), len(book.Langs))
	}
	known := map[string]bool{}
	for _, letter := range book.Mails {
		for _, lang := range book.Langs {
			m, err := email.Render(catalog.In(lang), email.Look{}, letter.Content)
			if err != nil {
				t.Fatalf("%s in %s: %v", letter.Name, lang, err)
			}
			whole(t, letter.Name+" in "+lang, m.HTML+m.Text+m.Subject)
			if !slices.Contains(kept, lang) {
				continue
			}
			name := filepath.Join("testdata", letter.Name+"."+lang+".golden")
			known[name+".html"], known[name+".txt"] = true, true
			golden(t, name+".html", m.HTML)
			golden(t, name+".txt", "Subject: "+m.Subject+"\n\n"+m.Text)
		}
	}
	noStrangers(t, known)
}

func whole(t *testing.T, name, got string) {
	t.Helper()
	if strings.Contains(got, "no value") || strings.Contains(got, "%!") {
		t.Errorf("%s: a sentence misses a value", name)
	}
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

// noStrangers finds the golden files of mails that are sent no more.
func noStrangers(t *testing.T, known map[string]bool) {
	t.Helper()
	files, err := filepath.Glob("testdata/*.golden.*")
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
			t.Errorf("%s belongs to no mail (run with -update)", file)
		}
	}
}

// TestMailsWearTheBrandOfACompany: mails about an account have the company's name, defanged, and its support contact;
// each says who has sent it, and what the vendor did stays the vendor's.
// guard: writer.from
func TestMailsWearTheBrandOfACompany(t *testing.T) {
	catalog, err := locale.New()
	if err != nil {
		t.Fatal(err)
	}
	book, err := storybook.New("https://sign-in.harbor.example", time.Date(2026, 11, 22, 10, 42, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	look := email.Look{
		Company: "evil.test/login <b>Pay</b>\r\nBcc: x@evil.test",
		Support: email.Contact{Email: "it@ortiz.example", URL: "javascript:alert(1)", Phone: "+34 900 555 020"},
	}
	branded := 0
	for _, letter := range book.Mails {
		m, err := email.Render(catalog.In("en"), look, letter.Content)
		if err != nil {
			t.Fatal(err)
		}
		_, footer, _ := strings.Cut(m.Text, "\n-- \n")
		if !strings.Contains(footer, "Harbor") || strings.Contains(footer, "evil") {
			t.Errorf("%s does not say who sent it: %s", letter.Name, footer)
		}
		if strings.Contains(m.HTML+m.Text+m.Subject, "evil.test/login") || strings.Contains(m.HTML, "<b>Pay") ||
			strings.ContainsAny(m.Subject, "\r\n") || strings.Contains(m.HTML+m.Text, "javascript:") {
			t.Errorf("%s: what the company is called does something", letter.Name)
		}
		if !strings.Contains(m.Text, "it@ortiz.example") ||
			!strings.Contains(m.HTML, `href="mailto:it@ortiz.example"`) {
			t.Errorf("%s lacks the support contact", letter.Name)
		}
		if strings.Contains(m.HTML, "evil\u2024test/login") {
			branded++
		}
	}
	if branded < 20 || branded == len(book.Mails) {
		t.Errorf("%d of %d mails have the company's name", branded, len(book.Mails))
	}
}

// TestMailsWearTheVendorsAccent: no mail keeps a colour of ours where the vendor chose one.
func TestMailsWearTheVendorsAccent(t *testing.T) {
	catalog, err := locale.New()
	if err != nil {
		t.Fatal(err)
	}
	book, err := storybook.New("https://sign-in.harbor.example", time.Date(2026, 11, 22, 10, 42, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	look := email.Look{Accent: email.Accent{Light: "#123abc", Dark: "#abc123"}}
	for _, letter := range book.Mails {
		m, err := email.Render(catalog.In("en"), look, letter.Content)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(m.HTML, "#0a6b50") || strings.Contains(m.HTML, "#58cfa6") ||
			!strings.Contains(m.HTML, "#123abc") || !strings.Contains(m.HTML, "#abc123") {
			t.Errorf("%s keeps our colours", letter.Name)
		}
	}
}
