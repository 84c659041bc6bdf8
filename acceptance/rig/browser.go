package rig

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"html"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// Browser is a tab of a real browser with cookies of its own.
type Browser struct {
	ctx context.Context
	t   testing.TB
	mu  sync.Mutex
	ids []network.RequestID
	got []Loaded
}

// Loaded is one answer that the browser received.
type Loaded struct {
	URL    string
	Status int64
	Bytes  float64 // on the wire, headers included
	Type   string
}

// Chromium is a browser process. Each tab of it is a person's own browser.
type Chromium struct {
	ctx  context.Context
	stop func()
}

// Chromium returns the browser process that finds the world's first program, and starts it
// at first use. It ends with the world: the tests of a world share it, and nothing in it.
func (w *World) Chromium(t testing.TB) *Chromium {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if c := w.browsers[w.A.Addr]; c != nil && c.ctx.Err() == nil {
		return c
	}
	apps, stopApps := appServer(t)
	c := launch(t, fmt.Sprintf("MAP %s %s, MAP *.example.test %s", Host, w.A.Addr, apps))
	stop := c.stop
	c.stop = func() { stop(); stopApps() }
	w.browsers[w.A.Addr] = c
	return c
}

// Browse starts a browser process for one test, which finds hosts by rules of its own.
func Browse(t testing.TB, rules string) *Chromium {
	t.Helper()
	c := launch(t, rules)
	t.Cleanup(c.stop)
	return c
}

// unused is what a browser does besides showing pages, such as starting processes for pages that
// may be opened next: a tenth of the time that it took.
const unused = "Translate,BlinkGenPropertyTrees,SpareRendererForSitePerProcess,MediaRouter,OptimizationHints"

func launch(t testing.TB, rules string) *Chromium {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromiumPath(t)), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.IgnoreCertErrors,
		chromedp.UserDataDir(Folder(t)), chromedp.Flag("host-resolver-rules", rules), chromedp.Flag("lang", "en"),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("no-first-run", true),
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("disable-features", unused))
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	root, stop := chromedp.NewContext(ctx)
	if err := chromedp.Do(root); err != nil {
		stop()
		cancel()
		t.Fatalf("start the browser: %v", err)
	}
	return &Chromium{ctx: root, stop: func() { stop(); cancel() }}
}

func chromiumPath(t testing.TB) string {
	t.Helper()
	for _, path := range []string{os.Getenv("CHROMIUM"), "/usr/bin/chromium", "/usr/bin/chromium-browser",
		"/usr/bin/google-chrome"} {
		if _, err := os.Stat(path); path != "" && err == nil {
			return path
		}
	}
	t.Fatal("no Chromium: run ./test, or apt-get install chromium")
	return ""
}

// Tab opens a tab in a browser profile of its own: nothing is shared with other tabs.
func (c *Chromium) Tab(t testing.TB) *Browser {
	t.Helper()
	return open(t, c.ctx, chromedp.WithNewBrowserContext())
}

// Beside opens a second tab that shares everything with the first.
func (b *Browser) Beside() *Browser { return open(b.t, b.ctx) }

func open(t testing.TB, in context.Context, how ...chromedp.ContextOption) *Browser {
	t.Helper()
	ctx, cancel := chromedp.NewContext(in, how...)
	t.Cleanup(cancel)
	ctx, stop := context.WithTimeout(ctx, Slack*90*time.Second)
	t.Cleanup(stop)
	b := &Browser{ctx: ctx, t: t}
	b.must(chromedp.Do(ctx, chromedp.Navigate("about:blank")))
	b.must(chromedp.Listen(ctx, b.listen))
	return b
}

// Opens does what makes the page open a window, and returns the window.
func (b *Browser) Opens(act func()) *Browser {
	b.t.Helper()
	opened := chromedp.WaitNewTarget(b.ctx, func(*target.Info) bool { return true })
	act()
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithTargetID(<-opened))
	b.t.Cleanup(cancel)
	return &Browser{ctx: ctx, t: b.t}
}

// Popup lets the page call window.open, remembers the window as "popup" in the page, and
// returns it.
func (b *Browser) Popup(address string) *Browser {
	b.t.Helper()
	return b.Opens(func() {
		if !Eval[bool](
			b,
			fmt.Sprintf("window.popup = window.open(%q, 'popup', 'width=500,height=700'); popup !== null", address),
		) {
			b.t.Fatal("the browser opened no window")
		}
	})
}

func (b *Browser) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatalf("browser: %v", err)
	}
}

func (b *Browser) listen(ev any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := ev.(type) {
	case *network.EventResponseReceived:
		b.ids = append(b.ids, e.RequestID)
		b.got = append(b.got, Loaded{URL: e.Response.URL, Status: e.Response.Status, Type: string(e.Type)})
	case *network.EventLoadingFinished:
		if i := slices.Index(b.ids, e.RequestID); i >= 0 {
			b.got[i].Bytes = e.EncodedDataLength
		}
	}
}

// Loaded returns every answer so far and forgets them.
func (b *Browser) Loaded() []Loaded {
	b.mu.Lock()
	defer b.mu.Unlock()
	got := b.got
	b.got, b.ids = nil, nil
	return got
}

// WithoutScripts switches JavaScript off.
func (b *Browser) WithoutScripts() *Browser {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled,
		emulation.SetScriptExecutionDisabledParams{Value: true})
	b.must(err)
	return b
}

// Become gives the browser the cookies that a person holds.
func (b *Browser) Become(p *Person) {
	b.t.Helper()
	at, err := url.Parse(PublicURL)
	b.must(err)
	yes := true
	for _, c := range p.jar.Cookies(at) {
		_, err := chromedp.Call(b.ctx, network.SetCookie, network.SetCookieParams{
			Name:     c.Name,
			Value:    c.Value,
			URL:      PublicURL + "/",
			Secure:   &yes,
			HTTPOnly: &yes,
		})
		b.must(err)
	}
}

// Phone makes the window 360 CSS pixels wide, with scale device pixels to each of them and a
// finger in place of a mouse, and draws light or dark pages.
func (b *Browser) Phone(scale float64, dark bool) *Browser {
	b.t.Helper()
	b.must(chromedp.Do(b.ctx, chromedp.EmulateViewport(360, 740, chromedp.EmulateScale(scale), chromedp.EmulateMobile,
		chromedp.EmulateTouch)))
	scheme := map[bool]string{false: "light", true: "dark"}[dark]
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	b.must(err)
	return b
}

// In puts the browser into a time zone of the IANA database.
func (b *Browser) In(zone string) *Browser {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: zone})
	b.must(err)
	return b
}

// Picture is a PNG of the whole page, as many pixels wide as the window has.
func (b *Browser) Picture() []byte {
	b.t.Helper()
	png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	b.must(err)
	return png
}

// PictureOf is a PNG of what the window shows with an element in its middle. A picture of the whole page can be ten
// times as large.
func (b *Browser) PictureOf(selector string) []byte {
	b.t.Helper()
	Eval[bool](b, fmt.Sprintf(
		`(document.querySelector(%q).scrollIntoView({ block: "center", behavior: "instant" }), true)`, selector))
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	b.must(err)
	return png
}

// Go opens an address.
func (b *Browser) Go(address string) {
	b.t.Helper()
	b.must(chromedp.Do(b.ctx, chromedp.Navigate(address)))
}

// Type types into the first element that a CSS selector finds.
func (b *Browser) Type(selector, text string) {
	b.t.Helper()
	b.must(chromedp.Do(b.ctx, chromedp.WaitVisible(chromedp.CSS(selector)),
		chromedp.SendKeys(chromedp.CSS(selector), text)))
}

// Keys presses keys wherever the focus is.
func (b *Browser) Keys(keys string) {
	b.t.Helper()
	b.must(chromedp.Do(b.ctx, chromedp.KeyEvent(keys)))
}

// Click presses an element.
func (b *Browser) Click(selector string) {
	b.t.Helper()
	b.must(chromedp.Do(b.ctx, chromedp.WaitVisible(chromedp.CSS(selector)), chromedp.Click(chromedp.CSS(selector))))
}

// See waits until an element is visible.
func (b *Browser) See(selector string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, Slack*10*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.WaitVisible(chromedp.CSS(selector))); err != nil {
		b.t.Fatalf("%s did not appear at %s: %s", selector, b.Where(), Quietly(b.Text()))
	}
}

// Await waits until the page says words.
func (b *Browser) Await(words string) {
	b.t.Helper()
	Within(b.t, 10*time.Second, "the page says "+words+", but: "+Quietly(b.Text()),
		func() bool { return strings.Contains(b.Text(), words) })
}

// AwaitAt waits until the address begins with prefix.
func (b *Browser) AwaitAt(prefix string) string {
	b.t.Helper()
	for end := time.Now().Add(Slack * 10 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if at := b.Where(); strings.HasPrefix(at, prefix) {
			return at
		}
	}
	b.t.Fatalf("at %s, not at %s: %s", b.Where(), prefix, Quietly(b.Text()))
	return ""
}

// Where is the address of the page.
func (b *Browser) Where() string {
	b.t.Helper()
	return look(b, chromedp.Location())
}

// look asks the page, and asks once more where the page was left while it was asked. What is asked must change nothing.
func look[T any](b *Browser, what chromedp.Action[T]) T {
	b.t.Helper()
	for end := time.Now().Add(Slack * 5 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		got, err := chromedp.Run(b.ctx, what)
		var left *cdproto.Error
		if !errors.As(err, &left) || left.Code != leftWhileAsked || time.Now().After(end) {
			b.must(err)
			return got
		}
	}
}

// leftWhileAsked is how the DevTools protocol answers for a page that is there no more.
const leftWhileAsked = -32000

// Text is what the page shows, in one line.
func (b *Browser) Text() string {
	text, err := chromedp.Run(b.ctx, chromedp.Text(chromedp.CSS("body"), chromedp.NodeReady))
	if err != nil {
		return err.Error()
	}
	return plain(text)
}

// Has reports whether an element is on the page.
func (b *Browser) Has(selector string) bool {
	b.t.Helper()
	return len(look(b, chromedp.QueryNodeIDs(chromedp.CSSAll(selector), chromedp.AtLeast(0)))) > 0
}

// Eval runs a script and returns its value, for what a person would see with their eyes.
func Eval[T any](b *Browser, script string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](script))
	b.must(err)
	return v
}

// appServer answers for every app: it shows what the browser brought back.
func appServer(t testing.TB) (addr string, stop func()) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{
		TLSConfig:         serverTLS(t, "*.example.test"),
		ReadHeaderTimeout: 5 * time.Second,
		Handler:           http.HandlerFunc(showCallback),
	}
	go func() { _ = server.Serve(tls.NewListener(listener, server.TLSConfig)) }()
	return listener.Addr().String(), func() { _ = server.Close() }
}

// LeftFor is where an app's callback at /leave redirects to: another origin.
const LeftFor = "https://elsewhere.example.test/arrived"

func showCallback(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/leave" {
		http.Redirect(w, r, LeftFor, http.StatusFound)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = fmt.Fprintf(w, "<!doctype html><title>app</title><h1 id=app>Back at %s</h1><p>%s", html.EscapeString(r.Host),
		html.EscapeString(r.URL.Path))
}

// Insert puts text where the focus is in one piece, as a paste does.
func (b *Browser) Insert(text string) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, input.InsertText, input.InsertTextParams{Text: text})
	b.must(err)
}

// History lists the addresses that the tab can go back to, and its own.
func (b *Browser) History() (addresses []string) {
	b.t.Helper()
	all, err := chromedp.Run(b.ctx, chromedp.NavigationEntries())
	b.must(err)
	for _, one := range all.Entries {
		addresses = append(addresses, one.URL)
	}
	return addresses
}
