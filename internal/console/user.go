package console

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"countersign/internal/access"
	"countersign/internal/authenticator"
	"countersign/internal/binding"
	"countersign/internal/company"
	"countersign/internal/methodtext"
	"countersign/internal/pages"
	"countersign/internal/people"
	"countersign/internal/policy"
	"countersign/internal/session"
	"countersign/internal/user"
	"countersign/internal/web"
)

// userPage is one person.
type userPage struct {
	frame
	problem
	ID, Name, Email string
	Self            bool
	Role            string // catalogue key
	Status          string // catalogue key
	Tone            string
	Notes           []string
	Waits           pages.StepWait
	Added           time.Time
	LastSignIn      time.Time
	Methods         []methodDetail
	Sessions        []session.Open
	Browsers        []session.RememberedFor
	Why             []string // why they are asked for a second step, or not
	Activity        []activityRow
	Exempt          exemptDetail
	Withdrawn       bool // their invitation was withdrawn
	May             userRights
}

// exemptDetail is the time that a person has to set up a method, where an administrator gave it.
type exemptDetail struct {
	Until      time.Time // zero = they have none
	By, Reason string
}

func (userPage) View() web.View { return web.View{Template: "console/user"} }

// HasChange reports whether there is any change that the administrator may make.
func (p userPage) HasChange() bool { return p.May != (userRights{Activity: p.May.Activity}) }

// userRights is what the administrator may do to the person; the journeys check it again.
type userRights struct {
	Invite, Withdraw, Remind, Role, Address, Reset, Disable, Enable, Exempt, SignOut, Activity bool
}

// methodDetail is one method of a person, as administrators see it.
type methodDetail struct {
	ID, Title, Label string
	Added, LastUsed  time.Time
	Suspended        bool
	Disabled         bool
	Restorable       bool
}

func (c *Console) showUser(w http.ResponseWriter, r *http.Request, a *administrator) error {
	page, err := c.userPage(r, a, people.ByID(a.company(), r.PathValue("id")))
	if err != nil {
		return err
	}
	page.offer()
	return c.Web.Draw(w, r, http.StatusOK, page)
}

// offer offers to undo an invitation that was just sent, and to invite someone again whose invitation was withdrawn.
func (p *userPage) offer() {
	switch {
	case p.Done == doneKeys["invited"] && p.May.Withdraw:
		p.Offer = withdrawal(p.ID)
	case p.Done == doneKeys["withdrawn"] && p.May.Invite:
		p.Offer = offer{URL: userURL(p.ID) + "/invite", Label: "console.check.invite", Posts: true}
	}
}

// withdrawal leads to the page on which the invitation of a person is withdrawn.
func withdrawal(id string) offer {
	return offer{URL: userURL(id) + "/" + withdrawInvitation.Path, Label: "console.withdraw.undo"}
}

// userPage loads what the page of a person shows.
func (c *Console) userPage(r *http.Request, a *administrator, ref people.Ref) (page userPage, err error) {
	o, err := c.People.Overview(r.Context(), a.Actor, ref)
	if err != nil {
		return page, err
	}
	page = userPage{
		frame:      a.frame(r, "users"),
		ID:         o.User.ID,
		Name:       o.User.Name,
		Email:      o.User.Email,
		Self:       o.User.ID == a.Actor.UserID,
		Role:       pages.RoleKeys[o.User.Role],
		Status:     pages.StatusKeys[o.Status.Status],
		Tone:       string(o.Status.Status),
		Added:      o.User.CreatedAt,
		LastSignIn: o.SignedInAt,
		Sessions:   o.Sessions,
		Browsers:   o.Browsers,
		Why:        c.Sentences(r, o.Decision.Because),
		Withdrawn:  o.Withdrawn,
		May:        a.rights(o),
	}
	if o.Status.Exempt {
		page.Exempt = exemptDetail{
			Until:  o.Exemption.Until,
			By:     cmp.Or(o.ExemptionBy, a.Session.Vendor),
			Reason: o.Exemption.Reason,
		}
	}
	if !o.User.DisabledAt.IsZero() {
		page.Status = "" // no one is asked for anything
	}
	rule := policy.Everyone
	if o.Status.Own {
		rule = policy.OwnChoice
	}
	listed := people.Listed{
		User:      o.User,
		Status:    o.Status,
		Invited:   o.Invited,
		Withdrawn: o.Withdrawn,
	}
	page.Notes, page.Waits = pages.NotesOf(listed, rule), pages.StepWaitOf(listed)
	for _, m := range o.Methods {
		if !pages.OnlyNotified(m.Kind, o.Status) {
			page.Methods = append(page.Methods, a.methodDetail(o.User, m))
		}
	}
	if page.May.Activity {
		page.Activity, err = c.recent(r, a, o.User)
	}
	return page, err
}

func (a *administrator) methodDetail(u user.User, m binding.Method) methodDetail {
	return methodDetail{
		ID:         m.ID,
		Title:      methodtext.Of(m.Kind).Name,
		Label:      m.Label,
		Added:      m.BoundAt,
		LastUsed:   m.LastUsedAt,
		Suspended:  !m.SuspendedAt.IsZero(),
		Disabled:   !m.DisabledAt.IsZero(),
		Restorable: !m.SuspendedAt.IsZero() && a.May(access.RestoreMethod, targetOf(u)),
	}
}

func (a *administrator) rights(o people.Overview) userRights {
	open := o.User.DisabledAt.IsZero()
	return userRights{
		Invite:   open && o.Invited && a.May(access.InvitePerson, targetOf(o.User)),
		Withdraw: open && o.InvitationOpen && a.May(access.InvitePerson, targetOf(o.User)),
		Remind:   o.Status.Status == policy.Pending && open && !o.Invited && a.May(access.RemindPerson, targetOf(o.User)),
		Role:     open && len(a.rolesFor(o.User)) > 1,
		Address:  open && a.May(access.ChangeAddress, targetOf(o.User)),
		Reset:    open && !o.Invited && hasOwnMethod(o) && a.May(access.ResetMethods, targetOf(o.User)),
		Exempt:   open && mayWait(o.Status) && a.May(access.ExemptPerson, targetOf(o.User)),
		SignOut:  open && !o.Invited && a.May(access.SignOutPerson, targetOf(o.User)),
		Disable:  open && a.May(access.DisablePerson, targetOf(o.User)),
		Enable:   !open && a.May(access.EnablePerson, targetOf(o.User)),
		Activity: a.May(access.ViewActivity, a.own()),
	}
}

// mayWait reports whether a person has a method to set up that could wait.
func mayWait(s policy.PersonStatus) bool { return s.Status == policy.Pending && !s.Stuck }

// hasOwnMethod reports whether there is a method to reset besides the mailbox.
func hasOwnMethod(o people.Overview) bool {
	return slices.ContainsFunc(o.Methods, func(m binding.Method) bool { return m.Kind != authenticator.Email })
}

// rolesFor are the roles that the administrator may give a person, the present one among them.
func (a *administrator) rolesFor(u user.User) (out []user.Role) {
	if !a.May(access.ChangeRole, targetOf(u)) {
		return nil
	}
	for _, role := range pages.CompanyRoles {
		next := u
		next.Role = role
		demotes := u.Role == user.Owner && role != user.Owner
		if a.May(access.ChangeRole, targetOf(next)) && (!demotes || a.May(access.Demote, targetOf(u))) {
			out = append(out, role)
		}
	}
	return out
}

// recent is the newest of a person's activity.
func (c *Console) recent(r *http.Request, a *administrator, u user.User) ([]activityRow, error) {
	found, err := c.Company.Activity(r.Context(), a.Actor, a.company(), company.ActivityFilter{UserID: u.ID, Limit: 8})
	return describe(found), err
}
