package histories

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"sync"
	"testing"

	"countersign/acceptance/rig"
)

// purse is what everyone in a round may use: every token that was ever given out, in the
// order of its arrival, under the short names that stand in the history.
type purse struct {
	mu       sync.Mutex
	refresh  []string
	access   []string
	nickname map[string]string
}

func (p *purse) put(refresh, access string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	name, known := p.nickname[refresh]
	if !known { // a token may come twice, to two that renewed at once
		name = fmt.Sprintf("t%d", len(p.refresh)+1)
	}
	p.refresh, p.access = append(p.refresh, refresh), append(p.access, access)
	p.nickname[refresh] = name
	return name
}

// pick returns the newest pair that is known, or any.
func (p *purse) pick(newest bool) (refresh, name, access string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.refresh) == 0 {
		return "", "", ""
	}
	i := len(p.refresh) - 1
	if !newest {
		i = rand.IntN(len(p.refresh))
	}
	return p.refresh[i], p.nickname[p.refresh[i]], p.access[i]
}

// guard: authorization_codes.redeemed_at and refresh_families.secret_hash change hands by guarded updates
func TestREL015_CodesAndRefreshTokens(t *testing.T) {
	everywhere(t, func(t *testing.T, a *arena) {
		app := a.NewApp(t, a.Unique("racer"), "public")
		clients, p := a.clients(t, 4), a.Person(t)
		for i := range share(50) {
			if i%20 == 0 { // a session may ask for so many codes a minute
				p.Forget()
				p.SignIn(t, app, a.Covered(t).Crowd(t, 1)[0])
			}
			visit := app.Visit()
			code := app.Callback(t, visit, p.Visit(visit)).Get("code")
			h, tokens := begin(), &purse{nickname: map[string]string{}}
			own := form("grant_type", "authorization_code", "code", code, "redirect_uri", app.Redirect, "code_verifier",
				visit.Verifier, "client_id", app.ID)
			stolen := form("grant_type", "authorization_code", "code", code, "redirect_uri", app.Redirect,
				"code_verifier", visit.Nonce+visit.Nonce, "client_id", app.ID)
			twice := i%5 == 0 // most rounds are about what comes after a single redemption
			if !twice {
				clients[0].redeem(h, tokens, "redeem", own)
			}
			race(clients, func(c *client) {
				if twice {
					c.redeem(h, tokens, "redeem", own)
				}
				for range 4 {
					c.use(h, tokens, app.ID, own, stolen)
				}
			})
			h.check(t, grantModel)
		}
	})
}

// use does one thing with what is known: mostly what an app does, sometimes what a thief does.
func (c *client) use(h *history, tokens *purse, app string, own, stolen url.Values) {
	dice := rand.IntN(100)
	refresh, name, access := tokens.pick(dice < 60)
	switch {
	case dice >= 98:
		c.redeem(h, tokens, "redeem", own)
	case dice >= 96:
		c.redeem(h, tokens, "steal", stolen)
	case refresh == "":
	case dice < 50 || dice >= 90:
		c.exchange(h, tokens, did{Verb: "refresh", About: name},
			form("grant_type", "refresh_token", "refresh_token", refresh, "client_id", app))
	default:
		h.do(c.number, did{Verb: "look"}, func() (got, error) {
			pg, err := c.get("/userinfo", access)
			return alive(pg, err)
		})
	}
}

// alive reads whether what was shown is still good: 200, or 401, or sent to sign in.
func alive(pg *rig.Page, err error) (got, error) {
	switch {
	case err != nil:
		return got{}, err
	case pg.Status == 200:
		return got{Word: "yes"}, nil
	case pg.Status == 401 || pg.Status == 303:
		return got{Word: "no"}, nil
	}
	return got{}, fmt.Errorf("status %d", pg.Status)
}

func (c *client) redeem(h *history, tokens *purse, verb string, body url.Values) {
	c.exchange(h, tokens, did{Verb: verb}, body)
}

func (c *client) exchange(h *history, tokens *purse, in did, body url.Values) {
	h.do(c.number, in, func() (got, error) {
		pg, err := c.hold().post("/token", body)
		if err != nil {
			return got{}, err
		}
		var answer struct {
			Refresh string `json:"refresh_token"`
			Access  string `json:"access_token"`
			Error   string `json:"error"`
		}
		if err := json.Unmarshal([]byte(pg.Body), &answer); err != nil {
			return got{}, fmt.Errorf("status %d: %w", pg.Status, err)
		}
		switch {
		case pg.Status == 200 && answer.Refresh != "":
			return got{Word: "tokens", New: tokens.put(answer.Refresh, answer.Access)}, nil
		case pg.Status == 400 && answer.Error == "invalid_grant":
			return got{Word: "refused"}, nil
		}
		return got{}, fmt.Errorf("status %d: %s", pg.Status, answer.Error)
	})
}
