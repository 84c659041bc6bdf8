package histories

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

// guard: every look at a session reads its row, its user and its company
func TestREL015_AfterARevocationNothingIsLeft(t *testing.T) {
	everywhere(t, func(t *testing.T, a *arena) {
		clients := a.clients(t, 5)
		for i := range share(30) {
			company := a.Covered(t)
			kind := []string{"sign out", "not me", "disable", "sign out", "not me", "password"}[i%6]
			if i%15 == 14 {
				company, kind = a.NewTenant(t, "--mandate", "mandatory"), "suspend"
			}
			u, p := company.Crowd(t, 1)[0], a.Person(t)
			visit := a.Dashboard(t).Visit()
			p.Visit(visit)
			p.Password(u.Email, u.Password)
			mail := a.Sink.Code(t, u.Email, 1)
			tokens := a.Dashboard(t).Finish(t, visit, p.Code(mail.Code))
			session, h := p.Cookie("session"), begin()
			over := make(chan struct{})
			race(clients, func(c *client) {
				if c.number == 4 {
					time.Sleep(time.Duration(rand.IntN(4000)) * time.Microsecond)
					h.do(c.number, did{"revoke", kind, 0},
						func() (got, error) { return got{Word: "done"}, a.revoke(c, kind, session, mail, u) })
					close(over)
					return
				}
				until(over, 40, func() { c.look(h, session, tokens.Raw.AccessToken) })
			})
			h.check(t, lifeModel)
		}
	})
}

func (a *arena) revoke(c *client, kind, session string, mail rig.Mail, u *rig.User) error {
	switch kind {
	case "sign out":
		return acknowledged(c.hold("session", session).post(rig.PathSignOut, form()))
	case "not me":
		return acknowledged(c.hold().post(mail.NotMe, form()))
	case "disable":
		_, err := a.TryCLI("", "user", "set", u.Email, "--disable")
		return err
	case "password":
		_, err := a.TryCLI("canary another battery staple\n", "user", "password", u.Email, "--password-stdin")
		return err
	}
	_, err := a.TryCLI("", "tenant", "set", u.Tenant.ID, "--suspend")
	return err
}

func acknowledged(pg *rig.Page, err error) error {
	if err == nil && pg.Status != 200 {
		err = fmt.Errorf("status %d", pg.Status)
	}
	return err
}

// look asks whether the session or a token of it is still good.
func (c *client) look(h *history, session, access string) {
	about := []string{"page", "token"}[rand.IntN(2)]
	h.do(c.number, did{Verb: "look", About: about}, func() (got, error) {
		if about == "token" {
			return alive(c.hold().get("/userinfo", access))
		}
		return alive(c.hold("session", session).get("/", ""))
	})
}
