package acceptance

import (
	"bytes"
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

// guard: secret.Text hides itself; codes are stored as MACs, messages sealed and erased
func TestATK160_CanaryScan(t *testing.T) {
	rig.EachFresh(t, rig.Options{}, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		app := w.Dashboard(t)
		p := w.Person(t)
		secrets := map[string]string{"password": u.Password, "smtp password": "canary-smtp-password-7f3a",
			"client secret": app.Secret}
		mail := p.ToCode(t, app, u)
		p.Code(wrongCode(mail.Code, 7))
		secrets["flow"] = lastPart(p.Cookie("flow"))
		left(t, p.CodeRemembered(mail.Code))
		tokens := p.Again(t, app)
		secrets["code"], secrets["link"], secrets["not me"] = mail.Code, lastPart(mail.Link), lastPart(mail.NotMe)
		secrets["session"], secrets["browser"] = lastPart(p.Cookie("session")), lastPart(p.Cookie("browser"))
		secrets["access token"], secrets["refresh token"] = lastPart(tokens.Raw.AccessToken),
			lastPart(tokens.Raw.RefreshToken)
		p.Get(mail.Link)
		p.Get(mail.NotMe)
		refused := w.Covered(t).User(t)
		w.Sink.Behave(refused.Email, rig.Behaviour{Refuse: true})
		q := w.Person(t)
		q.Visit(app.Visit())
		q.Password(refused.Email, refused.Password)
		rig.Within(t, 10*time.Second, "bounced", func() bool { return delivery(q) == "bounced" })
		places := map[string][]byte{"log": []byte(w.A.Log()), "rows": w.Dump(t)}
		for name, secret := range secrets {
			for where, text := range places {
				for _, form := range spellings(secret) {
					if len(secret) > 5 && contains(text, form, len(secret) < 10) {
						t.Errorf("the %s is in the %s", name, where)
					}
				}
			}
		}
	})
}

// spellings returns a secret as it might have been written.
func spellings(secret string) []string {
	return []string{secret, url.QueryEscape(secret), base64.StdEncoding.EncodeToString([]byte(secret)),
		hex.EncodeToString([]byte(secret))}
}

// contains looks for a secret; a short one must stand alone, or numbers would hold it by chance.
func contains(text []byte, secret string, alone bool) bool {
	for i := bytes.Index(text, []byte(secret)); i >= 0; {
		end := i + len(secret)
		if !alone || (i == 0 || !alphanumeric(text[i-1])) && (end == len(text) || !alphanumeric(text[end])) {
			return true
		}
		next := bytes.Index(text[end:], []byte(secret))
		if next < 0 {
			return false
		}
		i = end + next
	}
	return false
}

func alphanumeric(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b == '.' || b == '-' || b == '_'
}

// guard: slog quotes; audit.Record strips control characters
func TestATK161_LogInjection(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		p := w.Person(t)
		p.UserAgent = "Mozilla/5.0 \"}{\"level\":\"FAKE-LINE\" =cmd|' /C calc'!A0"
		marker := w.Unique("FAKE")
		if pg, err := p.Raw(p.Header("GET", "/signin", "Host: "+rig.Host,
			"User-Agent: \x1b[31mred\x1b[0m")); err == nil && pg.Status >= 500 {
			t.Errorf("an escape in a header: status %d", pg.Status)
		}
		for _, email := range []string{"x\r\n" + marker + " level=ERROR msg=forged@people.example.test",
			marker + "\u2028@x.test", u.Email} {
			p.Post(rig.PathPassword, form("email", email, "password", "wrong\r\n"+marker))
		}
		p.Get("/nothing%0d%0a" + marker)
		p.ToCode(t, w.Dashboard(t), u)
		for line := range strings.Lines(w.A.Log()) {
			if strings.HasPrefix(line, marker) || strings.Contains(line, "\x1b[31m") ||
				strings.HasPrefix(line, "{\"level\":\"FAKE-LINE\"") {
				t.Errorf("a forged line: %q", line)
			}
		}
		for _, browser := range w.Texts(t, `SELECT a.browser FROM audit_events a
			JOIN users u ON u.tenant_id = a.tenant_id AND u.id = a.user_id WHERE u.email = $1`, u.Email) {
			if strings.ContainsAny(browser, "\x1b\r\n") {
				t.Errorf("the audit holds %q", browser)
			}
		}
	})
}

// guard: audit chain and head seal
func TestATK162_AuditTamper(t *testing.T) {
	for name, statement := range map[string]string{
		"one row edited":   `UPDATE audit_events SET result = 'forged' WHERE tenant_id = $1 AND seq = 3`,
		"the tail dropped": `DELETE FROM audit_events WHERE tenant_id = $1 AND seq > 4`,
		"a row dropped":    `DELETE FROM audit_events WHERE tenant_id = $1 AND seq = 2`,
		"two rows swapped": `UPDATE audit_events SET action = CASE seq WHEN 2 THEN (SELECT b.action
			FROM audit_events b WHERE b.tenant_id = $1 AND b.seq = 5) ELSE action END
				WHERE tenant_id = $1 AND seq IN (2, 5)`,
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *rig.World) {
				company := w.NewTenant(t, "--mandate", "mandatory")
				p := w.Person(t)
				mail := p.ToCode(t, w.Dashboard(t), company.User(t))
				p.Code(wrongCode(mail.Code, 1))
				p.Code(mail.Code)
				signOut(p)
				rig.Within(t, 15*time.Second, "the chain is sealed", func() bool {
					return w.Number(t, `SELECT count(*) FROM audit_events
						WHERE tenant_id = $1 AND seq = 0`, company.ID) == 0
				})
				if out, err := w.TryCLI("", "audit", "verify", "--tenant", company.ID); err != nil {
					t.Fatalf("before: %v %s", err, out)
				}
				w.Tamper(t, statement, company.ID)
				if out, err := w.TryCLI("", "audit", "verify", "--tenant", company.ID); err == nil {
					t.Errorf("not noticed: %s", out)
				}
			})
		})
	}
}

// guard: web.fail writes one bland sentence
func TestATK164_ErrorDetail(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		p := w.Person(t)
		mail := p.ToCode(t, w.Dashboard(t), w.Covered(t).User(t))
		var pages []*rig.Page
		for _, path := range []string{
			"/authorize", "/authorize?client_id=%ff%fe", "/authorize?max_age=99999999999999999999", "/signin?to=%00",
			"/signin?to=" + strings.Repeat("A", 9000), "/l/%ff", "/not-me/..%2f..", "/assets/x/y",
			"/assets/../../etc/passwd", "/userinfo", "/logout?id_token_hint=%ff", "/authorize/resume?to=x",
			"/signin/delivery?x=%ff", "/%ff", "/?lang=%00",
		} {
			pages = append(pages, p.Send(p.Request(http.MethodGet, path, nil)))
		}
		for _, body := range []url.Values{form("code", "\xff\xfe"), form("code", "123456\x00"),
			form("remember", strings.Repeat("9", 400), "code", mail.Code[:5])} {
			pages = append(pages, p.Post(rig.PathCode, body), p.Post(rig.PathPassword, body), p.Post("/token", body),
				p.Post("/setup", body), p.Post("/language", body), p.Post("/signin/new-password", body))
		}
		for _, pg := range pages {
			bland(t, pg)
		}
	})
}

// bland fails on an answer that tells of our insides.
func bland(t *testing.T, pg *rig.Page) {
	t.Helper()
	if pg.Status >= 500 {
		t.Errorf("%s: status %d", pg.URL.Path, pg.Status)
	}
	for _, detail := range []string{"goroutine", "panic", ".go:", "SELECT ", "sqlite", "pgx", "postgres", "SQLSTATE",
		"internal/", "/home/", "/root/", "go1.", "stack"} {
		if strings.Contains(pg.Body, detail) {
			t.Errorf("%s says %q", pg.URL.Path, detail)
		}
	}
	if pg.Status >= 400 && pg.Header.Get("X-Request-Id") == "" {
		t.Errorf("%s (%d): no number to ask for", pg.URL.Path, pg.Status)
	}
}

// guard: web.chain sets the headers of every answer
func TestATK165_Headers(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		p := w.Person(t)
		mail := p.ToCode(t, w.Dashboard(t), w.Covered(t).User(t))
		paths := []string{"/signin", rig.PathCode, mail.Link, mail.NotMe, "/why", "/nothing", "/signin/delivery",
			"/logout", "/.well-known/openid-configuration", "/jwks", "/userinfo", "/healthz"}
		for _, path := range paths {
			h := p.Send(p.Request(http.MethodGet, path, nil)).Header
			for name, want := range map[string]string{"X-Content-Type-Options": "nosniff",
				"Referrer-Policy": "same-origin", "Strict-Transport-Security": "includeSubDomains"} {
				if !strings.Contains(h.Get(name), want) {
					t.Errorf("%.30s: %s is %q", path, name, h.Get(name))
				}
			}
			if h.Get("Server") != "" || h.Get("X-Powered-By") != "" {
				t.Errorf("%.30s names its software", path)
			}
		}
		for _, path := range paths[:7] {
			h := p.Get(path).Header
			csp := h.Get("Content-Security-Policy")
			for _, part := range []string{"default-src 'none'", "script-src 'self'", "object-src 'none'",
				"base-uri 'none'", "frame-ancestors 'none'"} {
				if !strings.Contains(csp, part) {
					t.Errorf("%.30s: the policy lacks %s: %s", path, part, csp)
				}
			}
			// A form that ends an app's sign-in begins a chain of redirects that only the app knows.
			leads := path == rig.PathCode || path == mail.Link
			if strings.Contains(csp, "form-action 'self'") == leads {
				t.Errorf("%.30s: form-action: %s", path, csp)
			}
			// Pages of an app's sign-in may be in a popup, which must keep its opener.
			popup := strings.HasPrefix(path, "/signin") || path == "/why"
			if opener := h.Get("Cross-Origin-Opener-Policy"); strings.Contains(csp, "unsafe") ||
				popup && opener != "" ||
				!popup && opener != "same-origin" {
				t.Errorf("%.30s: %s; opener %q", path, csp, opener)
			}
		}
		cookies(t, w, p, mail)
	})
}

// cookies looks at every cookie of a sign-in.
func cookies(t *testing.T, w *rig.World, p *rig.Person, mail rig.Mail) {
	t.Helper()
	pg := p.Send(p.Request(http.MethodPost, rig.PathCode, form("code", mail.Code, "remember", "on")))
	set := pg.Header.Values("Set-Cookie")
	if len(set) < 2 {
		t.Fatalf("cookies: %d", len(set))
	}
	for _, c := range set {
		for _, part := range []string{"__Host-", "Secure", "HttpOnly", "Path=/", "SameSite=Lax"} {
			if !strings.Contains(c, part) {
				t.Errorf("a cookie without %s: %.20s", part, c)
			}
		}
		if strings.Contains(c, "Domain=") || strings.Contains(c, "@") {
			t.Errorf("a cookie with a domain or personal data: %.20s", c)
		}
	}
}

// guard: no Access-Control header anywhere
func TestATK166_CORS(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		p := w.Person(t)
		for _, origin := range []string{"https://evil.test", "null", "https://sub." + rig.Host,
			rig.PublicURL + ".evil.test", "https://evil" + rig.Host} {
			for _, path := range []string{"/", "/signin", "/token", "/userinfo", "/signin/delivery"} {
				for _, method := range []string{http.MethodGet, http.MethodOptions, http.MethodPost} {
					req := p.Request(method, path, nil)
					req.Header.Set("Origin", origin)
					req.Header.Set("Access-Control-Request-Method", "POST")
					if pg := p.Send(req); pg.Header.Get("Access-Control-Allow-Origin") != "" {
						t.Errorf("%s %s from %s: %s", method, path, origin,
							pg.Header.Get("Access-Control-Allow-Origin"))
					}
				}
			}
			// public, and without credentials
			for _, path := range []string{"/jwks", "/.well-known/openid-configuration"} {
				req := p.Request(http.MethodGet, path, nil)
				req.Header.Set("Origin", origin)
				if pg := p.Send(req); pg.Header.Get("Access-Control-Allow-Origin") != "*" ||
					pg.Header.Get("Access-Control-Allow-Credentials") != "" {
					t.Errorf("%s from %s: %v", path, origin, pg.Header)
				}
			}
			req := p.Request(http.MethodPost, rig.PathPassword, form("email", "x@y.test", "password", "x"))
			req.Header.Del("Sec-Fetch-Site")
			req.Header.Set("Origin", origin)
			if pg := p.Send(req); pg.Status != 403 {
				t.Errorf("a form from %s: status %d", origin, pg.Status)
			}
		}
		bare := p.Request(http.MethodPost, rig.PathPassword, form("email", "x@y.test", "password", "x"))
		bare.Header.Del("Sec-Fetch-Site")
		bare.Header.Del("Origin")
		if pg := p.Send(bare); pg.Status != 403 {
			t.Errorf("a form without any proof: status %d", pg.Status)
		}
	})
}

// guard: html/template
func TestATK167_XSS(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		p := w.Person(t)
		probe := `"><script>alert('x55')</script><img src=x onerror=alert(1)>`
		q := url.QueryEscape(probe)
		app := w.Dashboard(t)
		var pages []*rig.Page
		for _, path := range []string{
			"/signin?to=" + q, "/nothing" + url.PathEscape(probe), "/l/" + url.PathEscape(probe),
			"/not-me/" + url.PathEscape(probe), "/authorize?client_id=" + q, app.Visit("login_hint", probe).URL,
			app.Visit("redirect_uri", probe).URL, app.Visit("state", probe, "response_type", probe).URL,
			"/logout?state=" + q + "&id_token_hint=" + q, "/why?back=" + q,
			app.Visit("response_mode", "form_post", "prompt", "none", "state", probe).URL,
		} {
			pages = append(pages, p.Get(path))
		}
		pages = append(pages, p.Post(rig.PathPassword, form("email", probe, "password", probe)),
			p.Post(rig.PathCode, form("code", probe)),
			p.Post("/setup", form("token", probe, "company", probe, "name", probe, "email", probe, "password", probe)))
		for _, pg := range pages {
			if strings.Contains(pg.Body, "<script>alert") || strings.Contains(pg.Body, "<img src=x") {
				t.Errorf("%.40s: the probe is alive", pg.URL.Path)
			}
			if pg.Status >= 500 {
				t.Errorf("%.40s: status %d", pg.URL.Path, pg.Status)
			}
		}
	})
}

// guard: Cache-Control no-store on every page
func TestATK168_Cache(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		p := w.Person(t)
		u := w.Covered(t).User(t)
		mail := p.ToCode(t, w.Dashboard(t), u)
		check := func(pg *rig.Page) {
			if cc := pg.Header.Get("Cache-Control"); !strings.Contains(cc, "no-store") {
				t.Errorf("%.30s (%d): Cache-Control %q", pg.URL.Path, pg.Status, cc)
			}
		}
		for _, path := range []string{"/", "/signin", rig.PathCode, mail.Link, mail.NotMe, "/why", "/signin/delivery",
			"/nothing", "/logout", w.Dashboard(t).Visit().URL} {
			check(p.Send(p.Request(http.MethodGet, path, nil)))
		}
		check(p.Send(p.Request(http.MethodPost, rig.PathCode, form("code", mail.Code))))
		check(p.Send(p.Request(http.MethodGet, "/", nil)))
		for _, asset := range p.Get("/signin").Sources() {
			if cc := p.Get(asset).Header.Get("Cache-Control"); strings.HasPrefix(asset, "/assets/") &&
				!strings.Contains(cc, "immutable") {
				t.Errorf("%s: Cache-Control %q", asset, cc)
			}
		}
	})
}

// guard: parameters are bound, never joined
func TestATK171_InjectionSweep(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		for _, poison := range []string{"' OR '1'='1", "'; DROP TABLE users; --", `" OR ""="`, "{{7*7}}", "${7*7}",
			"%' AND 1=CAST(version() AS int)--", "admin'/*", `{"$gt":""}`, "1); SELECT pg_sleep(300)--", "%s%s%n"} {
			p := w.Person(t)
			for _, f := range []url.Values{form("email", poison, "password", "x"),
				form("email", u.Email+poison, "password", poison),
				form("to", poison, "email", u.Email, "password", poison)} {
				if pg := p.Post(rig.PathPassword, f); pg.Status >= 500 || gotSession(pg) || pg.Says("49 ") &&
					strings.Contains(poison, "7*7") {
					t.Errorf("%q: status %d", poison, pg.Status)
				}
			}
			q := url.QueryEscape(poison)
			for _, path := range []string{"/l/a." + url.PathEscape(poison) + ".b", "/authorize?client_id=" + q,
				"/authorize/resume?to=" + q, "/not-me/" + url.PathEscape(poison)} {
				if pg := p.Get(path); pg.Status >= 500 {
					t.Errorf("%s: status %d", path, pg.Status)
				}
			}
			w.Dashboard(t).Token(t, poison, poison, form("grant_type", "authorization_code", "code", poison))
			p.SetCookie("session", url.QueryEscape(poison))
			if pg := p.Get("/"); pg.Status >= 500 {
				t.Errorf("cookie %q: status %d", poison, pg.Status)
			}
		}
		if w.Number(t, `SELECT count(*) FROM users`) == 0 {
			t.Error("the table is gone")
		}
	})
}

// guard: hooks live behind the build tag "rig"
func TestATK174_DebugAndTestDoors(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		p := w.Person(t)
		for _, path := range []string{"/debug/pprof/", "/debug/vars", "/metrics", "/healthz/details", "/test/clock",
			"/clock", "/mail", "/inbox", "/outbox", "/storybook", "/.git/config", "/config", "/demo",
			"/server-status", "/.env"} {
			if pg := p.Get(path); pg.Status != 404 {
				t.Errorf("%s: status %d", path, pg.Status)
			}
		}
		if health := p.Get("/healthz"); health.Status != 200 || len(health.Body) > 10 {
			t.Errorf("health says more than ok: %s", rig.Quietly(health.Body))
		}
	})
	binary, err := os.ReadFile(rig.Binary(t, rig.Release))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"COUNTERSIGN_RIG_CLOCK", "RIG_CLOCK", "net/http/pprof", "rigClock"} {
		if bytes.Contains(binary, []byte(name)) {
			t.Errorf("the release binary holds %s", name)
		}
	}
	rigged, err := os.ReadFile(rig.Binary(t, rig.Rigged))
	if err != nil || !bytes.Contains(rigged, []byte("COUNTERSIGN_RIG_CLOCK")) {
		t.Errorf("the scan would not find a hook: %v", err)
	}
}

// guard: -trimpath, pinned modules. The vulnerability database is asked at release time.
func TestATK175_Build(t *testing.T) {
	first := rig.Binary(t, rig.Release)
	info, err := buildinfo.ReadFile(first)
	if err != nil {
		t.Fatal(err)
	}
	for _, dep := range info.Deps {
		if dep.Replace != nil || dep.Sum == "" {
			t.Errorf("%s is not pinned", dep.Path)
		}
	}
	var built [2][]byte
	for i, name := range []string{"once", "again"} {
		path := filepath.Join(rig.Folder(t), name)
		cmd := exec.Command("go", "build", "-trimpath", "-o", path, "countersign/cmd/countersign")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v %s", err, out)
		}
		if built[i], err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(built[0], built[1]) {
		t.Error("two builds differ")
	}
	a := built[0]
	if bytes.Contains(a, []byte(os.Getenv("HOME")+"/go/pkg")) {
		t.Error("the binary names the builder's folders")
	}
}
