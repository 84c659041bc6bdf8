package console

import (
	"net/http"
	"net/url"
	"strings"

	"countersign/internal/access"
	"countersign/internal/company"
	"countersign/internal/pages"
	"countersign/internal/policy"
	"countersign/internal/tenant"
	"countersign/internal/user"
	"countersign/internal/web"
)

// rolesChoices are the roles of which a company requires two-factor authentication.
type rolesChoices struct {
	Shown     bool // there is something to choose
	Some      bool // some roles are left out
	MayChange bool
	All       []roleChoice
}

// roleChoice is one role; Title and Hint are catalogue keys.
type roleChoice struct {
	Role, Title string
	Hint        string
	Required    bool
	Fixed       bool // it can't be left out
}

func (a *administrator) rolesChoices(o company.Overview) rolesChoices {
	return rolesChoices{
		Shown:     o.Rule == policy.Everyone && !o.Locked,
		Some:      len(o.LeftOut) > 0,
		MayChange: a.May(access.SetRoles, a.own()),
		All:       roleChoicesOf(o.Tenant.Roles),
	}
}

func roleChoicesOf(required tenant.Roles) (out []roleChoice) {
	for _, role := range []user.Role{user.Owner, user.Admin, user.Supervisor, user.Agent} {
		choice := roleChoice{
			Role:     string(role),
			Title:    pages.RoleKeys[role],
			Hint:     pages.RoleKeys[role] + ".can",
			Required: required.Include(string(role)),
		}
		if choice.Fixed = tenant.Shortest.Include(string(role)); choice.Fixed {
			choice.Hint = "console.roles.always"
		}
		out = append(out, choice)
	}
	return out
}

// rolesPage shows whom a shorter list of roles leaves out, and which weaker ways in that opens, before it is saved.
type rolesPage struct {
	frame
	Chosen  []string // the roles that were ticked
	LeftOut []roleLost
	Weaker  []weaker
	Seen    string // the mark of what was shown
}

// roleLost is a role that is left out, and how many people lose the requirement; Title is a catalogue key.
type roleLost struct {
	Title string
	Count int
}

func (rolesPage) View() web.View {
	return web.View{Template: "console/roles", ReturnTo: "/company/security"}
}

func (c *Console) setRoles(w http.ResponseWriter, r *http.Request, a *administrator) error {
	if err := c.Check(r, a.Administrator, access.SetRoles, a.own()); err != nil {
		return err
	}
	roles, err := tenant.RequiredRoles(r.PostForm["role"])
	if err != nil {
		return err
	}
	if r.PostForm.Get("sure") == "" {
		page, less, err := c.rolesPage(r, a, roles)
		if err != nil {
			return err
		}
		if less {
			return c.Web.Draw(w, r, http.StatusOK, page)
		}
	}
	changes := company.Changes{Roles: &roles, Seen: seen(r, access.SetRoles)}
	if _, err = c.Company.Change(r.Context(), a.Actor, a.company(), changes); err != nil {
		return c.redrawSecurity(w, r, a, err, func(o company.Overview) outdated {
			return outdated{Stored: rolesSaid(o.Tenant.Roles), Yours: rolesSaid(roles)}
		})
	}
	return c.Web.Redirect(w, "/company/security?done=roles")
}

// rolesPage loads what a list of roles would change. less is false if the list leaves out no further role.
func (c *Console) rolesPage(r *http.Request, a *administrator, roles tenant.Roles) (
	page rolesPage, less bool, err error,
) {
	page = rolesPage{frame: a.frame(r, "security"), Chosen: r.PostForm["role"], Seen: r.PostForm.Get(seenField)}
	lost, err := c.Company.LeftOutBy(r.Context(), a.Actor, a.company(), roles)
	if err != nil || len(lost) == 0 {
		return page, false, err
	}
	for _, l := range lost {
		page.LeftOut = append(page.LeftOut, roleLost{pages.RoleKeys[l.Role], l.People})
	}
	opened, err := c.Company.WeakenedByRoles(r.Context(), a.Actor, a.company(), roles)
	page.Weaker = weakerRows(opened)
	return page, true, err
}

func rolesSaid(roles tenant.Roles) (out []said) {
	if roles == "" {
		return key("console.roles.everyone")
	}
	for _, role := range roleChoicesOf(roles) {
		if role.Required {
			out = append(out, said{Key: role.Title})
		}
	}
	return out
}

// chosenRoles reads the roles from the wizard's form. If the form did not ask for them, the stored ones stay.
func chosenRoles(form url.Values, stored tenant.Roles) tenant.Roles {
	if form.Get("choose_roles") == "" {
		return stored
	}
	roles, err := tenant.RequiredRoles(form["role"])
	if err != nil {
		return tenant.Roles(strings.Join(form["role"], " ")) // which is refused with the other choices
	}
	return roles
}

// roleTitles are the catalogue keys of the roles that choices require it of; empty: of everyone, or of no one.
func roleTitles(c company.Choices) (out []string) {
	if c.Roles == "" || c.Choice == tenant.Optional {
		return nil
	}
	for _, role := range roleChoicesOf(c.Roles) {
		if role.Required {
			out = append(out, role.Title)
		}
	}
	return out
}
