package web

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"strings"
	"testing"
)

// Whatever colour a vendor has, it can be read: as a link on every ground, and under the text
// of a button, whose pressed tone too.
func TestEveryAccentCanBeRead(t *testing.T) {
	colourOf := func(s string) colour {
		c, err := parseColour(s)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	for r := 0; r <= 255; r += 51 {
		for g := 0; g <= 255; g += 51 {
			for b := 0; b <= 255; b += 51 {
				accent := fmt.Sprintf("#%02x%02x%02x", r, g, b)
				tones, err := TonesOf(accent)
				if err != nil {
					t.Fatal(err)
				}
				for _, pair := range [][2]string{
					{tones.Light, "#ffffff"}, {tones.Light, lightGround}, {tones.Light, "#f2f7f5"},
					{tones.LightDeep, "#ffffff"}, {tones.LightDeep, lightGround},
					{tones.Dark, "#0b110f"}, {tones.Dark, "#131b18"}, {tones.Dark, darkGround}, {tones.Dark, "#05120d"},
					{tones.DarkDeep, darkGround}, {tones.DarkDeep, "#05120d"},
				} {
					if c := contrast(colourOf(pair[0]), colourOf(pair[1])); c < 4.5 {
						t.Errorf("%s: %s on %s has a contrast of %.2f", accent, pair[0], pair[1], c)
					}
				}
			}
		}
	}
	if tones, _ := TonesOf("#0a6b50"); tones.Light != "#0a6b50" {
		t.Errorf("a colour that can be read was changed to %s", tones.Light)
	}
	for _, bad := range []string{"", "#", "red", "#fff", "#gggggg", "0a6b500", "#0a6b5", "#0a6b50}"} {
		if _, err := TonesOf(bad); err == nil {
			t.Errorf("%q is a colour", bad)
		}
	}
}

func TestABrandIsServedUnderItsHash(t *testing.T) {
	var logo bytes.Buffer
	if err := png.Encode(&logo, image.NewNRGBA(image.Rect(0, 0, 300, 64))); err != nil {
		t.Fatal(err)
	}
	b, err := NewBrand("#c2410c", logo.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if b.Width != 150 || b.Height != 32 || !b.Wordmark() || len(b.files) != 2 ||
		!strings.HasSuffix(b.LogoURL, "/logo.png") || !strings.HasSuffix(b.StyleURL, "/accent.css") {
		t.Errorf("%+v", b)
	}
	if none, err := NewBrand("", nil); none != nil || err != nil {
		t.Errorf("%+v %v", none, err)
	}
	if _, err := NewBrand("", []byte("<svg onload=alert(1)>")); err == nil {
		t.Error("a script is a logo")
	}
}
