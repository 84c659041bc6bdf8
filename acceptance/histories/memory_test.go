package histories

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"countersign/acceptance/rig"
)

// guard: session.Rotate is a guarded update, and an older token ends the line
func TestREL015_ARememberedBrowsersToken(t *testing.T) {
	everywhere(t, func(t *testing.T, a *arena) {
		clients := a.clients(t, 4)
		for _, u := range a.Covered(t).Crowd(t, share(20)) {
			p, app := a.Person(t), a.Dashboard(t)
			p.SignInRemembered(t, app, u)
			first := p.Cookie("browser")
			p.Forget()
			f, ok := p.Visit(app.Visit()).Form(rig.PathPassword)
			if !ok || first == "" {
				t.Fatal("no memory, or no page to show it at")
			}
			h, tokens := begin(), &purse{nickname: map[string]string{}}
			begun := tokens.put(first, "")
			race(clients, func(c *client) {
				for range 4 {
					c.show(h, tokens, f.Values.Get("to"), u)
				}
			})
			h.check(t, memoryModel(begun))
		}
	})
}

// show signs in with a token of the memory, mostly the newest that anyone knows.
func (c *client) show(h *history, tokens *purse, to string, u *rig.User) {
	token, name, _ := tokens.pick(rand.IntN(10) < 8)
	h.do(c.number, did{Verb: "show", About: name}, func() (got, error) {
		pg, err := c.hold("browser", token).post(rig.PathPassword,
			form("to", to, "email", u.Email, "password", u.Password))
		switch {
		case err != nil:
			return got{}, err
		case given(pg, "session") != "":
			return got{Word: "in", New: tokens.put(given(pg, "browser"), "")}, nil
		case pg.Status == 409:
			return got{Word: "again"}, nil
		case given(pg, "flow") != "":
			return got{Word: "asked"}, nil
		}
		return got{}, fmt.Errorf("status %d: %s", pg.Status, rig.Quietly(pg.Text()))
	})
}
