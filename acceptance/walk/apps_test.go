package walk

import (
	"net/http"
	"net/url"
	"strings"
)

func (k *stage) logout(b *tab, s step) {
	hint := ""
	if p := pick(k.papers, s.A); p != nil {
		hint = p.id
	}
	q := url.Values{"state": {"walk"}}
	if s.B%2 == 0 && hint != "" {
		q.Set("id_token_hint", hint)
	}
	if s.B%3 == 0 {
		q.Set("client_id", pick(k.apps, s.C).ID)
		q.Set("post_logout_redirect_uri", pick(k.apps, s.C).Home+"signed-out")
	}
	pg := k.get(b, "/logout?"+q.Encode())
	if f, asks := pg.Form("/logout/confirm"); asks && s.C%2 == 0 {
		k.walk(request{tab: b, method: http.MethodPost, target: "/logout/confirm", form: f.Values})
	}
}

// machine asks as an app does: by itself, or with a secret.
func (k *stage) machine(b *tab, a *app, form url.Values) {
	r := request{tab: b, method: http.MethodPost, target: "/token", form: form}
	if a.Secret != "" {
		r.basic = a
	} else {
		form.Set("client_id", a.ID)
	}
	k.ask(r)
}

func (k *stage) redeem(b *tab, s step) {
	p := pick(k.papers, uint32(len(k.papers))-1-min(s.A%4, max(uint32(len(k.papers)), 1)-1))
	if p == nil {
		return
	}
	a, verifier := p.wish.app, p.wish.verifier
	if s.B%7 == 0 {
		a = pick(k.apps, s.C)
	}
	if s.B%11 == 0 {
		verifier = strings.Repeat("not-the-verifier", 3)
	}
	k.machine(b, a, url.Values{"grant_type": {"authorization_code"}, "code": {p.code},
		"redirect_uri": {p.wish.app.Redirect}, "code_verifier": {verifier}})
}

func (k *stage) refresh(b *tab, s step) {
	var lines []*paper
	for _, p := range k.papers {
		if len(p.refresh) > 0 && p.refresh[0] != "" {
			lines = append(lines, p)
		}
	}
	p := pick(lines, s.A)
	if p == nil {
		return
	}
	token, a := p.refresh[len(p.refresh)-1], p.wish.app
	if s.B%4 == 0 {
		token = pick(p.refresh, s.C)
	}
	if s.B%9 == 0 {
		a = pick(k.apps, s.C)
	}
	k.machine(b, a, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
}

func (k *stage) userinfo(b *tab, s step) {
	var all []string
	for _, p := range k.papers {
		for _, t := range p.access {
			all = append(all, t.token)
		}
	}
	token := pick(all, uint32(len(all))-1-min(s.A%10, max(uint32(len(all)), 1)-1))
	if token == "" {
		return
	}
	if s.B%5 == 0 { // signed by no one
		token = token[:len(token)-8] + "AAAAAAAA"
	}
	if s.B%3 == 0 {
		k.ask(request{tab: b, method: http.MethodPost, target: "/userinfo", form: url.Values{"access_token": {token}}})
		return
	}
	k.ask(request{tab: b, method: http.MethodGet, target: "/userinfo", bearer: token})
}
