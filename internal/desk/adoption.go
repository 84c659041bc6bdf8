package desk

import (
	"net/http"
	"slices"
	"time"

	"countersign/internal/company"
	"countersign/internal/pages"
	"countersign/internal/web"
)

func (d *Desk) mountAdoption(mux *web.Mux) {
	mux.Get("/desk/adoption", d.looking(d.showAdoption))
	mux.Get("/desk/companies/{id}/adoption", d.looking(d.showAdoption))
}

// adoptionPage shows how many people had two-factor authentication over the last days.
type adoptionPage struct {
	frame
	ID, Name string // of the company; empty = all
	Chart    *pages.Chart
	Weeks    []company.AdoptionDay // one a week, newest first
}

func (adoptionPage) View() web.View { return web.View{Template: "desk/adoption"} }

// Share is how many of a hundred people have it.
func (adoptionPage) Share(d company.AdoptionDay) int {
	if d.People == 0 {
		return 0
	}
	return d.Activated * 100 / d.People
}

func (d *Desk) showAdoption(w http.ResponseWriter, r *http.Request, m *member) error {
	id, name, current := r.PathValue("id"), "", "adoption"
	if id != "" {
		t, err := d.Company.Find(r.Context(), m.Actor, id)
		if err != nil {
			return err
		}
		id, name, current = t.ID, t.Name, "companies"
	}
	days, err := d.Company.Adoption(r.Context(), m.Actor, id)
	if err != nil {
		return err
	}
	page := adoptionOf(d.DB.Now(), days)
	page.frame, page.ID, page.Name = frameOf(r, current), id, name
	return d.Web.Draw(w, r, http.StatusOK, page)
}

// adoptionOf draws what was counted. The table has the newest day, and one day of each week before it.
func adoptionOf(now time.Time, days []company.AdoptionDay) (page adoptionPage) {
	to := now.UTC().Truncate(24 * time.Hour)
	page.Chart = pages.NewChart("desk.adoption.chart", to.AddDate(0, 0, 1-company.AdoptionDays), to)
	var everyone, activated []pages.ChartPoint
	for _, d := range days {
		everyone = append(everyone, pages.ChartPoint{Day: d.Day, Value: d.People})
		activated = append(activated, pages.ChartPoint{Day: d.Day, Value: d.Activated})
	}
	page.Chart.Add("all", everyone)
	page.Chart.Add("activated", activated)
	for _, d := range slices.Backward(days) {
		if last := len(page.Weeks) - 1; last < 0 || page.Weeks[last].Day.Sub(d.Day) >= 7*24*time.Hour {
			page.Weeks = append(page.Weeks, d)
		}
	}
	return page
}
