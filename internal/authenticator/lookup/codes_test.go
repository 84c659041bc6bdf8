package lookup

import (
	"fmt"
	"strings"
	"testing"
)

// TestSEC022: 65 bits each, as likely as each other, and no letter that is read as another.
func TestSEC022_CodesAreRandom(t *testing.T) {
	const n = 20_000
	seen, counts := map[string]bool{}, map[rune]int{}
	for range n {
		c := randomCode()
		if len(c) != letters || seen[c] {
			t.Fatalf("%q", c)
		}
		seen[c] = true
		for _, r := range c {
			counts[r]++
		}
	}
	chi := 0.0
	for _, r := range alphabet {
		d := float64(counts[r]) - n*letters/32.0
		chi += d * d / (n * letters / 32.0)
	}
	if len(counts) != 32 || chi > 80 { // 31 degrees of freedom: once in 200,000 runs
		t.Errorf("%d letters, chi square %.1f", len(counts), chi)
	}
	if bits := letters * 5; bits < 64 || strings.ContainsAny(alphabet, "ILOU") {
		t.Errorf("%d bits of %s", bits, alphabet)
	}
}

func TestParse(t *testing.T) {
	const code = "01AB4DEFGH7KZ"
	for typed, want := range map[string]int{
		"3-01AB-4DEF-GH7KZ": 3, "3 01ab 4def gh7kz": 3, "3. OLAB-4DEF-GH7KZ": 3, "#3: oiab4defgh7kz": 3,
		"10-01AB-4DEF-GH7KZ": 10, "1O-01AB-4DEF-GH7KZ": 10, "03-01AB4DEFGH7KZ": 3,
		"01AB-4DEF-GH7KZ": 0, "\t01ab 4def gh7kz\r\n": 0, "301AB4DEFGH7KZ": 3, "3) 01AB4DEFGH7KZ": 3,
		"3–01AB–4DEF–GH7KZ": 3, "3\u201101AB\u20114DEF\u2011GH7KZ": 3, "３-01AB-4DEF-GH7KZ": 3, "３－０１ＡＢ－４ＤＥＦ－ＧＨ７ＫＺ": 3,
		"3\u00a001AB\u200b4DEF−GH7KZ": 3, "٣-٠١AB-٤DEF-GH٧KZ": 3,
	} {
		if n, c, ok := parse(typed); !ok || n != want || c != code {
			t.Errorf("%q is %d %q %v, want %d", typed, n, c, ok, want)
		}
	}
	for _, typed := range []string{
		"", "3", "3-", "0-01AB-4DEF-GH7KZ", "11-01AB-4DEF-GH7KZ", "A-01AB-4DEF-GH7KZ", "-", "3-U1AB-4DEF-GH7KZ",
		"3-01AB-4DEF-GH7KZZZ",
		"3-01AB-4DEF-GH7K\u0130", "3-\x0001AB-4DEF-GH7KZ", "+3-01AB-4DEF-GH7KZ", "3_01AB-4DEF-GH7KZ",
		strings.Repeat(" ", 200) + "3-01AB-4DEF-GH7KZ", strings.Repeat("1", 64), strings.Repeat("1", 200),
	} {
		if n, c, ok := parse(typed); ok {
			t.Errorf("%q is %d %q", typed, n, c)
		}
	}
	for i := range Count {
		c := randomCode()
		if n, got, ok := parse(formatCode(i+1, c)); !ok || n != i+1 || got != c {
			t.Errorf("%s is %d %s", formatCode(i+1, c), n, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("3-01AB-4DEF-GH7KZ")
	f.Fuzz(func(t *testing.T, s string) {
		n, code, ok := parse(s)
		if !ok {
			return
		}
		if n < 0 || n > Count || len(code) != letters || strings.Trim(code, alphabet) != "" {
			t.Fatalf("%q is %d %q", s, n, code)
		}
		again := code
		if n > 0 {
			again = fmt.Sprintf("%d %s", n, strings.ToLower(code))
		}
		if m, c, ok := parse(again); !ok || m != n || c != code {
			t.Errorf("%q is %d %q, and again %d %q", s, n, code, m, c)
		}
	})
}
