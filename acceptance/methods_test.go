package acceptance

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

// gadget is an authenticator app: it knows a secret and the time, and shares no line with
// the program (RFC 6238).
type gadget struct {
	secret []byte
	w      *rig.World
	last   int64
}

func (g *gadget) at(step int64) string {
	var c [8]byte
	binary.BigEndian.PutUint64(c[:], uint64(step))
	mac := hmac.New(sha1.New, g.secret)
	mac.Write(c[:])
	sum := mac.Sum(nil)
	i := sum[19] & 15
	return fmt.Sprintf("%06d", (binary.BigEndian.Uint32(sum[i:i+4])&0x7fffffff)%1_000_000)
}

// code is what the app shows, after the code that it showed last; it waits for that by the
// world's clock.
func (g *gadget) code(t *testing.T) string {
	t.Helper()
	if step := g.w.Now().Unix() / 30; step <= g.last {
		g.w.Advance(t, time.Duration(g.last+1-step)*30*time.Second)
	}
	g.last = g.w.Now().Unix() / 30
	return g.at(g.last)
}

// wrong is a code that the app does not show around now.
func (g *gadget) wrong() string {
	now := g.w.Now().Unix() / 30
	for n := 0; ; n++ {
		code, near := rig.Digits(n, 6), false
		for step := now - 12; step <= now+12; step++ {
			near = near || g.at(step) == code
		}
		if !near {
			return code
		}
	}
}

var otpauthLink = regexp.MustCompile(`otpauth://totp/[^"<\s]+`)

// scan reads the secret that a set-up page shows to be typed.
func scan(t *testing.T, w *rig.World, pg *rig.Page) *gadget {
	t.Helper()
	link := otpauthLink.FindString(strings.ReplaceAll(pg.Body, "&amp;", "&"))
	u, err := url.Parse(link)
	if err != nil || link == "" {
		t.Fatalf("no address for an app on the page (status %d): %v %s", pg.Status, err, rig.Quietly(pg.Text()))
	}
	typed := regexp.MustCompile(`<output id="secret">([A-Z2-7 ]+)</output>`).FindStringSubmatch(pg.Body)
	if typed == nil || strings.ReplaceAll(typed[1], " ", "") != u.Query().Get("secret") {
		t.Fatal("the secret to type is not the one of the address")
	}
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(u.Query().Get("secret"))
	if err != nil || len(secret) != 20 {
		t.Fatalf("a secret of %d bytes: %v", len(secret), err)
	}
	return &gadget{secret: secret, w: w}
}

// The places where methods are set up.
const (
	inFlow    = "/signin/set-up"
	inProfile = "/profile/add"
)

// addApp sets an authenticator app up in one of the places, and returns it.
func addApp(t *testing.T, w *rig.World, p *rig.Person, base, name string) *gadget {
	t.Helper()
	g := scan(t, w, p.Post(base+"/totp", url.Values{}))
	p.Submit(base+"/totp/confirm", "code", g.code(t), "name", name)
	return g
}

var sheetLine = regexp.MustCompile(`<li>(\d+-[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{5})</li>`)

// addCodes sets backup codes up in one of the places, and returns them.
func addCodes(t *testing.T, p *rig.Person, base string) (codes []string) {
	t.Helper()
	pg := p.Post(base+"/backup", url.Values{})
	for _, m := range sheetLine.FindAllStringSubmatch(pg.Body, -1) {
		codes = append(codes, m[1])
	}
	if len(codes) != 10 {
		t.Fatalf("%d codes on the sheet (status %d): %s", len(codes), pg.Status, rig.Quietly(pg.Text()))
	}
	p.Submit(base+"/backup/confirm", "code", codes[6])
	return codes
}

// enter opens the profile of someone, from the password on.
func enter(t *testing.T, p *rig.Person, u *rig.User, path string) *rig.Page {
	t.Helper()
	p.Get(path)
	pg := p.Password(u.Email, u.Password)
	if _, more := pg.Form(rig.PathStepUp); more {
		return p.StepUp()
	}
	return pg
}

// mailed answers the code page with the newest mail.
func mailed(t *testing.T, w *rig.World, p *rig.Person, u *rig.User, n int) *rig.Page {
	t.Helper()
	atCode(t, p.Page)
	return p.Code(w.Sink.Code(t, u.Email, n).Code)
}

// equipped is someone with an authenticator app and backup codes, signed in to their
// profile.
func equipped(t *testing.T, w *rig.World, c *rig.Tenant, name string) (*rig.Person, *rig.User, *gadget, []string) {
	t.Helper()
	u := c.User(t)
	p := w.Person(t)
	enter(t, p, u, inProfile)
	mailed(t, w, p, u, 1).Expect(t, 200, "Choose a sign-in method")
	g := addApp(t, w, p, inProfile, name)
	codes := addCodes(t, p, inProfile)
	p.Page.Expect(t, 200, "You are protected", "10 codes")
	return p, u, g, codes
}

// freshFor is longer than a proof is fresh enough for a sensitive change.
const freshFor = 301 * time.Second

// wait is long enough for a mail to leave.
const wait = 10 * time.Second

// mailsOf is what was written to someone.
func mailsOf(w *rig.World, u *rig.User) string {
	var all strings.Builder
	for _, m := range w.Sink.Mails(u.Email) {
		all.WriteString(m.Subject + "\n" + m.Text + "\n")
	}
	return all.String()
}
