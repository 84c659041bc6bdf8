package walk

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// claims are what tokens and userinfo say.
type claims struct {
	Subject string   `json:"sub"`
	ACR     string   `json:"acr"`
	AMR     []string `json:"amr"`
	Email   string   `json:"email"`
	Tenant  *struct {
		ID string `json:"id"`
	} `json:"tenant"`
}

// honest holds claims to a session.
func (k *stage) honest(c claims, s *session, now time.Time) {
	boast := levelOf(c.ACR)
	if strings.Contains(strings.Join(c.AMR, " "), "email") {
		boast = max(boast, byMail)
	}
	if slices.Contains(c.AMR, "mfa") {
		boast = max(boast, byDevice)
	}
	if boast > s.worth(now, false) || levelOf(c.ACR) == 0 {
		broken("claims %+v for %s", c, k.describe(s, now))
	}
	if c.Subject != s.who.id || c.Email != "" && c.Email != s.who.Email || c.Tenant != nil &&
		c.Tenant.ID != s.who.of.ID {
		broken("claims %+v for %s of %s", c, s.who.Email, s.who.of.ID)
	}
}

func (k *stage) seenToken(a answer) {
	var got struct {
		ID      string `json:"id_token"`
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
		Error   string `json:"error"`
	}
	_ = json.Unmarshal([]byte(a.pg.Body), &got)
	client := a.form.Get("client_id")
	if a.basic != nil {
		client = a.basic.ID
	}
	for _, p := range k.papers {
		here := a.form.Get("grant_type") == "authorization_code" && p.code == a.form.Get("code")
		again := a.form.Get("grant_type") == "refresh_token" && len(p.refresh) > 0 &&
			p.knows(a.form.Get("refresh_token"))
		if !here && !again {
			continue
		}
		if a.pg.Status == 200 {
			k.came(map[bool]string{true: "tokens for a code", false: "tokens for a token"}[here])
			k.paid(p, a, client, here, got.Refresh)
			p.refresh, p.access = append(p.refresh, got.Refresh),
				append(p.access, access{got.Access, k.w.Now().Add(10 * time.Minute)})
			p.id = got.ID
			k.honest(payload(got.ID), p.session, a.began)
		}
		if here && (a.pg.Status == 200 || got.Error == "invalid_grant") {
			p.dead = p.dead || p.spent && a.began.Before(p.issued.Add(24*time.Hour))
			p.spent = true
		}
		return
	}
	if a.pg.Status == 200 {
		broken("tokens for nothing that was ever given out")
	}
}

// paid holds tokens to what was brought for them.
func (k *stage) paid(p *paper, a answer, client string, first bool, next string) {
	ok := client == p.wish.app.ID && (p.wish.app.Secret == "" || a.basic != nil) &&
		p.session.enough(&wish{app: p.wish.app}, a.began, false)
	if first {
		ok = ok && !p.spent && a.form.Get("code_verifier") == p.wish.verifier &&
			a.began.Before(p.issued.Add(time.Minute))
	} else {
		last := len(p.refresh) - 1
		// two that renewed at once
		shared := last > 0 && a.form.Get("refresh_token") == p.refresh[last-1] && next == p.refresh[last]
		ok = ok && !p.dead && (a.form.Get("refresh_token") == p.refresh[last] || shared)
	}
	if !ok {
		broken("tokens of %s for %s, spent %v, dead %v: %s", p.wish.app.ID, client, p.spent, p.dead,
			k.describe(p.session, a.began))
	}
}

func (p *paper) knows(token string) bool {
	for _, t := range p.refresh {
		if t == token {
			return true
		}
	}
	return false
}

func payload(token string) (c claims) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return c
	}
	raw, _ := base64.RawURLEncoding.DecodeString(parts[1])
	_ = json.Unmarshal(raw, &c)
	return c
}

func (k *stage) seenUserinfo(a answer) {
	if a.pg.Status != 200 {
		return
	}
	token := a.bearer + a.form.Get("access_token")
	for _, p := range k.papers {
		for _, t := range p.access {
			if t.token != token {
				continue
			}
			if p.dead || !a.began.Before(t.until) || !p.session.enough(&wish{app: p.wish.app}, a.began, false) {
				broken("userinfo answers for a token that is over (dead %v): %s", p.dead,
					k.describe(p.session, a.began))
			}
			k.came("userinfo")
			var c claims
			_ = json.Unmarshal([]byte(a.pg.Body), &c)
			k.honest(c, p.session, a.began)
			return
		}
	}
	broken("userinfo answers for a token that was never given out")
}
