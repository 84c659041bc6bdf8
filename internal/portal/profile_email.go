package portal

import (
	"net/http"
	"time"

	"countersign/internal/fault"
	"countersign/internal/profile"
	"countersign/internal/user"
	"countersign/internal/web"
)

func (p *Portal) mountEmail(mux *web.Mux) {
	mux.Get("/profile/email", p.showEmail)
	mux.Post("/profile/email", p.askEmail)
	mux.Post("/profile/email/confirm", p.confirmEmail)
	mux.Post("/profile/email/withdraw", p.withdrawEmail)
}

// emailPage says what a change of address does, and asks for the new one.
type emailPage struct {
	Email, Typed string
	Problem      string
	Wait         time.Duration
}

func (emailPage) Template() string { return "portal/email" }
func (emailPage) Here() string     { return "/profile/email" }

// emailCodePage asks for the code that went to the new address.
type emailCodePage struct {
	Email, To, Change string
	Reference         string
	Length            int
	Problem           string
	TriesLeft         int // after a wrong code; 0 = not said
}

func (emailCodePage) Template() string { return "portal/email_code" }
func (emailCodePage) Here() string     { return "/profile/email" }

// undoPage asks whether a change of address is to be undone. It looks the same for every link.
type undoPage struct{ wordPage }

func (undoPage) Template() string { return "portal/undo" }
func (p undoPage) Here() string   { return undoLink.page(p.ID) }

// undoDonePage is the answer to every link.
type undoDonePage struct{}

func (undoDonePage) Template() string { return "portal/undo_done" }

// showEmail shows the change that is under way, or asks for a new address whoever has just
// shown who they are.
func (p *Portal) showEmail(w http.ResponseWriter, r *http.Request) error {
	m, err := p.signedIn(w, r, false)
	if err != nil || m == nil {
		return err
	}
	c, err := p.Profile.PendingEmail(r.Context(), m.owner)
	typed := p.typed(r, m.owner.User.ID)
	if err == nil && typed == nil && !r.URL.Query().Has("again") {
		return p.drawChange(w, r, http.StatusOK, m, c, emailCodePage{})
	}
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	if m, err = p.signedIn(w, r, true); err != nil || m == nil {
		return err
	}
	return p.Web.Draw(w, r, http.StatusOK, emailPage{Email: m.owner.User.Email, Typed: typed.Get("email")})
}

func (p *Portal) drawChange(w http.ResponseWriter, r *http.Request, status int, m *signedInUser, c user.Change, page emailCodePage) error {
	page.Email, page.To, page.Change, page.Reference, page.Length = m.owner.User.Email, c.To, c.ID, c.Reference, p.Profile.Limits.CodeLength
	return p.Web.Draw(w, r, status, page)
}

// askEmail begins a change.
func (p *Portal) askEmail(w http.ResponseWriter, r *http.Request) error {
	m, err := p.signedIn(w, r, true)
	if err != nil || m == nil {
		return err
	}
	begun, err := p.Profile.AskEmail(r.Context(), m.owner, r.PostForm.Get("email"))
	if err == nil {
		p.keepBegun(w, r, begun)
		return p.Web.Redirect(w, "/profile/email")
	}
	f := fault.Of(err)
	if f.Kind == fault.Internal {
		return err
	}
	setRetryAfter(w, f.RetryAfter)
	return p.Web.Draw(w, r, web.Status(f.Kind), emailPage{Email: m.owner.User.Email, Typed: r.PostForm.Get("email"), Problem: f.Message, Wait: f.RetryAfter})
}

// confirmEmail takes the code. The proof need not be new any more: people fetch their mail.
func (p *Portal) confirmEmail(w http.ResponseWriter, r *http.Request) error {
	m, err := p.signedIn(w, r, false)
	if err != nil || m == nil {
		return err
	}
	c, err := p.Profile.PendingEmail(r.Context(), m.owner)
	if err == nil && c.ID != r.PostForm.Get("change") { // the page is older than the change
		return p.drawChange(w, r, http.StatusConflict, m, c, emailCodePage{Problem: "email.problem.newer"})
	}
	if err != nil {
		return p.emailOver(w, r, m, err)
	}
	v, left, err := p.Profile.ConfirmEmail(r.Context(), m.owner, c.ID, r.PostForm.Get("code"))
	switch {
	case err != nil:
		return p.emailOver(w, r, m, err)
	case v.OK:
		p.dropBegun(w, r, c.ID)
		return p.doneWith(w, "email")
	case left == 0:
		return p.Web.Draw(w, r, http.StatusUnprocessableEntity, emailPage{Email: m.owner.User.Email, Problem: "email.problem.no_tries"})
	}
	return p.drawChange(w, r, http.StatusUnprocessableEntity, m, c, emailCodePage{Problem: "email.problem.wrong", TriesLeft: left})
}

// emailOver begins again, where a change is no more or cannot be made.
func (p *Portal) emailOver(w http.ResponseWriter, r *http.Request, m *signedInUser, err error) error {
	f := fault.Of(err)
	if f.Kind != fault.NotFound && f.Kind != fault.Conflict {
		return err
	}
	status := web.Status(f.Kind)
	if f.Kind == fault.NotFound {
		status = http.StatusGone
	}
	return p.Web.Draw(w, r, status, emailPage{Email: m.owner.User.Email, Problem: f.Message})
}

func (p *Portal) withdrawEmail(w http.ResponseWriter, r *http.Request) error {
	m, err := p.signedIn(w, r, false)
	if err != nil || m == nil {
		return err
	}
	if err := p.Profile.WithdrawEmail(r.Context(), m.owner); err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	return p.doneWith(w, "email_kept")
}

// emailStories is the change of one's address in every state.
func emailStories() []web.Story {
	const address, wished = "maria@harbor.example", "maria@ortiz.example"
	ask := emailPage{Email: address}
	bad, wait, over := ask, ask, ask
	bad.Typed, bad.Problem = "maria at ortiz", "user.bad_address"
	wait.Typed, wait.Problem, wait.Wait = wished, "email.problem.limit", 20*time.Minute
	over.Problem = profile.ErrNoChange.Message
	same, taken, tries := ask, ask, ask
	same.Typed, same.Problem = address, "email.problem.same"
	taken.Problem, tries.Problem = "email.problem.taken", "email.problem.no_tries"
	code := emailCodePage{Email: address, To: wished, Change: "c1", Reference: "K7-MZ", Length: 6}
	wrong, newer := code, code
	wrong.Problem, wrong.TriesLeft = "email.problem.wrong", 3
	newer.Problem = "email.problem.newer"
	return []web.Story{
		{Name: "profile/email", Status: 200, Page: ask},
		{Name: "profile/email-bad", Status: 422, Page: bad},
		{Name: "profile/email-same", Status: 422, Page: same},
		{Name: "profile/email-wait", Status: 429, Page: wait},
		{Name: "profile/email-over", Status: http.StatusGone, Page: over},
		{Name: "profile/email-taken", Status: http.StatusConflict, Page: taken},
		{Name: "profile/email-no-tries", Status: 422, Page: tries},
		{Name: "profile/email-code", Status: 200, Page: code},
		{Name: "profile/email-code-wrong", Status: 422, Page: wrong},
		{Name: "profile/email-code-newer", Status: http.StatusConflict, Page: newer},
		{Name: "undo", Status: 200, Page: undoPage{wordPage{ID: storyFlow, Word: undoLink.word}}},
		{Name: "undo/no-word", Status: 422, Page: undoPage{wordPage{storyFlow, undoLink.word, "confirm.problem"}}},
		{Name: "undo/done", Status: 200, Page: undoDonePage{}},
	}
}
