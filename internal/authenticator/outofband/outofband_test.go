package outofband

import (
	"strings"
	"testing"
)

func TestCanonical(t *testing.T) {
	for typed, want := range map[string]string{
		"012345": "012345", " 012345": "012345", "012 345": "012345", "012-345": "012345", "012345\n": "012345", "0 1 2 3 4 5": "012345", "\t012-345\r\n": "012345",
		"": "", "12345": "", "0012345": "", "+012345": "", "01234a": "", "０１２３４５": "", "٠١٢٣٤٥": "", "012345\x00": "", "012\u200b345": "", "1.2345e4": "", "012\u00a0345": "",
		strings.Repeat("0", 10_000): "", strings.Repeat(" ", 30) + "012345": "",
	} {
		if got, ok := Canonical(typed, 6); got != want || ok != (want != "") {
			t.Errorf("%q is %q, %t", typed, got, ok)
		}
	}
}

func FuzzCanonical(f *testing.F) {
	f.Add("012-345")
	f.Fuzz(func(t *testing.T, s string) {
		code, ok := Canonical(s, 6)
		if !ok {
			return
		}
		if again, ok := Canonical(code, 6); !ok || again != code || len(code) != 6 || strings.Trim(code, "0123456789") != "" {
			t.Errorf("%q is %q", s, code)
		}
	})
}

func TestMaskTellsNoLength(t *testing.T) {
	for address, want := range map[string]string{
		"maria@harbor.example": "m•••@h•••.example", "m@h.example": "m•••@h•••.example", "élodie@bücher.example": "é•••@b•••.example",
		"a@sub.harbor.example": "a•••@s•••.example", "nonsense": "•••", "@x": "•••", "a@localhost": "a•••@l•••",
	} {
		if got := Mask(address); got != want {
			t.Errorf("%s is %s, want %s", address, got, want)
		}
	}
}
