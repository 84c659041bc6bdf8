package desk

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"countersign/internal/access"
	"countersign/internal/company"
	"countersign/internal/pages"
	"countersign/internal/people"
	"countersign/internal/policy"
	"countersign/internal/tenant"
	"countersign/internal/user"
	"countersign/internal/web"
)

const (
	companiesPath  = "/desk/companies"
	newCompanyPath = "/desk/companies/new"
)

func (d *Desk) mountCompanies(mux *web.Mux) {
	mux.Get(companiesPath, d.looking(d.showCompanies))
	mux.Get(newCompanyPath, d.changing(d.require(access.CreateCompany, d.showNewCompany)))
	mux.Post(newCompanyPath, d.changing(d.require(access.CreateCompany, d.createCompany)))
	mux.Get("/desk/companies/{id}", d.looking(d.showCompany))
	mux.Get("/desk/companies/{id}/users", d.looking(d.showUsers))
	d.mountStates(mux)
}

func companyURL(id string) string { return companiesPath + "/" + id }

// companiesPage lists companies.
type companiesPage struct {
	frame
	Text      string
	States    []pages.Option
	Filtered  bool
	Companies []companyRow
	Next      string // address of the page after this one; empty = there is none
	First     string
	FromHere  bool // this is not the first page
	MayCreate bool
	Delivery  *deliveryState // nil: not shown
}

func (companiesPage) View() web.View { return web.View{Template: "desk/companies"} }

// companyRow is one company in the list.
type companyRow struct {
	ID, Name  string
	Vendor    bool   // the vendor's own
	Rule      string // catalogue key
	Tone      string
	Locked    bool
	StartsAt  time.Time
	Suspended bool
}

func rowOf(l company.Listed) companyRow {
	return companyRow{
		ID:        l.Tenant.ID,
		Name:      l.Tenant.Name,
		Vendor:    l.Tenant.Kind == tenant.Vendor,
		Rule:      ruleKey(l.Rule, l.LeftOut, l.InSteps),
		Tone:      toneOf(l.Rule),
		Locked:    l.Locked,
		StartsAt:  l.StartsAt,
		Suspended: !l.Tenant.SuspendedAt.IsZero(),
	}
}

// toneOf is how a rule is coloured.
func toneOf(r policy.Rule) string {
	if r == policy.Off {
		return "disabled"
	}
	return "activated"
}

// pageSize is how many companies a page has.
const pageSize = 50

// searchOf reads what is asked for from the address. What makes no sense is left out.
func searchOf(q url.Values) tenant.Search {
	s := tenant.Search{Limit: pageSize, After: tenant.Place{Name: q.Get("from"), ID: q.Get("after")}}
	if text := q.Get("q"); len(text) <= 200 {
		s.Text = text
	}
	for _, state := range []tenant.State{tenant.Active, tenant.Suspended} {
		if string(state) == q.Get("state") {
			s.State = state
		}
	}
	return s
}

// queryOf is the address of a search, without its place in the list.
func queryOf(s tenant.Search) url.Values {
	out := url.Values{}
	if s.Text != "" {
		out.Set("q", s.Text)
	}
	if s.State != "" {
		out.Set("state", string(s.State))
	}
	return out
}

func companiesURL(q url.Values) string {
	if len(q) == 0 {
		return companiesPath
	}
	return companiesPath + "?" + q.Encode()
}

func (d *Desk) showCompanies(w http.ResponseWriter, r *http.Request, m *member) error {
	search := searchOf(r.URL.Query())
	found, err := d.Company.Search(r.Context(), m.Actor, search)
	if err != nil {
		return err
	}
	page := companiesPage{
		frame:     frameOf(r, "companies"),
		Text:      search.Text,
		States:    stateOptions(search.State),
		Filtered:  len(queryOf(search)) > 0,
		FromHere:  search.After != tenant.Place{},
		First:     companiesURL(queryOf(search)),
		MayCreate: m.May(access.CreateCompany, access.Target{}),
	}
	for _, l := range found.Companies {
		page.Companies = append(page.Companies, rowOf(l))
	}
	if found.More {
		last, next := found.Companies[len(found.Companies)-1].Tenant, queryOf(search)
		next.Set("from", last.Name)
		next.Set("after", last.ID)
		page.Next = companiesURL(next)
	}
	if !page.Filtered && !page.FromHere {
		if page.Delivery, err = d.deliveryState(r, m); err != nil {
			return err
		}
	}
	return d.Web.Draw(w, r, http.StatusOK, page)
}

func stateOptions(chosen tenant.State) []pages.Option {
	return []pages.Option{
		pages.NewOption(string(tenant.Active), "desk.state.active", chosen == tenant.Active),
		pages.NewOption(string(tenant.Suspended), "desk.state.suspended", chosen == tenant.Suspended),
	}
}

// newCompanyPage asks for a new company and its first owner.
type newCompanyPage struct {
	frame
	pages.Problem
	ID, Name           string
	OwnerName, Address string
}

func (newCompanyPage) View() web.View {
	return web.View{Template: "desk/new_company", ReturnTo: newCompanyPath}
}

func newCompanyPageOf(r *http.Request, form url.Values) newCompanyPage {
	return newCompanyPage{
		frame:     frameOf(r, "companies"),
		ID:        form.Get("id"),
		Name:      form.Get("company"),
		OwnerName: form.Get("name"),
		Address:   form.Get("email"),
	}
}

func (d *Desk) showNewCompany(w http.ResponseWriter, r *http.Request, m *member) error {
	return d.Web.Draw(w, r, http.StatusOK, newCompanyPageOf(r, d.Typed(r, m.Actor.UserID)))
}

// createCompany adds a company and mails its first owner an invitation.
func (d *Desk) createCompany(w http.ResponseWriter, r *http.Request, m *member) error {
	made, err := d.Company.Create(r.Context(), m.Actor, company.New{
		ID:   strings.TrimSpace(r.PostForm.Get("id")),
		Name: r.PostForm.Get("company"),
		Owner: &people.New{
			Email:    r.PostForm.Get("email"),
			Name:     r.PostForm.Get("name"),
			Role:     user.Owner,
			Language: d.Web.Printer(r).Lang(),
		},
	})
	if err == nil {
		return d.Web.Redirect(w, companyURL(made.ID)+"?done=created")
	}
	return d.DrawProblem(w, r, err, func(p pages.Problem) web.Page {
		page := newCompanyPageOf(r, r.PostForm)
		page.Problem = p
		return page
	})
}
