package acceptance

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"countersign/acceptance/rig"
)

// guard: GET /l/{token} only reads
func TestATK059_PlainScanner(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		p := w.Person(t)
		mail := p.ToCode(t, w.Dashboard(t), u)
		scanner := w.Person(t)
		scanner.UserAgent = "MailScanner/5.1 (+https://scanner.example.test)"
		for i := range 18 {
			req := scanner.Request([]string{"HEAD", "GET", "OPTIONS"}[i%3], mail.Link, nil)
			if pg := scanner.Send(req); pg.Status >= 500 || gotSession(pg) {
				t.Errorf("%s: status %d", req.Method, pg.Status)
			}
			scanner.Send(scanner.Request("GET", mail.NotMe, nil))
		}
		denied(t, w, u, "scanner")
		p.Get(mail.Link).Expect(t, 200)
		left(t, p.PressLink(mail.Link))
	})
}

// guard: PressLink compares the flow cookie
func TestATK061_OtherBrowser(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		x, y := w.Person(t), w.Person(t)
		mail := x.ToCode(t, w.Dashboard(t), u)
		y.Get(mail.Link).Expect(t, 200, mail.Code)
		if pg := y.Post(mail.Link, form("remember", "on")); gotSession(pg) || y.Cookie("browser") != "" {
			t.Error("the other browser got something")
		}
		denied(t, w, u, "other browser")
		atCode(t, x.Get(rig.PathCode))
		left(t, x.Code(mail.Code))
	})
}

// guard: as ATK-061; the page tells the truth
func TestATK062_PhishingRelay(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		attacker, victim := w.Person(t), w.Person(t)
		mail := attacker.ToCode(t, w.Dashboard(t), u)
		victim.Get(mail.Link)
		if !strings.Contains(victim.Page.Body, mail.NotMe) {
			t.Errorf("the page does not offer \"this wasn't me\": %s", rig.Quietly(victim.Page.Text()))
		}
		for _, f := range victim.Page.Forms() {
			if !strings.HasPrefix(f.Action, "/language") {
				victim.Post(f.Action, f.Values) // she presses whatever there is
			}
		}
		victim.Post(mail.Link, url.Values{})
		if attacker.SignedIn() || attacker.Get(rig.PathCode).Left != nil {
			t.Error("the attacker's browser was let in")
		}
		denied(t, w, u, "relay")
		if !strings.Contains(mail.Text, "correct password was just entered") {
			t.Errorf("the mail does not tell that the password was used: %s", rig.Quietly(mail.Text))
		}
	})
}

// guard: the link's page names the account; __Host- cookies cannot be planted
func TestATK063_LoginCSRF(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		mallory := w.Covered(t).User(t)
		attacker, victim := w.Person(t), w.Person(t)
		mail := attacker.ToCode(t, w.Dashboard(t), mallory)
		for _, c := range attackerSetCookies(attacker) {
			if !strings.HasPrefix(c, "__Host-") || !strings.Contains(c, "Secure") || !strings.Contains(c, "Path=/") ||
				strings.Contains(c, "Domain") {
				t.Errorf("a sibling domain could plant: %s", c[:min(len(c), 30)])
			}
		}
		victim.SetCookie("flow", attacker.Cookie("flow")) // suppose it could be planted all the same
		victim.Get(mail.Link)
		masked := mallory.Email[:1]
		if !strings.Contains(victim.Page.Text(), masked) || victim.Page.Left != nil || gotSession(victim.Page) {
			t.Errorf("the page does not name the account: %s", rig.Quietly(victim.Page.Text()))
		}
		cross := victim.Request(http.MethodPost, mail.Link, url.Values{})
		cross.Header.Set("Sec-Fetch-Site", "cross-site")
		cross.Header.Set("Origin", "https://evil.test")
		if pg := victim.Send(cross); pg.Status != 403 || gotSession(pg) {
			t.Errorf("another site's form: status %d", pg.Status)
		}
		login := victim.Request(http.MethodPost, rig.PathPassword,
			form("email", mallory.Email, "password", mallory.Password))
		login.Header.Set("Sec-Fetch-Site", "same-site")
		if pg := victim.Send(login); pg.Status != 403 {
			t.Errorf("a sibling's form: status %d", pg.Status)
		}
	})
}

// attackerSetCookies starts a sign-in and returns the cookies as they were set.
func attackerSetCookies(p *rig.Person) []string {
	req := p.Request(http.MethodGet, rig.PathCode, nil)
	return p.Send(req).Header.Values("Set-Cookie")
}

// guard: links are built from public_url
func TestATK065_HostPoisoning(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		lines := [][]string{
			{"Host: evil.test"}, {"Host: " + rig.Host, "X-Forwarded-Host: evil.test"},
			{"Host: " + rig.Host, "Forwarded: host=evil.test;proto=http"},
			{"Host: " + rig.Host, "X-Forwarded-Proto: http"}, {"Host: " + rig.Host, "X-Original-Host: evil.test"},
			{"Host: " + rig.Host + ":4444"},
			{"Host: " + rig.Host, "Host: evil.test"}, {"Host: " + rig.Host, "X-Rewrite-URL: https://evil.test/"},
		}
		body := form("email", u.Email, "password", u.Password).Encode()
		for i, headers := range lines {
			p := w.Person(t)
			headers = append(headers, "Sec-Fetch-Site: same-origin", "Content-Type: application/x-www-form-urlencoded",
				"Content-Length: "+rig.Digits(len(body), 1))
			target := rig.PathPassword
			if i == 0 {
				target = "https://evil.test" + target // an absolute request line
			}
			pg, err := p.Raw(p.Header("POST", target, headers...) + body)
			if err == nil && strings.Contains(pg.Header.Get("Location"), "evil") {
				t.Errorf("%v: location %s", headers[0], pg.Header.Get("Location"))
			}
		}
		w.Person(t).ToCode(t, w.Dashboard(t), u)
		for _, m := range w.Sink.Mails(u.Email) {
			for _, link := range m.Links() {
				if !strings.HasPrefix(link, rig.PublicURL+"/") {
					t.Errorf("a link leads to %s", link)
				}
			}
		}
	})
}

var evilTargets = []string{
	"//evil.test", `/\evil.test`, "https:evil.test", "%2f%2fevil.test", "https://good@evil.test", "javascript:alert(1)",
	"data:text/html,x",
	"/\tevil.test", "/\n/evil.test", "／／evil.test", "https://" + rig.Host + ".evil.test/", "///evil.test",
	"https://evil.test/", `\\evil.test`,
}

// guard: web.ownPath and the sealed authorization request
func TestATK066_OpenRedirect(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Open(t).User(t)
		for _, target := range evilTargets {
			p := w.Person(t)
			q := url.QueryEscape(target)
			for _, path := range []string{"/signin?to=" + q, "/signin?next=" + q, "/authorize/resume?to=" + q,
				"/logout?post_logout_redirect_uri=" + q, "/why?back=" + q, "/l/x?next=" + q} {
				pg := p.Send(p.Request(http.MethodGet, path, nil))
				noWayOut(t, path, pg)
			}
			pg := p.Send(p.Request(http.MethodPost, "/language", form("lang", "es", "back", target)))
			noWayOut(t, "/language back="+target, pg)
		}
		for _, target := range evilTargets[:4] {
			p := w.Person(t)
			pg := p.Send(p.Request(http.MethodPost, rig.PathPassword,
				form("to", target, "email", u.Email, "password", u.Password)))
			noWayOut(t, "to="+target, pg)
		}
	})
}

func noWayOut(t *testing.T, what string, pg *rig.Page) {
	t.Helper()
	if pg.Status >= 500 {
		t.Errorf("%s: status %d", what, pg.Status)
	}
	to := pg.Header.Get("Location")
	if to == "" {
		return
	}
	u, err := pg.URL.Parse(to)
	if err != nil || u.Host != rig.Host || u.Scheme != "https" || strings.HasPrefix(to, `/\`) ||
		strings.HasPrefix(to, "//") {
		t.Errorf("%s leads to %q", what, to)
	}
}

// guard: activeFlow.endReason: security version, user and tenant state, closed flow
func TestATK067_DeadLinkStates(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		states := map[string]func(*rig.Tenant, *rig.User, *rig.Person){
			"password changed": func(_ *rig.Tenant, u *rig.User, _ *rig.Person) { u.NewPassword(t) },
			"user disabled":    func(_ *rig.Tenant, u *rig.User, _ *rig.Person) { u.Set(t, "--disable") },
			"company suspended": func(c *rig.Tenant, _ *rig.User,
				_ *rig.Person) {
				w.CLI(t, "tenant", "set", c.ID, "--suspend")
			},
			"sign-in cancelled": func(_ *rig.Tenant, _ *rig.User,
				p *rig.Person) {
				p.Post(rig.PathCancel, url.Values{})
			},
		}
		for name, change := range states {
			company := w.NewTenant(t, "--mandate", "mandatory")
			u := company.User(t)
			p := w.Person(t)
			mail := p.ToCode(t, w.Dashboard(t), u)
			flow := p.Cookie("flow")
			change(company, u, p)
			p.SetCookie("flow", flow)
			for _, byLink := range []bool{true, false} {
				if pg := answer(p, mail, byLink); gotSession(pg) || pg.Left != nil || pg.Status >= 500 {
					t.Errorf("%s, link %v: status %d", name, byLink, pg.Status)
				}
			}
			if pg := w.Person(t).Get(mail.Link); pg.Says(mail.Code) {
				t.Errorf("%s: the link still shows the code", name)
			}
			denied(t, w, u, name)
		}
	})
}

// guard: secret.ParseReference; links are found by hash; link.source
func TestATK068_TokenMutation(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u, v := w.Covered(t).User(t), w.Covered(t).User(t)
		p := w.Person(t)
		mail := p.ToCode(t, w.Dashboard(t), u)
		other := w.Person(t).ToCode(t, w.Dashboard(t), v)
		link, prefix := mail.Link, mail.Link[:len(mail.Link)-len(lastPart(mail.Link))]
		mutants := []string{
			link[:len(link)-1], link + "A", link + "%00", link + "=", strings.ToUpper(link), oneBit(link),
			prefix + lastPart(other.Link),
			link + "/", "/l/", "/l/..", "/l/" + base64.StdEncoding.EncodeToString([]byte(link)),
			"/l/" + strings.Repeat("A", 5000), "/l/%ff%fe", "/l/a.b.c",
		}
		var shape string
		for _, m := range mutants {
			pg := p.Open(p.Request(http.MethodGet, m, nil))
			press := p.Send(p.Request(http.MethodPost, m, url.Values{}))
			if gotSession(press) || pg.Says(mail.Code) || pg.Says(other.Code) || pg.Status >= 500 || pg.Status == 200 &&
				pg.Says("Finish signing in") {
				t.Errorf("%.60s: status %d: %s", m, pg.Status, rig.Quietly(pg.Text()))
			}
			ours := strings.HasPrefix(pg.URL.Path, "/l")
			if ours && pg.Status == 200 || pg.Status == 404 && pg.Says("This link does not work") {
				if shape == "" {
					shape = pg.Text()
				} else if pg.Text() != shape {
					t.Errorf("%.60s answers otherwise: %s", m, rig.Quietly(pg.Text()))
				}
			}
		}
		denied(t, w, u, "mutated links")
		flood(t, w, prefix)
		left(t, p.Code(mail.Code))
	})
}

// oneBit changes one bit of the token.
func oneBit(link string) string {
	b := []byte(link)
	if b[len(b)-3]++; b[len(b)-3] == '{' || b[len(b)-3] == '[' || b[len(b)-3] == ':' {
		b[len(b)-3] = 'A'
	}
	return string(b)
}

// flood presses random links from one source until it is slowed down. (Only looking is
// not counted: it writes nothing, and a token has 256 bits.)
func flood(t *testing.T, w *rig.World, prefix string) {
	t.Helper()
	p := w.Person(t)
	for i := range 120 {
		token := base64.RawURLEncoding.EncodeToString([]byte(rig.Digits(i, 32)))
		if pg := p.Send(p.Request(http.MethodPost, prefix+token, url.Values{})); pg.Status == 429 {
			return
		} else if pg.Status >= 500 {
			t.Fatalf("status %d", pg.Status)
		}
	}
	t.Error("a source may try links without end")
}
