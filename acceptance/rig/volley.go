package rig

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"
	"time"
)

// Shot is one request of a race.
type Shot struct {
	Person *Person
	Path   string
	Form   url.Values
}

// Volley sends every shot but its last byte, waits until all are in place, and lets the
// last bytes go together. It returns the answers in order; no redirect is followed and no
// cookie is kept.
func Volley(t testing.TB, shots []Shot) []*Page {
	t.Helper()
	pages := make([]*Page, len(shots))
	var ready, done sync.WaitGroup
	release := make(chan struct{})
	ready.Add(len(shots))
	for i, s := range shots {
		done.Go(func() {
			fire, err := s.load()
			ready.Done()
			if err != nil {
				t.Errorf("shot %d: %v", i, err)
				return
			}
			<-release
			if pages[i], err = fire(); err != nil {
				t.Errorf("shot %d: %v", i, err)
			}
		})
	}
	ready.Wait()
	time.Sleep(50 * time.Millisecond) // the servers have read what they could
	close(release)
	done.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return pages
}

// load writes all but the last byte and returns what sends it and reads the answer.
func (s Shot) load() (func() (*Page, error), error) {
	req := s.Person.Request(http.MethodPost, s.Path, s.Form)
	for _, c := range s.Person.jar.Cookies(origin()) {
		req.AddCookie(c)
	}
	raw, err := httputil.DumpRequestOut(req, true)
	if err != nil {
		return nil, err
	}
	conn, err := s.Person.connect()
	if err != nil {
		return nil, err
	}
	if _, err := conn.Write(raw[:len(raw)-1]); err != nil {
		return nil, err
	}
	return func() (*Page, error) {
		defer func() { _ = conn.Close() }()
		if _, err := conn.Write(raw[len(raw)-1:]); err != nil {
			return nil, err
		}
		return receive(conn, req)
	}, nil
}

func receive(conn net.Conn, req *http.Request) (*Page, error) {
	_ = conn.SetReadDeadline(time.Now().Add(Slack * 60 * time.Second))
	res, err := http.ReadResponse(bufio.NewReader(conn), req)
	if err != nil {
		return nil, err
	}
	return readPage(res)
}

// connect opens a TLS connection for HTTP/1.1 from the person's address.
func (p *Person) connect() (net.Conn, error) {
	d := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(p.IP)}, Timeout: Slack * 10 * time.Second}
	return tls.DialWithDialer(d, "tcp", p.server.Addr,
		&tls.Config{RootCAs: TheCA(p.t), ServerName: Host, ClientSessionCache: p.met})
}

// Raw writes bytes to the program and returns the answer, for requests that no client sends.
func (p *Person) Raw(request string) (*Page, error) {
	conn, err := p.connect()
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.Write([]byte(request)); err != nil {
		return nil, err
	}
	return receive(conn, nil)
}

// HangUp sends a form and closes the connection at once, without reading the answer.
func (p *Person) HangUp(path string, form url.Values) error {
	req := p.Request(http.MethodPost, path, form)
	for _, c := range p.jar.Cookies(origin()) {
		req.AddCookie(c)
	}
	raw, err := httputil.DumpRequestOut(req, true)
	if err != nil {
		return err
	}
	conn, err := p.connect()
	if err != nil {
		return err
	}
	if _, err := bytes.NewReader(raw).WriteTo(conn); err != nil {
		return err
	}
	return conn.Close()
}

// Count says how many pages have each status.
func Count(pages []*Page) map[int]int {
	out := map[int]int{}
	for _, pg := range pages {
		out[pg.Status]++
	}
	return out
}

// Header makes the first lines of a raw request with the person's cookies.
func (p *Person) Header(method, target string, lines ...string) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", method, target)
	for _, c := range p.jar.Cookies(origin()) {
		fmt.Fprintf(&b, "Cookie: %s=%s\r\n", c.Name, c.Value)
	}
	for _, l := range append(lines, "Connection: close") {
		fmt.Fprintf(&b, "%s\r\n", l)
	}
	b.WriteString("\r\n")
	return b.String()
}
