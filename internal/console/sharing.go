package console

import (
	"countersign/internal/pages"
	"net/http"
	"net/url"
	"slices"
	"time"

	"countersign/internal/access"
	"countersign/internal/company"
	"countersign/internal/sharing"
	"countersign/internal/user"
	"countersign/internal/web"
)

func (c *Console) mountSharing(mux *web.Mux) { mux.Get("/company/sharing", c.signedIn(c.showSharing)) }

// sharingPage shows which accounts several people may use, and why.
type sharingPage struct {
	frame
	People []suspectRow
	Looked int
	Places bool   // distances can be judged
	Next   string // address of the next page; empty = there is none
	First  string // address of the first page, on any other
}

func (sharingPage) View() web.View { return web.View{Template: "console/sharing"} }

// suspectRow is one account.
type suspectRow struct {
	ID, Name, Email string
	Status, Tone    string // the likelihood: a catalogue key, and how it is coloured
	Evidence        []evidence
	Invite          string // address of the page that adds people; empty = not allowed
}

// evidence is one kind of it.
type evidence struct {
	Title string // catalogue key
	Pairs []pairRow
	Uses  []useRow
	More  int // that are not shown
}

// pairRow is two uses that do not fit one person well.
type pairRow struct {
	From, To useRow
	Distance int
	Clocks   bool
}

// useRow is one use of an account.
type useRow struct {
	At                 time.Time
	Place, IP, Browser string
	Clock              int // seconds that an app's clock was early; negative = late
}

// Seconds is how far the app's clock was off, either way.
func (u useRow) Seconds() int { return max(u.Clock, -u.Clock) }

// maxEvidence is how much of each kind is shown.
const maxEvidence = 8

func (c *Console) showSharing(w http.ResponseWriter, r *http.Request, a *administrator) error {
	after := r.URL.Query().Get("after")
	found, err := c.Company.Sharing(r.Context(), a.Actor, a.company(), after)
	if err != nil {
		return err
	}
	page := sharingPage{
		frame:  a.frame(r, "sharing"),
		Looked: found.Looked,
		Places: found.Places,
	}
	for _, s := range found.People {
		page.People = append(page.People, a.suspectRow(s))
	}
	if found.Next != "" {
		page.Next = "/company/sharing?" + url.Values{"after": {found.Next}}.Encode()
	}
	if after != "" {
		page.First = "/company/sharing"
	}
	return c.Web.Draw(w, r, http.StatusOK, page)
}

func (a *administrator) suspectRow(s company.Suspect) suspectRow {
	row := suspectRow{
		ID:     s.User.ID,
		Name:   s.User.Name,
		Email:  s.User.Email,
		Status: likelihoodKeys[s.Likelihood],
		Tone:   likelihoodTones[s.Likelihood],
	}
	row.add("console.sharing.journeys", pairRows(s.Journeys, false), nil)
	row.add("console.sharing.overlaps", pairRows(s.Overlaps, false), nil)
	row.add("console.sharing.clocks", pairRows(s.Clocks, true), nil)
	var uses []useRow
	for _, u := range s.Browsers {
		uses = append(uses, useRowOf(u, 0))
	}
	row.add("console.sharing.browsers", nil, uses)
	if role := a.roleOf(s.User); role != "" {
		row.Invite = "/company/users/new?" + url.Values{"role": {string(role)}}.Encode()
	}
	return row
}

// roleOf is the role that other people who use an account get: its own, or the highest below it that the
// administrator may give.
func (a *administrator) roleOf(u user.User) user.Role {
	from := max(0, slices.Index(pages.CompanyRoles, u.Role))
	for _, role := range pages.CompanyRoles[from:] {
		if a.May(access.AddPerson, access.Target{TenantID: a.company(), Role: role}) {
			return role
		}
	}
	return ""
}

func (s *suspectRow) add(title string, pairs []pairRow, uses []useRow) {
	if len(pairs)+len(uses) == 0 {
		return
	}
	e := evidence{Title: title, Pairs: pairs, Uses: uses}
	if n := len(pairs) - maxEvidence; n > 0 {
		e.Pairs, e.More = pairs[:maxEvidence], n
	}
	if n := len(uses) - maxEvidence; n > 0 {
		e.Uses, e.More = uses[:maxEvidence], n
	}
	s.Evidence = append(s.Evidence, e)
}

// pairRows are the newest first.
func pairRows(pairs []sharing.Pair, clocks bool) (out []pairRow) {
	for _, p := range slices.Backward(pairs) {
		out = append(out, pairRow{
			From:     useRowOf(p.From, p.Clocks[0]),
			To:       useRowOf(p.To, p.Clocks[1]),
			Distance: p.Distance / 10 * 10,
			Clocks:   clocks,
		})
	}
	return out
}

// stepSeconds is how long an app shows one code.
const stepSeconds = 30

func useRowOf(u sharing.Use, steps int) useRow {
	return useRow{
		At:      u.At,
		Place:   u.Place,
		IP:      u.IP,
		Browser: u.Browser,
		Clock:   steps * stepSeconds,
	}
}
