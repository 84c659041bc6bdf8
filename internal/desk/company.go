package desk

import (
	"net/http"
	"time"

	"countersign/internal/access"
	"countersign/internal/company"
	"countersign/internal/methodtext"
	"countersign/internal/pages"
	"countersign/internal/people"
	"countersign/internal/policy"
	"countersign/internal/tenant"
	"countersign/internal/web"
)

// companyPage is one company.
type companyPage struct {
	frame
	ID, Name    string
	Vendor      string // the vendor's name
	OfVendor    bool   // it is the vendor's own
	Created     time.Time
	SuspendedAt time.Time
	Rule        string // catalogue key
	Tone        string
	Locked      bool
	LockedSince time.Time // zero = always
	Inherits    bool
	Since       time.Time // when the company switched it on; zero = it has not
	StartsAt    time.Time
	DaysLeft    int
	AnnouncedBy string
	Statuses    people.StatusCounts
	CountedAt   people.AsOf
	Methods     []string // catalogue keys of what people may use
	Days        int
	Owners      []ownerRow
	MoreOwners  bool
	Apps        company.Coverage
	MaySuspend  bool
	MayDecide   bool
}

func (companyPage) View() web.View { return web.View{Template: "desk/company"} }

// ownerRow is an owner of a company.
type ownerRow struct {
	Name, Email string
	Invited     bool
}

func (d *Desk) showCompany(w http.ResponseWriter, r *http.Request, m *member) error {
	detail, err := d.Company.Detail(r.Context(), m.Actor, r.PathValue("id"))
	if err != nil {
		return err
	}
	return d.Web.Draw(w, r, http.StatusOK, d.companyPage(r, m, detail))
}

func (d *Desk) companyPage(r *http.Request, m *member, o company.Detail) companyPage {
	t := o.Tenant
	page := companyPage{
		frame:       frameOf(r, "companies"),
		ID:          t.ID,
		Name:        t.Name,
		Vendor:      o.Vendor,
		OfVendor:    t.Kind == tenant.Vendor,
		Created:     t.CreatedAt,
		SuspendedAt: t.SuspendedAt,
		Rule:        ruleKey(o.Rule, o.LeftOut, o.Steps.Begun > 0),
		Tone:        toneOf(o.Rule),
		Locked:      o.Locked,
		LockedSince: o.LockedSince,
		Inherits:    o.Inherits,
		StartsAt:    o.StartsAt,
		DaysLeft:    pages.DaysLeft(d.DB.Now(), o.StartsAt),
		AnnouncedBy: o.AnnouncedBy,
		Statuses:    o.Statuses,
		CountedAt:   o.CountedAt,
		Days:        o.Days,
		MoreOwners:  o.MoreOwner,
		Apps:        o.Apps,
		MayDecide:   m.May(access.SetMandate, access.Target{TenantID: t.ID}),
		MaySuspend:  t.Kind != tenant.Vendor && m.May(access.SuspendCompany, access.Target{TenantID: t.ID}),
	}
	if o.Rule != policy.Off {
		page.Since = t.SwitchedOnAt
	}
	for _, owner := range o.Owners {
		page.Owners = append(page.Owners, ownerRow{owner.User.Name, owner.User.Email, owner.Invited})
	}
	for _, k := range o.Offered {
		if t.Methods.Allow(string(k)) && o.VendorMethods.Allow(string(k)) {
			page.Methods = append(page.Methods, methodtext.Of(k).Name)
		}
	}
	return page
}

// usersPage lists the people of a company. Nothing on it changes anything.
type usersPage struct {
	frame
	ID, Name    string
	Text        string
	Statuses    []pages.Option
	Filtered    bool
	People      []pages.PersonRow
	Next, First string // addresses; no Next = there is none
	LookedTo    string // the address of the last person who was looked at, where the search goes on after them
	FromHere    bool
}

func (usersPage) View() web.View { return web.View{Template: "desk/users"} }

// PersonLink is empty: a person has no page here.
func (usersPage) PersonLink() string { return "" }

// Picks reports that no one can be chosen from the table.
func (usersPage) Picks() bool { return false }

func (d *Desk) showUsers(w http.ResponseWriter, r *http.Request, m *member) error {
	id, search := r.PathValue("id"), pages.SearchOf(r.URL.Query())
	search.Within = pages.LookedAtOnce
	t, err := d.Company.Find(r.Context(), m.Actor, id)
	if err != nil {
		return err
	}
	found, err := d.People.Search(r.Context(), m.Actor, t.ID, search)
	if err != nil {
		return err
	}
	page := usersPage{
		frame:    frameOf(r, "companies"),
		ID:       t.ID,
		Name:     t.Name,
		Text:     search.Text,
		Filtered: len(pages.SearchQuery(search)) > 0,
		First:    companyURL(t.ID) + "/users",
		FromHere: search.After != "",
	}
	page.addStatuses(search.Status)
	for _, l := range found.People {
		page.People = append(page.People, pages.RowOf(l, found.Rule))
	}
	page.LookedTo = found.LookedTo.Email
	page.Next = pages.NextPage(page.First, pages.SearchQuery(search), found)
	return d.Web.Draw(w, r, http.StatusOK, page)
}

func (p *usersPage) addStatuses(chosen policy.Status) {
	for _, status := range pages.Statuses {
		p.Statuses = append(p.Statuses, pages.NewOption(string(status), pages.StatusKeys[status], status == chosen))
	}
}
