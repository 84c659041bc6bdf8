package desk

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"countersign/internal/access"
	"countersign/internal/authenticator"
	"countersign/internal/company"
	"countersign/internal/fault"
	"countersign/internal/methodtext"
	"countersign/internal/pages"
	"countersign/internal/tenant"
	"countersign/internal/web"
)

// decisionPath is the page of the vendor's rule for all companies.
const decisionPath = "/desk/decision"

func (d *Desk) mountDecisions(mux *web.Mux) {
	mux.Get(decisionPath, d.looking(d.showDecision))
	mux.Post(decisionPath, d.changing(d.require(access.ChangeInstallation, d.reviewDecision)), "method")
	mux.Post(decisionPath+"/confirm", d.changing(d.require(access.ChangeInstallation, d.confirmDecision)), "method")
	of := "/desk/companies/{id}/decision"
	mux.Get(of, d.changing(d.requireFor(access.SetMandate, d.showDecision)))
	mux.Post(of, d.changing(d.requireFor(access.SetMandate, d.reviewDecision)), "method")
	mux.Post(of+"/confirm", d.changing(d.requireFor(access.SetMandate, d.confirmDecision)), "method")
}

// decisionURL is the page of the rule for a company, or for all if id is empty.
func decisionURL(id string) string {
	if id == "" {
		return decisionPath
	}
	return companyURL(id) + "/decision"
}

// decisionPage asks what the vendor decides about two-factor authentication.
type decisionPage struct {
	frame
	pages.Problem
	ID, Name  string // of the company; empty = all
	Modes     []pages.Option
	From      string // a day as a browser sends it; empty = at once
	Today     string
	Methods   []methodOption
	Days      []dayOption
	MayChange bool
	Seen      string // the mark of the decision that the form replaces
	Outdated  pages.Outdated
}

func (p decisionPage) View() web.View {
	return web.View{Template: "desk/decision", ReturnTo: decisionURL(p.ID)}
}

// Action is where the form goes to.
func (p decisionPage) Action() string { return decisionURL(p.ID) }

// methodOption is a method that may be allowed.
type methodOption struct {
	Kind, Title string // Title is a catalogue key
	Allowed     bool
	RuledOut    bool // for all companies
}

// dayOption is a number of days for which browsers may be remembered.
type dayOption struct {
	Days     int // tenant.InheritDays = as for all companies
	Selected bool
}

// Inherits reports whether the number for all companies applies.
func (o dayOption) Inherits() bool { return o.Days == tenant.InheritDays }

// subject is what a decision is about: one company, or all of them.
type subject struct {
	id, name string // empty = all
	holds    company.Decision
	offered  []authenticator.Kind
	vendor   tenant.Methods // what all companies may allow
	maxDays  int
}

// subjectOf loads what the address is about.
func (d *Desk) subjectOf(r *http.Request, m *member) (s subject, err error) {
	id := r.PathValue("id")
	if id == "" {
		i, err := d.Company.Installation(r.Context(), m.Actor)
		return subject{
			holds:   company.DecisionForAll(i),
			offered: d.Company.OfferedMethods(),
			maxDays: d.Company.Limits.RememberDays,
		}, err
	}
	o, err := d.Company.Overview(r.Context(), m.Actor, id)
	return subject{
		id:      o.Tenant.ID,
		name:    o.Tenant.Name,
		holds:   company.DecisionOf(o.Tenant),
		offered: o.Offered,
		vendor:  o.ForAll.Methods,
		maxDays: min(o.ForAll.RememberDays, d.Company.Limits.RememberDays),
	}, err
}

// page shows a decision about s in a form.
func (d *Desk) decisionPage(r *http.Request, m *member, s subject, chosen company.Decision) decisionPage {
	current, action, target := "decision", access.ChangeInstallation, access.Target{}
	if s.id != "" {
		current, action, target = "companies", access.SetMandate, access.Target{TenantID: s.id}
	}
	page := decisionPage{
		frame:     frameOf(r, current),
		ID:        s.id,
		Name:      s.name,
		From:      pages.WrittenDay(chosen.Mandate.From),
		Today:     d.DB.Now().UTC().Format(pages.DayForm),
		MayChange: m.May(action, target),
		Seen:      company.MarkOfDecision(s.holds),
	}
	modes := []tenant.Mode{tenant.Mandatory, tenant.DefaultOn, tenant.DefaultOff}
	if s.id != "" {
		modes = append([]tenant.Mode{tenant.Inherit}, modes...)
	}
	for _, mode := range modes {
		page.Modes = append(page.Modes, pages.NewOption(string(mode), modeKeys[mode], mode == chosen.Mandate.Mode))
	}
	for _, k := range s.offered {
		page.Methods = append(page.Methods, methodOption{
			Kind:     string(k),
			Title:    methodtext.Of(k).Name,
			Allowed:  chosen.Methods.Allow(string(k)) && s.vendor.Allow(string(k)),
			RuledOut: !s.vendor.Allow(string(k)),
		})
	}
	page.Days = dayOptions(s, chosen.RememberDays)
	return page
}

func dayOptions(s subject, chosen int) (out []dayOption) {
	all, found := []int{0, 1, 7, 14, 30}, false
	if s.id != "" {
		all = append([]int{tenant.InheritDays}, all...)
	}
	for _, days := range all {
		if days <= s.maxDays {
			out = append(out, dayOption{days, days == chosen})
			found = found || days == chosen
		}
	}
	if !found {
		out = append(out, dayOption{chosen, true})
	}
	return out
}

func (d *Desk) showDecision(w http.ResponseWriter, r *http.Request, m *member) error {
	s, err := d.subjectOf(r, m)
	if err != nil {
		return err
	}
	page := d.decisionPage(r, m, s, s.holds)
	if q := r.URL.Query(); q.Has("mode") { // back from the summary
		if back, err := decisionOf(q, s); err == nil {
			page = d.decisionPage(r, m, s, back)
			page.Seen = back.Seen
		}
	}
	return d.Web.Draw(w, r, http.StatusOK, page)
}

var errNoMethod = fault.New(fault.Invalid, "activation.no_method")

// decisionOf reads a form. What is ruled out for all companies stays in a company's own choice as it was.
func decisionOf(form url.Values, s subject) (out company.Decision, err error) {
	out.Seen = form.Get(pages.SeenField)
	if out.Mandate.Mode, err = tenant.ParseMode(form.Get("mode")); err != nil {
		return out, err
	}
	if out.Mandate.Mode == tenant.Mandatory || out.Mandate.Mode == tenant.DefaultOn {
		if out.Mandate.From, err = pages.ReadDay(form.Get("from")); err != nil {
			return out, err
		}
	}
	if pages.WrittenDay(s.holds.Mandate.From) == form.Get("from") && s.holds.Mandate.Mode == out.Mandate.Mode {
		out.Mandate.From = s.holds.Mandate.From // the instant that is stored, which need not begin a day
	}
	var some bool
	if out.Methods, some = pages.ChosenMethods(form["method"], s.choosable()); !some {
		return out, errNoMethod
	}
	if pages.SameMethods(out.Methods, s.holds.Methods, s.choosable()) {
		out.Methods = s.holds.Methods
	}
	if out.RememberDays, err = strconv.Atoi(form.Get("days")); err != nil {
		err = fault.New(fault.Invalid, "tenant.remember_days")
	}
	return out, err
}

// choosable are the methods that the form offers.
func (s subject) choosable() (out []authenticator.Kind) {
	for _, k := range s.offered {
		if s.vendor.Allow(string(k)) {
			out = append(out, k)
		}
	}
	return out
}

// planPage says what a decision will do to how many companies, and asks for it to be confirmed.
type planPage struct {
	frame
	ID, Name string
	Plan     company.DecisionPlan
	Mode     string // catalogue key
	Methods  []string
	Days     int
	Form     url.Values
}

func (p planPage) View() web.View {
	return web.View{Template: "desk/plan", ReturnTo: decisionURL(p.ID)}
}

// Action is where the confirmation goes to.
func (p planPage) Action() string { return decisionURL(p.ID) + "/confirm" }

// BackURL is the form, filled in.
func (p planPage) BackURL() string { return decisionURL(p.ID) + "?" + p.Form.Encode() }

// AtOnce reports whether it begins with the confirmation.
func (p planPage) AtOnce() bool { return p.Plan.From.IsZero() }

// Hidden are the fields of the form.
func (p planPage) Hidden() (out []field) {
	for _, name := range []string{"mode", "from", "days", "method", pages.SeenField} {
		for _, value := range p.Form[name] {
			out = append(out, field{name, value})
		}
	}
	return out
}

type field struct{ Name, Value string }

// Inherits reports whether the number of days for all companies holds.
func (p planPage) Inherits() bool { return p.Days == tenant.InheritDays }

// Alarming reports whether someone is left without a way in.
func (p planPage) Alarming() bool { return len(p.Plan.LockedOut) > 0 || !p.Plan.Stranded.None() }

func (d *Desk) reviewDecision(w http.ResponseWriter, r *http.Request, m *member) error {
	s, err := d.subjectOf(r, m)
	if err != nil {
		return err
	}
	chosen, err := decisionOf(r.PostForm, s)
	var plan company.DecisionPlan
	if err == nil {
		plan, err = d.Company.PlanDecision(r.Context(), m.Actor, s.id, chosen)
	}
	if err != nil {
		return d.redrawDecision(w, r, m, s, chosen, err)
	}
	page := planPage{
		frame: frameOf(r, "decision"),
		ID:    s.id,
		Name:  s.name,
		Plan:  plan,
		Mode:  modeKeys[chosen.Mandate.Mode],
		Days:  chosen.RememberDays,
		Form:  r.PostForm,
	}
	for _, k := range s.choosable() {
		if chosen.Methods.Allow(string(k)) {
			page.Methods = append(page.Methods, methodtext.Of(k).Name)
		}
	}
	return d.Web.Draw(w, r, http.StatusOK, page)
}

// redrawDecision shows the form again with what is wrong with it, or with what someone else has decided meanwhile.
func (d *Desk) redrawDecision(
	w http.ResponseWriter, r *http.Request, m *member, s subject, chosen company.Decision, err error,
) error {
	if fault.Is(err, fault.Outdated) {
		return d.drawOutdatedDecision(w, r, m, chosen)
	}
	return d.DrawProblem(w, r, err, func(p pages.Problem) web.Page {
		page := d.decisionPage(r, m, s, chosen)
		page.Problem, page.Seen = p, chosen.Seen
		return page
	})
}

// drawOutdatedDecision shows the form with what was chosen, and beside it what is stored now.
func (d *Desk) drawOutdatedDecision(
	w http.ResponseWriter, r *http.Request, m *member, chosen company.Decision,
) error {
	s, err := d.subjectOf(r, m)
	if err != nil {
		return err
	}
	page := d.decisionPage(r, m, s, chosen)
	page.Outdated = pages.Outdated{Stored: s.said(s.holds), Yours: s.said(chosen)}
	return d.Web.Draw(w, r, http.StatusPreconditionFailed, page)
}

// said is a decision in words.
func (s subject) said(d company.Decision) []pages.Said {
	out := []pages.Said{{Key: modeKeys[d.Mandate.Mode]}}
	if !d.Mandate.From.IsZero() {
		out = append(out, pages.Said{Label: "desk.outdated.start", Day: d.Mandate.From})
	}
	for _, k := range s.choosable() {
		if d.Methods.Allow(string(k)) {
			out = append(out, pages.Said{Key: methodtext.Of(k).Name})
		}
	}
	days := pages.Said{Label: "desk.decision.days", Key: "console.days.count", Count: d.RememberDays}
	switch d.RememberDays {
	case tenant.InheritDays:
		days.Key, days.Count = "desk.decision.days_inherit", 0
	case 0:
		days.Key = "console.days.never"
	}
	return append(out, days)
}

// confirmDecision makes a decision hold as the summary said.
func (d *Desk) confirmDecision(w http.ResponseWriter, r *http.Request, m *member) error {
	s, err := d.subjectOf(r, m)
	if err != nil {
		return err
	}
	chosen, err := decisionOf(r.PostForm, s)
	if err == nil {
		err = d.Company.Decide(r.Context(), m.Actor, s.id, chosen)
	}
	if err != nil {
		return d.redrawDecision(w, r, m, s, chosen, err)
	}
	to := decisionPath
	if s.id != "" {
		to = companyURL(s.id)
	}
	if chosen.Mandate.From.After(d.DB.Now()) && chosen.Mandate.From != (time.Time{}) {
		return d.Web.Redirect(w, to+"?done=announced")
	}
	return d.Web.Redirect(w, to+"?done=decided")
}
