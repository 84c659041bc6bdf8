package portal

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"

	"countersign/internal/authenticator"
	"countersign/internal/enrollpages"
	"countersign/internal/fault"
	"countersign/internal/firststep"
	"countersign/internal/methodtext"
	"countersign/internal/pages"
	"countersign/internal/secret"
	"countersign/internal/signin"
	"countersign/internal/web"
)

// passkeyOffer is what a browser needs to sign in with a passkey alone.
type passkeyOffer struct{ Options, Token string }

// View has one template for what is sent, and one for each kind that sends nothing.
func (p codePage) View() web.View {
	return web.View{
		Template:    methodtext.Of(p.Kind).AnswerTemplate,
		ReturnTo:    p.CodeURL(),
		Method:      string(p.Kind),
		FormTargets: p.Targets,
	}
}

// Title is the heading.
func (p codePage) Title() string {
	if p.ForSetUp {
		return methodtext.Of(p.Kind).SetUpTitle
	}
	return methodtext.Of(p.Kind).Title
}

// Lead says what to do.
func (p codePage) Lead() string {
	if p.ForSetUp {
		return methodtext.Of(p.Kind).SetUpLead
	}
	return methodtext.Of(p.Kind).Lead
}

// Submit is what the button says.
func (p codePage) Submit() string {
	switch {
	case p.ForSetUp:
		return "word.continue"
	case p.Confirm:
		return "bind.confirm"
	}
	return "code.submit"
}

// Help is the question behind which everything else is found.
func (p codePage) Help() string { return methodtext.Of(p.Kind).Help }

// ProblemKey is the problem in words that fit the kind.
func (p codePage) ProblemKey() string {
	switch p.Problem {
	case "code.problem.wrong":
		return methodtext.Of(p.Kind).Wrong
	case "code.problem.older":
		return methodtext.Of(p.Kind).Older
	case "code.problem.sending":
		return methodtext.Of(p.Kind).SendFailed
	}
	return p.Problem
}

// otherPage offers every way that there is for this sign-in.
type otherPage struct {
	pages.FlowRef
	Ways    []wayView
	Problem string
	Targets []string
}

// wayView is one way: a method in the person's own words.
type wayView struct {
	ID, Kind, Label string
	Title, Text     string // catalogue keys
	Asked, Warned   bool
}

func (p otherPage) View() web.View {
	return web.View{Template: "portal/other", FormTargets: p.Targets}
}

// Warned reports whether one of them deserves the notice of restricted methods.
func (p otherPage) Warned() bool {
	return slices.ContainsFunc(p.Ways, func(v wayView) bool { return v.Warned })
}

func (p *Portal) showOther(w http.ResponseWriter, r *http.Request, ref secret.Reference) error {
	return p.drawOther(w, r, http.StatusOK, ref, "")
}

func (p *Portal) drawOther(w http.ResponseWriter, r *http.Request, status int, ref secret.Reference,
	problem string) error {
	ways, to, err := p.SignIn.ListMethods(r.Context(), ref)
	if err != nil {
		return err
	}
	web.ForCompany(r.Context(), ref.Tenant)
	page := otherPage{FlowRef: pages.FlowRef{Flow: ref.ID}, Problem: problem, Targets: p.OriginsOf(to)}
	for _, way := range mergeReceivers(ways) {
		page.Ways = append(page.Ways, viewOf(way))
	}
	return p.Web.Draw(w, r, status, page)
}

// mergeReceivers makes one way of all code receivers, since a code goes to each of them.
func mergeReceivers(ways []signin.MethodOption) (out []signin.MethodOption) {
	at := -1
	for _, way := range ways {
		switch {
		case way.Kind != authenticator.Push:
			out = append(out, way)
		case at < 0:
			at = len(out)
			out = append(out, way)
		default:
			out[at].Label += ", " + way.Label
			out[at].Asked = out[at].Asked || way.Asked
		}
	}
	return out
}

func viewOf(way signin.MethodOption) wayView {
	return wayView{
		ID:     way.ID,
		Kind:   string(way.Kind),
		Label:  way.Label,
		Title:  methodtext.Of(way.Kind).Name,
		Text:   methodtext.Of(way.Kind).Use,
		Asked:  way.Asked,
		Warned: authenticator.TraitsOf[way.Kind].Restricted,
	}
}

// useOther asks for another method: one by its id, or the first of a kind.
func (p *Portal) useOther(w http.ResponseWriter, r *http.Request, ref secret.Reference) error {
	id, err := p.readChoice(r, ref)
	if err != nil {
		return err
	}
	step, err := p.SignIn.ChooseMethod(r.Context(), ref, id, p.Visitor(r))
	if f := pages.Waiting(err); f != nil {
		pages.SetRetryAfter(w, f.RetryAfter)
		return p.drawOther(w, r, web.Status(f.Kind), ref, f.Message)
	}
	if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Invalid) {
		return p.drawOther(w, r, web.Status(fault.Of(err).Kind), ref, fault.Of(err).Message)
	}
	if err != nil {
		return err
	}
	return p.follow(w, r, step)
}

func (p *Portal) readChoice(r *http.Request, ref secret.Reference) (string, error) {
	kind := authenticator.Kind(r.PostForm.Get("kind"))
	if kind == "" {
		return r.PostForm.Get("id"), nil
	}
	ways, _, err := p.SignIn.ListMethods(r.Context(), ref)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return "", err
	}
	for _, way := range ways {
		if way.Kind == kind {
			return way.ID, nil
		}
	}
	return "", nil
}

// submitPasskey signs in with a passkey alone, which is address and proof at once.
func (p *Portal) submitPasskey(w http.ResponseWriter, r *http.Request) error {
	t, err := p.TargetOf(r.PostForm.Get("to"))
	if err != nil {
		return err
	}
	step, err := p.SignIn.SubmitPasskey(r.Context(), p.attempt(r, t), firststep.PasskeyAnswer{
		Token:     r.PostForm.Get("token"),
		Browser:   p.Web.Cookie(r, "passkey"),
		Assertion: []byte(r.PostForm.Get("assertion")),
	})
	if f := pages.Waiting(err); f != nil {
		pages.SetRetryAfter(w, f.RetryAfter)
		return p.drawSignIn(w, r, web.Status(f.Kind), t, signInPage{Problem: f.Message, Wait: f.RetryAfter})
	}
	if err != nil {
		return err
	}
	if again, ok := step.(signin.AskPassword); ok {
		return p.drawSignIn(w, r, http.StatusUnauthorized, t,
			signInPage{Problem: cmp.Or(again.Problem, "signin.problem.passkey")})
	}
	return p.follow(w, r, step)
}

// toldPage says what the second step had to tell, before the person goes on.
type toldPage struct {
	Said        []string
	Codes       bool // it is about backup codes, of which a fresh set can be made
	ContinueURL string
}

func (toldPage) View() web.View { return web.View{Template: "portal/told"} }

// offerPasskey makes a new offer for a sign-in page that has been open for long.
func (p *Portal) offerPasskey(w http.ResponseWriter, r *http.Request) error {
	o, ok := p.FirstStep.OfferPasskey(p.Web.Cookie(r, "passkey"))
	if !ok {
		return enrollpages.ErrNoMethod
	}
	p.keepOffer(w, r, o)
	return p.Web.JSON(w, http.StatusOK, map[string]any{"options": json.RawMessage(o.Options), "token": o.Token})
}

// passkeyOffer is made with a page that is fetched, and again with its answer: a password that
// comes from nowhere gets no cookie.
func (p *Portal) passkeyOffer(w http.ResponseWriter, r *http.Request) *passkeyOffer {
	held := p.Web.Cookie(r, "passkey")
	o, ok := p.FirstStep.OfferPasskey(held)
	if !ok || held == "" && r.Method == http.MethodPost {
		return nil
	}
	p.keepOffer(w, r, o)
	return &passkeyOffer{Options: string(o.Options), Token: o.Token}
}

// keepOffer gives the browser what ties an offer to it, unless it has that already.
func (p *Portal) keepOffer(w http.ResponseWriter, r *http.Request, o firststep.PasskeyOffer) {
	if p.Web.Cookie(r, "passkey") != o.Browser {
		p.Web.SetCookie(w, "passkey", o.Browser, 0)
	}
}
