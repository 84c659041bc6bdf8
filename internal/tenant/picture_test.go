package tenant_test

import (
	"testing"

	"countersign/internal/tenant"
)

// manyScans is a progressive JPEG of 2000 x 2000 pixels with as many scans as its size allows.
func manyScans(limit int) (file []byte, scans int) {
	const side = 2000
	out := []byte{0xff, 0xd8}
	seg := func(marker byte, data ...byte) {
		n := len(data) + 2
		out = append(out, 0xff, marker, byte(n>>8), byte(n))
		out = append(out, data...)
	}
	dqt := []byte{0}
	for range 64 {
		dqt = append(dqt, 1)
	}
	seg(0xdb, dqt...)
	seg(0xc2, 8, side>>8, side&0xff, side>>8, side&0xff, 1, 1, 0x11, 0)
	counts := make([]byte, 16)
	counts[0] = 1
	seg(0xc4, append(append([]byte{0x00}, counts...), 0)...)
	seg(0xc4, append(append([]byte{0x10}, counts...), 0xe0)...)
	out = append(out, 0xff, 0xda, 0, 8, 1, 1, 0, 0, 0, 1)
	out = append(out, make([]byte, 250*250/8+1)...)
	run := []byte{0, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1}
	bits := append(append([]byte{}, run...), run...)
	for len(bits)%8 != 0 {
		bits = append(bits, 1)
	}
	scan := []byte{0xff, 0xda, 0, 8, 1, 1, 0, 1, 63, 0x10}
	for i := 0; i < len(bits); i += 8 {
		b := byte(0)
		for _, bit := range bits[i : i+8] {
			b = b<<1 | bit
		}
		if scan = append(scan, b); b == 0xff {
			scan = append(scan, 0)
		}
	}
	for len(out)+len(scan)+2 <= limit {
		out = append(out, scan...)
		scans++
	}
	return append(out, 0xff, 0xd9), scans
}

// TestAPictureOfManyScansIsRefused: a small JPEG can make a decoder go through a large image a thousand times.
func TestAPictureOfManyScansIsRefused(t *testing.T) {
	for _, size := range []int{2000, 8900, 9200, 24 << 10} {
		file, scans := manyScans(size) // besides the first one
		if _, err := tenant.ReadPicture(file); (err == nil) != (scans < 64) {
			t.Errorf("%d bytes with %d scans: %v", len(file), scans, err)
		}
	}
}
