package sms

import "unicode/utf16"

// What one message holds (3GPP TS 23.038 and 23.040): alone, and as a part of several.
const (
	oneGSM, partGSM = 160, 153 // septets
	oneUCS, partUCS = 70, 67   // UTF-16 units
)

// The default alphabet of GSM 03.38 (3GPP TS 23.038 section 6.2.1) and what follows ESC.
const (
	gsmBasic = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	escape   = 0x1b
)

var gsmExtra = map[rune]byte{'\f': 0x0a, '^': 0x14, '{': 0x28, '}': 0x29, '\\': 0x2f, '[': 0x3c, '~': 0x3d, ']': 0x3e,
	'|': 0x40, '€': 0x65}

// gsmCode is what stands for each letter, one septet or two.
var gsmCode = func() map[rune][]byte {
	out := map[rune][]byte{}
	i := byte(0)
	for _, r := range gsmBasic {
		if r != escape {
			out[r] = []byte{i}
		}
		i++
	}
	for r, b := range gsmExtra {
		out[r] = []byte{escape, b}
	}
	return out
}()

func gsmOnly(text string) bool {
	for _, r := range text {
		if gsmCode[r] == nil {
			return false
		}
	}
	return true
}

// septets counts what a text in the default alphabet takes.
func septets(text string) (n int) {
	for _, r := range text {
		n += len(gsmCode[r])
	}
	return n
}

// Parts is how many messages a text is, and is paid for.
func Parts(text string) int { return len(splitText(text).parts) }

// coded is a text as it goes to a carrier: one octet for each septet, or UTF-16.
type coded struct {
	ucs2  bool
	parts [][]byte
}

// splitText cuts a text between letters, so that no part ends within one.
func splitText(text string) coded {
	one, part, encode := oneGSM, partGSM, func(r rune) []byte { return gsmCode[r] }
	out := coded{ucs2: !gsmOnly(text)}
	if out.ucs2 {
		one, part, encode = oneUCS*2, partUCS*2, ucs2
	}
	var all [][]byte
	total := 0
	for _, r := range text {
		b := encode(r)
		all, total = append(all, b), total+len(b)
	}
	if total <= one {
		part = one
	}
	var now []byte
	for _, b := range all {
		if len(now)+len(b) > part {
			out.parts, now = append(out.parts, now), nil
		}
		now = append(now, b...)
	}
	out.parts = append(out.parts, now)
	return out
}

func ucs2(r rune) (out []byte) {
	for _, u := range utf16.Encode([]rune{r}) {
		out = append(out, byte(u>>8), byte(u))
	}
	return out
}
