package walk

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

// tab is one browser. All tabs of the attackers share what they find.
type tab struct {
	name     string
	persons  []*rig.Person // one for each replica, with the same cookies
	owner    *account
	attacker bool
	page     *rig.Page
}

// stage is one scene: two companies, five people, seven browsers.
type stage struct {
	t         *testing.T
	w         *rig.World
	routes    *routes
	companies []*company
	people    []*account
	tabs      []*tab
	apps      []*app
	portal    *app

	flows     map[string]*half
	sessions  map[string]*session
	memories  map[string]*memory
	letters   []*letter
	papers    []*paper
	wishes    map[string]*wish
	forwarded []*letter
	reads     *account // whose link to a new password is being followed
	loot      map[string][]string
	notMe     map[string]bool
	last      map[string][]string // what a row said last, by table and id
	server    int
	house     *house
	order     []string // the sealed requests, oldest first
	setUps    []*setUp
	made      *device // what the set-up that is being begun would make
	signed    map[string]*signature
	hints     map[string]*account // whom a sealed request may name
	changes   []*change
	begun     map[string]bool // what browsers were given at the beginning of a set-up or a change of address
}

// cookies is what a tab holds: flow is the one of its flows that a request is about.
type cookies struct {
	session, flow, browser string
	flows                  []string // all that are under way, newest first
	begun                  []string // what this browser was given when it began something
}

func (b *tab) cookies() cookies {
	p := b.persons[0]
	flows := strings.Split(p.Cookie("flow"), "~")
	return cookies{p.Cookie("session"), flows[0], p.Cookie("browser"), flows, strings.Split(p.Cookie("set-up"), "~")}
}

// about is the flow that a request is about: that of the link, the one that it names, or the newest.
func (k *stage) about(r request, flows []string) string {
	name, named := r.url().Query().Get("flow"), r.url().Query().Has("flow")
	if r.method == http.MethodPost {
		name, named = r.form.Get("flow"), r.form.Has("flow")
	}
	if i := slices.IndexFunc(k.letters, func(l *letter) bool { return l.Link == r.url().Path }); i >= 0 {
		name, named = k.letters[i].flow.id, true
	}
	for _, text := range flows {
		if !named || idOf(text) == name {
			return text
		}
	}
	return ""
}

// begun is the flow that an answer gives a browser, if it had not got it before.
func begun(given string, before cookies) string {
	if newest, _, _ := strings.Cut(given, "~"); !slices.Contains(before.flows, newest) {
		return newest
	}
	return ""
}

// request is one request of the walk.
type request struct {
	tab    *tab
	method string
	target string
	form   url.Values
	bearer string
	basic  *app // a confidential client's secret
	wish   *wish
}

func (r request) url() *url.URL {
	u, err := url.Parse(r.target)
	if err != nil {
		panic(err)
	}
	return u
}

// ask sends a request, notes what the answer means, and holds it to the account.
func (k *stage) ask(r request) *rig.Page {
	p := r.tab.persons[k.server%len(r.tab.persons)]
	req := p.Request(r.method, r.target, r.form)
	if r.bearer != "" {
		req.Header.Set("Authorization", "Bearer "+r.bearer)
	}
	if r.basic != nil {
		req.SetBasicAuth(r.basic.ID, r.basic.Secret)
	}
	before, began := r.tab.cookies(), k.w.Now()
	before.flow = k.about(r, before.flows)
	pg := p.Send(req)
	k.routes.reached(r.method, req.URL.Path)
	r.tab.page = pg
	if r.wish == nil {
		r.wish = k.wishes[r.sealed()]
	}
	k.follow(pg)
	k.observe(r, pg, before, began)
	if s := k.holder(before.session); s != nil {
		s.used = k.w.Now()
	}
	return pg
}

// sealed is the request of an app that a request of ours carries.
func (r request) sealed() string {
	if to := r.form.Get("to"); to != "" {
		return to
	}
	return r.url().Query().Get("to")
}

// walk is ask, and goes where the answer leads inside our origin, as a browser does.
func (k *stage) walk(r request) *rig.Page {
	pg := k.ask(r)
	for range 8 {
		next := k.onward(pg)
		if next == nil {
			break
		}
		w := r.wish
		if w == nil {
			w = k.wishes[r.sealed()]
		}
		if strings.HasPrefix(r.url().Path, "/profile") { // it is ours, whatever was in the address
			w = k.wishes[""]
		}
		if to := next.Query().Get("to"); to != "" && k.wishes[to] == nil && w != nil {
			k.wishes[to], k.order = w, append(k.order, to)
			if s := k.holder(r.tab.cookies().session); s != nil {
				k.hints[to] = s.who // it may name them
			}
		}
		r = request{tab: r.tab, method: http.MethodGet, target: next.RequestURI(),
			wish: k.wishes[next.Query().Get("to")]}
		pg = k.ask(r)
	}
	return pg
}

// follow marks a page that sends the browser away.
func (k *stage) follow(pg *rig.Page) {
	if next := location(pg); next != nil && next.Host != rig.Host {
		pg.Left = next
	}
}

func (k *stage) onward(pg *rig.Page) *url.URL {
	if next := location(pg); next != nil && next.Host == rig.Host {
		return next
	}
	return nil
}

func location(pg *rig.Page) *url.URL {
	if pg.Status < 300 || pg.Status > 399 || pg.Header.Get("Location") == "" {
		return nil
	}
	next, err := pg.URL.Parse(pg.Header.Get("Location"))
	if err != nil {
		broken("a redirect to %q", pg.Header.Get("Location"))
	}
	return next
}

// holder is the session that exactly this cookie names.
func (k *stage) holder(cookie string) *session {
	if s := k.sessions[idOf(cookie)]; s != nil && s.cookie == cookie {
		return s
	}
	return nil
}

// flowOf is the sign-in under way that exactly this cookie names.
func (k *stage) flowOf(cookie string) *half {
	if cookie == "" {
		return nil
	}
	return k.flows[cookie]
}

func (k *stage) byEmail(email string) *account {
	i := slices.IndexFunc(k.people, func(a *account) bool { return strings.EqualFold(a.Email, email) })
	if i < 0 {
		return nil
	}
	return k.people[i]
}

// given is the value of one of our cookies that an answer sets, "" when it sets none;
// cleared says that it takes the cookie away.
func given(pg *rig.Page, name string) (value string, cleared bool) {
	for _, line := range pg.Header.Values("Set-Cookie") {
		c, err := http.ParseSetCookie(line)
		if err == nil && c.Name == "__Host-"+name {
			value, cleared = c.Value, c.MaxAge < 0
		}
	}
	if cleared {
		value = ""
	}
	return value, cleared
}

// newStage brings fresh people into the world's two companies.
func newStage(t *testing.T, w *rig.World, r *routes, h *house) *stage {
	k := &stage{t: t, w: w, routes: r, flows: map[string]*half{}, sessions: map[string]*session{},
		memories: map[string]*memory{}, wishes: map[string]*wish{}, signed: map[string]*signature{},
		hints: map[string]*account{},
		loot:  map[string][]string{}, begun: map[string]bool{}, notMe: map[string]bool{}, last: map[string][]string{},
		companies: h.companies, apps: h.apps, house: h, portal: &app{App: &rig.App{ID: "countersign"}}}
	h.reset(t)
	k.wishes[""] = &wish{app: k.portal}
	names := []string{"alice", "bob", "mallory", "carol", "trent"}
	for i, c := range []*company{k.companies[0], k.companies[0], k.companies[0], k.companies[1], k.companies[1]} {
		u := c.Crowd(t, 1)[0]
		id := strings.SplitN(u.Email, "@", 2)[0]
		k.people = append(k.people, &account{User: u, of: c, id: id})
		if names[i] == "mallory" || names[i] == "trent" {
			k.tabs = append(k.tabs, k.newTab(names[i], i, true), k.newTab(names[i]+"2", i, true))
			continue
		}
		k.tabs = append(k.tabs, k.newTab(names[i], i, false))
	}
	return k
}

func (k *stage) newTab(name string, owner int, attacker bool) *tab {
	p := k.w.Person(k.t)
	b := &tab{name: name, persons: []*rig.Person{p}, owner: k.people[owner], attacker: attacker}
	if k.w.B != nil {
		b.persons = append(b.persons, p.Twin().Via(k.w.B))
	}
	return b
}

// house is what the scenes of one world share.
type house struct {
	w         *rig.World
	armed     *rig.Armed
	numbers   int
	companies []*company
	apps      []*app
	touched   bool
}

func newHouse(t *testing.T, engine string) *house {
	armed := rig.NewArmed(t, engine)
	w := armed.World
	h := &house{w: w, armed: armed, touched: true}
	for range 2 {
		h.companies = append(h.companies, &company{Tenant: w.NewTenant(t, "--mandate", "default_off")})
	}
	for _, a := range []*rig.App{w.Dashboard(t), w.PhoneApp(t), w.NewApp(t, "pocket", "public")} {
		h.apps = append(h.apps, &app{App: a})
	}
	if engine == "postgres" {
		w.Replica(t)
	}
	return h
}

// reset puts the rules to where every scene begins.
func (h *house) reset(t *testing.T) {
	if !h.touched {
		return
	}
	h.touched = false
	for i, c := range h.companies {
		mode := []string{"mandatory", "default_off"}[i]
		h.w.CLI(
			t,
			"tenant",
			"set",
			c.ID,
			"--mandate",
			mode,
			"--switch",
			"on",
			"--remember-days=-1",
			"--resume",
			"--methods",
			"all",
			"--set-up-by",
			"",
		)
		c.mandatory, c.on, c.suspended, c.days = i == 0, true, false, -1
	}
	for i, a := range h.apps {
		if a.exempt = i == 1; a.exempt {
			h.w.CLI(t, "client", "exempt", a.ID, "--until", "forever")
		} else {
			h.w.CLI(t, "client", "require-2fa", a.ID)
		}
	}
}

// learn waits for the letter, text or push that a page speaks of.
func (k *stage) learn(b *tab, pg *rig.Page) {
	if _, asks := pg.Form(rig.PathCode); !asks {
		return
	}
	f := k.flowOf(b.cookies().flow)
	if f == nil {
		broken("%s is asked for a code of a sign-in that no one began", b.name)
	}
	reference := pg.Reference()
	if reference == "" || len(f.letters) > 0 && f.letters[len(f.letters)-1].Reference == reference {
		return
	}
	l := &letter{flow: f, at: k.w.Now()}
	rig.Within(k.t, 20*time.Second, "a message with the reference of the page",
		func() bool { return k.arrived(l, reference) })
	for _, old := range f.letters {
		old.dead = true
	}
	f.letters, k.letters = append(f.letters, l), append(k.letters, l)
	if l.via != nil {
		return
	}
	l.id = idOf(tail(l.Link))
	k.notMe[l.NotMe] = true
	if tenantOf(tail(l.Link)) != f.who.of.ID {
		broken("a link of %s in a mail to %s", tenantOf(tail(l.Link)), f.who.of.ID)
	}
}

// arrived fills a letter with what has come to the mailbox or to a device of the account.
func (k *stage) arrived(l *letter, reference string) bool {
	mails := k.w.Sink.Codes(l.flow.who.Email)
	if i := slices.IndexFunc(mails, func(m rig.Mail) bool { return m.Reference == reference }); i >= 0 {
		l.Mail = mails[i]
		return true
	}
	for _, d := range l.flow.who.devices {
		code := ""
		if d.number != "" {
			for _, text := range k.house.armed.Received(d.number) {
				if strings.Contains(text.Body, reference) {
					code = rig.CodeIn(k.t, text)
				}
			}
		}
		if d.browser != nil {
			code = shownOn(d.browser, reference)
		}
		if code != "" {
			l.via, l.Code, l.Reference = d, code, reference
			return true
		}
	}
	return false
}

func (k *stage) touch() { k.house.touched = true }
