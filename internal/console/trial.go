package console

import (
	"net/http"
	"net/url"
	"time"

	"countersign/internal/access"
	"countersign/internal/company"
	"countersign/internal/fault"
	"countersign/internal/pages"
	"countersign/internal/people"
	"countersign/internal/rollout"
	"countersign/internal/tenant"
	"countersign/internal/web"
)

// trial is what came of rules that the company tries on sign-ins without enforcing them.
type trial struct {
	Begun       bool // there is one, or there was
	Running     bool
	Soon        bool // it has not begun yet
	From, Until time.Time
	MayChange   bool
	URL         string // of the form that begins one
	Results     []checkRow
}

func (a *administrator) trial(report rollout.Report) trial {
	s := report.Tenant.Shadow
	return trial{
		Begun:     !s.Until.IsZero(),
		Running:   s.Active(report.Now),
		Soon:      s.From.After(report.Now),
		From:      s.From,
		Until:     s.Until,
		MayChange: a.May(access.SetShadow, a.own()),
	}
}

// trialPage asks which rules to try, and from which day to which.
type trialPage struct {
	frame
	problem
	Methods       []methodChoice
	Optional      bool
	Roles         []roleChoice
	From, Until   string // days as a browser sends them
	Today, Latest string
}

func (trialPage) View() web.View {
	return web.View{Template: "console/trial", ReturnTo: trialPath}
}

// usualTrial is for how long rules are tried where no one says otherwise.
const usualTrial = 14 * day

func (c *Console) trialPage(r *http.Request, a *administrator, methods tenant.Methods, form url.Values) (
	page trialPage, o company.Overview, err error,
) {
	if err := c.Check(r, a.Administrator, access.SetShadow, a.own()); err != nil {
		return page, o, err
	}
	if o, err = c.Company.Overview(r.Context(), a.Actor, a.company()); err != nil {
		return page, o, err
	}
	now := c.DB.Now().UTC()
	chosen := o
	chosen.Tenant.Methods, chosen.Tenant.Roles = methods, chosenRoles(form, o.Tenant.Roles)
	if form == nil {
		form, chosen.Tenant = proposedTrial(r.URL.Query(), o.Tenant)
		form.Set("until", now.Add(usualTrial).Format(pages.DayForm))
	}
	return trialPage{
		frame:    a.frame(r, "security"),
		Methods:  methodChoices(chosen),
		Optional: form.Get("choice") == string(tenant.Optional),
		Roles:    roleChoicesOf(chosen.Tenant.Roles),
		From:     form.Get("from"),
		Until:    form.Get("until"),
		Today:    now.Format(pages.DayForm),
		Latest:   now.Add(company.MaxShadow - day).Format(pages.DayForm),
	}, o, nil
}

// proposedTrial is what the form shows first: the rules of the company, or those that an address names.
func proposedTrial(q url.Values, t tenant.Tenant) (url.Values, tenant.Tenant) {
	form := url.Values{}
	if coming := comingOf(q); coming != nil {
		t.Methods, t.Roles = coming.Methods, coming.Roles
		form.Set("choice", string(coming.Choice))
	}
	return form, t
}

// trialURL leads to the form, filled in with the rules that c names; nil: with the company's own.
func trialURL(c *people.Coming) string {
	q := url.Values{}
	if addComing(q, c); len(q) == 0 {
		return trialPath
	}
	return trialPath + "?" + q.Encode()
}

func (c *Console) showTrial(w http.ResponseWriter, r *http.Request, a *administrator) error {
	page, _, err := c.trialPage(r, a, "", nil)
	if err != nil {
		return err
	}
	return c.Web.Draw(w, r, http.StatusOK, page)
}

// shadowOf reads the form. Days are those of UTC: a start is the beginning of its day, the end the end of its day.
func shadowOf(form url.Values, methods tenant.Methods, roles tenant.Roles) (s tenant.Shadow, err error) {
	s.Methods, s.Choice, s.Roles = methods, tenant.Choice(form.Get("choice")), roles
	if s.From, err = pages.ReadDay(form.Get("from")); err != nil {
		return s, err
	}
	if s.Until, err = pages.ReadDay(form.Get("until")); err == nil && s.Until.IsZero() {
		err = fault.New(fault.Invalid, "shadow.no_end")
	}
	s.Until = s.Until.Add(day - time.Second)
	return s, err
}

func (c *Console) beginTrial(w http.ResponseWriter, r *http.Request, a *administrator) error {
	_, o, err := c.trialPage(r, a, "", nil)
	if err != nil {
		return err
	}
	methods, some := pages.ChosenMethods(r.PostForm["method"], o.Offered)
	rules, err := shadowOf(r.PostForm, methods, chosenRoles(r.PostForm, o.Tenant.Roles))
	if err == nil && !some {
		err = fault.New(fault.Invalid, "activation.no_method")
	}
	if err == nil {
		err = c.Company.Try(r.Context(), a.Actor, a.company(), rules)
	}
	if err == nil {
		return c.Web.Redirect(w, checkPath+"?done=trial")
	}
	page, _, pageErr := c.trialPage(r, a, methods, r.PostForm)
	if pageErr != nil {
		return pageErr
	}
	return c.DrawProblem(w, r, err, func(p problem) web.Page {
		page.problem = p
		return page
	})
}

func (c *Console) endTrial(w http.ResponseWriter, r *http.Request, a *administrator) error {
	if err := c.Check(r, a.Administrator, access.SetShadow, a.own()); err != nil {
		return err
	}
	if err := c.Company.Try(r.Context(), a.Actor, a.company(), tenant.Shadow{}); err != nil {
		return err
	}
	return c.Web.Redirect(w, checkPath+"?done=no_trial")
}
