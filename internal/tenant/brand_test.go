package tenant_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"countersign/internal/fault"
	"countersign/internal/tenant"
)

func pngOf(t *testing.T, width, height int) []byte {
	t.Helper()
	img := image.NewNRGBA(image.Rect(0, 0, width, height))
	for i := range img.Pix {
		img.Pix[i] = byte(i / 7)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// guard: the size is read before a picture is decoded
func TestAPictureThatIsABombIsNotDecoded(t *testing.T) {
	bomb := pngOf(t, 16, 16)
	binary.BigEndian.PutUint32(bomb[16:], 9000) // in IHDR
	binary.BigEndian.PutUint32(bomb[20:], 9000)
	binary.BigEndian.PutUint32(bomb[29:], crc32.ChecksumIEEE(bomb[12:29]))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := tenant.ReadPicture(bomb)
	runtime.ReadMemStats(&after)
	if fault.Of(err).Message != "brand.logo_side" {
		t.Errorf("a picture of 9000 pixels: %v", err)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
		t.Errorf("%d bytes were taken", used)
	}
}

// guard: what is not drawn again is gone, and what is no picture is refused
func TestOnlyThePictureIsLeftOfAFile(t *testing.T) {
	const script = "<script>alert(document.domain)</script>"
	polyglot := append(pngOf(t, 200, 50), script...)
	noted := pngOf(t, 200, 50)
	comment := append([]byte("\x00\x00\x00\x30tEXtComment\x00"), script+"\x00"...)
	noted = append(noted[:33:33], append(append(comment, 0, 0, 0, 0), noted[33:]...)...)
	binary.BigEndian.PutUint32(noted[33:], uint32(len(comment)-8))
	binary.BigEndian.PutUint32(noted[33+len(comment):], crc32.ChecksumIEEE(noted[37:33+len(comment)]))
	for name, file := range map[string][]byte{"behind its end": polyglot, "in a comment": noted} {
		p, err := tenant.ReadPicture(file)
		if err != nil || p.Width != 200 || p.Height != 50 {
			t.Fatalf("%s: %v, %d × %d", name, err, p.Width, p.Height)
		}
		if bytes.Contains(p.PNG, []byte("script")) {
			t.Errorf("a script %s is kept", name)
		}
	}
	for name, file := range map[string]string{
		"SVG":                      `<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`,
		"HTML":                     "<!doctype html>" + script,
		"GIF":                      "GIF89a\x01\x00\x01\x00",
		"WebP":                     "RIFF\x00\x00\x00\x00WEBPVP8 ",
		"nothing":                  "",
		"HTML before a picture":    script + string(pngOf(t, 20, 20)),
		"the beginning of a PNG":   string(pngOf(t, 200, 200)[:60]),
		"the beginning of a JPEG":  "\xff\xd8\xff\xe0",
		"only the magic of a PNG":  "\x89PNG\r\n\x1a\n",
		"a picture that is a line": string(pngOf(t, 2000, 1)),
		"too wide a picture":       string(pngOf(t, 2001, 16)),
		"a file that is too long":  string(pngOf(t, 16, 16)) + strings.Repeat("x", tenant.MaxPictureBytes),
	} {
		if p, err := tenant.ReadPicture([]byte(file)); !fault.Is(err, fault.Invalid) || p.PNG != nil {
			t.Errorf("%s is taken: %v", name, err)
		}
	}
}

func TestALargePictureIsMadeSmaller(t *testing.T) {
	noise := image.NewRGBA(image.Rect(0, 0, 700, 700))
	for i := range noise.Pix {
		noise.Pix[i] = byte(rand.Uint32())
	}
	half := image.NewRGBA(image.Rect(0, 0, 1800, 200)) // red, then blue
	for x := range 1800 {
		side := color.RGBA{R: 255, A: 255}
		if x >= 900 {
			side = color.RGBA{B: 255, A: 255}
		}
		for y := range 200 {
			half.Set(x, y, side)
		}
	}
	for name, c := range map[string]struct {
		of            image.Image
		width, height int
	}{"noise": {noise, 192, 192}, "two halves": {half, 600, 66}} {
		var file bytes.Buffer
		if err := jpeg.Encode(&file, c.of, &jpeg.Options{Quality: 60}); err != nil {
			t.Fatal(err)
		}
		p, err := tenant.ReadPicture(file.Bytes())
		if err != nil || p.Width != c.width || p.Height != c.height || len(p.PNG) > 512<<10 {
			t.Fatalf("%s: %v, %d × %d, %d bytes", name, err, p.Width, p.Height, len(p.PNG))
		}
		if name != "two halves" {
			continue
		}
		img, err := png.Decode(bytes.NewReader(p.PNG))
		if err != nil {
			t.Fatal(err)
		}
		left, _, _, _ := img.At(100, 30).RGBA()
		_, _, right, _ := img.At(500, 30).RGBA()
		if left < 0xf000 || right < 0xf000 {
			t.Errorf("red is %x and blue is %x", left, right)
		}
	}
}

// guard: an accent is six digits, an address https, and nothing can leave its place
func TestABrandIsCleanOrRefused(t *testing.T) {
	good := tenant.Brand{
		Name:         "  Ortiz  & Sons ",
		Accent:       " #C2410C",
		SupportEmail: "it@ortiz.example ",
		SupportURL:   "https://ortiz.example/help?from=sign-in",
		SupportPhone: "+34 (900) 555-020",
	}
	got, err := good.Clean()
	want := tenant.Brand{
		Name:         "Ortiz & Sons",
		Accent:       "#c2410c",
		SupportEmail: "it@ortiz.example",
		SupportURL:   good.SupportURL,
		SupportPhone: good.SupportPhone,
	}
	if err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	for _, bad := range []tenant.Brand{
		{Accent: "red"},
		{Accent: "red;}body{display:none"},
		{Accent: "#0a6b5"},
		{Accent: "#0a6b50;}"},
		{Accent: "#0a6b50\n}"},
		{Accent: "var(--x)"},
		{SupportURL: "javascript:alert(1)"},
		{SupportURL: "JavaScript://%0aalert(1)"},
		{SupportURL: "data:text/html,x"},
		{SupportURL: "http://ortiz.example"},
		{SupportURL: "//ortiz.example"},
		{SupportURL: "https:ortiz.example"},
		{SupportURL: "https://"},
		{SupportURL: "https://:443"},
		{SupportURL: "https://bank.example@evil.example/"},
		{SupportURL: "https:\\\\evil.example"},
		{SupportURL: "https://evil.example/\r\nX: y"},
		{SupportURL: "https://evil.example/" + strings.Repeat("x", 300)},
		{SupportEmail: "it"},
		{SupportEmail: "It <it@ortiz.example>"},
		{SupportEmail: "a@x.example, b@x.example"},
		{SupportEmail: "a@x.example?bcc=b@x.example"},
		{SupportEmail: "a@x.example\r\nBcc: b@x.example"},
		{SupportEmail: `"<script>"@x.example`},
		{SupportPhone: "call me"},
		{SupportPhone: "12"},
		{SupportPhone: "+34 900;ext=1"},
		{SupportPhone: "javascript:1"},
		{Name: "Ortiz\u202eMalware"},
		{Name: strings.Repeat("x", 81)},
	} {
		if got, err := bad.Clean(); !fault.Is(err, fault.Invalid) {
			t.Errorf("%+v is stored as %+v (%v)", bad, got, err)
		}
	}
}
