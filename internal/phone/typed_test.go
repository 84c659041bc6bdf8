package phone_test

import (
	_ "embed"
	"strconv"
	"strings"
	"testing"

	"countersign/internal/phone"
)

//go:embed testdata/typed.txt
var typedNumbers string

// TestNumbersAsPeopleTypeThem holds spellings of mobile numbers against their E.164 form, by libphonenumber's metadata
// and its FAQ (Argentine mobiles: +54 9 and no 15; Mexican ones: no 1 after +52).
func TestNumbersAsPeopleTypeThem(t *testing.T) {
	n := 0
	for line := range strings.Lines(typedNumbers) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(strings.TrimRight(line, "\n"), "|")
		text, err := strconv.Unquote(`"` + f[1] + `"`)
		if err != nil || len(f) != 3 {
			t.Fatalf("%q: %v", line, err)
		}
		n++
		if got, err := phone.Parse(f[0], text, f[:1]); err != nil || got.E164 != f[2] || got.Region != f[0] {
			t.Errorf("%s %q is %v, %v; want %s", f[0], text, got, err, f[2])
		}
	}
	if n < 150 {
		t.Errorf("only %d spellings", n)
	}
}
