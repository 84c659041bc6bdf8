package console

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"countersign/internal/company"
	"countersign/internal/fault"
	"countersign/internal/methodtext"
	"countersign/internal/tenant"
	"countersign/internal/web"
)

// choicesPage asks how two-factor authentication is to be switched on.
type choicesPage struct {
	frame
	Methods        []methodChoice
	Optional       bool
	From, SetUpBy  string // dates as a browser sends them; empty = now, at the next sign-in
	Today, Latest  string
	Problem        string
	NeedsFactor    bool // some allowed method must be set up by each person
	VendorMethods  string
	ProvedRecently bool
}

func (choicesPage) View() web.View {
	return web.View{Template: "console/enable_choose", ReturnTo: choosePath}
}

const dateForm = "2006-01-02"

func (c *Console) choicesPage(r *http.Request, a *administrator, o company.Overview) choicesPage {
	now := c.DB.Now().UTC()
	return choicesPage{
		frame:   a.frame(r, "security"),
		Methods: methodChoices(o),
		Today:   now.Format(dateForm),
		Latest:  now.Add(company.MaxAhead).Format(dateForm),
	}
}

// proved loads the activation of an administrator whose code was right; others are led to where they are.
func (c *Console) proved(w http.ResponseWriter, r *http.Request, a *administrator) (
	now company.Activation, ok bool, err error,
) {
	now, ok, err = c.pending(w, r, a)
	if err != nil || !ok || now.Proved() {
		return now, ok, err
	}
	return now, false, c.Web.Redirect(w, codePath)
}

func (c *Console) showChoices(w http.ResponseWriter, r *http.Request) error {
	a, err := c.enabling(w, r, false)
	if err != nil || a == nil {
		return err
	}
	if _, ok, err := c.proved(w, r, a); err != nil || !ok {
		return err
	}
	o, err := c.Company.Overview(r.Context(), a.actor, a.company())
	if err != nil {
		return err
	}
	return c.Web.Draw(w, r, http.StatusOK, c.choicesPage(r, a, o))
}

// summaryPage says what the choices will do to whom, and asks for the one confirmation.
type summaryPage struct {
	frame
	ID       string
	Plan     company.Plan
	Methods  []string // catalogue keys of the methods that are allowed
	Optional bool
	Form     choiceForm
}

func (summaryPage) View() web.View {
	return web.View{Template: "console/enable_confirm", ReturnTo: choosePath}
}

// AtOnce reports whether it begins with the confirmation.
func (p summaryPage) AtOnce() bool { return p.Plan.From.IsZero() }

// ForGood reports whether an exemption has no end.
func (summaryPage) ForGood(e company.ExemptApp) bool { return e.Until.Year() > 9000 }

// choiceForm is the choices as a form carries them from the summary to the confirmation.
type choiceForm struct{ Methods, Choice, From, SetUpBy string }

var errBadDate = fault.New(fault.Invalid, "activation.bad_date")

// date reads a day as a browser sends it; empty is the zero time.
func date(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(dateForm, text)
	if err != nil {
		return at, errBadDate
	}
	return at, nil
}

// choicesOf reads a form. Dates count only where their button is chosen.
func choicesOf(form url.Values, methods tenant.Methods) (out company.Choices, err error) {
	out.Methods = methods
	if form.Get("choice") == string(tenant.Optional) {
		out.Choice = tenant.Optional
	}
	if form.Get("start") == "date" {
		if out.From, err = date(form.Get("from")); err == nil && out.From.IsZero() {
			err = errBadDate
		}
	}
	if err == nil && form.Get("deadline") == "date" {
		if out.SetUpBy, err = date(form.Get("set_up_by")); err == nil && out.SetUpBy.IsZero() {
			err = errBadDate
		}
	}
	return out, err
}

func formOf(c company.Choices) choiceForm {
	day := func(at time.Time) string {
		if at.IsZero() {
			return ""
		}
		return at.UTC().Format(dateForm)
	}
	return choiceForm{
		Methods: string(c.Methods),
		Choice:  string(c.Choice),
		From:    day(c.From),
		SetUpBy: day(c.SetUpBy),
	}
}

func (c *Console) choose(w http.ResponseWriter, r *http.Request) error {
	a, err := c.enabling(w, r, true)
	if err != nil || a == nil {
		return err
	}
	now, ok, err := c.proved(w, r, a)
	if err != nil || !ok {
		return err
	}
	o, err := c.Company.Overview(r.Context(), a.actor, a.company())
	if err != nil {
		return err
	}
	methods, some := chosenMethods(r.PostForm["method"], o.Offered)
	o.Tenant.Methods = methods
	page := c.choicesPage(r, a, o)
	page.Optional = r.PostForm.Get("choice") == string(tenant.Optional)
	page.From, page.SetUpBy = r.PostForm.Get("from"), r.PostForm.Get("set_up_by")
	if !some {
		page.Problem = "activation.no_method"
		return c.Web.Draw(w, r, http.StatusUnprocessableEntity, page)
	}
	choices, err := choicesOf(r.PostForm, methods)
	var plan company.Plan
	if err == nil {
		plan, err = c.Company.PlanActivation(r.Context(), a.actor, choices)
	}
	if err != nil {
		return c.drawProblem(w, r, err, func(f *fault.Fault) web.Page {
			page.Problem = f.Message
			return page
		})
	}
	return c.Web.Draw(w, r, http.StatusOK, summaryPage{
		frame:    a.frame(r, "security"),
		ID:       now.ID,
		Plan:     plan,
		Methods:  methodTitles(o, choices.Methods),
		Optional: choices.Choice == tenant.Optional,
		Form:     formOf(choices),
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

// confirm switches two-factor authentication on as the summary said.
func (c *Console) confirm(w http.ResponseWriter, r *http.Request) error {
	a, err := c.enabling(w, r, true)
	if err != nil || a == nil {
		return err
	}
	form := r.PostForm
	from, err := date(form.Get("from"))
	if err != nil {
		return err
	}
	setUpBy, err := date(form.Get("set_up_by"))
	if err != nil {
		return err
	}
	choices := company.Choices{
		Methods: tenant.Methods(strings.Join(strings.Fields(form.Get("methods")), " ")),
		Choice:  tenant.Choice(form.Get("choice")),
		From:    from,
		SetUpBy: setUpBy,
	}
	if !slices.Contains([]tenant.Choice{tenant.Required, tenant.Optional}, choices.Choice) {
		return fault.New(fault.Invalid, "tenant.unknown_choice")
	}
	err = c.Company.Activate(r.Context(), a.actor, form.Get("activation"), choices)
	switch {
	case err == nil, settled(err):
		return c.Web.Redirect(w, "/company/security?done=on")
	case errors.Is(err, tenant.ErrNoActivation):
		return c.Web.Redirect(w, wizardPath)
	}
	o, overviewErr := c.Company.Overview(r.Context(), a.actor, a.company())
	if overviewErr != nil {
		return overviewErr
	}
	page := c.choicesPage(r, a, o)
	return c.drawProblem(w, r, err, func(f *fault.Fault) web.Page {
		page.Problem = f.Message
		return page
	})
}
