package console

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"countersign/internal/company"
	"countersign/internal/fault"
	"countersign/internal/methodtext"
	"countersign/internal/pages"
	"countersign/internal/people"
	"countersign/internal/policy"
	"countersign/internal/tenant"
	"countersign/internal/web"
)

// choicesPage asks how two-factor authentication is to be enabled.
type choicesPage struct {
	frame
	problem
	Methods       []methodChoice
	Choice        string // a tenant.Choice
	Roles         rolesChoices
	Steps         string // inSteps, or empty
	StepDays      string
	StepStop      string // percent; empty = no limit
	Apps          appsChoices
	From, SetUpBy string // days as a browser sends them; empty = at once, at the next sign-in
	Today, Latest string
	Tomorrow      string
}

func (choicesPage) View() web.View {
	return web.View{Template: "console/enable_choose", ReturnTo: choosePath}
}

// choicesPage shows the choices that an administrator has made or, at first, the stored ones.
func (c *Console) choicesPage(r *http.Request, a *administrator, o company.Overview, f choiceForm) choicesPage {
	now := c.DB.Now().UTC()
	o.Tenant.Methods, o.Tenant.Roles = tenant.Methods(f.Methods), tenant.Roles(f.Roles)
	if f.Steps == "" && f.StepDays == "" {
		f.StepDays, f.StepStop = suggestedStepDays, suggestedStepStop
	}
	apps := a.appsChoices(o)
	apps.tick(readApps(f.Apps))
	return choicesPage{
		frame:    a.frame(r, "security"),
		Methods:  methodChoices(o),
		Choice:   f.Choice,
		Roles:    a.rolesChoices(o),
		Steps:    f.Steps,
		StepDays: f.StepDays,
		StepStop: f.StepStop,
		Apps:     apps,
		From:     f.From,
		SetUpBy:  f.SetUpBy,
		Today:    now.Format(pages.DayForm),
		Tomorrow: now.AddDate(0, 0, 1).Format(pages.DayForm),
		Latest:   now.Add(company.MaxAhead).Format(pages.DayForm),
	}
}

// proved loads the activation of an administrator who has entered the right code; others are redirected to their step.
func (c *Console) proved(w http.ResponseWriter, r *http.Request, a *administrator) (
	now company.Activation, ok bool, err error,
) {
	now, ok, err = c.pending(w, r, a)
	if err != nil || !ok || now.Proved() {
		return now, ok, err
	}
	return now, false, c.Web.Redirect(w, codePath)
}

func (c *Console) showChoices(w http.ResponseWriter, r *http.Request, a *administrator) error {
	if _, ok, err := c.proved(w, r, a); err != nil || !ok {
		return err
	}
	o, err := c.Company.Overview(r.Context(), a.Actor, a.company())
	if err != nil {
		return err
	}
	form := choiceForm{
		Methods: string(o.Tenant.Methods),
		Choice:  string(o.Tenant.Choice),
		Roles:   string(o.Tenant.Roles),
		Apps:    string(o.Tenant.Apps),
	}
	if q := r.URL.Query(); q.Has("methods") { // back from the summary
		form = choiceFormOf(q)
	}
	return c.Web.Draw(w, r, http.StatusOK, c.choicesPage(r, a, o, form))
}

// summaryPage says what the choices will do and to how many people, and asks for the one confirmation.
type summaryPage struct {
	frame
	ID        string
	Plan      company.Plan
	Methods   []string // catalogue keys of the methods that are allowed
	Roles     []string // catalogue keys of the roles that it is required of; empty: everyone
	MustSetUp bool     // the administrator has none of the methods themselves
	Form      choiceForm
}

func (summaryPage) View() web.View {
	return web.View{Template: "console/enable_confirm", ReturnTo: choosePath}
}

// AtOnce reports whether it begins with the confirmation.
func (p summaryPage) AtOnce() bool { return p.Plan.From.IsZero() }

// StepTitle is the catalogue key of whom a step of the plan reaches.
func (summaryPage) StepTitle(n int) string { return stepKeys[n] }

// Asked is how many people are asked, or may switch it on.
func (p summaryPage) Asked() int { return p.Plan.Forecast.People - p.Plan.Forecast.LeftOut }

// BackURL is the page with the choices, filled in.
func (p summaryPage) BackURL() string { return choosePath + "?" + p.Form.values().Encode() }

// CheckURL is the report about the choices.
func (p summaryPage) CheckURL() string {
	q := url.Values{}
	addComing(q, &people.Coming{
		Methods: tenant.Methods(p.Form.Methods),
		Choice:  tenant.Choice(p.Form.Choice),
		Roles:   tenant.Roles(p.Form.Roles),
	})
	return checkPath + "?" + q.Encode()
}

// choiceForm is the choices as forms and addresses carry them.
type choiceForm struct{ Methods, Choice, Roles, Apps, Steps, StepDays, StepStop, From, SetUpBy string }

func choiceFormOf(v url.Values) choiceForm {
	return choiceForm{
		Methods:  v.Get("methods"),
		Choice:   v.Get("choice"),
		Roles:    v.Get("roles"),
		Apps:     v.Get("apps"),
		Steps:    v.Get("steps"),
		StepDays: v.Get("step_days"),
		StepStop: v.Get("step_stop"),
		From:     v.Get("from"),
		SetUpBy:  v.Get("set_up_by"),
	}
}

func (f choiceForm) values() url.Values {
	return url.Values{
		"methods":   {f.Methods},
		"choice":    {f.Choice},
		"roles":     {f.Roles},
		"steps":     {f.Steps},
		"step_days": {f.StepDays},
		"step_stop": {f.StepStop},
		"apps":      {f.Apps},
		"from":      {f.From},
		"set_up_by": {f.SetUpBy},
	}
}

// choices reads the form. Days are those of UTC: a start is the beginning of its day, a deadline the end.
func (f choiceForm) choices() (out company.Choices, err error) {
	out.Methods = tenant.Methods(strings.Join(strings.Fields(f.Methods), " "))
	switch tenant.Choice(f.Choice) {
	case tenant.Required, tenant.Adaptive, tenant.Optional:
		out.Choice = tenant.Choice(f.Choice)
	default:
		return out, fault.New(fault.Invalid, "tenant.unknown_choice")
	}
	if out.Roles, err = tenant.Roles(f.Roles).Clean(); err != nil {
		return out, err
	}
	if err := f.readSteps(&out); err != nil {
		return out, err
	}
	out.Apps = readApps(f.Apps)
	if out.From, err = pages.ReadDay(f.From); err != nil {
		return out, err
	}
	if out.SetUpBy, err = pages.ReadDay(f.SetUpBy); err == nil && !out.SetUpBy.IsZero() {
		out.SetUpBy = out.SetUpBy.Add(day - time.Second)
	}
	return out, err
}

func (c *Console) choose(w http.ResponseWriter, r *http.Request, a *administrator) error {
	now, ok, err := c.proved(w, r, a)
	if err != nil || !ok {
		return err
	}
	o, err := c.Company.Overview(r.Context(), a.Actor, a.company())
	if err != nil {
		return err
	}
	methods, some := pages.ChosenMethods(r.PostForm["method"], o.Offered)
	form := choiceFormOf(r.PostForm)
	form.Methods, form.Roles = string(methods), string(chosenRoles(r.PostForm, o.Tenant.Roles))
	form.Apps = string(chosenInWizard(r.PostForm, o))
	page := c.choicesPage(r, a, o, form)
	if !some {
		page.Problem = "activation.no_method"
		for i := range page.Methods {
			page.Methods[i].Allowed = false
		}
		return c.Web.Draw(w, r, http.StatusUnprocessableEntity, page)
	}
	choices, err := form.choices()
	var plan company.Plan
	if err == nil {
		plan, err = c.Company.PlanActivation(r.Context(), a.Actor, choices)
	}
	if err != nil {
		return c.DrawProblem(w, r, err, func(p problem) web.Page {
			page.problem = p
			return page
		})
	}
	allowed := policy.Allowed{Vendor: o.VendorMethods, Company: choices.Methods}
	return c.Web.Draw(w, r, http.StatusOK, summaryPage{
		frame:     a.frame(r, "security"),
		ID:        now.ID,
		Plan:      plan,
		Methods:   methodTitles(o, choices.Methods),
		Roles:     roleTitles(choices),
		MustSetUp: choices.Choice != tenant.Optional && len(allowed.Usable(a.Session.Has)) == 0,
		Form:      form,
	})
}

func methodTitles(o company.Overview, allowed tenant.Methods) (out []string) {
	for _, k := range o.Offered {
		if allowed.Allow(string(k)) && o.VendorMethods.Allow(string(k)) {
			out = append(out, methodtext.Of(k).Name)
		}
	}
	return out
}

// confirm enables two-factor authentication as the summary said.
func (c *Console) confirm(w http.ResponseWriter, r *http.Request, a *administrator) error {
	form := choiceFormOf(r.PostForm)
	choices, err := form.choices()
	if err == nil {
		err = c.Company.Activate(r.Context(), a.Actor, r.PostForm.Get("activation"), choices)
	}
	switch {
	case err == nil && choices.From.After(c.DB.Now()):
		return c.Web.Redirect(w, "/company/security?done=planned")
	case err == nil:
		return c.Web.Redirect(w, "/company/security?done=on")
	case settled(err):
		return c.Web.Redirect(w, "/company/security")
	case errors.Is(err, tenant.ErrNoActivation):
		return c.Web.Redirect(w, wizardPath)
	}
	o, overviewErr := c.Company.Overview(r.Context(), a.Actor, a.company())
	if overviewErr != nil {
		return overviewErr
	}
	page := c.choicesPage(r, a, o, form)
	return c.DrawProblem(w, r, err, func(p problem) web.Page {
		page.problem = p
		return page
	})
}
