package console

import (
	"errors"
	"net/http"

	"countersign/internal/access"
	"countersign/internal/company"
	"countersign/internal/fault"
	"countersign/internal/people"
	"countersign/internal/policy"
	"countersign/internal/tenant"
	"countersign/internal/web"
)

// The wizard leads to two-factor authentication for a whole company: what it is, a code to the person who switches it
// on, the choices, a summary of what will happen to whom, and one confirmation.

const (
	wizardPath  = "/company/security/enable"
	codePath    = wizardPath + "/code"
	choosePath  = wizardPath + "/choose"
	confirmPath = wizardPath + "/confirm"
)

func (c *Console) mountWizard(mux *web.Mux) {
	mux.Get(wizardPath, c.signedIn(c.enabling(c.showWizard)))
	mux.Post(wizardPath, c.withRecentProof(c.enabling(c.beginWizard)))
	mux.Get(codePath, c.signedIn(c.enabling(c.showCode)))
	mux.Post(codePath, c.signedIn(c.enabling(c.answerCode)))
	mux.Get(wizardPath+"/resend", c.signedIn(c.enabling(c.showCode))) // its page, loaded again
	mux.Post(wizardPath+"/resend", c.signedIn(c.enabling(c.resendCode)))
	mux.Get(choosePath, c.signedIn(c.enabling(c.showChoices)))
	mux.Post(choosePath, c.withRecentProof(c.enabling(c.choose)), "method", "role")
	mux.Get(confirmPath, c.signedIn(c.enabling(c.showChoices)))
	mux.Post(confirmPath, c.withRecentProof(c.enabling(c.confirm)))
}

// introPage says what the wizard does.
type introPage struct {
	frame
	problem
	Email     string
	Counts    securityCounts
	CountedAt people.AsOf
}

func (introPage) View() web.View {
	return web.View{Template: "console/enable", ReturnTo: wizardPath}
}

// enabling is a handler for administrators who may switch two-factor authentication on.
func (c *Console) enabling(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request, a *administrator) error {
		if err := c.Check(r, a.Administrator, access.SwitchOn, a.own()); err != nil {
			return err
		}
		return h(w, r, a)
	}
}

// introPage loads the first page. Where there is nothing to enable, ok is false and the overview is shown.
func (c *Console) introPage(w http.ResponseWriter, r *http.Request, a *administrator) (
	page introPage, ok bool, err error,
) {
	o, err := c.Company.Overview(r.Context(), a.Actor, a.company())
	if err != nil {
		return page, false, err
	}
	if o.Locked || o.Rule != policy.Off || o.Tenant.SwitchedOnAt.After(c.DB.Now()) {
		return page, false, c.Web.Redirect(w, "/company/security")
	}
	return introPage{
		frame:     a.frame(r, "security"),
		Email:     a.Session.User.Email,
		Counts:    securityCounts(o.Forecast),
		CountedAt: o.CountedAt,
	}, true, nil
}

func (c *Console) showWizard(w http.ResponseWriter, r *http.Request, a *administrator) error {
	page, ok, err := c.introPage(w, r, a)
	if err != nil || !ok {
		return err
	}
	return c.Web.Draw(w, r, http.StatusOK, page)
}

// beginWizard mails the code. Where two-factor authentication is on already, or locked, the overview says so.
func (c *Console) beginWizard(w http.ResponseWriter, r *http.Request, a *administrator) error {
	err := c.Company.BeginActivation(r.Context(), a.Actor)
	switch {
	case err == nil:
		return c.Web.Redirect(w, codePath)
	case settled(err):
		return c.Web.Redirect(w, "/company/security")
	}
	page, ok, pageErr := c.introPage(w, r, a)
	if pageErr != nil || !ok {
		return pageErr
	}
	return c.DrawProblem(w, r, err, func(p problem) web.Page {
		page.problem = p
		return page
	})
}

// settled reports whether there is nothing left to switch on.
func settled(err error) bool {
	var locked *company.LockedError
	return errors.As(err, &locked) || errors.Is(err, company.ErrAlreadyOn)
}

// activationCodePage asks for the code.
type activationCodePage struct {
	frame
	problem
	ID, Email, Reference string
	Length               int
	CodesLeft            int
	Ended                bool // the code is not good any more: its time is over, or too many answers were wrong
	TriesLeft            int  // after a wrong code; 0 = not said
}

func (activationCodePage) View() web.View {
	return web.View{Template: "console/enable_code", ReturnTo: codePath}
}

// pending loads how far the administrator is; where they have not begun, they are led to the beginning and ok is
// false.
func (c *Console) pending(w http.ResponseWriter, r *http.Request, a *administrator) (
	now company.Activation, ok bool, err error,
) {
	now, err = c.Company.PendingActivation(r.Context(), a.Actor)
	if errors.Is(err, tenant.ErrNoActivation) {
		return now, false, c.Web.Redirect(w, wizardPath)
	}
	return now, err == nil, err
}

func (c *Console) codePage(r *http.Request, a *administrator, now company.Activation) activationCodePage {
	return activationCodePage{
		frame:     a.frame(r, "security"),
		ID:        now.ID,
		Email:     now.Email,
		Reference: now.Reference,
		Length:    c.Company.Limits.CodeLength,
		CodesLeft: now.CodesLeft,
		Ended:     !now.Answerable(),
	}
}

func (c *Console) showCode(w http.ResponseWriter, r *http.Request, a *administrator) error {
	now, ok, err := c.pending(w, r, a)
	switch {
	case err != nil || !ok:
		return err
	case now.Proved():
		return c.Web.Redirect(w, choosePath)
	case !now.ProvedAt.IsZero():
		return c.Web.Redirect(w, wizardPath)
	}
	return c.Web.Draw(w, r, http.StatusOK, c.codePage(r, a, now))
}

func (c *Console) answerCode(w http.ResponseWriter, r *http.Request, a *administrator) error {
	verdict, left, err := c.Company.AnswerActivation(
		r.Context(), a.Actor, r.PostForm.Get("activation"), r.PostForm.Get("code"))
	if err != nil && !errors.Is(err, tenant.ErrNoActivation) {
		return err
	}
	if err == nil && verdict.OK {
		return c.Web.Redirect(w, choosePath)
	}
	now, ok, pendingErr := c.pending(w, r, a)
	if pendingErr != nil || !ok {
		return pendingErr
	}
	page := c.codePage(r, a, now)
	switch {
	case err == nil && left > 0:
		page.Problem, page.TriesLeft = "activation.wrong", left
	case now.TriesLeft == 0:
		page.Problem = "activation.no_tries"
	case page.Ended:
		page.Problem = "activation.expired"
	default:
		page.Problem = "activation.newer" // the page is older than the newest code
	}
	return c.Web.Draw(w, r, http.StatusUnprocessableEntity, page)
}

func (c *Console) resendCode(w http.ResponseWriter, r *http.Request, a *administrator) error {
	err := c.Company.ResendActivationCode(r.Context(), a.Actor)
	switch {
	case err == nil:
		return c.Web.Redirect(w, codePath)
	case errors.Is(err, tenant.ErrNoActivation):
		return c.Web.Redirect(w, wizardPath)
	case errors.Is(err, company.ErrActivationUsedUp):
		page, ok, pageErr := c.introPage(w, r, a)
		if pageErr != nil || !ok {
			return pageErr
		}
		page.Problem = "activation.used_up"
		return c.Web.Draw(w, r, http.StatusConflict, page)
	}
	if !fault.Is(err, fault.RateLimited) {
		return err
	}
	now, ok, pendingErr := c.pending(w, r, a)
	if pendingErr != nil || !ok {
		return pendingErr
	}
	return c.DrawProblem(w, r, err, func(p problem) web.Page {
		page := c.codePage(r, a, now)
		page.problem = p
		return page
	})
}
