package portal

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
	"countersign/internal/client"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/grant"
	"countersign/internal/policy"
	"countersign/internal/profile"
	"countersign/internal/session"
	"countersign/internal/signin"
	"countersign/internal/web"
)

func (p *Portal) mountProfile(mux *web.Mux) {
	mux.Get("/profile", p.showProfile)
	mux.Get("/profile/activity", p.showActivity)
	mux.Get("/profile/protected", p.showProtected)
	mux.Get("/profile/methods/{id}", p.showMethod)
	mux.Post("/profile/methods/{id}", p.renameMethod)
	mux.Get("/profile/methods/{id}/remove", p.showRemoval)
	mux.Post("/profile/methods/{id}/remove", p.removeMethod)
	mux.Get("/profile/methods/{id}/restore", p.showRestore)
	mux.Post("/profile/methods/{id}/restore", p.restoreMethod)
	mux.Post("/profile/browsers", p.forgetBrowsers)
	mux.Post("/profile/sessions", p.endSessions)
	mux.Get("/profile/password", p.showPassword)
	mux.Post("/profile/password", p.changePassword)
	mux.Get("/profile/second-step", p.showSecondStep)
	mux.Post("/profile/second-step", p.chooseSecondStep)
	mux.Post("/profile/language", p.speak)
}

// freshFor is how old a proof may be for a change that a thief would make first.
const freshFor = 300 * time.Second

// signedInUser is a signed-in person.
type signedInUser struct {
	methods  []methodView // set where one of them is looked at
	standing signin.SessionCheck
	owner    profile.Owner
}

// signedIn finds who is signed in. fresh asks for a proof at the account's protection level,
// not older than freshFor. Who lacks it is sent to show it and comes back to the same page;
// then the answer is nil.
func (p *Portal) signedIn(w http.ResponseWriter, r *http.Request, fresh bool) (*signedInUser, error) {
	ask := signin.Ask{ClientID: client.PortalID}
	st, err := p.SignIn.CheckSession(r.Context(), p.Web.Cookie(r, "session"), ask)
	if err != nil {
		return nil, err
	}
	request := grant.Request{ClientID: client.PortalID, IssuedAt: p.DB.Now(), ReturnTo: p.here(r, st.User.ID)}
	if st.Enough && fresh {
		ask.WantACR, ask.FreshAfter = []string{string(st.Protection())}, p.DB.Now().Add(-freshFor)
		seconds := int64(freshFor / time.Second)
		request.ACRValues, request.MaxAge, request.LoginHint = ask.WantACR, &seconds, st.User.Email
		if st, err = p.SignIn.CheckSession(r.Context(), p.Web.Cookie(r, "session"), ask); err != nil {
			return nil, err
		}
	}
	if !st.Enough {
		return nil, p.Web.Redirect(w, signInPath(grant.Seal(p.Keys, request)))
	}
	return &signedInUser{standing: st, owner: profile.Owner{User: st.User, SessionID: st.Session.ID, FlowID: st.Session.FlowID, Held: p.begunHere(r),
		Vendor: st.Vendor, Company: st.Tenant.Name, Visitor: p.visitor(r)}}, nil
}

// here is the page to come back to. What was posted is asked for again, with what userID had
// typed filled in.
func (p *Portal) here(r *http.Request, userID string) string {
	if r.Method == http.MethodGet {
		return p.back(r.URL.RequestURI())
	}
	if path := p.back(r.URL.Path); path != "/" {
		return p.keepTyped(path, r.PostForm, userID)
	}
	return "/profile"
}

// usable are the kinds that somebody has and may use at sign-in.
func usable(st signin.SessionCheck) (out []authenticator.Kind) {
	for _, k := range st.Has {
		if k == authenticator.Backup || st.Methods.Allow(string(k)) && st.Tenant.Methods.Allow(string(k)) {
			out = append(out, k)
		}
	}
	return out
}

// reachable is the strongest level that the methods a sign-in may ask for reach with the
// password, for the profile's summary.
func reachable(has []authenticator.Kind) policy.Level {
	highest := policy.PasswordOnly
	for _, k := range has {
		proof := authenticator.Proof{Kind: k}
		if k == authenticator.Passkey {
			proof.Kind += authenticator.UserVerified
		}
		if l := policy.Reached([]authenticator.Proof{{Kind: authenticator.Password}, proof}); l.AtLeast(highest) {
			highest = l
		}
	}
	return highest
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

func (p *Portal) loadOverview(ctx context.Context, o profile.Owner) (e accountOverview, err error) {
	err = p.DB.View(ctx, o.User.TenantID, func(tx *db.Tx) (err error) {
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

func (p *Portal) showProfile(w http.ResponseWriter, r *http.Request) error {
	m, err := p.signedIn(w, r, false)
	if err != nil || m == nil {
		return err
	}
	e, err := p.loadOverview(r.Context(), m.owner)
	if err != nil {
		return err
	}
	names, err := p.appNames(r.Context(), m.standing.Vendor)
	if err != nil {
		return err
	}
	st := m.standing
	page := profilePage{
		Name: st.User.Name, Email: st.User.Email, Company: st.Tenant.Name,
		Summary: summaryOf(reachable(usable(st))), Asked: st.Decision.Required,
		Methods: p.methodViews(r, st, e), CodesLeft: e.codes, Activity: p.activity(r, e.rows, e.methods, names, 5), Speaks: st.User.Language,
		Languages: p.Web.Catalog.Languages(), Done: doneKey(r.URL.Query().Get("done")), SetUpBy: st.Decision.SetUpBy, DaysLeft: daysLeft(p.DB.Now(), st.Decision.SetUpBy),
		Browsers: e.browsers, Sessions: sessionViews(e.open, st.Session.ID, st.Vendor),
	}
	page.settle(p.bindable(st), st)
	return p.Web.Draw(w, r, http.StatusOK, page)
}

func daysLeft(now, by time.Time) int {
	if by.IsZero() {
		return 0
	}
	return signin.DaysUntil(now, by)
}

// settle says what can be added, and whose decision the second step is.
func (p *profilePage) settle(kinds []authenticator.Kind, st signin.SessionCheck) {
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
func (p *Portal) doneWith(w http.ResponseWriter, word string) error {
	return p.Web.Redirect(w, "/profile?done="+word)
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

func (p *Portal) forgetBrowsers(w http.ResponseWriter, r *http.Request) error {
	m, err := p.signedIn(w, r, false)
	if err != nil || m == nil {
		return err
	}
	if id := r.PostForm.Get("id"); id != "" {
		err = p.Profile.Forget(r.Context(), m.owner, id)
	} else {
		err = p.Profile.ForgetAll(r.Context(), m.owner)
	}
	if err != nil {
		return err
	}
	return p.doneWith(w, "forgotten")
}

// endSessions ends one session, or all but this one. Ending this one is signing out.
func (p *Portal) endSessions(w http.ResponseWriter, r *http.Request) error {
	m, err := p.signedIn(w, r, false)
	if err != nil || m == nil {
		return err
	}
	id := r.PostForm.Get("id")
	switch {
	case id == m.owner.SessionID:
		return p.signOut(w, r)
	case id != "":
		err = p.Profile.EndSession(r.Context(), m.owner, id)
	default:
		err = p.Profile.EndOtherSessions(r.Context(), m.owner)
	}
	if err != nil {
		return err
	}
	return p.doneWith(w, "ended")
}

func (p *Portal) speak(w http.ResponseWriter, r *http.Request) error {
	m, err := p.signedIn(w, r, false)
	if err != nil || m == nil {
		return err
	}
	lang := r.PostForm.Get("lang")
	if !p.Web.Catalog.Speaks(lang) {
		return fault.New(fault.Invalid, "error.malformed")
	}
	if err := p.Profile.SetLanguage(r.Context(), m.owner, lang); err != nil {
		return err
	}
	p.Web.SetCookie(w, "lang", lang, deviceLife)
	return p.doneWith(w, "language")
}

// showProtected ends a set-up: how one gets back in, and the way on.
func (p *Portal) showProtected(w http.ResponseWriter, r *http.Request) error {
	m, err := p.signedIn(w, r, false)
	if err != nil || m == nil {
		return err
	}
	e, err := p.loadOverview(r.Context(), m.owner)
	if err != nil {
		return err
	}
	to := r.URL.Query().Get("to")
	page := protectedPage{
		Methods:     p.methodViews(r, m.standing, e),
		CodesLeft:   e.codes,
		Summary:     summaryOf(reachable(usable(m.standing))),
		ContinueURL: "/profile",
	}
	if t, err := p.targetOf(to); err == nil && to != "" {
		page.ContinueURL = p.onward(t.sealed)
	}
	return p.Web.Draw(w, r, http.StatusOK, page)
}

// showPassword asks for the present password and a new one, from whoever has just shown
// who they are.
func (p *Portal) showPassword(w http.ResponseWriter, r *http.Request) error {
	m, err := p.signedIn(w, r, true)
	if err != nil || m == nil {
		return err
	}
	return p.Web.Draw(w, r, http.StatusOK, passwordPage{Email: m.owner.User.Email, MinLength: password.MinLength})
}

func (p *Portal) changePassword(w http.ResponseWriter, r *http.Request) error {
	m, err := p.signedIn(w, r, true)
	if err != nil || m == nil {
		return err
	}
	err = p.Profile.ChangePassword(r.Context(), m.owner, r.PostForm.Get("current"), r.PostForm.Get("password"))
	if err == nil {
		return p.doneWith(w, "password")
	}
	f := fault.Of(err)
	if f.Kind == fault.Internal {
		return err
	}
	setRetryAfter(w, f.RetryAfter)
	status := web.Status(f.Kind)
	if f.Kind == fault.Denied { // a wrong password is no forbidden page
		status = http.StatusUnprocessableEntity
	}
	return p.Web.Draw(w, r, status, passwordPage{Email: m.owner.User.Email, MinLength: password.MinLength, Problem: f.Message, Wait: f.RetryAfter, Wrong: f.Kind == fault.Denied})
}

// showSecondStep offers to switch one's own second step, where the company leaves it to
// each person (PAR-2).
func (p *Portal) showSecondStep(w http.ResponseWriter, r *http.Request) error {
	m, err := p.signedIn(w, r, false)
	if err != nil || m == nil {
		return err
	}
	return p.drawSecondStep(w, r, http.StatusOK, m, "")
}

func (p *Portal) drawSecondStep(w http.ResponseWriter, r *http.Request, status int, m *signedInUser, problem string) error {
	st := m.standing
	return p.Web.Draw(w, r, status, secondStepPage{
		Company: st.Tenant.Name, Mine: st.Decision.Own, On: !st.User.SecondStepAt.IsZero(), Ready: ready(st), MayAdd: len(p.bindable(st)) > 0,
		Problem: problem, Because: p.sentences(r, st.Decision.Because),
	})
}

// ready reports whether somebody has a method that could be asked for.
func ready(st signin.SessionCheck) bool {
	return slices.ContainsFunc(st.Has, func(k authenticator.Kind) bool {
		return k != authenticator.Password && k != authenticator.Backup && st.Methods.Allow(string(k)) && st.Tenant.Methods.Allow(string(k))
	})
}

func (p *Portal) chooseSecondStep(w http.ResponseWriter, r *http.Request) error {
	on := r.PostForm.Get("on") == "on"
	m, err := p.signedIn(w, r, true)
	if err != nil || m == nil {
		return err
	}
	st := m.standing
	if !st.Decision.Own || on && !ready(st) {
		return p.drawSecondStep(w, r, http.StatusConflict, m, "profile.problem.not_yours")
	}
	enough := func(ctx context.Context, tx *db.Tx) error { return p.SignIn.StillEnough(ctx, tx, m.owner.User.ID) }
	if err := p.Profile.Choose(r.Context(), m.owner, on, enough); err != nil {
		return err
	}
	if on {
		return p.doneWith(w, "on")
	}
	return p.doneWith(w, "off")
}
