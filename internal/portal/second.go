package portal

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"

	"countersign/internal/authenticator"
	"countersign/internal/fault"
	"countersign/internal/secret"
	"countersign/internal/signin"
	"countersign/internal/web"
)

// passkeyOffer is what a browser needs to sign in with a passkey alone.
type passkeyOffer struct{ Options, Token string }

// Template is one for what is sent, and one for each kind that sends nothing.
func (p codePage) Template() string {
	switch p.Kind {
	case authenticator.TOTP:
		return "portal/second_totp"
	case authenticator.Backup:
		return "portal/second_backup"
	case authenticator.Passkey:
		return "portal/second_passkey"
	}
	return "portal/code"
}

// Title is the heading.
func (p codePage) Title() string {
	switch {
	case p.ForSetUp && p.Kind == authenticator.Email:
		return "code.set_up.title"
	case p.Kind == authenticator.SMS:
		return "code.sms.title"
	case p.Kind == authenticator.Push:
		return "code.push.title"
	}
	return "code.title"
}

// Lead says what to do.
func (p codePage) Lead() string {
	switch {
	case p.ForSetUp && p.Kind == authenticator.Email:
		return "code.set_up.lead"
	case p.Kind == authenticator.SMS:
		return "code.sms.lead"
	case p.Kind == authenticator.Push:
		return "code.push.lead"
	}
	return "code.lead"
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
func (p codePage) Help() string {
	switch p.Kind {
	case authenticator.SMS:
		return "code.help.sms"
	case authenticator.Push:
		return "code.help.push"
	}
	return "code.help"
}

// ProblemKey is the problem in words that fit the kind.
func (p codePage) ProblemKey() string {
	switch p.Problem {
	case "code.problem.wrong":
		return p.wrong()
	case "code.problem.older":
		if p.Kind != authenticator.Email {
			return "code.problem.older_message"
		}
	case "code.problem.sending":
		if p.Kind != authenticator.Email {
			return "code.problem.sending_message"
		}
	}
	return p.Problem
}

func (p codePage) wrong() string {
	switch p.Kind {
	case authenticator.TOTP:
		return "code.problem.wrong_app"
	case authenticator.Backup:
		return "code.problem.wrong_backup"
	case authenticator.Passkey:
		return "code.problem.wrong_passkey"
	case authenticator.SMS, authenticator.Push:
		return "code.problem.wrong_message"
	}
	return "code.problem.wrong"
}

// otherPage offers every way that there is for this sign-in.
type otherPage struct {
	flowRef
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

func (otherPage) Template() string       { return "portal/other" }
func (p otherPage) FormAction() []string { return p.Targets }

// Warned reports whether one of them deserves the notice of restricted methods.
func (p otherPage) Warned() bool {
	return slices.ContainsFunc(p.Ways, func(v wayView) bool { return v.Warned })
}

func (p *Portal) showOther(w http.ResponseWriter, r *http.Request) error {
	return p.drawOther(w, r, http.StatusOK, "")
}

func (p *Portal) drawOther(w http.ResponseWriter, r *http.Request, status int, problem string) error {
	ref, err := p.flowOf(r)
	if err != nil {
		return p.drawGone(w, r)
	}
	ways, to, err := p.SignIn.ListMethods(r.Context(), ref)
	if fault.Is(err, fault.NotFound) {
		return p.drawGone(w, r)
	}
	if err != nil {
		return err
	}
	page := otherPage{flowRef: flowRef{ref.ID}, Problem: problem, Targets: p.originsOf(to)}
	for _, way := range together(ways) {
		page.Ways = append(page.Ways, viewOf(way))
	}
	return p.Web.Draw(w, r, status, page)
}

// together makes one way of all code receivers, since a code goes to each of them.
func together(ways []signin.MethodOption) (out []signin.MethodOption) {
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
	return wayView{ID: way.ID, Kind: string(way.Kind), Label: way.Label, Title: kindName(way.Kind), Text: kindUse(way.Kind),
		Asked: way.Asked, Warned: authenticator.TraitsOf[way.Kind].Restricted}
}

// useOther asks for another method: one by its id, or the first of a kind.
func (p *Portal) useOther(w http.ResponseWriter, r *http.Request) error {
	ref, err := p.flowOf(r)
	if err != nil {
		return p.drawGone(w, r)
	}
	id, err := p.chosen(r, ref)
	if err != nil {
		return err
	}
	step, err := p.SignIn.ChooseMethod(r.Context(), ref, id, p.visitor(r))
	if f := waiting(err); f != nil {
		setRetryAfter(w, f.RetryAfter)
		return p.drawOther(w, r, web.Status(f.Kind), f.Message)
	}
	if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Invalid) {
		return p.drawOther(w, r, web.Status(fault.Of(err).Kind), fault.Of(err).Message)
	}
	if err != nil {
		return err
	}
	return p.follow(w, r, step)
}

func (p *Portal) chosen(r *http.Request, ref secret.Reference) (string, error) {
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
	t, err := p.targetOf(r.PostForm.Get("to"))
	if err != nil {
		return err
	}
	form := r.PostForm
	step, err := p.SignIn.SubmitPasskey(r.Context(), p.attempt(r, t), form.Get("token"), p.Web.Cookie(r, "passkey"), []byte(form.Get("assertion")))
	if f := waiting(err); f != nil {
		setRetryAfter(w, f.RetryAfter)
		return p.drawSignIn(w, r, web.Status(f.Kind), t, signInPage{Problem: f.Message, Wait: f.RetryAfter})
	}
	if err != nil {
		return err
	}
	if again, ok := step.(signin.AskPassword); ok {
		return p.drawSignIn(w, r, http.StatusUnauthorized, t, signInPage{Problem: cmp.Or(again.Problem, "signin.problem.passkey")})
	}
	return p.follow(w, r, step)
}

// kindName is what people call a kind.
func kindName(k authenticator.Kind) string {
	switch k {
	case authenticator.Password:
		return "signin.password"
	case authenticator.Passkey:
		return "method.passkey"
	case authenticator.TOTP:
		return "method.totp"
	case authenticator.Push:
		return "method.push"
	case authenticator.SMS:
		return "method.sms"
	case authenticator.Email:
		return "method.email"
	case authenticator.Backup:
		return "method.backup"
	}
	return "method.other"
}

// kindUse says what one does with it at sign-in.
func kindUse(k authenticator.Kind) string {
	switch k {
	case authenticator.Passkey:
		return "method.use.passkey"
	case authenticator.TOTP:
		return "method.use.totp"
	case authenticator.Push:
		return "method.use.push"
	case authenticator.SMS:
		return "method.use.sms"
	case authenticator.Email:
		return "method.use.email"
	case authenticator.Backup:
		return "method.use.backup"
	}
	return "method.other"
}

// toldPage says what the second step had to tell, before the person goes on.
type toldPage struct {
	Said        []string
	Codes       bool // it is about backup codes, of which a fresh set can be made
	ContinueURL string
}

func (toldPage) Template() string { return "portal/told" }

// offerPasskey makes a new offer for a sign-in page that has been open for long.
func (p *Portal) offerPasskey(w http.ResponseWriter, r *http.Request) error {
	o, ok := p.SignIn.BeginPasskey(p.Web.Cookie(r, "passkey"))
	if !ok {
		return errNoKind
	}
	p.keepOffer(w, r, o)
	return p.Web.JSON(w, http.StatusOK, map[string]any{"options": json.RawMessage(o.Options), "token": o.Token})
}

// passkeyOffer is made with a page that is fetched, and again with its answer: a password that
// comes from nowhere gets no cookie.
func (p *Portal) passkeyOffer(w http.ResponseWriter, r *http.Request) *passkeyOffer {
	held := p.Web.Cookie(r, "passkey")
	o, ok := p.SignIn.BeginPasskey(held)
	if !ok || held == "" && r.Method == http.MethodPost {
		return nil
	}
	p.keepOffer(w, r, o)
	return &passkeyOffer{Options: string(o.Options), Token: o.Token}
}

// keepOffer gives the browser what ties an offer to it, unless it has that already.
func (p *Portal) keepOffer(w http.ResponseWriter, r *http.Request, o signin.PasskeyOffer) {
	if p.Web.Cookie(r, "passkey") != o.Browser {
		p.Web.SetCookie(w, "passkey", o.Browser, 0)
	}
}
