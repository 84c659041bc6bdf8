package portal

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/authenticator/lookup"
	"countersign/internal/authenticator/passkey"
	"countersign/internal/binding"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/session"
	"countersign/internal/signin"
	"countersign/internal/web"
)

// Where methods are set up: in the middle of a sign-in, or in a session.
const (
	flowSetUp    = "/signin/set-up"
	profileSetUp = "/profile/add"
)

// enrollmentPage is where and for whom a method is set up.
type enrollmentPage struct {
	base    string
	flow    secret.Reference // of the sign-in that waits for it; zero in a session
	flowRef                  // its name
	holder  binding.Enrollee
	kinds   []authenticator.Kind
	has     []authenticator.Kind
	appName string
	because []string
	to      string // sealed, where the sign-in goes on afterwards
	targets []string

	session session.Session // that it is set up in; zero in a sign-in
}

func (s enrollmentPage) inFlow() bool { return s.base == flowSetUp }

// path is the page of one kind.
func (s enrollmentPage) path(k authenticator.Kind) string {
	return s.base + "/" + string(k) + s.Query()
}

// enrollmentSource tells who sets something up. to begin needs more than to go on. It returns nil
// when it has answered the request itself.
type enrollmentSource func(w http.ResponseWriter, r *http.Request, begins bool) (*enrollmentPage, error)

// mountSetUp adds the same pages below one of the two places.
func (p *Portal) mountSetUp(mux *web.Mux, base string, find enrollmentSource) {
	at := func(begins bool, h func(http.ResponseWriter, *http.Request, *enrollmentPage) error) web.Handler {
		return func(w http.ResponseWriter, r *http.Request) error {
			s, err := find(w, r, begins)
			if err != nil || s == nil {
				return err
			}
			return h(w, r, s)
		}
	}
	mux.Get(base, at(true, p.chooseKind))
	mux.Get(base+"/{kind}", at(false, p.showKind))
	mux.Post(base+"/{kind}", at(true, p.propose))
	mux.Post(base+"/{kind}/confirm", at(false, p.confirm))
	mux.Get(base+"/backup/codes.txt", at(false, p.codesFile))
}

// inFlow finds the sign-in of this browser that waits for a set-up.
func (p *Portal) inFlow(w http.ResponseWriter, r *http.Request, _ bool) (*enrollmentPage, error) {
	ref, err := p.flowOf(r)
	if err != nil {
		return nil, p.drawGone(w, r)
	}
	step, err := p.SignIn.Current(r.Context(), ref)
	if fault.Is(err, fault.NotFound) {
		return nil, p.drawGone(w, r)
	}
	if err != nil {
		return nil, err
	}
	ask, ok := step.(signin.SetUpMethod)
	if !ok {
		return nil, p.Web.Redirect(w, flowRef{ref.ID}.CodeURL())
	}
	who, err := p.SignIn.EnrollmentFor(r.Context(), ref)
	if err != nil {
		return nil, err
	}
	s := &enrollmentPage{base: flowSetUp, flow: ref, flowRef: flowRef{ref.ID}, kinds: who.Kinds, appName: who.AppName, because: p.sentences(r, ask.Because), to: ask.ContinueTo, targets: p.originsOf(ask.ContinueTo)}
	s.holder = p.holder(r, ref.Tenant, "flow:"+who.FlowID, who.FlowID, authenticator.Subject{
		UserID: who.User.ID, Email: who.User.Email, Name: who.User.Name, Vendor: who.Vendor, Company: who.Company, Language: who.User.Language,
	})
	return s, nil
}

func (p *Portal) holder(r *http.Request, tenant, of, flowID string, who authenticator.Subject) binding.Enrollee {
	v := p.visitor(r)
	who.IP, who.Place, who.Browser = v.IP, v.Place, v.Browser
	return binding.Enrollee{Tenant: tenant, UserID: who.UserID, Scope: of, FlowID: flowID, Held: p.begunHere(r), Who: who, Visitor: v}
}

// inSession finds the person who is signed in. To begin, their proofs must be new.
func (p *Portal) inSession(w http.ResponseWriter, r *http.Request, begins bool) (*enrollmentPage, error) {
	m, err := p.signedIn(w, r, begins)
	if err != nil || m == nil {
		return nil, err
	}
	st := m.standing
	if from := st.SetUpFrom(p.DB.Now()); !from.IsZero() {
		return nil, p.Web.Draw(w, r, http.StatusForbidden, waitPage{From: from})
	}
	return &enrollmentPage{base: profileSetUp, holder: p.holderOf(r, st), kinds: p.bindable(st), has: st.Has, session: *st.Session}, nil
}

func (p *Portal) holderOf(r *http.Request, st signin.SessionCheck) binding.Enrollee {
	return p.holder(r, st.Tenant.ID, "session:"+st.Session.ID, st.Session.FlowID, authenticator.Subject{
		UserID: st.User.ID, Email: st.User.Email, Name: st.User.Name, Vendor: st.Vendor, Company: st.Tenant.Name, Language: st.User.Language,
	})
}

// bindable are the kinds that can be set up here and that vendor and company allow. Backup
// codes stand in for another method, so they come after one.
func (p *Portal) bindable(st signin.SessionCheck) (out []authenticator.Kind) {
	strong := slices.ContainsFunc(st.Has, policy.Factor)
	for _, k := range p.Binding.Kinds() {
		allowed := st.Methods.Allow(string(k)) && st.Tenant.Methods.Allow(string(k))
		if allowed && k != authenticator.Backup || k == authenticator.Backup && strong {
			out = append(out, k)
		}
	}
	return out
}

// chooseKind lists what can be set up. Where only one thing is asked for, it says why.
func (p *Portal) chooseKind(w http.ResponseWriter, r *http.Request, s *enrollmentPage) error {
	page := choosePage{
		flowRef: s.flowRef,
		Base:    s.base,
		InFlow:  s.inFlow(),
		AppName: s.appName,
		Because: s.because,
		Targets: s.targets,
	}
	for _, k := range s.kinds {
		if k != authenticator.Backup || len(s.kinds) == 1 {
			page.Kinds = append(page.Kinds, offerOf(k))
		}
	}
	page.OnlyCodes = len(s.kinds) == 1 && s.kinds[0] == authenticator.Backup
	return p.Web.Draw(w, r, http.StatusOK, page)
}

var errNoKind = fault.New(fault.NotFound, "binding.no_such_method")

func (s *enrollmentPage) kind(r *http.Request) (authenticator.Kind, error) {
	k := authenticator.Kind(r.PathValue("kind"))
	if !slices.Contains(s.kinds, k) || s.inFlow() && k == authenticator.Backup && len(s.kinds) > 1 {
		return "", errNoKind
	}
	return k, nil
}

// showKind draws how far the set-up of one kind has come. It changes nothing, so that it can
// be left and taken up again.
func (p *Portal) showKind(w http.ResponseWriter, r *http.Request, s *enrollmentPage) error {
	k, err := s.kind(r)
	if err != nil {
		return err
	}
	d, err := p.Binding.Waiting(r.Context(), s.holder, k)
	typed := p.typed(r, s.holder.UserID)
	again := fault.Is(err, fault.NotFound) || err == nil && (r.URL.Query().Has("again") || typed != nil)
	switch {
	case again:
		return p.drawBegin(w, r, http.StatusOK, s, beginPage{Kind: k, Country: typed.Get("country"), Number: typed.Get("number")})
	case err != nil:
		return err
	}
	return p.drawDraft(w, r, http.StatusOK, s, d, cardPage{})
}

// refused reports whether a set-up could not begin for a reason to be shown on its page.
func refused(err error) bool {
	return waiting(err) != nil || fault.Is(err, fault.Invalid) || fault.Is(err, fault.Conflict)
}

func (p *Portal) drawRefused(w http.ResponseWriter, r *http.Request, s *enrollmentPage, page beginPage, f *fault.Fault) error {
	setRetryAfter(w, f.RetryAfter)
	page.Problem, page.Wait = f.Message, f.RetryAfter
	return p.drawBegin(w, r, web.Status(f.Kind), s, page)
}

// propose begins the set-up of a kind.
func (p *Portal) propose(w http.ResponseWriter, r *http.Request, s *enrollmentPage) error {
	k, err := s.kind(r)
	if err != nil {
		return err
	}
	if k == authenticator.TOTP || k == authenticator.Backup { // what was shown may have been scanned or written down
		if _, err := p.Binding.Waiting(r.Context(), s.holder, k); err == nil {
			return p.Web.Redirect(w, s.path(k))
		}
	}
	form := r.PostForm
	page := beginPage{Kind: k, Country: form.Get("country"), Number: form.Get("number")}
	wish := strings.TrimSpace(page.Country + " " + page.Number)
	if k == authenticator.Push {
		wish = form.Get("subscription")
	}
	d, err := p.Binding.Begin(r.Context(), s.holder, k, "", wish)
	switch {
	case refused(err):
		return p.drawRefused(w, r, s, page, fault.Of(err))
	case err != nil:
		return err
	}
	p.keepBegun(w, r, d.Holds)
	if k == authenticator.Passkey && r.Header.Get("Accept") == "application/json" { // the page goes on by itself
		return p.beganPasskey(w, d)
	}
	return p.Web.Redirect(w, s.path(k))
}

// beganPasskey tells the script of the page what the browser is to make, so that one page is
// enough: to begin is a change, which no GET makes.
func (p *Portal) beganPasskey(w http.ResponseWriter, d binding.PendingEnrollment) error {
	c, err := passkey.Show(d.PendingEnrollment)
	if err != nil {
		return fmt.Errorf("begin a passkey: %w", err)
	}
	return p.Web.JSON(w, http.StatusOK, map[string]any{"options": json.RawMessage(c.Options), "draft": d.ID})
}

// confirm takes the first proof of what is being set up.
func (p *Portal) confirm(w http.ResponseWriter, r *http.Request, s *enrollmentPage) error {
	k, err := s.kind(r)
	if err != nil {
		return err
	}
	d, err := p.Binding.Waiting(r.Context(), s.holder, k)
	if err == nil && d.ID != r.PostForm.Get("draft") { // the page is older than the set-up
		return p.drawDraft(w, r, http.StatusConflict, s, d, cardPage{Problem: "binding.newer"})
	}
	if fault.Is(err, fault.NotFound) {
		return p.drawBegin(w, r, http.StatusGone, s, beginPage{Kind: k, Problem: overKey(k)})
	}
	if err != nil {
		return err
	}
	if k == authenticator.Backup && r.PostForm.Get("saved") != "on" && strings.TrimSpace(r.PostForm.Get("code")) == "" {
		return p.drawDraft(w, r, http.StatusUnprocessableEntity, s, d, cardPage{Problem: "bind.backup.problem"})
	}
	out, step, err := p.bind(r, s, d)
	switch {
	case fault.Is(err, fault.Invalid):
		return p.drawDraft(w, r, http.StatusUnprocessableEntity, s, d, cardPage{Problem: fault.Of(err).Message, Name: r.PostForm.Get("name")})
	case fault.Is(err, fault.NotFound):
		return p.drawBegin(w, r, http.StatusGone, s, beginPage{Kind: k, Problem: overKey(k)})
	case err != nil:
		return err
	case !out.OK && out.TriesLeft == 0:
		return p.drawBegin(w, r, http.StatusUnprocessableEntity, s, beginPage{Kind: k, Problem: "binding.no_tries"})
	case !out.OK:
		return p.drawDraft(w, r, http.StatusUnprocessableEntity, s, d, cardPage{Problem: problemOf(k, out), TriesLeft: out.TriesLeft, Name: r.PostForm.Get("name")})
	}
	p.dropBegun(w, r, d.ID)
	return p.bound(w, r, s, k, step)
}

// overKey says why a set-up is no more. A passkey's has the life of its challenge.
func overKey(k authenticator.Kind) string {
	if k == authenticator.Passkey {
		return "bind.passkey.late"
	}
	return "binding.over"
}

func problemOf(k authenticator.Kind, out binding.Outcome) string {
	if k == authenticator.Passkey && out.Notice != "" {
		return out.Notice
	}
	return codePage{Kind: k, Problem: "code.problem.wrong"}.ProblemKey()
}

// bind confirms a draft in one unit of work with what waits for it.
func (p *Portal) bind(r *http.Request, s *enrollmentPage, d binding.PendingEnrollment) (out binding.Outcome, step signin.Step, err error) {
	ctx := r.Context()
	answer := authenticator.Response{Code: r.PostForm.Get("code"), Saved: r.PostForm.Get("saved") == "on", Assertion: []byte(r.PostForm.Get("assertion"))}
	try := func(tx *db.Tx) error {
		if err := p.Binding.Name(ctx, tx, s.holder, d.ID, r.PostForm.Get("name")); err != nil {
			return err
		}
		var err error
		out, err = p.Binding.Confirm(ctx, tx, s.holder, d.ID, answer)
		return err
	}
	if !s.inFlow() {
		step, err = p.bindHere(r, s, d.Kind, &out, try)
		return out, step, err
	}
	step, err = p.SignIn.EnrollInFlow(ctx, s.flow, func(tx *db.Tx, who signin.Enrollee) (*authenticator.Proof, error) {
		if !slices.Contains(who.Kinds, d.Kind) {
			return nil, errNoKind
		}
		if err := try(tx); err != nil || !out.OK {
			return nil, err
		}
		return proofOf(d.Kind, out, tx.Now), nil
	})
	return out, step, err
}

func proofOf(k authenticator.Kind, out binding.Outcome, at time.Time) *authenticator.Proof {
	return &authenticator.Proof{Kind: cmp.Or(out.Proof, k), AuthenticatorID: out.Bound.ID, At: at}
}

// bindHere binds in a session, which from then on also stands for what was just shown:
// otherwise the next page would ask for it again.
func (p *Portal) bindHere(r *http.Request, s *enrollmentPage, k authenticator.Kind, out *binding.Outcome, try func(*db.Tx) error) (signin.Step, error) {
	var raised signin.Done
	err := p.DB.InTx(r.Context(), s.holder.Tenant, func(tx *db.Tx) (err error) {
		if err := try(tx); err != nil || !out.OK || k == authenticator.Backup {
			return err
		}
		raised.Session, raised.Life, err = p.SignIn.Upgrade(r.Context(), tx, s.session, *proofOf(k, *out, tx.Now), s.holder.Visitor)
		return err
	})
	if err != nil || raised.Life == 0 {
		return nil, err
	}
	return raised, nil
}

// bound leads on: to backup codes where there are none yet, else to the last page.
func (p *Portal) bound(w http.ResponseWriter, r *http.Request, s *enrollmentPage, k authenticator.Kind, step signin.Step) error {
	done, ok := step.(signin.Done)
	if ok && !s.inFlow() {
		p.Web.SetCookie(w, "session", done.Session.Text().Reveal(), done.Life)
	} else if ok {
		if err := p.keepSession(w, r, done); err != nil {
			return err
		}
		return p.Web.Redirect(w, protectedPath(done.ContinueTo))
	}
	if s.inFlow() {
		return p.follow(w, r, step)
	}
	needsCodes := k != authenticator.Backup && !slices.Contains(s.has, authenticator.Backup) && slices.Contains(p.Binding.Kinds(), authenticator.Backup)
	if needsCodes {
		return p.Web.Redirect(w, profileSetUp+"/"+string(authenticator.Backup))
	}
	return p.Web.Redirect(w, protectedPath(""))
}

func protectedPath(to string) string {
	if to == "" {
		return "/profile/protected"
	}
	return "/profile/protected?to=" + url.QueryEscape(to)
}

// codesFile is the sheet of backup codes as a file, as long as it waits to be confirmed.
func (p *Portal) codesFile(w http.ResponseWriter, r *http.Request, s *enrollmentPage) error {
	d, err := p.Binding.Waiting(r.Context(), s.holder, authenticator.Backup)
	if err != nil {
		return err
	}
	sheet, err := lookup.Show(d.PendingEnrollment)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="`+lookup.FileName+`"`)
	_, err = w.Write([]byte(sheet.File(p.Web.Printer(r))))
	return err
}
