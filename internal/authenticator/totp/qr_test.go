package totp_test

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// This file reads a QR code back, from the drawing to the text, by ISO/IEC 18004 and without
// the library that drew it. It does not correct errors: there must be none.

// blocks says for each version at level M how the data is spread: short blocks, their data
// bytes, long blocks (one byte more), and where alignment patterns are centred (tables 9 and E.1).
var blocks = []struct {
	short, data, long int
	centres           []int
}{
	1: {1, 16, 0, nil}, {1, 28, 0, []int{6, 18}}, {1, 44, 0, []int{6, 22}}, {2, 32, 0, []int{6, 26}},
	{2, 43, 0, []int{6, 30}}, {4, 27, 0, []int{6, 34}},
	{4, 31, 0, []int{6, 22, 38}}, {2, 38, 2, []int{6, 24, 42}}, {3, 36, 2, []int{6, 26, 46}},
	{4, 43, 1, []int{6, 28, 50}}, {1, 50, 4, []int{6, 30, 54}},
	{6, 36, 2, []int{6, 32, 58}}, {8, 37, 1, []int{6, 34, 62}}, {4, 40, 5, []int{6, 26, 46, 66}},
	{5, 41, 5, []int{6, 26, 48, 70}},
}

var (
	viewBox = regexp.MustCompile(`viewBox="0 0 (\d+) (\d+)"`)
	run     = regexp.MustCompile(`^M(\d+) (\d+)h(\d+)v1h-(\d+)z`)
	pathOf  = regexp.MustCompile(` d="([^"]*)"`)
)

// matrix is what the drawing shows, without the quiet zone, which must be white.
func matrix(t *testing.T, svg string) [][]bool {
	t.Helper()
	box, path := viewBox.FindStringSubmatch(svg), pathOf.FindAllStringSubmatch(svg, -1)
	if box == nil || len(path) != 1 || box[1] != box[2] {
		t.Fatalf("not one path in a square: %.200s", svg)
	}
	const quiet = 4
	size := number(t, box[1]) - 2*quiet
	m := make([][]bool, size)
	for y := range m {
		m[y] = make([]bool, size)
	}
	for d := path[0][1]; d != ""; {
		f := run.FindStringSubmatch(d)
		if f == nil || f[3] != f[4] {
			t.Fatalf("not a run: %.40s", d)
		}
		x, y, n := number(t, f[1])-quiet, number(t, f[2])-quiet, number(t, f[3])
		if x < 0 || y < 0 || y >= size || x+n > size {
			t.Fatalf("dark in the quiet zone: %s", f[0])
		}
		for i := range n {
			m[y][x+i] = true
		}
		d = d[len(f[0]):]
	}
	return m
}

func number(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// function reports whether a module belongs to a pattern or to the format and version.
func function(x, y, size, version int) bool {
	if x == 6 || y == 6 || x < 9 && (y < 9 || y >= size-8) || x >= size-8 && y < 9 {
		return true
	}
	if version >= 7 && (x >= size-11 && y < 6 || y >= size-11 && x < 6) {
		return true
	}
	c := blocks[version].centres
	for _, cx := range c {
		for _, cy := range c {
			corner := cx == 6 && cy == 6 || cx == 6 && cy == size-7 || cx == size-7 && cy == 6
			if !corner && max(x-cx, cx-x) <= 2 && max(y-cy, cy-y) <= 2 {
				return true
			}
		}
	}
	return false
}

// masks are the conditions of table 10; x is the column.
var masks = []func(x, y int) bool{
	func(x, y int) bool { return (y+x)%2 == 0 }, func(_, y int) bool { return y%2 == 0 },
	func(x, _ int) bool { return x%3 == 0 },
	func(x, y int) bool { return (y+x)%3 == 0 }, func(x, y int) bool { return (y/2+x/3)%2 == 0 },
	func(x, y int) bool { return y*x%2+y*x%3 == 0 },
	func(x, y int) bool { return (y*x%2+y*x%3)%2 == 0 }, func(x, y int) bool { return ((y+x)%2+y*x%3)%2 == 0 },
}

// format reads the level and the mask beside the upper left finder (§7.9).
func format(m [][]bool) (level, mask int) {
	bits := 0
	for x := range 5 {
		bits = bits<<1 | map[bool]int{true: 1}[m[8][x]]
	}
	bits ^= 0b10101
	return bits >> 3, bits & 7
}

// codewords reads the modules in their zigzag (§7.7.3).
func codewords(m [][]bool, mask func(x, y int) bool) (out []byte) {
	size, version := len(m), (len(m)-17)/4
	var b byte
	n, up := 0, true
	for right := size - 1; right > 0; right -= 2 {
		if right == 6 {
			right--
		}
		for i := range size {
			y := i
			if up {
				y = size - 1 - i
			}
			for _, x := range []int{right, right - 1} {
				if function(x, y, size, version) {
					continue
				}
				b <<= 1
				if m[y][x] != mask(x, y) {
					b |= 1
				}
				if n++; n%8 == 0 {
					out = append(out, b)
				}
			}
		}
		up = !up
	}
	return out
}

// data puts the interleaved blocks in order and leaves the error correction out (§7.6).
func data(words []byte, version int) (out []byte) {
	v := blocks[version]
	all := make([][]byte, v.short+v.long)
	for i := range v.data + 1 {
		for b := range all {
			if i == v.data && b < v.short {
				continue
			}
			all[b], words = append(all[b], words[0]), words[1:]
		}
	}
	for _, b := range all {
		out = append(out, b...)
	}
	return out
}

// read is the text of a drawn QR code of one byte segment.
func readQR(t *testing.T, svg string) string {
	t.Helper()
	m := matrix(t, svg)
	version := (len(m) - 17) / 4
	if len(m) != 17+4*version || version >= len(blocks) {
		t.Fatalf("%d modules", len(m))
	}
	level, mask := format(m)
	if level != 0 {
		t.Fatalf("level %d, want M", level)
	}
	var bits strings.Builder
	for _, b := range data(codewords(m, masks[mask]), version) {
		fmt.Fprintf(&bits, "%08b", b)
	}
	take := func(from, n int) int {
		v, err := strconv.ParseUint(bits.String()[from:from+n], 2, 32)
		if err != nil {
			t.Fatal(err)
		}
		return int(v)
	}
	width := 8
	if version > 9 {
		width = 16
	}
	if take(0, 4) != 4 {
		t.Fatalf("mode %d, want bytes", take(0, 4))
	}
	text := make([]byte, take(4, width))
	for i := range text {
		text[i] = byte(take(4+width+8*i, 8))
	}
	return string(text)
}
