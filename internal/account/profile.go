package account

import (
	"context"
	"net/http"
	"slices"
	"time"

	"countersign/internal/audit"
	"countersign/internal/authenticator"
	"countersign/internal/authenticator/lookup"
	"countersign/internal/authenticator/passkey"
	"countersign/internal/authenticator/password"
	"countersign/internal/authenticator/receiver"
	"countersign/internal/binding"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/gate"
	"countersign/internal/pages"
	"countersign/internal/policy"
	"countersign/internal/profile"
	"countersign/internal/secret"
	"countersign/internal/session"
	"countersign/internal/web"
)

func (a *Account) mountProfile(mux *web.Mux) {
	mux.Get("/profile", a.showProfile)
	mux.Get("/profile/activity", a.showActivity)
	mux.Get("/profile/protected", a.showProtected)
	mux.Get("/profile/methods/{id}", a.showMethod)
	mux.Post("/profile/methods/{id}", a.renameMethod)
	mux.Get("/profile/methods/{id}/remove", a.showRemoval)
	mux.Post("/profile/methods/{id}/remove", a.removeMethod)
	mux.Get("/profile/methods/{id}/restore", a.showRestore)
	mux.Post("/profile/methods/{id}/restore", a.restoreMethod)
	mux.Post("/profile/browsers", a.forgetBrowsers)
	mux.Post("/profile/sessions", a.endSessions)
	mux.Get("/profile/password", a.showPassword)
	mux.Post("/profile/password", a.changePassword)
	mux.Get("/profile/second-step", a.showSecondStep)
	mux.Post("/profile/second-step", a.chooseSecondStep)
	mux.Post("/profile/language", a.setLanguage)
}

// signedInUser is a signed-in person.
type signedInUser struct {
	methods  []methodView // set where one of them is looked at
	standing gate.SessionCheck
	owner    profile.Owner
}

// signedIn finds who is signed in. fresh asks for a proof at the account's protection level
// that is recent. Who lacks it is sent to show it and comes back to the same page; then the
// answer is nil.
func (a *Account) signedIn(w http.ResponseWriter, r *http.Request, fresh bool) (*signedInUser, error) {
	st, ok, err := a.RequireSession(w, r, fresh)
	if err != nil || !ok {
		return nil, err
	}
	return &signedInUser{standing: st, owner: profile.Owner{
		User:      st.User,
		SessionID: st.Session.ID,
		FlowID:    st.Session.FlowID,
		Held:      a.BegunHere(r),
		Vendor:    st.Vendor,
		Company:   st.Tenant.Name,
		Visitor:   a.Visitor(r),
	}}, nil
}

// accountOverview is everything that a profile shows of an account.
type accountOverview struct {
	methods  []binding.Method
	passkeys []passkey.Facts
	codes    int
	open     []session.Open
	browsers []session.RememberedFor
	rows     []audit.Row
	gone     map[string]time.Time // receivers that cannot be reached, since when
}

func (a *Account) loadOverview(ctx context.Context, o profile.Owner) (e accountOverview, err error) {
	err = a.DB.View(ctx, o.User.TenantID, func(tx *db.Tx) (err error) {
		if e.methods, err = binding.Methods(ctx, tx, o.User.ID); err != nil {
			return err
		}
		if e.passkeys, err = passkey.Of(ctx, tx, o.User.ID); err != nil {
			return err
		}
		if e.gone, err = receiver.GoneOf(ctx, tx, o.User.ID); err != nil {
			return err
		}
		if e.codes, err = lookup.Remaining(ctx, tx, o.User.ID); err != nil {
			return err
		}
		if e.open, err = session.OpenOf(ctx, tx, o.User.ID); err != nil {
			return err
		}
		if e.browsers, err = session.RememberedOf(ctx, tx, o.User.ID); err != nil {
			return err
		}
		e.rows, err = audit.List(ctx, tx, audit.Filter{UserID: o.User.ID, Limit: 60})
		return err
	})
	return e, err
}

func (a *Account) showProfile(w http.ResponseWriter, r *http.Request) error {
	m, err := a.signedIn(w, r, false)
	if err != nil || m == nil {
		return err
	}
	e, err := a.loadOverview(r.Context(), m.owner)
	if err != nil {
		return err
	}
	names, err := a.appNames(r.Context(), m.standing.Vendor)
	if err != nil {
		return err
	}
	st := m.standing
	page := profilePage{
		Name:        st.User.Name,
		Email:       st.User.Email,
		Company:     st.Tenant.Name,
		Summary:     summaryOf(policy.Reachable(st.Allowed.Usable(st.Has))),
		Asked:       st.Decision.Required,
		Methods:     a.methodViews(r, st, e),
		CodesLeft:   e.codes,
		Activity:    a.activity(r, e.rows, e.methods, names, 5),
		Speaks:      st.User.Language,
		Languages:   a.Web.Catalog.Languages(),
		Administers: a.Administers(r, st),
		Staff:       a.Staff(r, st),
		Done:        doneKey(r.URL.Query().Get("done")),
		SetUpBy:     st.Decision.SetUpBy,
		DaysLeft:    pages.DaysLeft(a.DB.Now(), st.Decision.SetUpBy),
		Limited:     st.Decision.Limited,
		Laters:      st.Decision.LatersLeft,
		Browsers:    e.browsers,
		Sessions:    sessionViews(e.open, st.Session.ID, st.Vendor),
	}
	page.setChoices(st.Allowed.Enrollable(st.Has, a.Binding.Kinds()), st)
	return a.Web.Draw(w, r, http.StatusOK, page)
}

// setChoices says what can be added, and whose decision the second step is.
func (p *profilePage) setChoices(kinds []authenticator.Kind, st gate.SessionCheck) {
	for _, k := range kinds {
		p.MayAdd = p.MayAdd || k != authenticator.Backup
		p.MayHaveCodes = p.MayHaveCodes || k == authenticator.Backup
	}
	p.HasCodes = slices.Contains(st.Has, authenticator.Backup)
	for _, m := range p.Methods {
		if m.Suspended && m.Kind == string(authenticator.Backup) {
			p.SuspendedCodes = m.ID
		}
	}
	p.OwnChoice = st.Decision.Own
	p.On = !st.User.SecondStepAt.IsZero()
}

// done answers a form of the profile.
func (a *Account) doneWith(w http.ResponseWriter, word string) error {
	return a.Web.Redirect(w, "/profile?done="+word)
}

func doneKey(word string) string {
	switch word {
	case "forgotten":
		return "profile.done.forgotten"
	case "ended":
		return "profile.done.ended"
	case "restored":
		return "profile.done.restored"
	case "renamed":
		return "profile.done.renamed"
	case "removed":
		return "profile.done.removed"
	case "password":
		return "profile.done.password"
	case "email":
		return "profile.done.email"
	case "email_kept":
		return "profile.done.email_kept"
	case "on":
		return "profile.done.on"
	case "off":
		return "profile.done.off"
	case "language":
		return "profile.done.language"
	}
	return ""
}

func (a *Account) forgetBrowsers(w http.ResponseWriter, r *http.Request) error {
	m, err := a.signedIn(w, r, false)
	if err != nil || m == nil {
		return err
	}
	if id := r.PostForm.Get("id"); id != "" {
		err = a.Profile.Forget(r.Context(), m.owner, id)
	} else {
		err = a.Profile.ForgetAll(r.Context(), m.owner)
	}
	if err != nil {
		return err
	}
	return a.doneWith(w, "forgotten")
}

// endSessions ends one session, or all but this one. Ending this one is signing out.
func (a *Account) endSessions(w http.ResponseWriter, r *http.Request) error {
	m, err := a.signedIn(w, r, false)
	if err != nil || m == nil {
		return err
	}
	id := r.PostForm.Get("id")
	switch {
	case id == m.owner.SessionID:
		return a.SignOut(w, r)
	case id != "":
		err = a.Profile.EndSession(r.Context(), m.owner, id)
	default:
		err = a.Profile.EndOtherSessions(r.Context(), m.owner)
	}
	if err != nil {
		return err
	}
	return a.doneWith(w, "ended")
}

func (a *Account) setLanguage(w http.ResponseWriter, r *http.Request) error {
	m, err := a.signedIn(w, r, false)
	if err != nil || m == nil {
		return err
	}
	lang := r.PostForm.Get("lang")
	if !a.Web.Catalog.Speaks(lang) {
		return fault.New(fault.Invalid, "error.malformed")
	}
	if err := a.Profile.SetLanguage(r.Context(), m.owner, lang); err != nil {
		return err
	}
	a.Web.SetCookie(w, "lang", lang, pages.DeviceLife)
	return a.doneWith(w, "language")
}

// showProtected ends a set-up: how one gets back in, and the way on.
func (a *Account) showProtected(w http.ResponseWriter, r *http.Request) error {
	m, err := a.signedIn(w, r, false)
	if err != nil || m == nil {
		return err
	}
	e, err := a.loadOverview(r.Context(), m.owner)
	if err != nil {
		return err
	}
	to := r.URL.Query().Get("to")
	page := protectedPage{
		Methods:     a.methodViews(r, m.standing, e),
		CodesLeft:   e.codes,
		Summary:     summaryOf(policy.Reachable(m.standing.Allowed.Usable(m.standing.Has))),
		ContinueURL: "/profile",
	}
	if t, err := a.TargetOf(to); err == nil && to != "" {
		page.ContinueURL = a.Onward(t.Sealed)
	}
	return a.Web.Draw(w, r, http.StatusOK, page)
}

// showPassword asks for the present password and a new one, from anyone who has just shown
// who they are.
func (a *Account) showPassword(w http.ResponseWriter, r *http.Request) error {
	m, err := a.signedIn(w, r, true)
	if err != nil || m == nil {
		return err
	}
	return a.Web.Draw(w, r, http.StatusOK, passwordPage{Email: m.owner.User.Email, MinLength: password.MinLength})
}

func (a *Account) changePassword(w http.ResponseWriter, r *http.Request) error {
	m, err := a.signedIn(w, r, true)
	if err != nil || m == nil {
		return err
	}
	err = a.Profile.ChangePassword(r.Context(), m.owner, secret.Text(r.PostForm.Get("current")),
		secret.Text(r.PostForm.Get("password")))
	if err == nil {
		return a.doneWith(w, "password")
	}
	f := fault.Of(err)
	if f.Kind == fault.Internal {
		return err
	}
	pages.SetRetryAfter(w, f.RetryAfter)
	status := web.Status(f.Kind)
	if f.Kind == fault.Denied { // a wrong password is no forbidden page
		status = http.StatusUnprocessableEntity
	}
	return a.Web.Draw(w, r, status, passwordPage{
		Email:     m.owner.User.Email,
		MinLength: password.MinLength,
		Problem:   f.Message,
		Wait:      f.RetryAfter,
		Wrong:     f.Kind == fault.Denied,
	})
}
