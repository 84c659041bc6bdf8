package console

import (
	"net/http"
	"net/url"
	"slices"

	"countersign/internal/access"
	"countersign/internal/pages"
	"countersign/internal/people"
	"countersign/internal/policy"
	"countersign/internal/user"
	"countersign/internal/web"
)

func (c *Console) mountUsers(mux *web.Mux) {
	mux.Get("/company/users", c.signedIn(c.showUsers))
	mux.Post("/company/users", c.withRecentProof(c.addUser))
	mux.Get("/company/users/new", c.withRecentProof(c.showNewUser))
	mux.Get("/company/users/{id}", c.signedIn(c.showUser))
	c.mountUserChanges(mux)
	c.mountReminders(mux)
	c.mountBulk(mux)
	mux.Post("/company/users/export", c.withRecentProof(c.exportUsers))
}

// usersPage lists people of a company.
type usersPage struct {
	frame
	Views        []viewLink
	Statuses     []option
	Roles        []option
	Text         string
	SavedView    string
	Coming       *people.Coming // the rules that the view asks about; nil: the company's own
	MayCheck     bool
	Filtered     bool
	People       []pages.PersonRow
	Next         string // address of the page after this one; empty = there is none
	LookedTo     string // the address of the last person who was looked at, where the search goes on after them
	MayAdd       bool
	MayRemind    bool
	MayExport    bool
	Role, Status string // as they are filtered, for the export
	ResultsFrom  bool   // this is not the first page
	First        string
	TwoFactorOff bool // no one is asked for a second step
	Bulk         bulkChoices
}

func (usersPage) View() web.View { return web.View{Template: "console/users"} }

// viewLink leads to a saved view.
type viewLink struct {
	Label, URL string
	Current    bool
}

// searchOf reads what is asked for from the address, also of the report.
func searchOf(q url.Values) people.Search {
	s := pages.SearchOf(q)
	for _, v := range slices.Concat(people.Checks, people.Trials) {
		if string(v) == q.Get("view") {
			s.View = v
		}
	}
	s.Coming = comingOf(q)
	return s
}

// query is the address of a search, without its place in the list.
func query(s people.Search) url.Values {
	out := pages.SearchQuery(s)
	addComing(out, s.Coming)
	return out
}

// PersonLink begins the address of a person's page.
func (usersPage) PersonLink() string { return "/company/users/" }

// Picks reports whether people can be chosen from the table.
func (p usersPage) Picks() bool { return len(p.Bulk.Kinds) > 0 }

func usersURL(s people.Search) string {
	if q := query(s).Encode(); q != "" {
		return "/company/users?" + q
	}
	return "/company/users"
}

func (c *Console) showUsers(w http.ResponseWriter, r *http.Request, a *administrator) error {
	search := searchOf(r.URL.Query())
	search.Within = pages.LookedAtOnce
	found, err := c.People.Search(r.Context(), a.Actor, a.company(), search)
	if err != nil {
		return err
	}
	page := usersPage{
		frame:        a.frame(r, "users"),
		Text:         search.Text,
		SavedView:    string(search.View),
		Coming:       search.Coming,
		MayCheck:     a.May(access.ViewCompany, a.own()),
		Filtered:     len(query(search)) > 0,
		ResultsFrom:  search.After != "",
		First:        usersURL(search),
		MayAdd:       a.May(access.AddPerson, a.anyone()),
		MayRemind:    a.May(access.RemindPerson, a.anyone()) && found.Rule != policy.Off,
		MayExport:    a.May(access.ExportPeople, a.own()),
		Role:         string(search.Role),
		Status:       string(search.Status),
		TwoFactorOff: found.Rule == policy.Off,
	}
	page.addFilters(search)
	for _, l := range found.People {
		page.People = append(page.People, pages.RowOf(l, found.Rule))
	}
	page.LookedTo = found.LookedTo.Email
	page.Next = pages.NextPage("/company/users", query(search), found)
	if err := c.addBulk(r, a, &page, found); err != nil {
		return err
	}
	if page.Done == doneKeys["added"] {
		page.Offer = c.undoAdded(r, a)
	}
	return c.Web.Draw(w, r, http.StatusOK, page)
}

// undoAdded offers to withdraw the invitation of the person who was just added; nothing where there is none any more.
func (c *Console) undoAdded(r *http.Request, a *administrator) offer {
	ref := people.ByID(a.company(), r.URL.Query().Get("user"))
	o, err := c.People.Overview(r.Context(), a.Actor, ref)
	if err != nil || !a.rights(o).Withdraw {
		return offer{}
	}
	return withdrawal(o.User.ID)
}

func (p *usersPage) addFilters(s people.Search) {
	for _, v := range people.Views {
		p.Views = append(p.Views, viewLink{
			Label:   viewKeys[v],
			URL:     usersURL(people.Search{View: v}),
			Current: v == s.View,
		})
	}
	if !slices.Contains(people.Views, s.View) { // reached from the report
		p.Views = append(p.Views, viewLink{Label: viewKeys[s.View], URL: usersURL(s), Current: true})
	}
	for _, status := range pages.Statuses {
		p.Statuses = append(p.Statuses, pages.NewOption(string(status), pages.StatusKeys[status], status == s.Status))
	}
	for _, role := range pages.CompanyRoles {
		p.Roles = append(p.Roles, pages.NewOption(string(role), pages.RoleKeys[role], role == s.Role))
	}
}

// newUserPage asks who is to be added.
type newUserPage struct {
	frame
	problem
	Name, Email string
	Roles       []option
}

func (newUserPage) View() web.View {
	return web.View{Template: "console/new_user", ReturnTo: "/company/users/new"}
}

func (a *administrator) newUserPage(r *http.Request, form url.Values) newUserPage {
	p := newUserPage{frame: a.frame(r, "users"), Name: form.Get("name"), Email: form.Get("email")}
	for _, role := range pages.CompanyRoles {
		if a.May(access.AddPerson, access.Target{TenantID: a.company(), Role: role}) {
			chosen := form.Get("role") == string(role) || form.Get("role") == "" && role == user.Agent
			p.Roles = append(p.Roles, pages.NewOption(string(role), pages.RoleKeys[role], chosen))
		}
	}
	return p
}

func (c *Console) showNewUser(w http.ResponseWriter, r *http.Request, a *administrator) error {
	if err := c.Check(r, a.Administrator, access.AddPerson, a.anyone()); err != nil {
		return err
	}
	form := c.Typed(r, a.Actor.UserID)
	if form == nil { // other pages propose a role
		form = url.Values{"role": {r.URL.Query().Get("role")}}
	}
	return c.Web.Draw(w, r, http.StatusOK, a.newUserPage(r, form))
}

// addUser adds a person and mails them an invitation.
func (c *Console) addUser(w http.ResponseWriter, r *http.Request, a *administrator) error {
	added, err := c.People.Add(r.Context(), a.Actor, a.company(), people.New{
		Email:    r.PostForm.Get("email"),
		Name:     r.PostForm.Get("name"),
		Role:     user.Role(r.PostForm.Get("role")),
		Language: c.Web.Printer(r).Lang(),
	})
	if err == nil {
		return c.Web.Redirect(w, "/company/users?done=added&user="+added.ID)
	}
	return c.DrawProblem(w, r, err, func(p problem) web.Page {
		page := a.newUserPage(r, r.PostForm)
		page.problem = p
		return page
	})
}
