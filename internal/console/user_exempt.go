package console

import (
	"net/http"
	"strings"
	"time"

	"countersign/internal/access"
	"countersign/internal/pages"
	"countersign/internal/people"
	"countersign/internal/user"
	"countersign/internal/web"
)

func (c *Console) mountExempt(mux *web.Mux) {
	mux.Get("/company/users/{id}/exempt", c.withRecentProof(c.showExempt))
	mux.Post("/company/users/{id}/exempt", c.withRecentProof(c.exempt))
	mux.Post("/company/users/{id}/exempt/end", c.withRecentProof(c.endExemption))
}

// exemptPage gives a person more time to set up a method.
type exemptPage struct {
	frame
	problem
	ID, Name, Email  string
	Until, Reason    string
	Tomorrow, Latest string
}

func (p exemptPage) View() web.View {
	return web.View{Template: "console/user_exempt", ReturnTo: userURL(p.ID) + "/exempt"}
}

func (c *Console) exemptPage(r *http.Request, a *administrator, u user.User) exemptPage {
	tomorrow, latest := c.exemptionDays()
	return exemptPage{
		frame:    a.frame(r, "users"),
		ID:       u.ID,
		Name:     u.Name,
		Email:    u.Email,
		Tomorrow: tomorrow,
		Latest:   latest,
	}
}

// exemptionDays are the first and the last day that an exemption may end on, as a browser sends them.
func (c *Console) exemptionDays() (first, last string) {
	now := c.DB.Now().UTC()
	return now.AddDate(0, 0, 1).Format(pages.DayForm), now.Add(people.MaxExemption - day).Format(pages.DayForm)
}

// lastDay reads a day as a browser sends it and returns its end; zero for none.
func lastDay(text string) (time.Time, error) {
	at, err := pages.ReadDay(text)
	if err == nil && !at.IsZero() {
		at = at.Add(day - time.Second)
	}
	return at, err
}

func (c *Console) showExempt(w http.ResponseWriter, r *http.Request, a *administrator) error {
	_, u, err := c.person(r, a)
	if err != nil {
		return err
	}
	if err := c.Check(r, a.Administrator, access.ExemptPerson, targetOf(u)); err != nil {
		return err
	}
	page := c.exemptPage(r, a, u)
	typed := c.Typed(r, a.Actor.UserID)
	page.Until, page.Reason = typed.Get("until"), typed.Get("reason")
	return c.Web.Draw(w, r, http.StatusOK, page)
}

func (c *Console) exempt(w http.ResponseWriter, r *http.Request, a *administrator) error {
	ref, u, err := c.person(r, a)
	if err != nil {
		return err
	}
	page := c.exemptPage(r, a, u)
	page.Until, page.Reason = r.PostForm.Get("until"), strings.TrimSpace(r.PostForm.Get("reason"))
	until, err := lastDay(page.Until)
	if err == nil {
		err = c.People.Exempt(r.Context(), a.Actor, ref, until, page.Reason)
	}
	if err == nil {
		return c.Web.Redirect(w, userURL(u.ID)+"?done=exempted")
	}
	return c.DrawProblem(w, r, err, func(p problem) web.Page {
		page.problem = p
		return page
	})
}

func (c *Console) endExemption(w http.ResponseWriter, r *http.Request, a *administrator) error {
	ref := people.ByID(a.company(), r.PathValue("id"))
	return c.afterChange(w, r, a, ref, "exemption_ended", c.People.EndExemption(r.Context(), a.Actor, ref))
}
