package portal

import (
	"net/http"

	"countersign/internal/authenticator/outofband"
	"countersign/internal/fault"
	"countersign/internal/firststep"
	"countersign/internal/pages"
	"countersign/internal/secret"
	"countersign/internal/signin"
	"countersign/internal/web"
)

func (p *Portal) mountAdmission(mux *web.Mux) {
	mux.Post("/signin/link", p.askAdmission)
	p.mountMailed(mux, admissionLink, p.showAdmission, p.useAdmission)
}

// admissionOffer is the button that has a link mailed, for a browser that has to wait.
type admissionOffer struct{ Email, To string }

// offerTo offers a link to the person of a flow; nil where it names none.
func offerTo(email, to string) *admissionOffer {
	if email == "" {
		return nil
	}
	return &admissionOffer{Email: email, To: to}
}

// offerWhenSlowed offers a link where an answer was refused because of wrong ones before it.
func offerWhenSlowed(s signin.AnswerCode) *admissionOffer {
	if s.Problem != "code.problem.wait" {
		return nil
	}
	return offerTo(s.Email, s.ContinueTo)
}

// admissionSentPage is the answer for every address.
type admissionSentPage struct{ Email, To string }

func (admissionSentPage) View() web.View {
	return web.View{Template: "portal/admission_sent", ReturnTo: "/signin"}
}
func (p admissionSentPage) BackURL() string { return pages.SignInPath(p.To) }

// admissionPage is where the link leads.
type admissionPage struct {
	State   string // ready, used, expired or unknown
	ID      string // names the link
	Account string // masked; only when State is ready
}

func (p admissionPage) View() web.View {
	return web.View{Template: "portal/admission", ReturnTo: admissionLink.page(p.ID)}
}

// Title is the heading for the state.
func (p admissionPage) Title() string {
	switch p.State {
	case "ready":
		return "admission.ready.title"
	case "used":
		return "admission.used.title"
	case "expired":
		return "admission.expired.title"
	}
	return "admission.unknown.title"
}

// Text explains a link that does nothing any more.
func (p admissionPage) Text() string {
	switch p.State {
	case "used":
		return "admission.used.text"
	case "expired":
		return "admission.expired.text"
	}
	return "admission.unknown.text"
}

// admissionDonePage says that this browser can sign in.
type admissionDonePage struct{}

func (admissionDonePage) View() web.View { return web.View{Template: "portal/admission_done"} }

// askAdmission answers the same for every address.
func (p *Portal) askAdmission(w http.ResponseWriter, r *http.Request) error {
	t, err := p.TargetOf(r.PostForm.Get("to"))
	if err != nil {
		return err
	}
	email := r.PostForm.Get("email")
	if email == "" {
		return p.drawSignIn(w, r, http.StatusUnprocessableEntity, t, signInPage{Problem: "signin.problem.missing"})
	}
	err = p.FirstStep.AskAdmission(r.Context(), email, p.Visitor(r))
	if f := pages.Waiting(err); f != nil {
		pages.SetRetryAfter(w, f.RetryAfter)
		return p.drawSignIn(w, r, web.Status(f.Kind), t, signInPage{
			Email:   email,
			Problem: f.Message,
			Wait:    f.RetryAfter,
		})
	}
	if err != nil {
		return err
	}
	return p.Web.Draw(w, r, http.StatusOK, admissionSentPage{Email: email, To: t.Sealed})
}

// showAdmission asks before it does anything: mail scanners open links.
func (p *Portal) showAdmission(w http.ResponseWriter, r *http.Request) error {
	ref, id, held := p.linkOf(r, admissionLink)
	if !held {
		return p.drawOpenAgain(w, r)
	}
	state, account, err := p.FirstStep.OpenAdmission(r.Context(), ref)
	if err != nil {
		return err
	}
	return p.drawAdmission(w, r, admissionPage{ID: id, Account: account}, state)
}

func (p *Portal) drawAdmission(w http.ResponseWriter, r *http.Request, page admissionPage,
	state outofband.LinkState) error {
	page.State = string(state)
	return p.Web.Draw(w, r, statusOfLink[state], page)
}

// useAdmission lets this browser try.
func (p *Portal) useAdmission(w http.ResponseWriter, r *http.Request) error {
	ref, id, held := p.linkOf(r, admissionLink)
	if !held {
		return p.drawOpenAgain(w, r)
	}
	browser, err := p.FirstStep.UseAdmission(r.Context(), ref, p.Visitor(r))
	if fault.Is(err, fault.NotFound) {
		return p.showAdmission(w, r)
	}
	if err != nil {
		return err
	}
	p.dropLink(w, r, admissionLink, id)
	p.Web.SetCookie(w, "admission", browser.Text().Reveal(), firststep.AdmissionLife)
	return p.Web.Draw(w, r, http.StatusOK, admissionDonePage{})
}

// admission is what a mailed link gave this browser.
func (p *Portal) admission(r *http.Request) secret.Reference {
	ref, err := secret.ParseReference(p.Web.Cookie(r, "admission"))
	if err != nil {
		return secret.Reference{}
	}
	return ref
}

// admissionStories is every page of a mailed link.
func admissionStories() []web.Story {
	link := func(state string) admissionPage {
		page := admissionPage{State: state, ID: storyFlow}
		if state == "ready" {
			page.Account = storyMasked
		}
		return page
	}
	out := []web.Story{{
		Name:   "admission/sent",
		Status: http.StatusOK,
		Page:   admissionSentPage{Email: "maria@harbor.example", To: storyTo},
	}}
	for _, state := range []string{"ready", "used", "expired", "unknown"} {
		out = append(out, web.Story{
			Name:   "admission/" + state,
			Status: statusOfLink[outofband.LinkState(state)],
			Page:   link(state),
		})
	}
	return append(out, web.Story{Name: "admission/done", Status: http.StatusOK, Page: admissionDonePage{}})
}
