package account

import (
	"net/http"
	"time"

	"countersign/internal/fault"
	"countersign/internal/pages"
	"countersign/internal/user"
	"countersign/internal/web"
)

func (a *Account) mountEmail(mux *web.Mux) {
	mux.Get("/profile/email", a.showEmail)
	mux.Post("/profile/email", a.askEmail)
	mux.Post("/profile/email/confirm", a.confirmEmail)
	mux.Post("/profile/email/withdraw", a.withdrawEmail)
}

// emailPage says what a change of address does, and asks for the new one.
type emailPage struct {
	Email, Typed string
	Problem      string
	Wait         time.Duration
}

func (emailPage) View() web.View {
	return web.View{Template: "account/email", ReturnTo: "/profile/email"}
}

// emailCodePage asks for the code that went to the new address.
type emailCodePage struct {
	Email, To, Change string
	Reference         string
	Length            int
	Problem           string
	TriesLeft         int // after a wrong code; 0 = not said
}

func (emailCodePage) View() web.View {
	return web.View{Template: "account/email_code", ReturnTo: "/profile/email"}
}

// showEmail shows the change that is under way, or asks for a new address anyone who has just
// shown who they are.
func (a *Account) showEmail(w http.ResponseWriter, r *http.Request) error {
	m, err := a.signedIn(w, r, false)
	if err != nil || m == nil {
		return err
	}
	c, err := a.Profile.PendingEmail(r.Context(), m.owner)
	typed := a.Typed(r, m.owner.User.ID)
	if err == nil && typed == nil && !r.URL.Query().Has("again") {
		return a.drawChange(w, r, http.StatusOK, m, c, emailCodePage{})
	}
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	if m, err = a.signedIn(w, r, true); err != nil || m == nil {
		return err
	}
	return a.Web.Draw(w, r, http.StatusOK, emailPage{Email: m.owner.User.Email, Typed: typed.Get("email")})
}

func (a *Account) drawChange(w http.ResponseWriter, r *http.Request, status int, m *signedInUser, c user.Change,
	page emailCodePage) error {
	page.Email, page.To, page.Change, page.Reference, page.Length = m.owner.User.Email, c.To, c.ID, c.Reference,
		a.Profile.Limits.CodeLength
	return a.Web.Draw(w, r, status, page)
}

// askEmail begins a change.
func (a *Account) askEmail(w http.ResponseWriter, r *http.Request) error {
	m, err := a.signedIn(w, r, true)
	if err != nil || m == nil {
		return err
	}
	begun, err := a.Profile.AskEmail(r.Context(), m.owner, r.PostForm.Get("email"))
	if err == nil {
		a.KeepBegun(w, r, begun)
		return a.Web.Redirect(w, "/profile/email")
	}
	f := fault.Of(err)
	if f.Kind == fault.Internal {
		return err
	}
	pages.SetRetryAfter(w, f.RetryAfter)
	return a.Web.Draw(w, r, web.Status(f.Kind), emailPage{
		Email:   m.owner.User.Email,
		Typed:   r.PostForm.Get("email"),
		Problem: f.Message,
		Wait:    f.RetryAfter,
	})
}

// confirmEmail takes the code. The proof need not be new any more: people fetch their mail.
func (a *Account) confirmEmail(w http.ResponseWriter, r *http.Request) error {
	m, err := a.signedIn(w, r, false)
	if err != nil || m == nil {
		return err
	}
	c, err := a.Profile.PendingEmail(r.Context(), m.owner)
	if err == nil && c.ID != r.PostForm.Get("change") { // the page is older than the change
		return a.drawChange(w, r, http.StatusConflict, m, c, emailCodePage{Problem: "email.problem.newer"})
	}
	if err != nil {
		return a.emailOver(w, r, m, err)
	}
	v, left, err := a.Profile.ConfirmEmail(r.Context(), m.owner, c.ID, r.PostForm.Get("code"))
	switch {
	case err != nil:
		return a.emailOver(w, r, m, err)
	case v.OK:
		a.DropBegun(w, r, c.ID)
		return a.doneWith(w, "email")
	case left == 0:
		return a.Web.Draw(w, r, http.StatusUnprocessableEntity,
			emailPage{Email: m.owner.User.Email, Problem: "email.problem.no_tries"})
	}
	return a.drawChange(w, r, http.StatusUnprocessableEntity, m, c,
		emailCodePage{Problem: "email.problem.wrong", TriesLeft: left})
}

// emailOver begins again, where a change is no more or cannot be made.
func (a *Account) emailOver(w http.ResponseWriter, r *http.Request, m *signedInUser, err error) error {
	f := fault.Of(err)
	if f.Kind != fault.NotFound && f.Kind != fault.Conflict {
		return err
	}
	status := web.Status(f.Kind)
	if f.Kind == fault.NotFound {
		status = http.StatusGone
	}
	return a.Web.Draw(w, r, status, emailPage{Email: m.owner.User.Email, Problem: f.Message})
}

func (a *Account) withdrawEmail(w http.ResponseWriter, r *http.Request) error {
	m, err := a.signedIn(w, r, false)
	if err != nil || m == nil {
		return err
	}
	if err := a.Profile.WithdrawEmail(r.Context(), m.owner); err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	return a.doneWith(w, "email_kept")
}
