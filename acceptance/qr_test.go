package acceptance

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"image"
	"image/draw"
	"image/png"
	"net/url"
	"strings"
	"testing"

	"countersign/acceptance/rig"
)

// photographed is what a decoder that shares nothing with ours reads from a picture.
func photographed(t *testing.T, picture []byte) string {
	t.Helper()
	drawn, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		t.Fatal(err)
	}
	size := drawn.Bounds().Size()
	pixels := image.NewNRGBA(image.Rectangle{Max: size})
	draw.Draw(pixels, pixels.Bounds(), drawn, drawn.Bounds().Min, draw.Src)
	ask, err := json.Marshal(map[string]any{"width": size.X, "height": size.Y,
		"rgba": base64.StdEncoding.EncodeToString(pixels.Pix)})
	if err != nil {
		t.Fatal(err)
	}
	return runs(t, string(ask), "node", "node/qr.mjs")
}

// TestALP4: whatever the vendor and the company are called, the code on a phone's page can be
// read from a screenshot, and each module is at least four pixels wide.
// guard: maxURI in internal/authenticator/totp, .qr in app.css
func TestALP4_LongAndForeignNamesStayReadable(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		chromium := w.Chromium(t)
		for name, called := range map[string][2]string{
			"Latin":    {strings.Repeat("Harbor and Sons ", 5)[:80], strings.Repeat("International Shipping ", 4)[:80]},
			"Japanese": {strings.Repeat("株式会社カウンター", 8), strings.Repeat("港湾運送", 20)},
			"Arabic": {strings.TrimSpace(strings.Repeat("شركة الميناء ", 6)),
				strings.TrimSpace(strings.Repeat("الخدمات ", 10))},
			"emoji":   {strings.Repeat("⚓🚢", 40), strings.Repeat("🧾", 80)},
			"percent": {strings.Repeat("%25%", 20), strings.Repeat("%", 80)},
		} {
			w.CLI(t, "installation", "set", "--name", called[0])
			u := w.NewTenant(t, "--name", called[1], "--mandate", "mandatory", "--methods", "totp,backup").User(t)
			p := w.Person(t)
			enter(t, p, u, "/profile")
			mailed(t, w, p, u, 1).Expect(t, 200, "Choose a sign-in method")
			pg := p.Post(inFlow+"/totp", url.Values{})
			scan(t, w, pg)
			link := otpauthLink.FindString(strings.ReplaceAll(pg.Body, "&amp;", "&"))
			for _, scale := range []float64{1, 2} {
				for _, dark := range []bool{false, true} {
					b := chromium.Tab(t).Phone(scale, dark)
					b.Become(p)
					b.Go(rig.PublicURL + inFlow + "/totp")
					b.See(".qr svg")
					if got := photographed(t, b.Picture()); got != link {
						t.Errorf("%s, scale %v, dark %v: read %q, want %q", name, scale, dark, got, link)
					}
					if px := rig.Eval[float64](b,
						`(() => { const s = document.querySelector(".qr svg"); return s.getBoundingClientRect().width / s.viewBox.baseVal.width })()`); px < 4 {
						t.Errorf("%s: %.1f pixels a module", name, px)
					}
					if first := rig.Eval[string](b,
						`[...document.querySelectorAll('a[href^="otpauth:"], .qr')].find((e) => e.checkVisibility()).tagName`); first != "A" {
						t.Errorf("%s: on a phone the %s comes before the link", name, first)
					}
				}
			}
		}
	})
}
