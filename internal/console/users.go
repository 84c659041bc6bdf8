package console

import (
	"net/http"
	"net/url"
	"slices"
	"time"

	"countersign/internal/access"
	"countersign/internal/authenticator"
	"countersign/internal/methodtext"
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
	People       []userRow
	Next         string // address of the page after this one; empty = there is none
	MayAdd       bool
	MayRemind    bool
	MayExport    bool
	Role, Status string // as they are filtered, for the export
	ResultsFrom  bool   // this is not the first page
	First        string
	TwoFactorOff bool // no one is asked for a second step
}

func (usersPage) View() web.View { return web.View{Template: "console/users"} }

// viewLink leads to a saved view.
type viewLink struct {
	Label, URL string
	Current    bool
}

// option is one choice of a filter.
type option struct {
	Value, Label string
	Selected     bool
}

// userRow is one person in the table.
type userRow struct {
	ID, Name, Email string
	Role            string // catalogue key
	Status          string // catalogue key
	Tone            string // how the status is coloured
	Notes           []string
	Methods         []methodRow
	LastSignIn      time.Time
}

// methodRow is a method of a person.
type methodRow struct {
	Title      string // catalogue key
	LastUsed   time.Time
	OutOfOrder bool
}

// maxSearch is the longest text that is searched for, in bytes.
const maxSearch = 400

// searchOf reads what is asked for from the address. What makes no sense is left out.
func searchOf(q url.Values) people.Search {
	s := people.Search{After: q.Get("after")}
	if text := q.Get("q"); len(text) <= maxSearch {
		s.Text = text
	}
	for _, v := range slices.Concat(people.Views, people.Checks, people.Trials) {
		if string(v) == q.Get("view") {
			s.View = v
		}
	}
	s.Coming = comingOf(q)
	for _, status := range statuses {
		if string(status) == q.Get("status") {
			s.Status = status
		}
	}
	if role, err := user.ParseRole(q.Get("role")); err == nil {
		s.Role = role
	}
	return s
}

var statuses = []policy.Status{policy.Pending, policy.Activated, policy.Disabled}

// companyRoles are the roles of a company, highest first.
var companyRoles = []user.Role{user.Owner, user.Admin, user.Supervisor, user.Agent}

// query is the address of a search, without its place in the list.
func query(s people.Search) url.Values {
	out := url.Values{}
	for name, value := range map[string]string{
		"q":      s.Text,
		"view":   string(s.View),
		"status": string(s.Status),
		"role":   string(s.Role),
	} {
		if value != "" {
			out.Set(name, value)
		}
	}
	addComing(out, s.Coming)
	return out
}

func usersURL(s people.Search) string {
	if q := query(s).Encode(); q != "" {
		return "/company/users?" + q
	}
	return "/company/users"
}

func (c *Console) showUsers(w http.ResponseWriter, r *http.Request, a *administrator) error {
	search := searchOf(r.URL.Query())
	found, err := c.People.Search(r.Context(), a.actor, a.company(), search)
	if err != nil {
		return err
	}
	page := usersPage{
		frame:        a.frame(r, "users"),
		Text:         search.Text,
		SavedView:    string(search.View),
		Coming:       search.Coming,
		MayCheck:     a.may(access.ViewCompany, a.own()),
		Filtered:     len(query(search)) > 0,
		ResultsFrom:  search.After != "",
		First:        usersURL(search),
		MayAdd:       a.may(access.AddPerson, a.anyone()),
		MayRemind:    a.may(access.RemindPerson, a.anyone()) && found.Rule != policy.Off,
		MayExport:    a.may(access.ExportPeople, a.own()),
		Role:         string(search.Role),
		Status:       string(search.Status),
		TwoFactorOff: found.Rule == policy.Off,
	}
	page.addFilters(search)
	for _, l := range found.People {
		page.People = append(page.People, rowOf(l, found.Rule))
	}
	if found.More {
		next := query(search)
		next.Set("after", found.People[len(found.People)-1].User.ID)
		page.Next = "/company/users?" + next.Encode()
	}
	return c.Web.Draw(w, r, http.StatusOK, page)
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
	for _, status := range statuses {
		p.Statuses = append(p.Statuses, option{string(status), statusKeys[status], status == s.Status})
	}
	for _, role := range companyRoles {
		p.Roles = append(p.Roles, option{string(role), roleKeys[role], role == s.Role})
	}
}

// rowOf is a person in the words of the table.
func rowOf(l people.Listed, rule policy.Rule) userRow {
	out := userRow{
		ID:         l.User.ID,
		Name:       l.User.Name,
		Email:      l.User.Email,
		Role:       roleKeys[l.User.Role],
		Status:     statusKeys[l.Status.Status],
		Tone:       string(l.Status.Status),
		Notes:      notesOf(l, rule),
		LastSignIn: l.SignedInAt,
	}
	if !l.User.DisabledAt.IsZero() {
		out.Status = "" // no one is asked for anything
	}
	for _, m := range l.Methods {
		if m.Kind == authenticator.Password || onlyNotified(m.Kind, l.Status) {
			continue
		}
		out.Methods = append(out.Methods, methodRow{
			Title:      methodtext.Of(m.Kind).Name,
			LastUsed:   m.LastUsed,
			OutOfOrder: m.OutOfOrder,
		})
	}
	return out
}

// notesOf are catalogue keys of what must be said beside a status.
func notesOf(l people.Listed, rule policy.Rule) (out []string) {
	switch {
	case !l.User.DisabledAt.IsZero():
		return []string{"console.note.disabled"}
	case l.Invited:
		out = append(out, "console.note.invited")
	}
	if l.Status.Overdue && !l.Invited {
		out = append(out, "console.note.overdue")
	}
	if l.Status.Stuck {
		out = append(out, "console.note.stuck")
	}
	if l.Status.Status == policy.Disabled && rule == policy.OwnChoice {
		out = append(out, "console.note.own_choice")
	}
	if l.Status.Status == policy.Disabled && len(l.Status.Can) > 0 && !onlyEmail(l.Status.Can) {
		out = append(out, "console.note.can_but_not_asked")
	}
	return out
}

// onlyNotified reports whether a method is a mailbox that gets notices, but that no sign-in asks.
func onlyNotified(k authenticator.Kind, s policy.PersonStatus) bool {
	return k == authenticator.Email && !slices.Contains(s.Can, k)
}

func onlyEmail(kinds []authenticator.Kind) bool {
	return len(kinds) == 1 && kinds[0] == authenticator.Email
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
	for _, role := range companyRoles {
		if a.may(access.AddPerson, access.Target{TenantID: a.company(), Role: role}) {
			chosen := form.Get("role") == string(role) || form.Get("role") == "" && role == user.Agent
			p.Roles = append(p.Roles, option{string(role), roleKeys[role], chosen})
		}
	}
	return p
}

func (c *Console) showNewUser(w http.ResponseWriter, r *http.Request, a *administrator) error {
	if err := c.check(r, a, access.AddPerson, a.anyone()); err != nil {
		return err
	}
	form := c.Typed(r, a.actor.UserID)
	if form == nil { // other pages propose a role
		form = url.Values{"role": {r.URL.Query().Get("role")}}
	}
	return c.Web.Draw(w, r, http.StatusOK, a.newUserPage(r, form))
}

// addUser adds a person and mails them an invitation.
func (c *Console) addUser(w http.ResponseWriter, r *http.Request, a *administrator) error {
	_, err := c.People.Add(r.Context(), a.actor, a.company(), people.New{
		Email:    r.PostForm.Get("email"),
		Name:     r.PostForm.Get("name"),
		Role:     user.Role(r.PostForm.Get("role")),
		Language: c.Web.Printer(r).Lang(),
	})
	if err == nil {
		return c.Web.Redirect(w, "/company/users?done=added")
	}
	return c.drawProblem(w, r, err, func(p problem) web.Page {
		page := a.newUserPage(r, r.PostForm)
		page.problem = p
		return page
	})
}
