package sms

import (
	"strings"
	"testing"
	"unicode/utf16"

	"countersign/internal/locale"
)

// TestSEC89_TheTextSaysWhoAndEndsWithItsOwnHost: brand, code, reference, then the line by
// which a browser knows its own code, and no link.
func TestSEC89_TheTextSaysWhoAndEndsWithItsOwnHost(t *testing.T) {
	catalog, err := locale.New()
	if err != nil {
		t.Fatal(err)
	}
	for _, lang := range catalog.Languages() {
		for _, vendor := range []string{"Harbor", "Café Señor ß", "„Łódź‑Straße“ & Söhne…",
			strings.Repeat("Very Long Vendor Name ", 20), "Two\nLines\r\n@evil.example #000000", "", "a@b"} {
			for _, binding := range []bool{false, true} {
				text := Render(catalog.In(lang),
					Code{Vendor: vendor, Code: "012345", Reference: "KXTR", Domain: "sign-in.harbor.example",
						Binding: binding})
				lines := strings.Split(text, "\n")
				if lines[len(lines)-1] != "@sign-in.harbor.example #012345" || len(lines) != 3 || lines[1] != "" {
					t.Errorf("%s %q: %q", lang, vendor, text)
				}
				if !strings.Contains(lines[0], "012345") || !strings.Contains(lines[0], "KXTR") ||
					strings.Contains(text, "http") {
					t.Errorf("%s %q: %q", lang, vendor, text)
				}
				if Parts(text) != 1 && gsmOnly(text) {
					t.Errorf("%s %q: %d parts: %q", lang, vendor, Parts(text), text)
				}
			}
		}
		if text := Render(catalog.In(lang),
			Code{Vendor: "Ελλάς 北京", Code: "012345", Reference: "KXTR", Domain: "x.example"}); gsmOnly(text) ||
			!strings.Contains(text, "北京") {
			t.Errorf("%q", text)
		}
		if text := writeText(catalog.In(lang), Code{Code: "012345", Reference: "KXTR", Domain: "x.example"},
			"Harbor"); !gsmOnly(text) || strings.Contains(text, "no value") {
			t.Errorf("%s: not in the default alphabet: %q", lang, text)
		}
	}
}

func TestSimpleKeepsWhatTelephonesHave(t *testing.T) {
	for in, want := range map[string]string{"é ñ ü à ß ¿ ¡ Ñ": "é ñ ü à ß ¿ ¡ Ñ", "á í ó ú ê ç": "a i o u e c",
		"“Łódź”": "\"Łodz\"", "a…b–c’d": "a...b-c'd", "北": "北", "": ""} {
		if got := toGSM(in); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
}

// TestAPartNeverEndsInsideALetter also counts what is charged.
func TestAPartNeverEndsInsideALetter(t *testing.T) {
	for _, c := range []struct {
		text  string
		parts int
		ucs2  bool
	}{
		{"", 1, false},
		{strings.Repeat("a", 160), 1, false}, {strings.Repeat("a", 161), 2, false},
		{strings.Repeat("a", 306), 2, false}, {strings.Repeat("a", 307), 3, false},
		{strings.Repeat("€", 80), 1, false}, {strings.Repeat("€", 81), 2, false},
		{strings.Repeat("a", 152) + strings.Repeat("€", 10), 2, false},
		{strings.Repeat("北", 70), 1, true}, {strings.Repeat("北", 71), 2, true},
		{strings.Repeat("北", 66) + strings.Repeat("😀", 10), 2, true},
	} {
		got := splitText(c.text)
		if len(got.parts) != c.parts || got.ucs2 != c.ucs2 {
			t.Errorf("%.20q: %d parts, %t", c.text, len(got.parts), got.ucs2)
		}
		var whole []byte
		for _, p := range got.parts {
			if len(p) > 160 || len(p) > 0 && p[len(p)-1] == escape {
				t.Errorf("%.20q: a part of %d bytes", c.text, len(p))
			}
			whole = append(whole, p...)
		}
		if c.ucs2 && fromUCS2(whole) != c.text {
			t.Errorf("%.20q comes back as %.20q", c.text, fromUCS2(whole))
		}
	}
	if len(gsmCode) != 127+len(gsmExtra) {
		t.Errorf("%d letters", len(gsmCode))
	}
}

func fromUCS2(b []byte) string {
	var u []uint16
	for i := 0; i+1 < len(b); i += 2 {
		u = append(u, uint16(b[i])<<8|uint16(b[i+1]))
	}
	return string(utf16.Decode(u))
}

func FuzzReceipt(f *testing.F) {
	f.Add([]byte(
		"\x00\x01\x0149\x00\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x10id:7 stat:DELIVRD\x00\x1e\x00\x027\x00"))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, ok, err := readReceipt(body)
		if ok && (err != nil || r.handle == "" || len(r.handle) > 64 || strings.ContainsAny(r.handle, "\x00 \n'\"")) {
			t.Errorf("%q %v", r.handle, err)
		}
	})
}
