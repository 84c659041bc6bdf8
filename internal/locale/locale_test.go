package locale

import (
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

func TestLanguageIsChosen(t *testing.T) {
	c := newCatalog(t)
	for _, tc := range []struct{ name, accept, cookie, want string }{
		{"nothing said", "", "", "en"},
		{"asked for", "es", "", "es"},
		{"of a region", "es-MX,es;q=0.9,en;q=0.8", "", "es"},
		{"by weight", "en;q=0.4,es;q=0.9", "", "es"},
		{"refused is not chosen", "es;q=0,en", "", "en"},
		{"none that we speak", "ja,zh;q=0.5", "", "en"},
		{"the second that we speak", "ja,es;q=0.5", "", "es"},
		{"malformed", ";;;=,", "", "en"},
		{"the choice wins", "es", "en", "en"},
		{"a choice that we do not speak", "es", "xx", "es"},
		{"a choice spelled otherwise", "en", "ES", "en"},
		{"too long to be read", "es" + strings.Repeat(",es", 100), "", "en"},
	} {
		if got := c.For(tc.accept, tc.cookie).Lang(); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
	if c.Speaks("ES") || c.Speaks("") || !c.Speaks("es") || c.Languages()[0] != Default ||
		c.In("xx").Lang() != Default {
		t.Error("only what is spelled exactly is spoken, and the default comes first")
	}
}

func TestAnUnknownKeyIsSeen(t *testing.T) {
	p := newCatalog(t).In("es")
	if got := p.T("no.such.key"); got != "no.such.key" || p.Has("no.such.key") {
		t.Errorf("%q", got)
	}
}

func TestDurationNeverSaysLess(t *testing.T) {
	c := newCatalog(t)
	for _, tc := range []struct {
		d      time.Duration
		en, es string
	}{
		{0, "0 seconds", "0 segundos"},
		{time.Nanosecond, "1 second", "1 segundo"},
		{time.Minute, "60 seconds", "60 segundos"},
		{time.Minute + 1, "2 minutes", "2 minutos"},
		{2 * time.Hour, "120 minutes", "120 minutos"},
		{2*time.Hour + 1, "3 hours", "3 horas"},
		{48 * time.Hour, "48 hours", "48 horas"},
		{48*time.Hour + 1, "3 days", "3 días"},
	} {
		if en, es := c.In("en").Duration(tc.d), c.In("es").Duration(tc.d); en != tc.en || es != tc.es {
			t.Errorf("%v: %q, %q, want %q, %q", tc.d, en, es, tc.en, tc.es)
		}
	}
}

func TestInstantsAreSaidInUTC(t *testing.T) {
	at := time.Date(2026, 1, 2, 0, 30, 0, 0, time.FixedZone("", 3600))
	if got := newCatalog(t).In("en").Time(at); got != "1 Jan 2026, 23:30 UTC" {
		t.Error(got)
	}
}

func TestLineKeepsOneHarmlessLine(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		{"Harbor & Sons", "Harbor & Sons"},
		{"  two\t\r\n words ", "two words"},
		{"Bcc: x\r\nSubject: y", "Bcc: x Subject: y"},
		{"a\u2028b\u2029c\u0085d", "a b c d"},
		{"ad\u202emin\u2066x\u200b\u200d\ufeff\u061c", "adminx"},
		{"x\u00ad\u034f\u3164\u2800\ufe0fy", "xy"},
		{"nul\x00bell\x07esc\x1b[31m", "nulbellesc[31m"},
		{"broken\xff\xfe\ufffdbytes", "brokenbytes"},
		{"Ana María Ñúñez 山田", "Ana María Ñúñez 山田"},
		{"می\u200cخواهم", "می\u200cخواهم"},
		{"👩\u200d💻\u200d a", "👩\u200d💻 a"},
		{"\u200b \u202e", ""},
		{strings.Repeat("a", 10), strings.Repeat("a", 10)},
		{strings.Repeat("a", 11), strings.Repeat("a", 10) + "…"},
		{"123456789 1", "123456789…"},
	} {
		if got := Line(tc.in, 10); len([]rune(tc.in)) <= 11 && got != tc.want {
			t.Errorf("Line(%q, 10) = %q, want %q", tc.in, got, tc.want)
		}
		if got := Line(tc.in, 100); len([]rune(tc.want)) > 11 && got != tc.want {
			t.Errorf("Line(%q, 100) = %q, want %q", tc.in, got, tc.want)
		}
	}
}

func FuzzLine(f *testing.F) {
	for _, s := range []string{"", " a ", "a\r\nb", "ad\u202emin", "a\u0301", "\xff", "x\u200by",
		strings.Repeat("é ", 90)} {
		f.Add(s, 80)
	}
	f.Fuzz(func(t *testing.T, s string, limit int) {
		limit = 1 + (limit&0xff)%100
		out := Line(s, limit)
		if !utf8.ValidString(out) || utf8.RuneCountInString(out) > limit+1 || strings.TrimSpace(out) != out ||
			strings.Contains(out, "  ") {
			t.Fatalf("Line(%q, %d) = %q", s, limit, out)
		}
		for _, r := range out {
			if r != ' ' && (unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) && r != '\u200c' &&
				r != '\u200d') {
				t.Fatalf("Line(%q) keeps %U", s, r)
			}
		}
		if again := Line(out, limit+1); again != out {
			t.Fatalf("Line(%q) = %q, and again %q", s, out, again)
		}
	})
}
