package rig

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// Person is someone with a browser of their own: cookies, an address, a user agent. It
// sends what a browser sends, follows redirects inside our origin and runs no scripts.
type Person struct {
	IP        string // the loopback address they come from
	UserAgent string
	Language  string
	Page      *Page       // the page they are looking at
	Extra     http.Header // headers that a browser would not send, for attackers

	world  *World
	server *Server
	jar    *cookiejar.Jar
	client *http.Client
	met    tls.ClientSessionCache // servers that connect resumes with, as browsers do
	t      testing.TB
}

var addresses atomic.Uint32

// nextIP hands out loopback addresses, so that each person is a source of their own.
func nextIP() string {
	n := addresses.Add(1)
	return fmt.Sprintf("127.%d.%d.%d", 16+n>>16&0x3f, n>>8&0xff, n&0xff)
}

// Firefox and Chrome are what people here use.
const (
	Chrome  = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36"
	Firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
)

// Person brings in a new person.
func (w *World) Person(t testing.TB) *Person {
	t.Helper()
	jar, _ := cookiejar.New(nil)
	p := &Person{
		IP:        nextIP(),
		UserAgent: Chrome,
		Language:  "en",
		Extra:     http.Header{},
		world:     w,
		server:    w.A,
		jar:       jar,
		met:       tls.NewLRUClientSessionCache(4),
		t:         t,
	}
	transport := &http.Transport{
		DialContext:       p.dial,
		TLSClientConfig:   &tls.Config{RootCAs: TheCA(t)},
		ForceAttemptHTTP2: true,
	}
	p.client = &http.Client{
		Transport:     transport,
		Jar:           jar,
		Timeout:       30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	t.Cleanup(transport.CloseIdleConnections)
	return p
}

// dial resolves our host to whichever server the person is sent to.
func (p *Person) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(p.IP)}}
	return d.DialContext(ctx, "tcp", p.server.Addr)
}

// Via sends the person's next requests to another replica.
func (p *Person) Via(s *Server) *Person {
	p.server = s
	p.client.CloseIdleConnections()
	return p
}

// From gives the person another address.
func (p *Person) From(ip string) *Person {
	p.IP = ip
	p.client.CloseIdleConnections()
	return p
}

// Twin is another tab of the same browser: it shares the cookies.
func (p *Person) Twin() *Person {
	twin := p.world.Person(p.t)
	twin.jar, twin.client.Jar, twin.IP, twin.server, twin.UserAgent = p.jar, p.jar, p.IP, p.server, p.UserAgent
	return twin
}

// Get opens an address of ours, as one types it or comes from an app.
func (p *Person) Get(path string) *Page {
	p.t.Helper()
	return p.open(p.request(http.MethodGet, path, nil))
}

// Post sends a form, as our own page would.
func (p *Person) Post(path string, form url.Values) *Page {
	p.t.Helper()
	return p.open(p.request(http.MethodPost, path, form))
}

// Submit sends the form of the current page that posts to path, with some fields filled in.
func (p *Person) Submit(path string, fields ...string) *Page {
	p.t.Helper()
	form, ok := p.Page.Form(path)
	if !ok {
		p.t.Fatalf("no form for %s on: %s", path, Quietly(p.Page.Text()))
	}
	if form.Values.Has("word") {
		form.Values.Set("word", words[form.Action])
	}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Values.Set(fields[i], fields[i+1])
	}
	return p.Post(form.Action, form.Values)
}

// Request makes what Get (form nil) or Post would send, to be changed by an attacker.
func (p *Person) Request(method, path string, form url.Values) *http.Request {
	p.t.Helper()
	return p.request(method, path, form)
}

func (p *Person) request(method, path string, form url.Values) *http.Request {
	p.t.Helper()
	if button, fields := Pressed(path); method == http.MethodPost && button != path {
		p.hold(path)
		for name, values := range form {
			if fields.Get(name) == "" {
				fields[name] = values
			}
		}
		path, form = button, fields
	}
	body := strings.NewReader(form.Encode())
	req, err := http.NewRequestWithContext(p.t.Context(), method, absolute(path), body)
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("User-Agent", p.UserAgent)
	req.Header.Set("Accept", "text/html,application/xhtml+xml")
	req.Header.Set("Accept-Language", p.Language)
	req.Header.Set("Sec-Fetch-Mode", "navigate")
	req.Header.Set("Sec-Fetch-Dest", "document")
	req.Header.Set("Sec-Fetch-Site", "none")
	if method == http.MethodPost {
		req.Header.Set("Sec-Fetch-Site", "same-origin")
		req.Header.Set("Origin", PublicURL)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for k, v := range p.Extra {
		req.Header[k] = v
	}
	return req
}

// hold opens a mailed link for its cookie, which the form of its page needs. A server that is
// away is a matter of the request that follows.
func (p *Person) hold(link string) {
	if res, err := p.client.Do(p.request(http.MethodGet, link, nil)); err == nil {
		_ = res.Body.Close()
	}
}

func absolute(path string) string {
	if strings.HasPrefix(path, "https://") {
		return path
	}
	return PublicURL + path
}

// Send performs one request without following redirects.
func (p *Person) Send(req *http.Request) *Page {
	p.t.Helper()
	pg, err := p.Try(req)
	if err != nil {
		p.t.Fatalf("%s %s: %v", req.Method, req.URL.Path, err)
	}
	return pg
}

// Try is Send for requests that may fail on the wire.
func (p *Person) Try(req *http.Request) (*Page, error) {
	res, err := p.client.Do(req)
	if err != nil {
		return nil, err
	}
	return readPage(res)
}

// Open performs a request and follows where it leads.
func (p *Person) Open(req *http.Request) *Page {
	p.t.Helper()
	return p.open(req)
}

// open performs a request and follows where it leads.
func (p *Person) open(req *http.Request) *Page {
	p.t.Helper()
	var given []string
	for range 10 {
		pg := p.Send(req)
		given = append(given, pg.Given...)
		p.Page, pg.Given = pg, given
		next, err := follow(pg)
		if err != nil || next == nil {
			return pg
		}
		if next.Host != Host {
			pg.Left = next
			return pg
		}
		req = p.request(http.MethodGet, next.String(), nil)
	}
	p.t.Fatalf("redirects without end at %s", req.URL.Path)
	return nil
}

func follow(pg *Page) (*url.URL, error) {
	if pg.Status < 300 || pg.Status > 399 || pg.Header.Get("Location") == "" {
		return nil, nil
	}
	return pg.URL.Parse(pg.Header.Get("Location"))
}

// Cookie returns the value of one of our cookies without its prefix, "" when absent.
func (p *Person) Cookie(name string) string {
	for _, c := range p.jar.Cookies(origin()) {
		if c.Name == "__Host-"+name {
			return c.Value
		}
	}
	return ""
}

// SetCookie plants a cookie; an empty value removes it.
func (p *Person) SetCookie(name, value string) {
	c := &http.Cookie{
		Name:   "__Host-" + name,
		Value:  value,
		Path:   "/",
		Secure: true,
	}
	if value == "" {
		c.MaxAge = -1
	}
	p.jar.SetCookies(origin(), []*http.Cookie{c})
}

func origin() *url.URL { return &url.URL{Scheme: "https", Host: Host, Path: "/"} }

// Forget drops all of their cookies.
func (p *Person) Forget() {
	jar, _ := cookiejar.New(nil)
	p.jar, p.client.Jar = jar, jar
}
