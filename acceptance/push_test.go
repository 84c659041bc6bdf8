package acceptance

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/acceptance/rig"
	"countersign/internal/message/push"
	"countersign/internal/message/push/pushtest"
)

const pathReceiver = "/profile/add/push"

// pushed runs fn on both databases in a world of its own, whose program may reach a push
// service on this machine.
func pushed(t *testing.T, fn func(t *testing.T, w *rig.World, s *pushtest.Service)) {
	t.Helper()
	pushedWithin(t, 10*time.Second, fn)
}

// pushedWithin says how long one push may take.
func pushedWithin(t *testing.T, timeout time.Duration, fn func(t *testing.T, w *rig.World, s *pushtest.Service)) {
	t.Helper()
	for _, engine := range rig.Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			s := pushtest.New(t, time.Now)
			ca := filepath.Join(t.TempDir(), "push.pem")
			if err := os.WriteFile(ca, s.CA, 0o600); err != nil {
				t.Fatal(err)
			}
			w := rig.New(t, engine,
				rig.Options{Config: fmt.Sprintf("[push]\nservices = [%q]\nca_file = %q\ntimeout = %q\n",
					s.Host, ca, timeout)})
			t.Cleanup(w.Close)
			fn(t, w, s)
		})
	}
}

func arrived(t *testing.T, p pushtest.Push) (s push.Shown) {
	t.Helper()
	if err := json.Unmarshal(p.Plain, &s); err != nil || s.Code == "" {
		t.Fatalf("%v %+v", err, s)
	}
	return s
}

// toldOf waits for a mail to someone with words in its subject.
func toldOf(t *testing.T, w *rig.World, u *rig.User, words string) {
	t.Helper()
	rig.Within(t, 10*time.Second, "a mail: "+words, func() bool {
		return slices.ContainsFunc(w.Sink.Mails(u.Email),
			func(m rig.Mail) bool { return strings.Contains(m.Subject, words) })
	})
}

// atReceiver brings a person to the page on which their browser becomes a receiver.
func atReceiver(t *testing.T, w *rig.World, p *rig.Person, u *rig.User) *rig.Page {
	t.Helper()
	n := len(w.Sink.Codes(u.Email))
	p.Get(pathReceiver)
	p.Password(u.Email, u.Password)
	pg := p.Code(w.Sink.Code(t, u.Email, n+1).Code)
	if pg.URL.Path != pathReceiver {
		t.Fatalf("at %s (status %d): %s", pg.URL, pg.Status, rig.Quietly(pg.Text()))
	}
	return pg
}

// keyOn is the key that the page gives to the browser.
func keyOn(pg *rig.Page) string {
	key := ""
	pg.Element(func(tag string, attr func(string) string) bool {
		if k := attr("data-receiver"); tag == "form" && k != "" {
			key = k
		}
		return false
	})
	return key
}

// receives makes a browser at the push service the receiver of someone, by HTTP alone.
func receives(t *testing.T, w *rig.World, s *pushtest.Service, p *rig.Person, u *rig.User) *pushtest.Browser {
	t.Helper()
	b := s.Subscribe()
	if b.Key = keyOn(atReceiver(t, w, p, u)); b.Key == "" {
		t.Fatalf("no key on the page: %s", rig.Quietly(p.Page.Text()))
	}
	p.Submit(pathReceiver, "subscription", b.JSON()).Expect(t, 200)
	first := arrived(t, b.Wait(t, 1))
	p.Submit(pathReceiver+"/confirm", "code", wrongCode(first.Code, 3)).Expect(t, 422)
	p.Submit(pathReceiver+"/confirm", "code", first.Code, "name", "Kitchen phone").Expect(t, 200)
	sheet := p.Submit("/profile/add/backup") // no one is left with a single way in (PAR-11)
	lines := regexp.MustCompile(`<li>(\d+-[0-9A-Z-]+)</li>`).FindAllStringSubmatch(sheet.Body, -1)
	if len(lines) != 10 {
		t.Fatalf("%d backup codes: %s", len(lines), rig.Quietly(sheet.Text()))
	}
	p.Submit("/profile/add/backup/confirm", "code", lines[4][1]).Expect(t, 200, "You are protected")
	return b
}

// TestPAR6_SEC9_CodesByPush shares one world, because each takes seconds to start.
func TestPAR6_SEC9_CodesByPush(t *testing.T) {
	pushed(t, func(t *testing.T, w *rig.World, s *pushtest.Service) {
		t.Run("the code goes to the phone and is typed here", func(t *testing.T) { theCodeGoesToThePhone(t, w, s) })
		t.Run("SEC9 a receiver lets no one in", func(t *testing.T) { aReceiverSignsNoOneIn(t, w, s) })
		t.Run("a receiver that is gone", func(t *testing.T) { aReceiverIsGone(t, w, s) })
	})
}

// theCodeGoesToThePhone: set up, used, and named in what apps learn.
func theCodeGoesToThePhone(t *testing.T, w *rig.World, s *pushtest.Service) {
	u, phone := w.Covered(t).User(t), w.Person(t)
	b := receives(t, w, s, phone, u)
	phone.Get("/profile").Expect(t, 200, "Kitchen phone", "Code receiver")
	toldOf(t, w, u, "sign-in method was added")

	app, desk := w.Dashboard(t), w.Person(t)
	visit := app.Visit()
	desk.Visit(visit)
	atCode(t, desk.Password(u.Email, u.Password))
	got := arrived(t, b.Wait(t, 2))
	if strings.Contains(desk.Page.Body, got.Code) || !desk.Page.Says(got.Reference) {
		t.Errorf("the page and the push do not belong together: %s", rig.Quietly(desk.Page.Text()))
	}
	if !strings.Contains(got.Browser, "Chrome") || got.IP != desk.IP || got.App == "" ||
		strings.Contains(got.Title+got.Body, got.Code) {
		t.Errorf("%+v", got)
	}
	desk.Code(wrongCode(got.Code, 7)).Expect(t, 401)
	left(t, desk.Code(got.Code[:3]+" "+got.Code[3:]))
	if tokens := app.Finish(t, visit, desk.Page); !slices.Equal(tokens.Claims.AMR, []string{"pwd", "push"}) &&
		!slices.Contains(tokens.Claims.AMR, "push") {
		t.Errorf("amr %v", tokens.Claims.AMR)
	}
	for _, p := range b.Got() {
		if code := arrived(t, p).Code; strings.Contains(w.A.Log(), code) {
			t.Error("a code is in the log")
		}
	}
	if strings.Contains(w.A.Log(), "/push/") && strings.Contains(w.A.Log(), b.Endpoint()) {
		t.Error("an endpoint is in the log")
	}
}

// aReceiverSignsNoOneIn: what arrives on the phone is a code and nothing to press;
// the phone's own browser holds no flow that it could answer.
func aReceiverSignsNoOneIn(t *testing.T, w *rig.World, s *pushtest.Service) {
	u, phone := w.Covered(t).User(t), w.Person(t)
	b := receives(t, w, s, phone, u)
	desk := w.Person(t)
	desk.Visit(w.Dashboard(t).Visit())
	atCode(t, desk.Password(u.Email, u.Password))
	got := b.Wait(t, 2)
	var all map[string]any
	if err := json.Unmarshal(got.Plain, &all); err != nil {
		t.Fatal(err)
	}
	for key, value := range all {
		if text, _ := value.(string); strings.Contains(text, "://") || strings.Contains(text, "/l/") {
			t.Errorf("the push holds an address in %s: %s", key, text)
		}
	}
	before := sessions(t, w, u)
	phone.Post(rig.PathCode, url.Values{"code": {arrived(t, got).Code}})
	stranger := w.Person(t)
	pg := stranger.Get("/receiver").Expect(t, 200, "Code receiver")
	for _, f := range pg.Forms() {
		if f.Action != "/language" {
			t.Errorf("the receiver's page has a form for %s", f.Action)
		}
	}
	if after := sessions(t, w, u); after != before {
		t.Errorf("%d sessions, and then %d", before, after)
	}
	atCode(t, desk.Get(rig.PathCode)) // it still waits for its code
}

// aReceiverIsGone: the person is told, and asked for another method from then on. It goes on
// protecting the account: the mailbox does not stand in for it.
func aReceiverIsGone(t *testing.T, w *rig.World, s *pushtest.Service) {
	u, phone := w.Covered(t).User(t), w.Person(t)
	b := receives(t, w, s, phone, u)
	b.Leave()
	desk := w.Person(t)
	desk.Visit(w.Dashboard(t).Visit())
	atCode(t, desk.Password(u.Email, u.Password))
	toldOf(t, w, u, "no longer receives codes")
	n := len(w.Sink.Codes(u.Email))
	again := w.Person(t)
	again.Visit(w.Dashboard(t).Visit())
	atCode(t, again.Password(u.Email, u.Password)).Expect(t, 200, "backup code")
	w.Drained(t)
	if got := len(w.Sink.Codes(u.Email)); got != n || again.SignedIn() {
		t.Errorf("the mailbox stands in for a receiver that is gone: %d codes, before %d", got, n)
	}
}

// TestSEC116_PushesReachNoPrivateAddress: a signed-in person names a server on the machine
// of the program, and nothing arrives there. guard: dialer.dial
func TestSEC116_PushesReachNoPrivateAddress(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		s := pushtest.New(t, time.Now)
		u, p := w.Covered(t).User(t), w.Person(t)
		atReceiver(t, w, p, u)
		for _, bad := range []string{"", "{}", strings.Replace(s.Subscribe().JSON(), "https:", "http:", 1),
			strings.Replace(s.Subscribe().JSON(), "localhost", "127.0.0.1", 1),
			strings.Replace(s.Subscribe().JSON(), "localhost", "169.254.169.254", 1)} {
			p.Post(pathReceiver, url.Values{"subscription": {bad}}).Expect(t, 422)
		}
		p.Post(pathReceiver, url.Values{"subscription": {s.Subscribe().JSON()}}).Expect(t, 200)
		rig.Within(t, 10*time.Second, "the push is refused", func() bool {
			return w.Number(t, `SELECT count(*) FROM messages m
				JOIN users u ON u.tenant_id = m.tenant_id AND u.id = m.user_id
					WHERE m.channel = 'push' AND m.state = 'bounced' AND u.email = $1`, u.Email) == 1
		})
		if n := s.Calls(); n != 0 {
			t.Errorf("%d requests to a private address", n)
		}
	})
}

// TestReceiverCanBeInstalled: the page, its manifest and its worker, and how far each reaches.
func TestReceiverCanBeInstalled(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		p := w.Person(t)
		pg := p.Get("/receiver").Expect(t, 200)
		if csp := pg.Header.Get("Content-Security-Policy"); !strings.HasSuffix(csp, "; manifest-src 'self'") ||
			!strings.Contains(csp, "default-src 'none'") {
			t.Error(csp)
		}
		var m struct {
			Name, Display, Scope string
			Start                string `json:"start_url"`
			Icons                []struct{ Src, Sizes, Type string }
		}
		manifest := p.Get("/receiver.webmanifest").Expect(t, 200)
		if err := json.Unmarshal([]byte(manifest.Body), &m); err != nil ||
			manifest.Header.Get("Content-Type") != "application/manifest+json" {
			t.Fatal(err, manifest.Header)
		}
		if m.Name == "" || m.Display != "standalone" || m.Start != "/receiver" || len(m.Icons) != 1 ||
			p.Get(m.Icons[0].Src).Status != 200 {
			t.Errorf("%+v", m)
		}
		worker := p.Get("/receiver-sw.js").Expect(t, 200)
		if worker.Header.Get("Content-Type") != "text/javascript; charset=utf-8" ||
			worker.Header.Get("Service-Worker-Allowed") != "" || worker.Header.Get("Cache-Control") != "no-store" {
			t.Error(worker.Header)
		}
	})
}

// TestBrowser_AReceiverShowsTheCodeAndTheNotificationDoesNot: a real browser with the real
// service worker. Only its maker's push service is replaced, which is out of reach here.
func TestBrowser_AReceiverShowsTheCodeAndTheNotificationDoesNot(t *testing.T) {
	pushed(t, func(t *testing.T, w *rig.World, s *pushtest.Service) {
		u, b := w.Covered(t).User(t), s.Subscribe()
		tab := w.Chromium(t).Tab(t)
		phone := tab.Receives()
		tab.Go(rig.PublicURL + pathReceiver)
		tab.Type(emailField, u.Email)
		tab.Type(passwordField, u.Password)
		tab.Click(signIn)
		tab.See(codeField)
		tab.Type(codeField, w.Sink.Code(t, u.Email, 1).Code)
		tab.Click(submitCode)
		tab.See(`form[data-receiver] [data-start]`)
		phone.Subscribes(b.JSON())
		tab.Click(`form[data-receiver] [data-start]`)
		tab.See(`form[action="` + pathReceiver + `/confirm"]`)

		first := b.Wait(t, 1)
		phone.Push(t, first.Plain)
		code := arrived(t, first).Code
		awaitCode(t, tab, code)
		tab.Type(codeField, code)
		tab.Click(`form[action="` + pathReceiver + `/confirm"] button`)
		tab.AwaitAt(rig.PublicURL + "/profile/add/backup")
		if asked := rig.Eval[string](tab, `sessionStorage.askedWith`); !strings.HasPrefix(asked, "true ") ||
			len(asked) != len("true ")+88 {
			t.Errorf("subscribed with %q", asked)
		}

		desk := w.Person(t)
		desk.Visit(w.Dashboard(t).Visit())
		atCode(t, desk.Password(u.Email, u.Password))
		tab.Go(rig.PublicURL + "/receiver")
		next := b.Wait(t, 2)
		phone.Push(t, next.Plain)
		got := arrived(t, next)
		awaitCode(t, tab, got.Code)
		told(t, desk, "delivered") // the worker said so by itself
		if text := tab.Text(); !strings.Contains(text, got.Browser) || !strings.Contains(text, got.Reference) ||
			!strings.Contains(text, desk.IP) {
			t.Errorf("the code without its place and browser: %s", text)
		}
		seen := promised(t, tab,
			`navigator.serviceWorker.getRegistration('/receiver').then((r) => r.getNotifications()).then((all) => JSON.stringify(all.map((n) => [n.title, n.body, n.tag, n.data])))`)
		if strings.Contains(seen, got.Code) || strings.Contains(seen, code) || !strings.Contains(seen, got.Title) ||
			strings.Count(seen, `"code"`) != 1 {
			t.Errorf("the notifications are %s", seen)
		}
		if tab.Has(`main form`) {
			t.Errorf("the receiver's page has something to press: %s", tab.Text())
		}
		desk.Code(got.Code).Expect(t, 200) // on to backup codes, which are still missing

		over := got
		over.Until = time.Now().Add(-time.Second)
		plain, err := json.Marshal(over)
		if err != nil {
			t.Fatal(err)
		}
		phone.Push(t, plain)
		rig.Within(t, 10*time.Second, "a code that is over is not shown", func() bool {
			return !strings.Contains(tab.Text(), got.Code) &&
				promised(t, tab,
					`caches.open('receiver').then((c) => c.match('/receiver/newest')).then((r) => r ? 'kept' : 'gone')`) == "gone"
		})
	})
}

// awaitCode waits until the page shows a code.
func awaitCode(t *testing.T, b *rig.Browser, code string) {
	t.Helper()
	b.See(`[data-received]`)
	rig.Within(t, 10*time.Second, "the code is shown", func() bool {
		return rig.Eval[string](b, `document.querySelector('[data-slot=code]').textContent`) == code
	})
}

// promised is what a promise of the page comes to.
func promised(t *testing.T, b *rig.Browser, script string) (out string) {
	t.Helper()
	rig.Eval[bool](b, `(() => { window.promised = ''; (`+script+
		`).then((v) => { window.promised = v }, (e) => { window.promised = 'failed: ' + e }); return true })()`)
	rig.Within(t, 10*time.Second, "a promise is kept", func() bool {
		out = rig.Eval[string](b, `window.promised`)
		return out != ""
	})
	return out
}
