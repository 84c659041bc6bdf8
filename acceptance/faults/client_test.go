package faults

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"countersign/acceptance/auditor"
	"countersign/acceptance/rig"
)

// client is someone with a browser and a mailbox, and the app that they want to get into.
// It writes down whatever it is told. Unlike rig.Person it lives through broken
// connections: each step returns an error instead.
type client struct {
	t     testing.TB
	w     *world
	u     *rig.User
	p     *rig.Person
	app   *rig.App
	page  *rig.Page // what the browser shows
	visit *rig.Visit
	last  func() error // does again what was cut off
	spare string       // a new password of which it is not known whether it was taken

	gone <-chan struct{} // closed when no one is there any more to send a mail; nil: someone will be
}

// errBroken says that the program answered with a failure of its own.
var errBroken = errors.New("the program failed")

// get opens an address in the browser.
func (c *client) get(path string) error { return c.open(http.MethodGet, path, nil) }

// post sends a form.
func (c *client) post(path string, pairs ...string) error {
	form := url.Values{}
	if c.page != nil {
		if f, ok := c.page.Form(path); ok {
			form = f.Values
		}
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return c.open(http.MethodPost, path, form)
}

func (c *client) open(method, path string, form url.Values) error {
	c.last = func() error { return c.open(method, path, form) }
	for range 10 {
		pg, err := c.p.Try(c.p.Request(method, path, form))
		if err != nil {
			return err
		}
		c.page = pg
		c.take(pg)
		c.noteAnswer(path, form, pg)
		if strings.Contains(pg.Body, "input/output") {
			c.t.Errorf("a page quotes the failure: %s", rig.Quietly(pg.Text()))
		}
		if pg.Status >= 500 {
			return fmt.Errorf("%w: %s %s: %d %s", errBroken, method, pg.URL.Path, pg.Status, rig.Quietly(pg.Text()))
		}
		if pg.Status < 300 || pg.Status > 399 || pg.Header.Get("Location") == "" {
			return nil
		}
		next, err := pg.URL.Parse(pg.Header.Get("Location"))
		if err != nil {
			return err
		}
		if next.Host != rig.Host {
			pg.Left = next
			c.w.history.Authorized(next.Query().Get("code"))
			return nil
		}
		method, path, form = http.MethodGet, next.String(), nil
		c.last = func() error { return c.open(http.MethodGet, next.String(), nil) }
	}
	return errors.New("redirects without end")
}

// take remembers what the answer gives to the browser.
func (c *client) take(pg *rig.Page) {
	for _, line := range pg.Header.Values("Set-Cookie") {
		cookie, err := http.ParseSetCookie(line)
		if err != nil || cookie.Value == "" {
			continue
		}
		for text := range strings.SplitSeq(cookie.Value, "~") {
			c.w.history.Secret(cookie.Name+" cookie", text)
		}
		if cookie.Name == "__Host-session" {
			c.w.history.Session(cookie.Value)
		}
	}
}

// noteAnswer notes which mail signed the browser in.
func (c *client) noteAnswer(path string, form url.Values, pg *rig.Page) {
	if form == nil || !gotSession(pg) {
		return
	}
	for _, m := range c.w.Sink.Codes(c.u.Email) {
		if path == m.Link || path == rig.PathCode && m.Code == form.Get("code") {
			c.w.history.Answered(auditor.MessageID(m))
			return
		}
	}
}

func gotSession(pg *rig.Page) bool { return pg.GaveSession() }

// start goes to the app, which sends the browser to us.
func (c *client) start(options ...string) error {
	c.visit = c.app.Visit(options...)
	return c.get(c.visit.URL)
}

func (c *client) password() error {
	c.w.history.Secret("password", c.u.Password)
	err := c.post(rig.PathPassword, "email", c.u.Email, "password", c.u.Password)
	if err == nil && c.page.Status == http.StatusUnauthorized {
		return fmt.Errorf("the right password is refused: %s", rig.Quietly(c.page.Text()))
	}
	return err
}

// wrongPassword types a wrong one and is told so.
func (c *client) wrongPassword() error {
	err := c.post(rig.PathPassword, "email", c.u.Email, "password", "not "+c.u.Password)
	if err == nil && c.page.Status == http.StatusUnauthorized {
		c.w.history.WrongPassword(c.u.Email)
	}
	return err
}

var shown = regexp.MustCompile(`\b([A-Z2-9]{4})\b`)

// mail waits for the mail that the code page speaks of.
func (c *client) mail(patience time.Duration) (rig.Mail, error) {
	text := c.page.Text()
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		over := time.Now().After(end) || closed(c.gone)
		for _, m := range c.w.Sink.Codes(c.u.Email) {
			for _, word := range shown.FindAllString(text, -1) {
				if word == m.Reference {
					return m, nil
				}
			}
		}
		if over {
			return rig.Mail{}, fmt.Errorf("no mail came for: %s", rig.Quietly(text))
		}
	}
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

var triesLeft = regexp.MustCompile(`(?i)(\d+) tr(?:y|ies) left|(\d+) more tr(?:y|ies)|(\d+) attempts?`)

// wrong types a code that is not the mail's.
func (c *client) wrong(m rig.Mail) error {
	code := "000000"
	if m.Code == code {
		code = "111111"
	}
	if err := c.post(rig.PathCode, "code", code); err != nil {
		return err
	}
	if c.page.Status != http.StatusUnauthorized {
		return nil
	}
	left := int64(0)
	if found := triesLeft.FindStringSubmatch(c.page.Text()); found != nil {
		left, _ = strconv.ParseInt(found[1]+found[2]+found[3], 10, 64)
	} else if c.page.Input("code") != nil {
		return fmt.Errorf("the page does not say how many tries are left: %s", rig.Quietly(c.page.Text()))
	}
	c.w.history.Wrong(c.u.Email, m.Reference, left)
	return nil
}

// answer types the mail's code.
func (c *client) answer(m rig.Mail, remember bool) error {
	pairs := []string{"code", m.Code}
	if remember {
		pairs = append(pairs, "remember", "on")
	}
	return c.must(func() error { return c.post(rig.PathCode, pairs...) })
}

// press presses the button behind the mail's link.
func (c *client) press(m rig.Mail) error {
	if err := c.get(m.Link); err != nil {
		return err
	}
	return c.must(func() error { return c.post(m.Link) })
}

// must fails unless a step gives this browser a session.
func (c *client) must(step func() error) error {
	before := c.p.Cookie("session")
	if err := step(); err != nil {
		return err
	}
	if c.p.Cookie("session") == before {
		return fmt.Errorf("no session: status %d %s", c.page.Status, rig.Quietly(c.page.Text()))
	}
	return nil
}

// tokens lets the app redeem the code that the browser brought.
func (c *client) tokens() (*tokens, error) {
	if c.page == nil || c.page.Left == nil {
		return nil, errors.New("the browser is not at the app")
	}
	q := c.page.Left.Query()
	if q.Get("code") == "" || q.Get("state") != c.visit.State {
		return nil, fmt.Errorf("the app was sent %v", q)
	}
	k := &tokens{c: c, code: q.Get("code"), verifier: c.visit.Verifier}
	return k, k.redeem()
}

// tokens are what the app holds.
type tokens struct {
	c               *client
	code, verifier  string
	access, refresh string
}

// redeem swaps the code.
func (k *tokens) redeem() error {
	k.c.last = k.redeem
	raw, err := k.c.app.Redeem(k.code, k.verifier)
	if err != nil {
		return err
	}
	k.c.w.history.Redeemed(k.code, raw.RefreshToken)
	k.c.w.history.Secret("access token", raw.AccessToken)
	k.access, k.refresh = raw.AccessToken, raw.RefreshToken
	return nil
}

// renew swaps the refresh token.
func (k *tokens) renew() error {
	k.c.last = k.renew
	raw, err := k.c.app.Refresh(k.refresh)
	if err != nil {
		return err
	}
	k.c.w.history.Refreshed(k.refresh, raw.RefreshToken)
	k.c.w.history.Secret("access token", raw.AccessToken)
	k.access, k.refresh = raw.AccessToken, raw.RefreshToken
	return nil
}

// status asks who the token's person is.
func (k *tokens) status() (int, error) {
	req := k.c.p.Request(http.MethodGet, "/userinfo", nil)
	req.Header.Set("Authorization", "Bearer "+k.access)
	pg, err := k.c.p.Try(req)
	if err != nil {
		return 0, err
	}
	return pg.Status, nil
}

// good fails unless the token opens something.
func (k *tokens) good() error {
	k.c.last = k.good
	n, err := k.status()
	if err == nil && n >= 500 {
		return errBroken
	}
	if err == nil && n != http.StatusOK {
		return fmt.Errorf("userinfo answers %d", n)
	}
	return err
}

// signOut ends the session of this browser, and holds what it held dead from then on.
func (c *client) signOut() error {
	held := c.p.Cookie("session")
	err := c.open(http.MethodPost, rig.PathSignOut, url.Values{})
	if err == nil && c.page.Status == http.StatusOK && held != "" {
		c.w.history.Ended(held)
	}
	return err
}
