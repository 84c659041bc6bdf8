package lookup

import (
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"

	"countersign/internal/typed"
)

const (
	// Count is how many codes a set has.
	Count = 10
	// alphabet leaves out I, L, O and U: the first three are read as digits, and what the
	// last would spell (Crockford's base 32).
	alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	letters  = 13  // 65 bits; 64 are asked for
	maxTyped = 192 // bytes that are looked at at all
	example  = "3-XXXX-XXXX-XXXXX"
)

// randomCode returns a random code. 32 letters divide a byte without a rest, so that all are as
// likely.
func randomCode() string {
	b := make([]byte, letters)
	_, _ = rand.Read(b)
	for i, c := range b {
		b[i] = alphabet[int(c)%len(alphabet)]
	}
	return string(b)
}

// formatCode is a code as it is shown: its number, and three groups.
func formatCode(number int, code string) string {
	return fmt.Sprintf("%d-%s-%s-%s", number, code[:4], code[4:8], code[8:])
}

// parse reads what was typed: a code and its number, 0 where that is missing. Spaces and
// what people put between a number and a code do not count, nor does the case, and letters
// that look like digits are those.
func parse(text string) (number int, code string, ok bool) {
	if len(text) > maxTyped {
		return 0, "", false
	}
	text = typed.Fold(text)
	b := make([]byte, 0, len(text))
	for _, c := range []byte(text) {
		if strings.IndexByte(" -.:)#", c) >= 0 {
			continue
		}
		if c = canonicalLetter(c); strings.IndexByte(alphabet, c) < 0 {
			return 0, "", false
		}
		b = append(b, c)
	}
	if len(b) < letters {
		return 0, "", false
	}
	front, code := string(b[:len(b)-letters]), string(b[len(b)-letters:])
	if front == "" {
		return 0, code, true
	}
	number, err := strconv.Atoi(front)
	if err != nil || number < 1 || number > Count {
		return 0, "", false
	}
	return number, code, true
}

// canonicalLetter makes a letter large, and a digit where it looks like one.
func canonicalLetter(c byte) byte {
	if c >= 'a' && c <= 'z' {
		c -= 'a' - 'A'
	}
	switch c {
	case 'O':
		return '0'
	case 'I', 'L':
		return '1'
	}
	return c
}
