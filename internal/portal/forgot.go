package portal

import (
	"net/http"
	"net/url"
	"time"

	"countersign/internal/authenticator/outofband"
	"countersign/internal/client"
	"countersign/internal/fault"
	"countersign/internal/grant"
	"countersign/internal/pages"
	"countersign/internal/passwordlink"
	"countersign/internal/secret"
	"countersign/internal/web"
)

func (p *Portal) mountForgot(mux *web.Mux) {
	mux.Get("/signin/forgot", p.showForgot)
	mux.Post("/signin/forgot", p.askForgot)
	p.mountMailed(mux, passwordLink, p.showPasswordLink, p.setPassword)
}

// forgotPage asks where to mail a link for a new password, and says that it was asked for. It
// looks the same for every address.
type forgotPage struct {
	To      string // the sealed authorization request; "" = our own pages
	Email   string
	Sent    bool
	Problem string
	Wait    time.Duration
}

func (p forgotPage) View() web.View {
	return web.View{Template: "portal/forgot", ReturnTo: p.url()}
}

// url is the address of the page, without the email address that was typed.
func (p forgotPage) url() string {
	if p.To == "" {
		return "/signin/forgot"
	}
	return "/signin/forgot?to=" + url.QueryEscape(p.To)
}

// SignInURL is the way back.
func (p forgotPage) SignInURL() string { return pages.SignInPath(p.To) }

// passwordLinkPage asks the person who was mailed a link for their password, or says why the
// link does nothing.
type passwordLinkPage struct {
	State      string // ready, used, replaced, expired or unknown
	ID         string // names the link
	Invitation bool
	Withdrawn  bool // with the state expired
	Email      string
	MinLength  int
	Problem    string
	Wait       time.Duration
	To         string
}

func (p passwordLinkPage) View() web.View {
	return web.View{Template: "portal/password_link", ReturnTo: passwordLink.page(p.ID)}
}

// Ready reports whether the link is good.
func (p passwordLinkPage) Ready() bool { return p.State == string(outofband.LinkReady) }

// Title is the heading.
func (p passwordLinkPage) Title() string {
	switch outofband.LinkState(p.State) {
	case outofband.LinkReady:
		if p.Invitation {
			return "password_link.invitation.title"
		}
		return "new_password.title"
	case outofband.LinkUsed:
		return "link.used.title"
	case outofband.LinkReplaced:
		return "password_link.replaced.title"
	case outofband.LinkExpired:
		if p.Withdrawn {
			return "password_link.withdrawn.title"
		}
		return "password_link.expired.title"
	}
	return "link.unknown.title"
}

// Text says what the link does, or why it does nothing and what to do next.
func (p passwordLinkPage) Text() string {
	switch outofband.LinkState(p.State) {
	case outofband.LinkReady:
		if p.Invitation {
			return "password_link.invitation.text"
		}
		return "password_link.reset.text"
	case outofband.LinkUsed:
		return "password_link.used.text"
	case outofband.LinkReplaced:
		return "password_link.replaced.text"
	case outofband.LinkExpired:
		switch {
		case p.Withdrawn:
			return "password_link.withdrawn.text"
		case p.Invitation:
			return "password_link.invitation.expired"
		}
		return "password_link.expired.text"
	}
	return "password_link.unknown.text"
}

// ForgotURL is where a new link is asked for.
func (p passwordLinkPage) ForgotURL() string { return forgotPage{To: p.To}.url() }

// SignInURL is where the password is used.
func (p passwordLinkPage) SignInURL() string { return pages.SignInPath(p.To) }

// passwordSetPage leads back to the app whose sign-in has run out meanwhile.
type passwordSetPage struct{ AppName, HomeURL string }

func (passwordSetPage) View() web.View { return web.View{Template: "portal/password_set"} }

// readTarget is targetOf, but for a request that has run out: then the page is for our own sign-in.
func (p *Portal) readTarget(sealed string) pages.Target {
	if t, err := p.TargetOf(sealed); err == nil {
		return t
	}
	return pages.Target{Request: grant.Request{ClientID: client.PortalID}}
}

func (p *Portal) showForgot(w http.ResponseWriter, r *http.Request) error {
	t := p.readTarget(r.URL.Query().Get("to"))
	return p.Web.Draw(w, r, http.StatusOK, forgotPage{To: t.Sealed, Email: t.Request.LoginHint})
}

// askForgot comes from the sign-in page, with the address that was typed there and perhaps a
// password, which is not looked at; and from its own page, whose button sends the mail.
func (p *Portal) askForgot(w http.ResponseWriter, r *http.Request) error {
	t := p.readTarget(r.PostForm.Get("to"))
	page := forgotPage{To: t.Sealed, Email: r.PostForm.Get("email")}
	if !r.PostForm.Has("send") {
		return p.Web.Draw(w, r, http.StatusOK, page)
	}
	err := p.PasswordLinks.RequestReset(r.Context(), passwordlink.ResetRequest{
		Email:      page.Email,
		ClientID:   t.Request.ClientID,
		ContinueTo: t.Sealed,
		Visitor:    p.Visitor(r),
	})
	if f := pages.Waiting(err); f != nil || fault.Is(err, fault.Invalid) {
		f = fault.Of(err)
		pages.SetRetryAfter(w, f.RetryAfter)
		page.Problem, page.Wait = f.Message, f.RetryAfter
		return p.Web.Draw(w, r, web.Status(f.Kind), page)
	}
	if err != nil {
		return err
	}
	page.Sent = true
	return p.Web.Draw(w, r, http.StatusOK, page)
}

func (p *Portal) showPasswordLink(w http.ResponseWriter, r *http.Request) error {
	ref, id, held := p.linkOf(r, passwordLink)
	if !held {
		return p.drawOpenAgain(w, r)
	}
	l, err := p.PasswordLinks.Open(r.Context(), ref)
	if err != nil {
		return err
	}
	if l.State == outofband.LinkReady {
		web.ForCompany(r.Context(), ref.Tenant)
	}
	return p.drawPasswordLink(w, r, statusOfLink[l.State], l, passwordLinkPage{ID: id})
}

func (p *Portal) drawPasswordLink(
	w http.ResponseWriter, r *http.Request, status int, l passwordlink.Link, page passwordLinkPage,
) error {
	page.State, page.Invitation, page.Withdrawn = string(l.State), l.Invitation, l.Withdrawn
	page.Email = l.Email
	page.MinLength, page.To = l.MinLength, p.readTarget(l.ContinueTo).Sealed
	return p.Web.Draw(w, r, status, page)
}

// setPassword spends the link. It signs no one in: the sign-in page comes next.
func (p *Portal) setPassword(w http.ResponseWriter, r *http.Request) error {
	ref, id, held := p.linkOf(r, passwordLink)
	if !held {
		return p.drawOpenAgain(w, r)
	}
	l, err := p.PasswordLinks.SetPassword(r.Context(), ref, secret.Text(r.PostForm.Get("password")), p.Visitor(r))
	if l.State == outofband.LinkReady && (pages.Waiting(err) != nil || fault.Is(err, fault.Invalid)) {
		f := fault.Of(err)
		pages.SetRetryAfter(w, f.RetryAfter)
		web.ForCompany(r.Context(), ref.Tenant)
		page := passwordLinkPage{ID: id, Problem: f.Message, Wait: f.RetryAfter}
		return p.drawPasswordLink(w, r, web.Status(f.Kind), l, page)
	}
	if err != nil {
		return err
	}
	p.dropLink(w, r, passwordLink, id)
	if l.State != outofband.LinkReady {
		return p.drawPasswordLink(w, r, statusOfLink[l.State], l, passwordLinkPage{})
	}
	t := p.readTarget(l.ContinueTo)
	if t.Sealed == "" && l.HomeURL != "" {
		return p.Web.Draw(w, r, http.StatusOK, passwordSetPage{AppName: l.AppName, HomeURL: l.HomeURL})
	}
	told := "signin.password_set"
	if l.Invitation {
		told = "signin.invited"
	}
	return p.drawSignIn(w, r, http.StatusOK, t, signInPage{Email: l.Email, Told: told})
}

// forgotStories is the way to a new password and of an invitation, in every state.
func forgotStories(now time.Time) []web.Story {
	const address = "maria@harbor.example"
	ask := forgotPage{To: storyTo, Email: address}
	bad, slow, sent := ask, ask, ask
	bad.Email, bad.Problem = "maria@harbor", "user.bad_address"
	slow.Problem, slow.Wait = "signin.problem.wait", 9*time.Minute
	sent.Sent = true
	out := []web.Story{
		{Name: "forgot", Status: http.StatusOK, Page: forgotPage{To: storyTo}},
		{Name: "forgot/typed", Status: http.StatusOK, Page: ask},
		{Name: "forgot/email", Status: http.StatusUnprocessableEntity, Page: bad},
		{Name: "forgot/wait", Status: http.StatusTooManyRequests, Page: slow},
		{Name: "forgot/sent", Status: http.StatusOK, Page: sent},
		{
			Name:   "signin/password-set",
			Status: http.StatusOK,
			Page: signInPage{
				To:      storyTo,
				AppName: storyApp,
				Email:   address,
				Told:    "signin.password_set",
			},
		},
		{Name: "signin/invited", Status: http.StatusOK, Page: signInPage{Email: address, Told: "signin.invited"}},
		{
			Name:   "password-set",
			Status: http.StatusOK,
			Page:   passwordSetPage{AppName: storyApp, HomeURL: "https://dashboard.harbor.example/"},
		},
	}
	for _, invitation := range []bool{false, true} {
		name := "password-link/reset-"
		if invitation {
			name = "password-link/invitation-"
		}
		link := passwordLinkPage{
			ID:         storyFlow,
			Invitation: invitation,
			Email:      address,
			MinLength:  15,
		}
		for _, state := range []outofband.LinkState{outofband.LinkReady, outofband.LinkUsed, outofband.LinkReplaced,
			outofband.LinkExpired} {
			link.State = string(state)
			out = append(out, web.Story{Name: name + link.State, Status: statusOfLink[state], Page: link})
		}
		if invitation {
			withdrawn := link
			withdrawn.Withdrawn = true
			out = append(out, web.Story{Name: name + "withdrawn", Status: http.StatusGone, Page: withdrawn})
		}
		link.State, link.Problem = string(outofband.LinkReady), "password.problem.short"
		out = append(out, web.Story{Name: name + "short", Status: http.StatusUnprocessableEntity, Page: link})
	}
	unknown := passwordLinkPage{State: string(outofband.LinkUnknown)}
	return append(out, web.Story{Name: "password-link/unknown", Status: http.StatusNotFound, Page: unknown})
}
