package totp_test

import (
	"encoding/base32"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"countersign/internal/authenticator"
	"countersign/internal/authenticator/totp"
)

func propose(t testing.TB, who authenticator.Subject, wish string) authenticator.PendingEnrollment {
	t.Helper()
	state, err := totp.Verifier{}.Propose(t.Context(), nil, who, authenticator.PendingEnrollment{}, wish)
	if err != nil {
		t.Fatal(err)
	}
	return authenticator.PendingEnrollment{ID: "a", State: state}
}

// subjects are names that have been trouble to someone.
var subjects = map[string]authenticator.Subject{
	"plain":          {Vendor: "Vendor", Email: "maria@harbor.example", Company: "Harbor"},
	"spaces":         {Vendor: "Ortiz & Sons Ltd", Email: "maria@harbor.example", Company: "Harbor Master + Co"},
	"other letters":  {Vendor: "Łódź 東京", Email: "élodie@bücher.example", Company: "Çelik ve Oğulları"},
	"colons":         {Vendor: "a:b", Email: "m:m@x.example", Company: "c: d"},
	"lines":          {Vendor: "V\r\nX", Email: "m@x.example", Company: "C\x00\u202eD"},
	"same":           {Vendor: "Harbor", Email: "m@x.example", Company: "Harbor"},
	"nobody":         {Email: "m@x.example"},
	"markup":         {Vendor: `"><script>`, Email: "m@x.example", Company: "?secret=AAAA&issuer=x#"},
	"long, two sets": {Vendor: strings.Repeat("v", 200), Email: "m@x.example", Company: strings.Repeat("c", 200)},
	"Japanese": {Vendor: strings.Repeat("株式会社カウンター", 9), Email: "maria@harbor.example",
		Company: strings.Repeat("港湾運送", 20)},
	"Arabic": {Vendor: strings.Repeat("شركة الميناء ", 6), Email: "maria@harbor.example",
		Company: strings.Repeat("الخدمات ", 10)},
	"emoji": {Vendor: strings.Repeat("⚓🚢", 40), Email: "maria@harbor.example",
		Company: strings.Repeat("🧾", 80)},
	"percent signs": {Vendor: strings.Repeat("%25%", 20), Email: "maria@harbor.example",
		Company: strings.Repeat("%", 80)},
	"a brand":         {Vendor: "Harbor", Email: "m@x.example", Company: "C", Brand: "Ortiz: Portal"},
	"the same brand":  {Vendor: "Harbor", Email: "m@x.example", Company: "C", Brand: "Harbor"},
	"a brand in code": {Vendor: "Harbor", Email: "m@x.example", Brand: "x?secret=AAAA&issuer=y#\r\n"},
	"a long brand":    {Vendor: "Harbor", Email: "m@x.example", Brand: strings.Repeat("港湾", 40)},
	"a long address": {Vendor: strings.Repeat("株式", 40),
		Email: "m@" + strings.Repeat("harbor", 40) + ".example", Company: "C"},
}

// TestALP4: what is shown can be scanned, pressed and typed, and says the same.
func TestALP4_TheCardSaysTheSameThreeTimes(t *testing.T) {
	for name, who := range subjects {
		c, err := totp.Show(propose(t, who, ""))
		if err != nil {
			t.Fatal(err)
		}
		if got := readQR(t, c.SVG("QR")); got != c.URI {
			t.Errorf("%s: scanned %q, want %q", name, got, c.URI)
		}
		u, err := url.Parse(c.URI)
		if err != nil || u.Scheme != "otpauth" || u.Host != "totp" {
			t.Fatalf("%s: %v", c.URI, err)
		}
		q, err := url.ParseQuery(u.RawQuery)
		if err != nil || q.Get("secret") != c.Secret() || q.Get("issuer") != c.Issuer || len(q) > 2 ||
			strings.Contains(u.RawQuery, "+") {
			t.Errorf("%s: %s (%v)", name, c.URI, err)
		}
		label := strings.TrimPrefix(u.Path, "/")
		issuer, account, split := strings.Cut(label, ":")
		if !split {
			issuer, account = "", label
		}
		if issuer != c.Issuer || account != c.Account || strings.Contains(account, ":") ||
			!strings.Contains(account, "@") {
			t.Errorf("%s: listed as %q of %q, want %q of %q", name, account, issuer, c.Account, c.Issuer)
		}
		for i, g := range c.Groups {
			if len(g) != 4 {
				t.Errorf("group %d is %q", i, g)
			}
		}
	}
	if c, _ := totp.Show(propose(t, subjects["plain"], "")); c.Issuer != "Vendor" ||
		c.Account != "maria@harbor.example (Harbor)" ||
		!strings.HasPrefix(c.URI, "otpauth://totp/Vendor:maria@harbor.example%20%28Harbor%29?secret=") {
		t.Errorf("%s", c.URI)
	}
}

// A name takes up to twelve bytes a letter, and a code of more than 57 modules on a side is
// too fine for a phone's page.
func TestNamesNeverMakeThePictureTooFine(t *testing.T) {
	const modules, quiet = 57, 4
	for name, who := range subjects {
		c, err := totp.Show(propose(t, who, ""))
		if err != nil {
			t.Fatal(err)
		}
		if n := len(matrix(t, c.SVG("QR"))); n > modules {
			t.Errorf("%s: %d modules on a side for %s", name, n, c.URI)
		}
	}
	for name, want := range map[string][2]string{
		"spaces":         {"Ortiz & Sons Ltd", "maria@harbor.example (Harbor Master + Co)"},
		"long, two sets": {strings.Repeat("v", 69), "m@x.example"},
		"Japanese":       {"株式会社カウン", "maria@harbor.example"},
		"Arabic":         {"شركة المينا", "maria@harbor.example"},
		"emoji":          {"⚓🚢⚓🚢⚓🚢", "maria@harbor.example"},
		"a brand":        {"Ortiz Portal", "m@x.example (Harbor)"},
		"the same brand": {"Harbor", "m@x.example"},
		"a long address": {"株式株式株", "m@" + strings.Repeat("harbor", 9) + "har"},
	} {
		c, _ := totp.Show(propose(t, subjects[name], ""))
		if c.Issuer != want[0] || c.Account != want[1] {
			t.Errorf("%s: %q of %q", name, c.Account, c.Issuer)
		}
	}
	marks := authenticator.Subject{Vendor: "x" + strings.Repeat("e\u0331", 60), Email: "m@x.example"}
	if c, _ := totp.Show(propose(t, marks, "")); !strings.HasSuffix(c.Issuer, "e\u0331") {
		t.Errorf("a letter lost its mark: %q", c.Issuer)
	}
}

// TestSEC017: the secret is ours, random and 160 bits long, whatever someone sends along.
func TestSEC017_TestATK097_NoOneChoosesASecret(t *testing.T) {
	seen := map[string]bool{}
	for _, wish := range []string{"", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"otpauth://totp/x?secret=AAAA&digits=1&period=86400", `{"Secret":"AAAA"}`} {
		for range 50 {
			c, err := totp.Show(propose(t, subjects["plain"], wish))
			if err != nil {
				t.Fatal(err)
			}
			key, err := base32.StdEncoding.DecodeString(c.Secret())
			if err != nil || len(key) != 20 || seen[c.Secret()] || strings.Contains(c.URI, "digits") ||
				strings.Contains(c.URI, "period") || strings.Contains(c.URI, "AAAAAAAA") {
				t.Fatalf("%s: %v", c.URI, err)
			}
			seen[c.Secret()] = true
		}
	}
}

// guard: html.EscapeString in SVG; the white ground
func TestTheDrawingIsSafeAndBright(t *testing.T) {
	c, err := totp.Show(propose(t, subjects["markup"], ""))
	if err != nil {
		t.Fatal(err)
	}
	svg := c.SVG(`</title><script>&"`)
	if strings.Contains(svg, "<script") || strings.Count(svg, "<path") != 1 || !strings.Contains(svg, `role="img"`) ||
		!strings.Contains(svg, `fill="#fff"`) || strings.Contains(svg, "style=") {
		t.Errorf("%.300s", svg)
	}
	var title string
	for d := xml.NewDecoder(strings.NewReader(svg)); ; {
		tok, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if s, ok := tok.(xml.StartElement); ok && s.Name.Local == "title" {
			if err := d.DecodeElement(&title, &s); err != nil {
				t.Fatal(err)
			}
		}
	}
	if title != `</title><script>&"` {
		t.Errorf("its name is %q", title)
	}
}

func TestACardIsNotPrinted(t *testing.T) {
	c, err := totp.Show(propose(t, subjects["plain"], ""))
	if err != nil {
		t.Fatal(err)
	}
	if s := fmt.Sprintf("%v %s %+v", c, c, []any{c}) + c.LogValue().String(); strings.Contains(s, c.Groups[0]) {
		t.Errorf("%s", s)
	}
}

func TestARubbishDraftIsAnError(t *testing.T) {
	short, _ := json.Marshal(map[string]any{"Secret": []byte("short")})
	for _, state := range [][]byte{nil, []byte("{"), []byte("{}"), short} {
		if _, err := totp.Show(authenticator.PendingEnrollment{State: state}); err == nil {
			t.Errorf("%q was shown", state)
		}
	}
	if regexp.MustCompile(`[A-Z2-7]{32}`).MatchString(
		fmt.Sprint(totp.Show(authenticator.PendingEnrollment{State: short}))) {
		t.Error("an error shows a secret")
	}
}
