package faults

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"countersign/acceptance/rig"
)

// chapter is a part of what a person and an app do. It stops at the first step that fails.
type chapter struct {
	name string
	play func(c *client) error
}

// story is everything: each chapter is played by someone of their own.
var story = []chapter{
	{"a whole sign-in", whole},
	{"a new code and a link", link},
	{"this wasn't me", notMe},
	{"a step up", stepUp},
}

// patience is how long a mail may take while nothing goes wrong.
const patience = rig.Slack * 3 * time.Second

// run does steps until one fails.
func run(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// whole: password, mail, code, session, code for the app, tokens, the next tokens, out,
// and in again on the remembered browser.
func whole(c *client) error {
	var m rig.Mail
	var k *tokens
	var held string
	return run(
		func() error { return c.start() },
		c.wrongPassword,
		c.password,
		func() (err error) { m, err = c.mail(patience); return err },
		func() error { return c.wrong(m) },
		func() error { return c.answer(m, true) },
		func() (err error) { k, err = c.tokens(); return err },
		func() error { return k.good() },
		func() error { return k.renew() },
		func() error { return k.good() },
		func() error { held = c.p.Cookie("session"); return c.signOut() },
		func() error { return c.over(held, k) },
		func() error { return c.start() },
		func() error { return c.must(c.password) },
		func() (err error) { k, err = c.tokens(); return err },
		func() error { return k.good() },
		c.signOut,
	)
}

// link: a second code, by which the first one dies, and the button behind the link.
func link(c *client) error {
	var first, second rig.Mail
	var k *tokens
	return run(
		func() error { return c.start() },
		c.password,
		func() (err error) { first, err = c.mail(patience); return err },
		func() error { c.w.later(c.t, 31*time.Second); return c.post(rig.PathNewCode) },
		func() (err error) { second, err = c.mail(patience); return err },
		func() error { return c.refused(first) },
		func() error { return c.press(second) },
		func() (err error) { k, err = c.tokens(); return err },
		func() error { return k.good() },
	)
}

// refused fails if a link that was replaced is good for anything.
func (c *client) refused(m rig.Mail) error {
	if err := c.get(m.Link); err != nil {
		return err
	}
	if c.page.Status != http.StatusGone {
		return fmt.Errorf("the link of a replaced code answers %d", c.page.Status)
	}
	return nil
}

// notMe: someone gets in, the owner says that it was not them, and chooses a new password.
func notMe(c *client) error {
	var m rig.Mail
	var k *tokens
	var held string
	return run(
		func() error { return c.start() },
		c.password,
		func() (err error) { m, err = c.mail(patience); return err },
		func() error { return c.answer(m, true) },
		func() (err error) { k, err = c.tokens(); return err },
		func() error { held = c.p.Cookie("session"); return c.disown(m) },
		func() error { return c.over(held, k) },
		func() error { return c.start() },
		c.password,
		func() (err error) { m, err = c.mail(patience); return err },
		func() error { return c.post(rig.PathCode, "code", m.Code) },
		func() error { return c.must(c.newPassword) },
		func() (err error) { k, err = c.tokens(); return err },
		func() error { return k.good() },
	)
}

// disown presses the button behind "this wasn't me".
func (c *client) disown(m rig.Mail) error {
	if err := run(func() error { return c.get(m.NotMe) }, func() error { return c.post(m.NotMe) }); err != nil {
		return err
	}
	if c.page.Status == http.StatusOK {
		c.w.history.Disowned(m.NotMe)
	}
	return nil
}

const pathNewPassword = "/signin/new-password"

// newPassword chooses one that no one has had before.
func (c *client) newPassword() error {
	if _, ok := c.page.Form(pathNewPassword); !ok {
		return fmt.Errorf("not asked for a new password: status %d %s", c.page.Status, rig.Quietly(c.page.Text()))
	}
	next := "canary replaced battery " + c.w.Unique("staple")
	c.w.history.Secret("password", next)
	c.spare = next // it may have been taken even if we are never told
	if err := c.post(pathNewPassword, "password", next); err != nil {
		return err
	}
	c.u.Password, c.spare = next, ""
	return nil
}

// stepUp: a password is enough for one app, and the next one wants more.
func stepUp(c *client) error {
	var m rig.Mail
	var k *tokens
	var held string
	covered := c.app
	return run(
		func() error { c.app = c.w.PhoneApp(c.t).Via(c.w.via); return c.start() },
		func() error { return c.must(c.password) },
		func() (err error) { k, err = c.tokens(); return err },
		func() error { held = c.p.Cookie("session"); c.app = covered; return c.start() },
		func() error { return c.post(rig.PathStepUp) },
		func() (err error) { m, err = c.mail(patience); return err },
		func() error { return c.answer(m, false) },
		func() error { return c.over(held, nil) },
		func() (err error) { k, err = c.tokens(); return err },
		func() error { return k.renew() },
		func() error { return k.good() },
		func() error { held = c.p.Cookie("session"); return c.signOut() },
		func() error { return c.over(held, k) },
	)
}

var errLives = errors.New("a session that is over")

// over fails unless a session's cookie and the tokens behind it open nothing any more.
func (c *client) over(held string, k *tokens) error {
	c.last = func() error { return c.over(held, k) }
	now := c.p.Cookie("session")
	c.p.SetCookie("session", held)
	pg, err := c.p.Try(c.p.Request(http.MethodGet, "/", nil))
	c.p.SetCookie("session", now)
	if err != nil {
		return err
	}
	if pg.Status == http.StatusOK {
		return fmt.Errorf("%w opens the start page", errLives)
	}
	if k == nil {
		return nil
	}
	n, err := k.status()
	if err == nil && n < 400 {
		return fmt.Errorf("%w has good tokens", errLives)
	}
	return err
}

// goOn is what a person does who wants to get in, whatever stands in the way: read the
// page, and do what it says. It fails after twelve pages.
func (c *client) goOn() (*tokens, error) {
	if err := c.start(); err != nil {
		return nil, fmt.Errorf("start anew: %w", err)
	}
	var pages []string
	for range 12 {
		pages = append(pages, fmt.Sprintf("%d %s", c.page.Status, c.page.URL.Path))
		if c.page.Left != nil && c.page.Left.Query().Get("code") != "" {
			k, err := c.tokens()
			if err != nil {
				return nil, fmt.Errorf("after %s: %w", strings.Join(pages, ", "), err)
			}
			return k, k.good()
		}
		if err := c.nextPage(); err != nil {
			return nil, fmt.Errorf("after %s: %w", strings.Join(pages, ", "), err)
		}
	}
	return nil, fmt.Errorf("no way in after %s: %s", strings.Join(pages, ", "), rig.Quietly(c.page.Text()))
}

// nextPage does what the page asks for.
func (c *client) nextPage() error {
	has := func(path string) bool { _, ok := c.page.Form(path); return ok }
	switch {
	case c.page.Status == http.StatusTooManyRequests || c.page.Status == http.StatusConflict:
		c.w.later(c.t, c.wait())
		return c.start()
	case has(pathNewPassword):
		return c.newPassword()
	case has(rig.PathStepUp):
		return c.post(rig.PathStepUp)
	case has(rig.PathPassword):
		return c.eitherPassword()
	case has(rig.PathCode) && c.page.Input("code") != nil:
		m, err := c.mail(2 * time.Second)
		if err != nil { // its job is in the hands of no one: wait as long as it takes
			c.w.later(c.t, 61*time.Second)
			if m, err = c.mail(patience); err != nil {
				return err
			}
		}
		return c.post(rig.PathCode, "code", m.Code)
	case has(rig.PathNewCode):
		c.w.later(c.t, 31*time.Second)
		return c.post(rig.PathNewCode)
	}
	return c.start()
}

// wait is how long the page asks to wait: tries that a kill left counted slow an account
// down as failures do.
func (c *client) wait() time.Duration {
	asked, _ := strconv.Atoi(c.page.Header.Get("Retry-After"))
	return max(31*time.Second, time.Duration(asked)*time.Second)
}

// eitherPassword types the password, or the one that was chosen when the answer was lost.
func (c *client) eitherPassword() error {
	err := c.password()
	if err == nil || c.spare == "" || c.page.Status != http.StatusUnauthorized {
		return err
	}
	c.u.Password, c.spare = c.spare, ""
	return c.password()
}
