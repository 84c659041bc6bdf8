package typed_test

import (
	"testing"
	"unicode"

	"countersign/internal/typed"
)

func TestFold(t *testing.T) {
	for in, want := range map[string]string{
		"123456": "123456", " 123\u00a0456\r\n": "123 456", "１２３４５６": "123456", "٠١٢٣٤٥": "012345", "۶۷۸۹": "6789",
		"०१२": "012", "𝟘𝟗": "09",
		"123–456": "123-456", "123\u2011456": "123-456", "1−2—3﹣4－5": "1-2-3-4-5", "12\u200b34\ufeff56": "123456",
		"\u202a+49 151\u202c": "+49 151",
		"12\u00ad34":          "1234", "1\u30002": "1 2", "1\u20282": "1 2", "ｍａｘ＠ｘ．example": "max@x.example",
		"1\ufe0f2": "12",
		"a\tb":     "a b", "": "", "\xff1": "\xff1", "ÉL": "ÉL",
	} {
		if got := typed.Fold(in); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
	if got := typed.Compact(" ３–XY\u00a0z "); got != "3XYz" {
		t.Errorf("%q", got)
	}
}

// TestEveryDigitFolds: the runs of ten that digit relies on hold in this Unicode version.
func TestEveryDigitFolds(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !unicode.Is(unicode.Nd, r) {
			continue
		}
		if got := typed.Fold(string(r)); len(got) != 1 || got[0] < '0' || got[0] > '9' {
			t.Errorf("%U is %q", r, got)
		}
	}
	for _, tbl := range unicode.Nd.R16 {
		if tbl.Stride != 1 || (tbl.Hi-tbl.Lo+1)%10 != 0 {
			t.Errorf("%x to %x is no run of tens", tbl.Lo, tbl.Hi)
		}
	}
	for _, tbl := range unicode.Nd.R32 {
		if tbl.Stride != 1 || (tbl.Hi-tbl.Lo+1)%10 != 0 {
			t.Errorf("%x to %x is no run of tens", tbl.Lo, tbl.Hi)
		}
	}
}

func FuzzFold(f *testing.F) {
	f.Add("１２\u200b3–4")
	f.Fuzz(func(t *testing.T, s string) {
		if once := typed.Fold(s); len(once) < 1024 && typed.Fold(once) != once {
			t.Errorf("%q is %q and then %q", s, once, typed.Fold(once))
		}
	})
}
