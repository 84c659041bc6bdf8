package walk

import (
	"encoding/base64"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"countersign/acceptance/rig"
	"countersign/internal/config"
	"countersign/internal/web"
)

// odd are values that some layer may not expect: what PostgreSQL refuses in a text, what is not
// UTF-8 or no character, numbers that fit nowhere, and more than anything should hold.
var odd = map[string]string{
	"NUL":             "a\x00b",
	"0xFF":            "a\xffb",
	"lone surrogate":  "a\xed\xa0\x80b",
	"overlong NUL":    "a\xc0\x80b",
	"overlong slash":  "a\xc0\xafb",
	"cut short":       "a\xe2\x82",
	"beyond Unicode":  "a\xf4\x90\x80\x80b",
	"no character":    "a\ufffe\uffffb",
	"supplementary":   "a\U0001f511\U0010ffffb",
	"directions":      "\u202ea\u2066\u200b\u2028b",
	"controls":        "a\r\n\x1b[2J\x7fb",
	"quotes":          `a'"\;--<>&{{.}}%s%00\u0000`,
	"a large number":  "99999999999999999999999999",
	"a lesser number": "-9223372036854775808",
	"JSON with NUL":   `{"id":"a\u0000","rawId":"AA\u0000","endpoint":"https://a\u0000.example","keys":{"p256dh":"\u0000","auth":"\ud800"},"type":"public-key","response":{"clientDataJSON":"\u0000","userHandle":"\u0000"}}`,
	"deep JSON":       strings.Repeat(`{"a":[`, 5000),
	"very long":       strings.Repeat("é", 15_000),
}

// alone are those that are tried in each field by itself; a form with many odd fields may be
// refused for the first of them.
var alone = []string{"NUL", "0xFF", "no character", "quotes", "a lesser number", "JSON with NUL"}

var (
	fieldInPage    = regexp.MustCompile(`<(?:input|select|textarea|button)[^>]* name="([a-z_]+)"`)
	fieldInHandler = regexp.MustCompile(`(?:Form|Query\(\)|form|values|q|v)\.(?:Get|Has)\("([a-z_]+)"\)`)
)

// interfaces are the folders that answer, by what their addresses begin with; "" is for every address.
var interfaces = map[string][]string{
	"":         {"portal", "pages", "web", "app"},
	"/company": {"console"},
	"/desk":    {"desk"},
	"/profile": {"account", "enrollpages"},
	"/signin":  {"enrollpages"},
	"/receive": {"enrollpages", "account"},
	"/hooks":   {"oidc"},
}

// pagesOfApps are the addresses that apps and their browsers ask for.
var pagesOfApps = []string{"/authorize", "/token", "/userinfo", "/logout", "/jwks", "/.well-known"}

func forApps(one web.Route) bool {
	return slices.ContainsFunc(pagesOfApps, func(p string) bool { return strings.HasPrefix(one.Pattern, p) })
}

// fields are the names of all that the forms and addresses of a route may hold, as its pages and handlers name them.
func fields(t *testing.T, one web.Route, named map[string][]string) []string {
	t.Helper()
	found := map[string]bool{}
	for prefix, folders := range interfaces {
		if !strings.HasPrefix(one.Pattern, prefix) {
			continue
		}
		for _, folder := range folders {
			for _, name := range named[folder] {
				found[name] = true
			}
		}
	}
	if forApps(one) {
		for _, name := range named["oidc"] {
			found[name] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// named are the names of fields, by the folder whose pages or handlers name them.
func named(t *testing.T) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for _, folder := range []string{
		"portal", "account", "enrollpages", "oidc", "console", "desk", "web", "pages", "app",
	} {
		found := map[string]bool{}
		root := filepath.Join("..", "..", "internal", folder)
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			text, err := os.ReadFile(path)
			for _, pattern := range []*regexp.Regexp{fieldInPage, fieldInHandler} {
				for _, m := range pattern.FindAllStringSubmatch(string(text), -1) {
					found[m[1]] = true
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(found) == 0 && folder != "app" && folder != "web" {
			t.Fatalf("no field is named in %s: the search is broken", folder)
		}
		delete(found, "done")
		out[folder] = slices.Sorted(maps.Keys(found))
	}
	return out
}

// TestEveryFieldIsFound: what is not found is not tried.
func TestEveryFieldIsFound(t *testing.T) {
	byFolder := named(t)
	for pattern, some := range map[string][]string{
		"/signin/password":             {"to", "email", "password", "assertion"},
		"/company/activity":            {"user", "before", "kind"},
		"/company/users/{id}/role":     {"role"},
		"/desk/companies/new":          {"name"},
		"/token":                       {"client_id", "code_verifier"},
		"/profile/add/{kind}":          {"country", "subscription"},
		"/signin/set-up/{kind}":        {"country"},
		"/company/security/enable/who": {"lang"},
	} {
		got := fields(t, web.Route{Pattern: pattern}, byFolder)
		for _, name := range some {
			if !slices.Contains(got, name) {
				t.Errorf("%s: %s is not found among %v", pattern, name, got)
			}
		}
	}
}

// prober sends odd requests as someone who is signed in and has a sign-in under way as well.
type prober struct {
	*rig.Armed
	t    *testing.T
	user *rig.User
	p    *rig.Person
	n    int
	turn int
	odds map[int]int // statuses
}

// ready signs in anew where a request has ended the session.
func (b *prober) ready() {
	b.t.Helper()
	if b.p != nil && b.p.SignedIn() {
		return
	}
	c := b.Covered(b.t)
	b.user = c.Crowd(b.t, 1)[0]
	b.p = b.Person(b.t)
	b.p.ToCode(b.t, b.Dashboard(b.t), b.user) // leaves a sign-in, with its cookie
	under := b.p.Cookie("flow")
	b.p.SignIn(b.t, b.Dashboard(b.t), b.user)
	b.p.SetCookie("flow", under)
}

func (b *prober) saw(what, with string, pg *rig.Page, err error) {
	b.t.Helper()
	b.n++
	if err != nil {
		return // the connection was closed, as net/http does with what is no request
	}
	b.odds[pg.Status]++
	if pg.Status >= 500 {
		b.t.Errorf("%s with %s: status %d", what, with, pg.Status)
	}
}

// send sends an encoded form: some are of several megabytes, and the same for every route.
func (b *prober) send(one web.Route, form, path, with string) {
	target := fill(strings.ReplaceAll(one.Pattern, "{kind}", kindOf(b.n)), path)
	if one.Method != http.MethodPost {
		pg, err := b.p.Try(b.p.Request(one.Method, target+"?"+form, nil))
		b.saw(one.Method+" "+one.Pattern, with, pg, err)
		return
	}
	r := b.p.Request(one.Method, target, nil)
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(form)), nil }
	r.Body, _ = r.GetBody()
	r.ContentLength = int64(len(form))
	pg, err := b.p.Try(r)
	b.saw(one.Method+" "+one.Pattern, with, pg, err)
}

// everywhere are forms with an odd value in each field, by what is odd.
func everywhere(named []string) map[string]string {
	out := map[string]string{}
	for with, value := range odd {
		all := url.Values{}
		for _, name := range named {
			all.Set(name, value)
		}
		out[with] = all.Encode()
	}
	return out
}

func kindOf(n int) string { return []string{"totp", "sms", "push", "passkey", "backup"}[n%5] }

// TestREL10_NothingThatIsSentIsAnErrorOfOurs puts odd bytes into every field, path, header, cookie and
// body of every route. Whatever comes back, it is no 5xx. guard: cleanText in web
func TestREL10_NothingThatIsSentIsAnErrorOfOurs(t *testing.T) {
	list := inventoryOf(t, func(c *config.Config) {
		c.SMS.Transport, c.SMS.Countries = config.SMSHTTP, []string{"DE"}
		c.SMS.HTTP.Account, c.SMS.HTTP.Token, c.SMS.HTTP.From = "a", "b", "+15005550006"
	})
	byFolder := named(t)
	rig.EachArmed(t, func(t *testing.T, w *rig.Armed) {
		b := &prober{Armed: w, t: t, odds: map[int]int{}}
		for _, one := range list {
			if one.Method == http.MethodHead { // answered as GET is
				continue
			}
			b.ready()
			names := fields(t, one, byFolder)
			full := everywhere(names)
			for with, value := range odd {
				b.send(one, full[with], url.PathEscape(value), with+" everywhere")
			}
			for _, name := range names {
				for _, with := range b.some() {
					b.send(one, url.Values{name: {odd[with]}}.Encode(), "x", with+" in "+name)
				}
			}
			b.headers(one)
			b.bodies(one)
		}
		if b.n < 50*len(list) || b.odds[400] == 0 || b.odds[200] == 0 {
			t.Errorf("%d requests, and these statuses: %v", b.n, b.odds)
		}
		t.Logf("%d requests", b.n)
		if strings.Contains(w.A.Log(), "panic") {
			t.Error("the program panicked")
		}
	})
}

// some are those of alone whose turn it is: a field of a route gets half of them, as the same name occurs in many
// routes. PostgreSQL, which refuses what SQLite stores, gets a NUL each time.
func (b *prober) some() []string {
	b.turn++
	others := alone[1:]
	one, two := others[b.turn%len(others)], others[(b.turn+2)%len(others)]
	if b.Engine == "postgres" {
		return []string{alone[0], one, two}
	}
	return []string{one, two}
}

// headers sends odd headers, byte for byte. Only apps' routes read what all of them say, so others get them in turn.
func (b *prober) headers(one web.Route) {
	b.t.Helper()
	target := fill(strings.ReplaceAll(one.Pattern, "{kind}", "totp"), "x")
	sender := b.Person(b.t).From(rig.TrustedProxy)
	for with, value := range odd {
		if with == "deep JSON" || with == "very long" {
			value = value[:4000] // more is refused before anyone reads it
		}
		basic := base64.StdEncoding.EncodeToString([]byte(value + ":" + value))
		escaped := base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(value) + ":" + url.QueryEscape(value)))
		lines := [][]string{
			{"Authorization: Basic " + basic}, {"Authorization: Basic " + escaped}, {"Authorization: Bearer " + value},
			{"User-Agent: " + value, "X-Forwarded-For: " + value, "X-Request-Id: " + value, "Accept-Language: " + value,
				"Accept: " + value,
				"Referer: " + rig.PublicURL + "/" + value, "X-Twilio-Signature: " + value, "Traceparent: " + value,
				"If-None-Match: " + value},
			{"Cookie: session=" + value + "; flow=" + value + "; lang=" + value + "; theme=" + value,
				"Cookie: __Host-session=" + value + "; __Host-flow=" + value + "; __Host-browser=" + value +
					"; __Host-passkey=" + value + "; __Host-lang=" + value},
		}
		if !forApps(one) {
			b.turn++
			lines = lines[b.turn%len(lines):][:1]
		}
		for _, some := range lines {
			pg, err := sender.Raw(b.p.Header(one.Method, target,
				append(some, "Host: "+rig.Host, "Sec-Fetch-Site: same-origin",
					"Content-Type: application/x-www-form-urlencoded", "Content-Length: 0")...))
			b.saw(one.Method+" "+one.Pattern, with+" in "+strings.SplitN(some[0], ":", 2)[0], pg, err)
		}
	}
}

// bodies sends what is no form, or not quite one.
func (b *prober) bodies(one web.Route) {
	b.t.Helper()
	if one.Method != http.MethodPost {
		return
	}
	for with, value := range odd {
		for _, media := range []string{"application/json", "application/x-www-form-urlencoded",
			"text/plain; charset=utf-16", "multipart/form-data; boundary=x"} {
			r := b.p.Request(one.Method, fill(strings.ReplaceAll(one.Pattern, "{kind}", "push"), "x"), nil)
			body := value + "=" + value + "&token=" + value
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
			r.Header.Set("Content-Type", media)
			pg, err := b.p.Try(r)
			b.saw(one.Method+" "+one.Pattern, with+" as "+media, pg, err)
		}
	}
}
