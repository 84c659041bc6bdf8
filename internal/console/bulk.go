package console

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"countersign/internal/access"
	"countersign/internal/people"
	"countersign/internal/policy"
	"countersign/internal/user"
	"countersign/internal/web"
)

const (
	bulkPath      = "/company/users/bulk"
	bulkStatePath = "/company/bulk/"
)

func (c *Console) mountBulk(mux *web.Mux) {
	mux.Get(bulkPath, c.withRecentProof(c.showBulk))
	mux.Post(bulkPath, c.signedIn(c.startBulk), "id")
	mux.Get(bulkStatePath+"{id}", c.signedIn(c.showBulkState))
	mux.Get(bulkStatePath+"{id}/progress", c.signedIn(c.bulkProgress))
	mux.Post(bulkStatePath+"{id}/stop", c.withRecentProof(c.stopBulk))
}

// bulkChoices is the form of the users page that leads to an action on many people.
type bulkChoices struct {
	Kinds    []bulkOption // those that the administrator may begin
	All      bool
	Browsers bool
	SignsOut bool
	Listed   int // how many people match, where all of them are on the page; 0: there are more
	After    string
	Recent   []bulkLink
}

// bulkOption is a kind of action that the form offers.
type bulkOption struct {
	Kind   people.BulkKind
	Texts  bulkTexts
	Chosen bool
}

// bulkLink leads to an action under way, or to the result of one.
type bulkLink struct {
	ID    string
	Name  string // catalogue key
	Ended bool
}

// bulkOptions are the kinds of action that the administrator may begin; one of them is chosen.
func (a *administrator) bulkOptions(rule policy.Rule, chosen people.BulkKind) (out []bulkOption) {
	first := 0
	for _, k := range people.BulkKinds {
		always := k != people.BulkRemind && k != people.BulkExempt // which are about a set-up that is required
		if a.May(k.Action(), a.anyone()) && (always || rule != policy.Off) {
			if k == chosen {
				first = len(out)
			}
			out = append(out, bulkOption{Kind: k, Texts: bulkTextsOf[k]})
		}
	}
	if len(out) > 0 {
		out[first].Chosen = true
	}
	return out
}

// addBulk adds the form, with what was chosen before.
func (c *Console) addBulk(r *http.Request, a *administrator, p *usersPage, found people.Page) error {
	q := r.URL.Query()
	p.Bulk = bulkChoices{
		Kinds:    a.bulkOptions(found.Rule, people.BulkKind(q.Get("do"))),
		All:      q.Get("scope") == "all",
		Browsers: q.Get("browsers") != "",
		After:    q.Get("after"),
	}
	if len(p.Bulk.Kinds) == 0 {
		return nil
	}
	p.Bulk.SignsOut = a.May(access.SignOutPerson, a.anyone())
	if p.Next == "" && p.Bulk.After == "" {
		p.Bulk.Listed = len(p.People)
	}
	for i, row := range p.People {
		p.People[i].Chosen = slices.Contains(q["id"], row.ID)
	}
	recent, err := c.People.RecentBulk(r.Context(), a.Actor, a.company())
	for _, b := range recent {
		p.Bulk.Recent = append(p.Bulk.Recent, bulkLink{b.ID, bulkTextsOf[b.Kind].Name, !b.EndedAt.IsZero()})
	}
	return err
}

// bulkOf reads the action and the people from a form or an address.
func bulkOf(q url.Values) people.Bulk {
	until, _ := lastDay(q.Get("until")) // an unreadable day is refused like a missing one
	return people.Bulk{
		Until:    until,
		Reason:   strings.TrimSpace(q.Get("reason")),
		Kind:     people.BulkKind(q.Get("do")),
		IDs:      q["id"][:min(len(q["id"]), people.MaxChosen)],
		All:      q.Get("scope") == "all",
		Search:   searchOf(q),
		Browsers: q.Get("browsers") != "" && q.Get("do") == string(people.BulkSignOut),
	}
}

// bulkFields writes what bulkOf reads, and the place in the list.
func bulkFields(b people.Bulk, after string) url.Values {
	out := query(b.Search)
	out.Set("do", string(b.Kind))
	if b.Browsers {
		out.Set("browsers", "on")
	}
	if after != "" {
		out.Set("after", after)
	}
	if b.All {
		out.Set("scope", "all")
	} else {
		out["id"] = b.IDs
	}
	return out
}

// bulkPage says what an action will do, and to whom, before it starts.
type bulkPage struct {
	frame
	problem
	Texts    bulkTexts
	Browsers bool
	Fields   []field
	Back     string // address of the list with the choice kept
	Digest   string
	Matched  int
	Before   int // how many matched when the administrator looked; 0: as many, or fewer
	People   int
	First    []user.User
	More     int
	LeftOut  []leftOut

	Until, Reason    string // as they were typed, where the action asks for them
	Tomorrow, Latest string
}

func (bulkPage) View() web.View { return web.View{Template: "console/bulk"} }

// field is a value that a form sends along.
type field struct{ Name, Value string }

// leftOut is how many people an action leaves out for one reason.
type leftOut struct {
	Why   string // catalogue key
	Count int
}

func leftOutOf(of map[people.Outcome]int) (out []leftOut) {
	for _, why := range people.Outcomes {
		if of[why] > 0 {
			out = append(out, leftOut{leftOutKeys[why], of[why]})
		}
	}
	return out
}

func (c *Console) bulkPage(
	r *http.Request, a *administrator, b people.Bulk, plan people.BulkPlan, after string,
) bulkPage {
	p := bulkPage{
		frame:    a.frame(r, "users"),
		Texts:    bulkTextsOf[b.Kind],
		Browsers: b.Browsers,
		Digest:   plan.Digest,
		Matched:  plan.Matched,
		People:   plan.People,
		First:    plan.First,
		More:     plan.People - len(plan.First),
		LeftOut:  leftOutOf(plan.LeftOut),
	}
	if p.Texts.AsksTime {
		p.Until, p.Reason = r.FormValue("until"), b.Reason
		p.Tomorrow, p.Latest = c.exemptionDays()
	}
	fields := bulkFields(b, after)
	p.Back = "/company/users?" + fields.Encode()
	for name, values := range fields {
		for _, v := range values {
			p.Fields = append(p.Fields, field{name, v})
		}
	}
	slices.SortFunc(p.Fields, func(a, b field) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Value, b.Value))
	})
	return p
}

func (c *Console) showBulk(w http.ResponseWriter, r *http.Request, a *administrator) error {
	q := r.URL.Query()
	b := bulkOf(q)
	if !slices.Contains(people.BulkKinds, b.Kind) {
		return c.Web.Redirect(w, usersURL(b.Search))
	}
	plan, err := c.People.PreviewBulk(r.Context(), a.Actor, a.company(), b)
	if err != nil {
		return c.DrawProblem(w, r, err, func(p problem) web.Page {
			page := c.bulkPage(r, a, b, people.BulkPlan{}, q.Get("after"))
			page.problem = p
			return page
		})
	}
	return c.Web.Draw(w, r, http.StatusOK, c.bulkPage(r, a, b, plan, q.Get("after")))
}

// startBulk starts the action that the administrator was shown. If other people are chosen now, it shows them first.
func (c *Console) startBulk(w http.ResponseWriter, r *http.Request, a *administrator) error {
	b, after := bulkOf(r.PostForm), r.PostForm.Get("after")
	id, err := c.People.StartBulk(r.Context(), a.Actor, a.company(), b, r.PostForm.Get("digest"))
	switch {
	case err == nil:
		return c.Web.Redirect(w, bulkStatePath+id)
	case errors.Is(err, access.ErrFreshProofNeeded): // the page asks for it, with the choice kept
		fields := bulkFields(b, after)
		if day := r.PostForm.Get("until"); day != "" {
			fields.Set("until", day)
		}
		return c.Web.Redirect(w, bulkPath+"?"+fields.Encode())
	}
	return c.DrawProblem(w, r, err, func(p problem) web.Page {
		plan, _ := c.People.PlanBulk(r.Context(), a.Actor, a.company(), b) // where it fails, the page offers nothing
		page := c.bulkPage(r, a, b, plan, after)
		page.problem = p
		if before, _ := strconv.Atoi(r.PostForm.Get("matched")); errors.Is(err, people.ErrBulkChanged) {
			page.noteGrowth(before)
		}
		return page
	})
}

// noteGrowth says instead of the problem that more people match than when the administrator looked.
func (p *bulkPage) noteGrowth(before int) {
	if 0 < before && before < p.Matched {
		p.Before, p.Problem = before, ""
	}
}

// bulkStatePage shows the progress of an action and, once it has ended, its result.
type bulkStatePage struct {
	frame
	problem
	Texts bulkTexts
	State people.BulkState
	Left  []leftOut
	Why   string // catalogue key of why it ended early
}

func (bulkStatePage) View() web.View { return web.View{Template: "console/bulk_state"} }

// All is how many people it affects.
func (p bulkStatePage) All() int {
	all := p.State.Done + p.State.Waiting
	for _, l := range p.Left {
		all += l.Count
	}
	return all
}

// Reached is how many people were processed.
func (p bulkStatePage) Reached() int { return p.All() - p.State.Waiting }

func (c *Console) bulkStatePage(r *http.Request, a *administrator) (p bulkStatePage, err error) {
	s, err := c.People.BulkState(r.Context(), a.Actor, a.company(), r.PathValue("id"))
	if err != nil {
		return p, err
	}
	return bulkStatePage{
		frame: a.frame(r, "users"),
		Texts: bulkTextsOf[s.Kind],
		State: s,
		Left:  leftOutOf(s.LeftOut),
		Why:   bulkEndKeys[s.EndedBecause],
	}, nil
}

func (c *Console) showBulkState(w http.ResponseWriter, r *http.Request, a *administrator) error {
	page, err := c.bulkStatePage(r, a)
	if err != nil {
		return err
	}
	return c.Web.Draw(w, r, http.StatusOK, page)
}

// bulkProgress returns the progress of an action, for the live view.
func (c *Console) bulkProgress(w http.ResponseWriter, r *http.Request, a *administrator) error {
	page, err := c.bulkStatePage(r, a)
	if err != nil {
		return err
	}
	text := c.Web.Printer(r).T("console.bulk.progress", "Done", page.Reached(), "All", page.All())
	return c.Web.JSON(w, http.StatusOK, struct {
		Text  string `json:"text"`
		Ended bool   `json:"ended"`
	}{text, !page.State.EndedAt.IsZero()})
}

func (c *Console) stopBulk(w http.ResponseWriter, r *http.Request, a *administrator) error {
	err := c.People.StopBulk(r.Context(), a.Actor, a.company(), r.PathValue("id"))
	if err == nil {
		return c.Web.Redirect(w, bulkStatePath+r.PathValue("id"))
	}
	page, pageErr := c.bulkStatePage(r, a)
	if pageErr != nil {
		return err
	}
	return c.DrawProblem(w, r, err, func(p problem) web.Page {
		page.problem = p
		return page
	})
}
