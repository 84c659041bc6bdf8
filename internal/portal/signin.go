package portal

import (
	"context"
	"net/http"
	"slices"

	"countersign/internal/authenticator"
	"countersign/internal/client"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/firststep"
	"countersign/internal/gate"
	"countersign/internal/grant"
	"countersign/internal/pages"
	"countersign/internal/secret"
	"countersign/internal/signin"
	"countersign/internal/tenant"
	"countersign/internal/web"
)

// showSignIn asks for address and password, or offers the missing second step to a
// browser that is signed in already.
func (p *Portal) showSignIn(w http.ResponseWriter, r *http.Request) error {
	t, err := p.TargetOf(r.URL.Query().Get("to"))
	if err != nil {
		return err
	}
	r = p.Web.Suggest(w, r, t.Request.UILocales, grant.RequestLife)
	st, err := p.Gate.CheckSession(r.Context(), p.Web.Cookie(r, "session"), ask(t))
	if err != nil {
		return err
	}
	if st.StepUp && !r.URL.Query().Has("other") {
		web.ForCompany(r.Context(), st.Tenant.ID)
		page := stepUpPage{
			To:      t.Sealed,
			AppName: st.AppName,
			Email:   st.User.Email,
			Change:  t.Ours() && t.Sealed != "",
			Targets: t.Origins(),
		}
		if !page.Change {
			page.Because = p.Sentences(r, st.Decision.Because)
		}
		return p.Web.Draw(w, r, http.StatusOK, page)
	}
	if t.Ours() && st.Enough {
		return p.Web.Redirect(w, p.Onward(t.Sealed))
	}
	return p.drawSignIn(w, r, http.StatusOK, t,
		signInPage{Email: t.Request.LoginHint, Again: st.Session != nil && t.Ours() && t.Sealed != ""})
}

func ask(t pages.Target) gate.Ask {
	return gate.Ask{ClientID: t.Request.ClientID, WantACR: t.Request.ACRValues, FreshAfter: t.Request.FreshAfter()}
}

func (p *Portal) drawSignIn(w http.ResponseWriter, r *http.Request, status int, t pages.Target, page signInPage) error {
	page.To, page.Targets = t.Sealed, t.Origins()
	err := p.DB.View(r.Context(), db.Installation, func(tx *db.Tx) (err error) {
		page.AppName, err = appName(r.Context(), tx, t)
		if err != nil {
			return err
		}
		page.Announce, err = upcomingMandate(r.Context(), tx)
		return err
	})
	if err != nil {
		return err
	}
	page.Passkey = p.passkeyOffer(w, r)
	return p.Web.Draw(w, r, status, page)
}

func appName(ctx context.Context, tx *db.Tx, t pages.Target) (string, error) {
	if t.Ours() {
		return "", nil
	}
	c, err := client.ByID(ctx, tx, t.Request.ClientID)
	return c.Name, err
}

// upcomingMandate is the vendor's mandate for everyone, while it is not in force yet.
func upcomingMandate(ctx context.Context, tx *db.Tx) (*announcement, error) {
	i, err := tenant.LoadInstallation(ctx, tx)
	if err != nil || i.Mandate.Mode != tenant.Mandatory || !i.Mandate.From.After(tx.Now) {
		return nil, err
	}
	return &announcement{By: i.Name, From: i.Mandate.From, DaysLeft: signin.DaysUntil(tx.Now, i.Mandate.From)}, nil
}

func (p *Portal) submitPassword(w http.ResponseWriter, r *http.Request) error {
	t, err := p.TargetOf(r.PostForm.Get("to"))
	if err != nil {
		return err
	}
	email, password := r.PostForm.Get("email"), secret.Text(r.PostForm.Get("password"))
	if email == "" || password == "" || len(password) > maxPassword {
		return p.drawSignIn(w, r, http.StatusUnprocessableEntity, t,
			signInPage{Email: email, Problem: "signin.problem.missing"})
	}
	a := p.attempt(r, t)
	a.Email, a.Password = email, password
	step, err := p.SignIn.SubmitPassword(r.Context(), a)
	if f := pages.Waiting(err); f != nil {
		pages.SetRetryAfter(w, f.RetryAfter)
		page := signInPage{Email: email, Problem: f.Message, Wait: f.RetryAfter}
		if f.Kind == fault.RateLimited {
			page.Admission = &admissionOffer{Email: email, To: t.Sealed}
		}
		return p.drawSignIn(w, r, web.Status(f.Kind), t, page)
	}
	if err != nil {
		return err
	}
	if _, again := step.(signin.AskPassword); again {
		return p.drawSignIn(w, r, http.StatusUnauthorized, t, signInPage{Email: email, Problem: "signin.problem.wrong"})
	}
	return p.follow(w, r, step)
}

const maxPassword = 4096 // bytes; far beyond the 256 characters that a password may have

// attempt is what a request says about itself.
func (p *Portal) attempt(r *http.Request, t pages.Target) firststep.Attempt {
	return firststep.Attempt{
		ClientID:   t.Request.ClientID,
		WantACR:    t.Request.ACRValues,
		ContinueTo: t.Sealed,
		Presented:  pages.References(p.Web.Cookie(r, "browser")),
		Devices:    pages.References(p.Web.Cookie(r, "device")),
		Visitor:    p.Visitor(r),
		Admission:  p.admission(r),
		Prefer:     preferredMethod(p.Web.Cookie(r, "method")),
	}
}

// preferredMethod is the second step last used in this browser. What a stranger put into the
// cookie is no more than a wish, for a kind that there is.
func preferredMethod(cookie string) authenticator.Kind {
	if k := authenticator.Kind(cookie); slices.Contains(authenticator.SecondSteps, k) {
		return k
	}
	return ""
}

// stepUp asks for the second step on top of a session.
func (p *Portal) stepUp(w http.ResponseWriter, r *http.Request) error {
	t, err := p.TargetOf(r.PostForm.Get("to"))
	if err != nil {
		return err
	}
	ref, err := secret.ParseReference(p.Web.Cookie(r, "session"))
	if err != nil {
		return errOver
	}
	step, err := p.SignIn.StepUp(r.Context(), ref, p.attempt(r, t))
	if err != nil {
		return err
	}
	return p.follow(w, r, step)
}

// showStep draws where this browser's flow stands.
func (p *Portal) showStep(w http.ResponseWriter, r *http.Request, ref secret.Reference) error {
	step, err := p.current(r, ref)
	if err != nil {
		return err
	}
	return p.draw(w, r, http.StatusOK, step)
}

// current is where a flow stands. The browser holds its secret, so its pages have the brand of the company from now on.
func (p *Portal) current(r *http.Request, ref secret.Reference) (signin.Step, error) {
	step, err := p.SignIn.Current(r.Context(), ref)
	if err == nil {
		web.ForCompany(r.Context(), ref.Tenant)
	}
	return step, err
}

func (p *Portal) submitCode(w http.ResponseWriter, r *http.Request, ref secret.Reference) error {
	code := ""
	if given := r.PostForm["code"]; len(given) == 1 { // two codes are no code, and cost a try
		code = given[0]
	}
	answer := authenticator.Response{Code: code, Assertion: []byte(r.PostForm.Get("assertion"))}
	step, err := p.SignIn.Respond(r.Context(), ref, answer, r.PostForm.Get("remember") == "on", p.Visitor(r))
	return p.drawAnswer(w, r, ref, step, err)
}

// drawAnswer draws what came of an answer: a step onward by redirect, a failure in place.
func (p *Portal) drawAnswer(w http.ResponseWriter, r *http.Request, ref secret.Reference, step signin.Step,
	err error) error {
	if f := pages.Waiting(err); f != nil {
		return p.drawWaiting(w, r, ref, f)
	}
	if err != nil {
		return err
	}
	web.ForCompany(r.Context(), ref.Tenant)
	switch s := step.(type) {
	case signin.AnswerCode:
		if s.Problem != "" { // else it was right, and something else is asked for
			return p.draw(w, r, http.StatusUnauthorized, step)
		}
	case signin.CodeSpent:
		return p.draw(w, r, http.StatusUnauthorized, step)
	}
	return p.follow(w, r, step)
}

// drawWaiting draws the same page again, with how long to wait.
func (p *Portal) drawWaiting(w http.ResponseWriter, r *http.Request, ref secret.Reference, f *fault.Fault) error {
	step, err := p.current(r, ref)
	if err != nil {
		return err
	}
	if s, ok := step.(signin.AnswerCode); ok {
		s.Problem = f.Message
		step = s
	}
	pages.SetRetryAfter(w, f.RetryAfter)
	return p.draw(w, r, web.Status(f.Kind), step)
}

func (p *Portal) newCode(w http.ResponseWriter, r *http.Request, ref secret.Reference) error {
	step, err := p.SignIn.NewCode(r.Context(), ref, p.Visitor(r))
	if f := pages.Waiting(err); f != nil {
		return p.drawWaiting(w, r, ref, f)
	}
	if err != nil {
		return err
	}
	web.ForCompany(r.Context(), ref.Tenant)
	return p.follow(w, r, step)
}

func (p *Portal) cancel(w http.ResponseWriter, r *http.Request, ref secret.Reference) error {
	step, err := p.SignIn.Cancel(r.Context(), ref, p.Visitor(r))
	if err != nil {
		return err
	}
	return p.follow(w, r, step)
}

func (p *Portal) newPassword(w http.ResponseWriter, r *http.Request, ref secret.Reference) error {
	step, err := p.SignIn.ReplacePassword(r.Context(), ref, secret.Text(r.PostForm.Get("password")), p.Visitor(r))
	if pages.Waiting(err) != nil || fault.Is(err, fault.Invalid) {
		return p.drawNewPassword(w, r, ref, fault.Of(err))
	}
	if err != nil {
		return err
	}
	return p.follow(w, r, step)
}

func (p *Portal) drawNewPassword(w http.ResponseWriter, r *http.Request, ref secret.Reference,
	problem *fault.Fault) error {
	step, err := p.current(r, ref)
	if err != nil {
		return err
	}
	s, ok := step.(signin.ReplacePassword)
	if !ok {
		return p.follow(w, r, step)
	}
	pages.SetRetryAfter(w, problem.RetryAfter)
	page := p.newPasswordPage(s)
	page.Problem = problem.Message
	return p.Web.Draw(w, r, web.Status(problem.Kind), page)
}

func (p *Portal) newPasswordPage(s signin.ReplacePassword) newPasswordPage {
	return newPasswordPage{
		FlowRef:   pages.FlowRef{Flow: s.FlowID},
		Email:     s.Email,
		MinLength: s.MinLength,
		Targets:   p.OriginsOf(s.ContinueTo),
	}
}
