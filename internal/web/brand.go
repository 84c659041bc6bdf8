package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"image/png"
	"math"
	"strconv"
)

// Brand is a logo and a colour of the vendor's own, or of a company's, ready to be served.
type Brand struct {
	LogoURL       string // "" = ours
	Width, Height int    // of the logo, in CSS pixels
	StyleURL      string // "" = our colours
	Tones         Tones  // of the accent; zero = our colours
	files         map[string]asset
}

// Wordmark reports whether the logo is wide enough to hold the vendor's name.
func (b *Brand) Wordmark() bool { return b.Width >= 2*b.Height }

const (
	logoHeight = 32  // CSS pixels
	logoWidth  = 200 // at most
)

// NewBrand prepares an accent ("#rrggbb" or "") and a logo (a PNG or nil). It returns nil where
// there is neither, and fails for anything else.
func NewBrand(accent string, logo []byte) (*Brand, error) {
	if accent == "" && logo == nil {
		return nil, nil
	}
	b := &Brand{files: map[string]asset{}}
	if logo != nil {
		c, err := png.DecodeConfig(bytes.NewReader(logo))
		if err != nil {
			return nil, fmt.Errorf("read logo: %w", err)
		}
		b.fit(c.Width, c.Height)
		b.LogoURL = b.add("logo", ".png", asset{plain: logo, kind: "image/png"})
	}
	if accent != "" {
		tones, err := TonesOf(accent)
		if err != nil {
			return nil, err
		}
		b.Tones = tones
		b.StyleURL = b.add("accent", ".css", asset{plain: []byte(tones.style()), kind: kinds[".css"]})
	}
	return b, nil
}

// fit is how large a logo of so many pixels is drawn.
func (b *Brand) fit(width, height int) {
	scale := min(logoHeight/float64(height), logoWidth/float64(width))
	b.Width = max(int(math.Round(float64(width)*scale)), 1)
	b.Height = max(int(math.Round(float64(height)*scale)), 1)
}

func (b *Brand) add(name, ending string, a asset) string {
	sum := sha256.Sum256(a.plain)
	url := "/assets/" + hex.EncodeToString(sum[:6]) + "/" + name + ending
	b.files[url] = a
	return url
}

// Tones are the shades of an accent that can be read: at least 4.5 to 1 against every ground
// that they stand on (WCAG 2.2, 1.4.3), on light pages and on dark ones.
type Tones struct{ Light, LightDeep, Dark, DarkDeep string }

// What accents stand on: the darkest ground of light pages, the lightest of dark ones (app.css).
const (
	lightGround = "#eef2f0"
	darkGround  = "#182420"
	readable    = 4.5
)

// TonesOf makes a colour darker for light pages and lighter for dark ones, only as far as is
// needed. It fails for what is not "#rrggbb".
func TonesOf(accent string) (Tones, error) {
	c, err := parseColour(accent)
	if err != nil {
		return Tones{}, err
	}
	light := c.until(colour{}, lightGround)
	dark := c.until(colour{255, 255, 255}, darkGround)
	return Tones{light.String(), light.mix(colour{}, .25).String(), dark.String(),
		dark.mix(colour{255, 255, 255}, .3).String()}, nil
}

// style overrides what app.css calls act. Text on a light tone is white and on a dark one
// nearly black; both differ more from it than the grounds do.
func (t Tones) style() string {
	return fmt.Sprintf(
		":root{--act:%s;--act-deep:%s;--on-act:#fff}\n@supports (color: light-dark(#000, #fff)){:root{--act:light-dark(%s,%s);--act-deep:light-dark(%s,%s);--on-act:light-dark(#fff,#05120d)}}\n",
		t.Light, t.LightDeep, t.Light, t.Dark, t.LightDeep, t.DarkDeep)
}

type colour struct{ r, g, b float64 } // 0 to 255

func parseColour(s string) (colour, error) {
	n, err := strconv.ParseUint(s[min(1, len(s)):], 16, 32)
	if err != nil || len(s) != 7 || s[0] != '#' {
		return colour{}, fmt.Errorf("%q is not a colour", s)
	}
	return colour{float64(n >> 16), float64(n >> 8 & 0xff), float64(n & 0xff)}, nil
}

func (c colour) String() string {
	return fmt.Sprintf("#%02x%02x%02x", int(math.Round(c.r)), int(math.Round(c.g)), int(math.Round(c.b)))
}

func (c colour) mix(with colour, share float64) colour {
	return colour{c.r + (with.r-c.r)*share, c.g + (with.g-c.g)*share, c.b + (with.b-c.b)*share}
}

// until mixes in as little of another colour as makes c readable on a ground.
func (c colour) until(with colour, ground string) colour {
	on, _ := parseColour(ground)
	for share := 0.0; share < 1; share += .02 {
		if m, _ := parseColour(c.mix(with, share).String()); contrast(m, on) >= readable {
			return m
		}
	}
	return with
}

// luminance is the relative luminance of WCAG 2.2.
func (c colour) luminance() float64 {
	linear := func(v float64) float64 {
		if v /= 255; v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c.r) + 0.7152*linear(c.g) + 0.0722*linear(c.b)
}

func contrast(a, b colour) float64 {
	la, lb := a.luminance(), b.luminance()
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}
