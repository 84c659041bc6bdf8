package console

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"countersign/internal/access"
	"countersign/internal/authenticator"
	"countersign/internal/company"
	"countersign/internal/fault"
	"countersign/internal/methodtext"
	"countersign/internal/pages"
	"countersign/internal/people"
	"countersign/internal/policy"
	"countersign/internal/tenant"
	"countersign/internal/web"
)

func (c *Console) mountSecurity(mux *web.Mux) {
	mux.Get("/company/security", c.signedIn(c.showSecurity))
	mux.Get("/company/security/disable", c.withRecentProof(c.showDisable))
	mux.Post("/company/security/disable", c.withRecentProof(c.disable))
	mux.Get("/company/security/methods", c.withRecentProof(c.showMethods))
	mux.Post("/company/security/methods", c.withRecentProof(c.setMethods), "method")
	mux.Post("/company/security/days", c.withRecentProof(c.setDays))
	mux.Get("/company/security/assurance", c.signedIn(c.showAssurance))
	c.mountCheck(mux)
	mux.Post("/company/security/ask", c.withRecentProof(c.setAsk))
	mux.Post("/company/security/roles", c.withRecentProof(c.setRoles), "role")
	mux.Post("/company/security/apps", c.withRecentProof(c.setApps), "app")
	mux.Post("/company/security/set-up-time", c.withRecentProof(c.setSetUpTime))
	mux.Post("/company/security/lock", c.withRecentProof(c.setLock))
	mux.Get("/company/security/networks", c.withRecentProof(c.showNetworks))
	mux.Post("/company/security/networks", c.withRecentProof(c.setNetworks))
	c.mountSteps(mux)
	c.mountWizard(mux)
}

// securityPage is what a company has decided about two-factor authentication, and what was decided for it.
type securityPage struct {
	frame
	Vendor      string
	On          bool
	OwnChoice   bool      // each person decides
	Since       time.Time // when it was switched on; zero = not known
	StartsAt    time.Time // it is to begin then; zero = it has, or nothing is planned
	AnnouncedBy string
	Locked      bool      // the vendor requires it
	LockedSince time.Time // zero = always
	ByDefault   bool      // on because the vendor has it on by default
	MayEnable   bool
	MayDisable  bool
	MayChange   bool
	Methods     []methodChoice
	SetUpBy     time.Time
	Days        int
	DayChoices  []dayChoice
	Counts      securityCounts
	CountedAt   people.AsOf
	EmailOnly   bool
	Ask         askChoices
	Roles       rolesChoices
	Steps       stepsView
	Apps        appsChoices
	SetUpTime   setUpChoices
	Lock        lockChoices
	Networks    []tenant.Network
	Scope       string // catalogue key of whom they concern
	MayNetworks bool
	Seen        formMarks
	Outdated    outdated
}

func (securityPage) View() web.View { return web.View{Template: "console/security"} }

// formMarks are the marks of what each form shows.
type formMarks struct{ Days, Lock, Ask, Roles, Apps, SetUpTime, Steps string }

// securityCounts is how many people are protected.
type securityCounts struct{ People, Ready, MustSetUp, LockedOut, Invited, LeftOut int }

// methodChoice is a method that a company may allow.
type methodChoice struct {
	Kind, Title, Use string // catalogue keys but for Kind
	Allowed          bool
	RuledOut         bool // by the vendor
}

// dayChoice is a number of days for which browsers may be remembered.
type dayChoice struct {
	Days     int
	Selected bool
}

func (c *Console) showSecurity(w http.ResponseWriter, r *http.Request, a *administrator) error {
	o, err := c.Company.Overview(r.Context(), a.Actor, a.company())
	if err != nil {
		return err
	}
	return c.Web.Draw(w, r, http.StatusOK, a.securityPage(r, o))
}

func (a *administrator) securityPage(r *http.Request, o company.Overview) securityPage {
	on := o.Rule != policy.Off
	mayBeOff := !o.Locked && (on || !o.StartsAt.IsZero() && o.AnnouncedBy == "")
	p := securityPage{
		frame:       a.frame(r, "security"),
		Vendor:      o.Vendor,
		On:          on,
		OwnChoice:   o.Rule == policy.OwnChoice,
		Since:       o.Tenant.SwitchedOnAt,
		StartsAt:    o.StartsAt,
		AnnouncedBy: o.AnnouncedBy,
		Locked:      o.Locked,
		LockedSince: o.LockedSince,
		ByDefault:   on && !o.Locked && o.Tenant.SwitchedOnAt.IsZero(),
		MayEnable:   !on && o.StartsAt.IsZero() && a.May(access.SwitchOn, a.own()),
		MayDisable:  mayBeOff && a.May(access.SwitchOff, a.own()),
		MayChange:   a.May(access.SetMethods, a.own()),
		SetUpBy:     o.Tenant.SetUpBy,
		Days:        o.Days,
		Counts:      securityCounts(o.Forecast),
		CountedAt:   o.CountedAt,
		Methods:     methodChoices(o),
		Ask:         a.askChoices(o),
		Roles:       a.rolesChoices(o),
		Steps:       a.stepsView(o),
		Apps:        a.appsChoices(o),
		SetUpTime:   setUpChoicesOf(o.Tenant),
		Lock:        lockChoicesOf(o),
		Networks:    o.Tenant.Networks.List(),
		Scope:       scopeKey(o.Tenant.NetworkScope),
		MayNetworks: a.May(access.SetNetworks, a.own()),
		Seen: formMarks{
			Days:  company.MarkOf(o.Tenant, access.SetRememberDays),
			Lock:  company.MarkOf(o.Tenant, access.SetLock),
			Ask:   company.MarkOf(o.Tenant, access.SetChoice),
			Roles: company.MarkOf(o.Tenant, access.SetRoles),
			Apps:  company.MarkOf(o.Tenant, access.SetApps),

			SetUpTime: company.MarkOf(o.Tenant, access.SetDeadline),
			Steps:     company.MarkOf(o.Tenant, access.SwitchOn),
		},
	}
	p.EmailOnly = on && !policy.Allowed{Vendor: o.VendorMethods, Company: o.Tenant.Methods}.Factor(o.Offered)
	for _, days := range []int{0, 1, 7, 14, 30} {
		if days <= o.MaxDays {
			p.DayChoices = append(p.DayChoices, dayChoice{days, days == o.Days})
		}
	}
	if !slices.ContainsFunc(p.DayChoices, func(d dayChoice) bool { return d.Selected }) {
		p.DayChoices = append(p.DayChoices, dayChoice{o.Days, true})
	}
	return p
}

// methodChoices are the methods that work in this installation, with what vendor and company say of each.
func methodChoices(o company.Overview) (out []methodChoice) {
	for _, k := range o.Offered {
		out = append(out, methodChoice{
			Kind:     string(k),
			Title:    methodtext.Of(k).Name,
			Use:      benefit(k),
			Allowed:  o.Tenant.Methods.Allow(string(k)) && o.VendorMethods.Allow(string(k)),
			RuledOut: !o.VendorMethods.Allow(string(k)),
		})
	}
	return out
}

// benefit is the key of what a method is good for.
func benefit(k authenticator.Kind) string {
	if k == authenticator.Email {
		return "console.method.email"
	}
	return methodtext.Of(k).Benefit
}

// disablePage asks for the company's name before two-factor authentication is switched off.
type disablePage struct {
	frame
	problem
	Typed     string
	Counts    securityCounts
	CountedAt people.AsOf
}

func (disablePage) View() web.View {
	return web.View{Template: "console/disable", ReturnTo: "/company/security/disable"}
}

// disablePage loads what the page says. Where there is nothing to disable, ok is false and the overview is shown.
func (c *Console) disablePage(w http.ResponseWriter, r *http.Request, a *administrator) (
	page disablePage, ok bool, err error,
) {
	o, err := c.Company.Overview(r.Context(), a.Actor, a.company())
	if err != nil {
		return page, false, err
	}
	if o.Locked || o.Rule == policy.Off && o.Tenant.SwitchedOnAt.IsZero() {
		return page, false, c.Web.Redirect(w, "/company/security")
	}
	return disablePage{
		frame:     a.frame(r, "security"),
		Counts:    securityCounts(o.Forecast),
		CountedAt: o.CountedAt,
	}, true, nil
}

func (c *Console) showDisable(w http.ResponseWriter, r *http.Request, a *administrator) error {
	if err := c.Check(r, a.Administrator, access.SwitchOff, a.own()); err != nil {
		return err
	}
	page, ok, err := c.disablePage(w, r, a)
	if err != nil || !ok {
		return err
	}
	return c.Web.Draw(w, r, http.StatusOK, page)
}

func (c *Console) disable(w http.ResponseWriter, r *http.Request, a *administrator) error {
	off, typed := false, r.PostForm.Get("company")
	_, err := c.Company.Change(r.Context(), a.Actor, a.company(), company.Changes{On: &off, ConfirmName: typed})
	if err == nil {
		return c.Web.Redirect(w, "/company/security?done=off")
	}
	if !fault.Is(err, fault.Invalid) {
		return err
	}
	page, ok, pageErr := c.disablePage(w, r, a)
	if pageErr != nil || !ok {
		return pageErr
	}
	return c.DrawProblem(w, r, err, func(p problem) web.Page {
		page.Typed, page.problem = typed, p
		return page
	})
}

// methodsPage asks which methods are allowed, and shows whom a change would strand before it is made.
type methodsPage struct {
	frame
	problem
	Methods  []methodChoice
	Asked    bool // whom it would strand is shown; the next answer makes the change
	Stranded company.Stranded
	Weaker   []weaker
	Seen     string // the mark of what is stored
	Outdated outdated
}

func (methodsPage) View() web.View {
	return web.View{Template: "console/methods", ReturnTo: "/company/security/methods"}
}

func (c *Console) showMethods(w http.ResponseWriter, r *http.Request, a *administrator) error {
	o, err := c.Company.Overview(r.Context(), a.Actor, a.company())
	if err != nil {
		return err
	}
	if err := c.Check(r, a.Administrator, access.SetMethods, a.own()); err != nil {
		return err
	}
	return c.Web.Draw(w, r, http.StatusOK, methodsPage{
		frame:   a.frame(r, "security"),
		Methods: methodChoices(o),
		Seen:    company.MarkOf(o.Tenant, access.SetMethods),
	})
}

func (c *Console) setMethods(w http.ResponseWriter, r *http.Request, a *administrator) error {
	o, err := c.Company.Overview(r.Context(), a.Actor, a.company())
	if err != nil {
		return err
	}
	methods, ok := pages.ChosenMethods(r.PostForm["method"], o.Offered)
	o.Tenant.Methods = methods
	page := methodsPage{frame: a.frame(r, "security"), Methods: methodChoices(o), Seen: r.PostForm.Get(seenField)}
	if !ok {
		page.Problem = "activation.no_method"
		for i := range page.Methods {
			page.Methods[i].Allowed = false
		}
		return c.Web.Draw(w, r, http.StatusUnprocessableEntity, page)
	}
	if r.PostForm.Get("sure") == "" {
		if err := c.addWeakened(r, a, methods, &page); err != nil {
			return err
		}
		if page.Asked {
			return c.Web.Draw(w, r, http.StatusOK, page)
		}
	}
	changes := company.Changes{Methods: &methods, Seen: seen(r, access.SetMethods)}
	if _, err = c.Company.Change(r.Context(), a.Actor, a.company(), changes); err == nil {
		return c.Web.Redirect(w, "/company/security?done=methods")
	}
	if fault.Is(err, fault.Outdated) {
		return c.drawOutdated(w, r, a, err, func(o company.Overview) web.Page {
			page.Outdated = outdated{Stored: methodsSaid(methodChoices(o)), Yours: methodsSaid(page.Methods)}
			page.Seen = company.MarkOf(o.Tenant, access.SetMethods)
			return page
		})
	}
	return c.DrawProblem(w, r, err, func(p problem) web.Page {
		page.problem = p
		return page
	})
}

// addWeakened adds whom other methods strand, and where they weaken what a session means.
func (c *Console) addWeakened(r *http.Request, a *administrator, methods tenant.Methods, page *methodsPage) error {
	stranded, err := c.Company.StrandedBy(r.Context(), a.Actor, a.company(), methods)
	if errors.Is(err, people.ErrCounting) { // both are counted meanwhile
		_, _ = c.Company.WeakenedByMethods(r.Context(), a.Actor, a.company(), methods)
	}
	if err != nil {
		return err
	}
	opened, err := c.Company.WeakenedByMethods(r.Context(), a.Actor, a.company(), methods)
	if err != nil {
		return err
	}
	page.Asked = len(opened) > 0 || !stranded.None()
	page.Stranded, page.Weaker = stranded, weakerRows(opened)
	return nil
}

// daysPage shows what remembered browsers would open before they are allowed.
type daysPage struct {
	frame
	Days   int
	Weaker []weaker
	Seen   string // the mark of what was shown
}

func (daysPage) View() web.View {
	return web.View{Template: "console/days", ReturnTo: "/company/security"}
}

func (c *Console) setDays(w http.ResponseWriter, r *http.Request, a *administrator) error {
	if err := c.Check(r, a.Administrator, access.SetRememberDays, a.own()); err != nil {
		return err
	}
	days, err := strconv.Atoi(r.PostForm.Get("days"))
	if err != nil {
		return fault.New(fault.Invalid, "tenant.remember_days")
	}
	if r.PostForm.Get("sure") == "" {
		opened, err := c.Company.WeakenedByDays(r.Context(), a.Actor, a.company(), days)
		if err != nil {
			return err
		}
		if len(opened) > 0 {
			return c.Web.Draw(w, r, http.StatusOK, daysPage{
				frame:  a.frame(r, "security"),
				Days:   days,
				Weaker: weakerRows(opened),
				Seen:   r.PostForm.Get(seenField),
			})
		}
	}
	changes := company.Changes{RememberDays: &days, Seen: seen(r, access.SetRememberDays)}
	if _, err = c.Company.Change(r.Context(), a.Actor, a.company(), changes); err != nil {
		return c.redrawSecurity(w, r, a, err, func(o company.Overview) outdated {
			return outdated{Stored: daysSaid(o.Days), Yours: daysSaid(days)}
		})
	}
	return c.Web.Redirect(w, "/company/security?done=days")
}
