package acceptance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"net/url"
	"strings"
	"testing"

	"countersign/acceptance/rig"
)

// photo is a picture of a page, and what is to be read from it.
type photo struct {
	what, link string
	png        []byte
}

// pixels are a picture as the camera is given it.
type pixels struct {
	Width  int    `json:"width"`
	Height int    `json:"height"`
	RGBA   []byte `json:"rgba"`
}

// photographed is what a decoder that shares nothing with ours reads from pictures.
func photographed(t *testing.T, photos []photo) (texts []string) {
	t.Helper()
	all := make([]pixels, len(photos))
	for i, p := range photos {
		drawn, err := png.Decode(bytes.NewReader(p.png))
		if err != nil {
			t.Fatal(err)
		}
		size := drawn.Bounds().Size()
		copied := image.NewNRGBA(image.Rectangle{Max: size})
		draw.Draw(copied, copied.Bounds(), drawn, drawn.Bounds().Min, draw.Src)
		all[i] = pixels{size.X, size.Y, copied.Pix}
	}
	ask, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(runs(t, string(ask), "node", "node/qr.mjs")), &texts); err != nil {
		t.Fatal(err)
	}
	if len(texts) != len(photos) {
		t.Fatalf("%d pictures were read, not %d", len(texts), len(photos))
	}
	return texts
}

// TestALP4: whatever the vendor and the company are called, the code on a phone's page can be
// read from a screenshot, and each module is at least four pixels wide.
// guard: maxURI in internal/authenticator/totp, .qr in app.css
func TestALP4_LongAndForeignNamesStayReadable(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		chromium := w.Chromium(t)
		var photos []photo
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
			b := chromium.Tab(t)
			b.Become(p)
			for _, scale := range []float64{1, 2} {
				for _, dark := range []bool{false, true} {
					b.Phone(scale, dark)
					b.Go(rig.PublicURL + inFlow + "/totp")
					b.See(".qr svg")
					photos = append(photos,
						photo{fmt.Sprintf("%s, scale %v, dark %v", name, scale, dark), link, b.PictureOf(".qr svg")})
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
		for i, got := range photographed(t, photos) {
			if got != photos[i].link {
				t.Errorf("%s: read %q, want %q", photos[i].what, got, photos[i].link)
			}
		}
	})
}
