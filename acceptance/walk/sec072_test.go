package walk

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"countersign/acceptance/rig"
	"countersign/internal/web"
)

// standings are what a browser may hold. The last is of another company than the rest.
var standings = []string{"nothing", "flow", "level 1", "level 1e", "ended", "elsewhere"}

// standing is a browser of one standing, and the letter of someone's sign-in under way: its
// own for "flow", else of a victim in the first company.
type standing struct {
	*rig.Person
	me     *rig.User
	letter rig.Mail
	victim *rig.User
}

// hall makes browsers of every standing.
type hall struct {
	*rig.World
	t      *testing.T
	here   *rig.Tenant
	there  *rig.Tenant
	people map[*rig.Tenant][]*rig.User
	kept   map[string]*standing
	sealed string
}

func (h *hall) user(of *rig.Tenant) *rig.User {
	if len(h.people[of]) == 0 {
		h.people[of] = of.Crowd(h.t, 50)
	}
	u := h.people[of][0]
	h.people[of] = h.people[of][1:]
	return u
}

// bring makes a browser of a standing. What only looks may share one.
func (h *hall) bring(name string, again bool) *standing {
	if again && h.kept[name] != nil {
		return h.kept[name]
	}
	s := &standing{Person: h.Person(h.t), me: h.user(h.here)}
	switch name {
	case "flow":
		s.letter, s.victim = s.ToCode(h.t, h.Dashboard(h.t), s.me), s.me
	case "level 1":
		v := h.PhoneApp(h.t).Visit()
		s.Visit(v)
		if s.Password(s.me.Email, s.me.Password).Left == nil {
			h.t.Fatal("the exempt app asks for more")
		}
	case "level 1e":
		s.SignIn(h.t, h.Dashboard(h.t), s.me)
	case "ended":
		s.SignIn(h.t, h.Dashboard(h.t), s.me)
		cookie := s.Cookie("session")
		s.Post(rig.PathSignOut, url.Values{})
		s.SetCookie("session", cookie)
	case "elsewhere":
		s.me = h.user(h.there)
		s.SignIn(h.t, h.Dashboard(h.t), s.me)
	}
	if s.victim == nil {
		s.victim = h.user(h.here)
		s.letter = h.Person(h.t).ToCode(h.t, h.Dashboard(h.t), s.victim)
	}
	if again {
		h.kept[name] = s
	}
	return s
}

// request makes the request of a route: well formed, and as good as a stranger can make it.
func (h *hall) request(one web.Route, s *standing) *http.Request {
	target, form := fill(strings.ReplaceAll(one.Pattern, "{kind}", "totp"), tail(s.letter.Link)), url.Values(nil)
	if base, takes := strings.CutSuffix(one.Pattern,
		"/{token}"); slices.Contains([]string{"/l", "/not-me", "/undo", "/password", "/continue"}, base) {
		return h.mailed(one.Method, base+"/"+tail(s.letter.Link), takes, s)
	}
	visit := strings.TrimPrefix(h.Dashboard(h.t).Visit("prompt", "none").URL, rig.PublicURL)
	switch one.Method + " " + one.Pattern {
	case "GET /authorize":
		target = visit
	case "GET /authorize/resume":
		target += "?to=" + url.QueryEscape(h.sealed)
	}
	if one.Method == http.MethodPost {
		form = url.Values{"email": {s.me.Email}, "password": {"not the password of anyone"},
			"code": {wrongCode(s.letter.Code)}, "lang": {"en"}, "back": {"/why"}}
	}
	switch one.Pattern {
	case "/authorize":
		u, _ := url.Parse(visit)
		if form != nil {
			form = u.Query()
		}
	case rig.PathStepUp, "/logout", rig.PathSignOut:
		if form != nil {
			form = url.Values{}
		}
	case "/signin/new-password":
		if form != nil {
			form = url.Values{"password": {"canary taken over by a stranger"}}
		}
	}
	return s.Request(one.Method, target, form)
}

// mailed makes a request of a mailed link: to its own address or to the page behind it. The token
// of a sign-in's link is a false one for the other kinds.
func (h *hall) mailed(method, link string, takes bool, s *standing) *http.Request {
	if takes || method == http.MethodPost {
		return s.Request(method, link, nil)
	}
	s.Send(s.Request(http.MethodGet, link, nil))
	path, fields := rig.Pressed(link)
	return s.Request(method, path+"?"+fields.Encode(), nil)
}

func wrongCode(right string) string {
	if right == "000000" {
		return "000001"
	}
	return "000000"
}

// verdict says in a few words what an answer opened.
func verdict(pg *rig.Page, s *standing) string {
	words := []string{fmt.Sprint(pg.Status)}
	if next := location(pg); next != nil && next.Host == rig.Host {
		words = append(words, next.Path)
	} else if next != nil {
		words = append(words, "app")
		for _, name := range []string{"code", "error"} {
			if v := next.Query().Get(name); name == "error" && v != "" {
				words = append(words, v)
			} else if v != "" {
				words = append(words, "CODE")
			}
		}
	}
	for _, name := range []string{"session", "flow", "browser"} {
		if v, _ := given(pg, name); v != "" {
			words = append(words, name)
		}
	}
	if strings.Contains(pg.Body, s.me.Email) {
		words = append(words, "me")
	}
	if s.victim != s.me && (strings.Contains(pg.Body, s.victim.Email) || strings.Contains(pg.Text(), s.letter.Code)) {
		words = append(words, "VICTIM")
	}
	return strings.Join(words, " ")
}

// TestSEC072_EveryRouteWithEveryStanding asks for every line of the program's inventory
// with nothing, a flow cookie, a password's session, a full one, an ended one, and one of
// another company, and compares what opened with the table. A route that the table does
// not name fails, and so does a line that no route has.
//
// guard: any of them
func TestSEC072_EveryRouteWithEveryStanding(t *testing.T) {
	list, table := inventory(t), maps.Clone(opens)
	maps.Copy(table, companyRoutes)
	maps.Copy(table, deskRoutes())
	rig.Each(t, func(t *testing.T, w *rig.World) {
		h := &hall{World: w, t: t, here: w.Covered(t), there: w.NewTenant(t, "--mandate", "mandatory"),
			people: map[*rig.Tenant][]*rig.User{}, kept: map[string]*standing{}}
		f, _ := w.Person(t).Visit(w.Dashboard(t).Visit()).Form(rig.PathPassword)
		h.sealed = f.Values.Get("to")
		named := map[string]bool{}
		for _, one := range list {
			name := one.Method + " " + one.Pattern
			named[name] = true
			var got []string
			for _, s := range standings {
				holder := h.bring(s, one.Method != http.MethodPost)
				got = append(got, verdict(holder.Send(h.request(one, holder)), holder))
			}
			if want, known := table[name]; !known || !slices.Equal(want.each(), got) {
				t.Errorf("%q: {%s},", name, quoted(got))
			}
		}
		for name := range table {
			if !named[name] {
				t.Errorf("the table has %s, the program has not", name)
			}
		}
	})
}

// opened is a line of the table: one verdict for everyone, or one for each standing.
type opened []string

func (o opened) each() []string {
	if len(o) == 1 {
		return slices.Repeat(o, len(standings))
	}
	return o
}

func quoted(all []string) string {
	if len(slices.Compact(slices.Clone(all))) == 1 {
		all = all[:1]
	}
	var out []string
	for _, s := range all {
		out = append(out, fmt.Sprintf("%q", s))
	}
	return strings.Join(out, ", ")
}

// opens is what each route answers to nothing, a flow, level 1, level 1e, an ended session,
// and someone of another company. "me" is one's own address on the page. VICTIM is a
// code or an address of someone else: only anyone who holds the link that was mailed sees one.
var opens = map[string]opened{
	"GET /": {"303 /signin", "303 /signin", "303 /signin", "200 me",
		"303 /signin", "200 me"},
	"HEAD /":                    {"303 /signin", "303 /signin", "303 /signin", "200", "303 /signin", "200"},
	"GET /signin":               {"200", "200", "200 me", "303 /", "200", "303 /"},
	"HEAD /signin":              {"200", "200", "200", "303 /", "200", "303 /"},
	"POST /signin/password":     {"401 me"}, // typed in
	"POST /signin/step-up":      {"404", "404", "303 /signin/code flow", "404", "404", "404"},
	"GET /signin/code":          {"410", "200", "200", "200", "410", "200"},
	"HEAD /signin/code":         {"410", "200", "200", "200", "410", "200"},
	"POST /signin/code":         {"410", "401", "200", "200", "410", "200"},
	"POST /signin/code/new":     {"410", "429", "200", "200", "410", "200"},
	"POST /signin/new-password": {"410", "403", "200", "200", "410", "200"},
	"POST /signin/cancel":       {"410", "200", "200", "200", "410", "200"},
	"GET /signin/forgot":        {"200"},
	"HEAD /signin/forgot":       {"200"},
	"POST /signin/forgot":       {"200 me"}, // typed in
	"GET /password/{token}":     {"303 /password"},
	"HEAD /password/{token}":    {"303 /password"},
	"GET /password":             {"404"}, // of another kind of mail
	"HEAD /password":            {"404"},
	"POST /password":            {"404"},
	"GET /signin/delivery":      {"404", "200", "404", "404", "404", "404"},
	"HEAD /signin/delivery":     {"404", "200", "404", "404", "404", "404"},
	"GET /l/{token}":            {"303 /l"},
	"HEAD /l/{token}":           {"303 /l"},
	"GET /l": {"200 VICTIM", "200", "200 VICTIM", "200 VICTIM",
		"200 VICTIM", "200 VICTIM"},
	"HEAD /l": {"200"},
	"POST /l": {"200 VICTIM", "303 /authorize/resume session", "200 VICTIM", "200 VICTIM",
		"200 VICTIM", "200 VICTIM"},
	"GET /not-me/{token}":                  {"303 /not-me"},
	"HEAD /not-me/{token}":                 {"303 /not-me"},
	"GET /not-me":                          {"200"},
	"HEAD /not-me":                         {"200"},
	"POST /not-me":                         {"200"},
	"POST /signin/link":                    {"200 me"}, // typed in
	"GET /continue/{token}":                {"303 /continue"},
	"HEAD /continue/{token}":               {"303 /continue"},
	"GET /continue":                        {"404"},
	"HEAD /continue":                       {"404"},
	"POST /continue":                       {"404"},
	"GET /why":                             {"200"},
	"HEAD /why":                            {"200"},
	"GET /help":                            {"200"},
	"HEAD /help":                           {"200"},
	"GET /help/company":                    {"200"},
	"HEAD /help/company":                   {"200"},
	"GET /help/{topic}":                    {"404"},
	"HEAD /help/{topic}":                   {"404"},
	"GET /help/company/{topic}":            {"404"},
	"HEAD /help/company/{topic}":           {"404"},
	"GET /help/pictures/{name}":            {"404"},
	"HEAD /help/pictures/{name}":           {"404"},
	"GET /signin/other":                    {"410", "200", "200", "200", "410", "200"},
	"HEAD /signin/other":                   {"410", "200", "200", "200", "410", "200"},
	"POST /signin/other":                   {"410", "404", "200", "200", "410", "200"},
	"GET /signin/passkey":                  {"200"},
	"HEAD /signin/passkey":                 {"200"},
	"POST /signin/passkey":                 {"401"},
	"GET /signin/set-up":                   {"410", "303 /signin/code", "200", "200", "410", "200"},
	"HEAD /signin/set-up":                  {"410", "303 /signin/code", "200", "200", "410", "200"},
	"GET /signin/set-up/{kind}":            {"410", "303 /signin/code", "200", "200", "410", "200"},
	"HEAD /signin/set-up/{kind}":           {"410", "303 /signin/code", "200", "200", "410", "200"},
	"POST /signin/set-up/{kind}":           {"410", "303 /signin/code", "200", "200", "410", "200"},
	"POST /signin/set-up/{kind}/confirm":   {"410", "303 /signin/code", "200", "200", "410", "200"},
	"GET /signin/set-up/backup/codes.txt":  {"410", "303 /signin/code", "200", "200", "410", "200"},
	"HEAD /signin/set-up/backup/codes.txt": {"410", "303 /signin/code", "200", "200", "410", "200"},
	"GET /profile/add":                     {"303 /signin", "303 /signin", "303 /signin", "200", "303 /signin", "200"},
	"HEAD /profile/add":                    {"303 /signin", "303 /signin", "303 /signin", "200", "303 /signin", "200"},
	"GET /profile/add/{kind}":              {"303 /signin", "303 /signin", "303 /signin", "200", "303 /signin", "200"},
	"HEAD /profile/add/{kind}":             {"303 /signin", "303 /signin", "303 /signin", "200", "303 /signin", "200"},
	"POST /profile/add/{kind}": {"303 /signin", "303 /signin", "303 /signin", "303 /profile/add/totp",
		"303 /signin", "303 /profile/add/totp"},
	"POST /profile/add/{kind}/confirm":   {"303 /signin", "303 /signin", "303 /signin", "410", "303 /signin", "410"},
	"GET /profile/add/backup/codes.txt":  {"303 /signin", "303 /signin", "303 /signin", "404", "303 /signin", "404"},
	"HEAD /profile/add/backup/codes.txt": {"303 /signin", "303 /signin", "303 /signin", "404", "303 /signin", "404"},
	"GET /profile": {"303 /signin", "303 /signin", "303 /signin", "200 me",
		"303 /signin", "200 me"},
	"HEAD /profile":                      {"303 /signin", "303 /signin", "303 /signin", "200", "303 /signin", "200"},
	"GET /profile/activity":              {"303 /signin", "303 /signin", "303 /signin", "200", "303 /signin", "200"},
	"HEAD /profile/activity":             {"303 /signin", "303 /signin", "303 /signin", "200", "303 /signin", "200"},
	"GET /profile/protected":             {"303 /signin", "303 /signin", "303 /signin", "200", "303 /signin", "200"},
	"HEAD /profile/protected":            {"303 /signin", "303 /signin", "303 /signin", "200", "303 /signin", "200"},
	"GET /profile/methods/{id}":          {"303 /signin", "303 /signin", "303 /signin", "404", "303 /signin", "404"},
	"HEAD /profile/methods/{id}":         {"303 /signin", "303 /signin", "303 /signin", "404", "303 /signin", "404"},
	"POST /profile/methods/{id}":         {"303 /signin", "303 /signin", "303 /signin", "404", "303 /signin", "404"},
	"GET /profile/methods/{id}/remove":   {"303 /signin", "303 /signin", "303 /signin", "404", "303 /signin", "404"},
	"GET /profile/methods/{id}/restore":  {"303 /signin", "303 /signin", "303 /signin", "404", "303 /signin", "404"},
	"HEAD /profile/methods/{id}/remove":  {"303 /signin", "303 /signin", "303 /signin", "404", "303 /signin", "404"},
	"HEAD /profile/methods/{id}/restore": {"303 /signin", "303 /signin", "303 /signin", "404", "303 /signin", "404"},
	"POST /profile/methods/{id}/remove":  {"303 /signin", "303 /signin", "303 /signin", "404", "303 /signin", "404"},
	"POST /profile/methods/{id}/restore": {"303 /signin", "303 /signin", "303 /signin", "404", "303 /signin", "404"},
	"POST /profile/browsers": {"303 /signin", "303 /signin", "303 /signin", "303 /profile",
		"303 /signin", "303 /profile"},
	"POST /profile/sessions": {"303 /signin", "303 /signin", "303 /signin", "303 /profile",
		"303 /signin", "303 /profile"},
	"GET /profile/password": {"303 /signin", "303 /signin", "303 /signin", "200 me",
		"303 /signin", "200 me"},
	"HEAD /profile/password": {"303 /signin", "303 /signin", "303 /signin", "200", "303 /signin", "200"},
	"POST /profile/password": {"303 /signin", "303 /signin", "303 /signin", "422 me",
		"303 /signin", "422 me"},
	"GET /profile/email": {"303 /signin", "303 /signin", "303 /signin", "200 me",
		"303 /signin", "200 me"},
	"HEAD /profile/email": {"303 /signin", "303 /signin", "303 /signin", "200", "303 /signin", "200"},
	"POST /profile/email": {"303 /signin", "303 /signin", "303 /signin", "422 me", "303 /signin",
		"422 me"}, // their own
	"POST /profile/email/confirm": {"303 /signin", "303 /signin", "303 /signin", "410 me",
		"303 /signin", "410 me"},
	"POST /profile/email/withdraw": {"303 /signin", "303 /signin", "303 /signin", "303 /profile",
		"303 /signin", "303 /profile"},
	"GET /undo/{token}":         {"303 /undo"},
	"HEAD /undo/{token}":        {"303 /undo"},
	"GET /undo":                 {"200"},
	"HEAD /undo":                {"200"},
	"POST /undo":                {"200"},
	"GET /profile/second-step":  {"303 /signin", "303 /signin", "303 /signin", "200", "303 /signin", "200"},
	"HEAD /profile/second-step": {"303 /signin", "303 /signin", "303 /signin", "200", "303 /signin", "200"},
	"POST /profile/second-step": {"303 /signin", "303 /signin", "303 /signin", "409", "303 /signin", "409"},
	"POST /profile/language": {"303 /signin", "303 /signin", "303 /signin", "303 /profile",
		"303 /signin", "303 /profile"},
	"GET /receiver":               {"200"},
	"HEAD /receiver":              {"200"},
	"GET /receiver-sw.js":         {"200"},
	"HEAD /receiver-sw.js":        {"200"},
	"GET /receiver.webmanifest":   {"200"},
	"HEAD /receiver.webmanifest":  {"200"},
	"POST /receiver/shown/{push}": {"404"}, // what no push carries
	"POST /signout":               {"200"},
	"POST /language":              {"303 /why"},
	"GET /setup":                  {"200"},
	"HEAD /setup":                 {"200"},
	"POST /setup":                 {"422 me"}, // typed in
	"GET /authorize": {"303 app login_required", "303 app login_required",
		"303 app interaction_required", "303 app CODE", "303 app login_required", "303 app CODE"},
	"POST /authorize": {"303 /authorize/resume"},
	"GET /authorize/resume": {"303 /signin", "303 /signin", "303 /signin", "303 app CODE",
		"303 /signin", "303 app CODE"},
	"GET /logout":                           {"200"},
	"POST /logout":                          {"303 /logout"},
	"POST /logout/confirm":                  {"422"},
	"POST /token":                           {"401"},
	"GET /userinfo":                         {"401"},
	"HEAD /userinfo":                        {"401"},
	"POST /userinfo":                        {"401"},
	"GET /jwks":                             {"200"},
	"HEAD /jwks":                            {"200"},
	"GET /healthz":                          {"200"},
	"HEAD /healthz":                         {"200"},
	"GET /.well-known/openid-configuration": {"200"},

	"HEAD /.well-known/openid-configuration":    {"200"},
	"OPTIONS /.well-known/openid-configuration": {"204"},
	"OPTIONS /jwks":     {"204"},
	"OPTIONS /token":    {"204"},
	"OPTIONS /userinfo": {"204"},
}
