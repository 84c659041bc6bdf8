package console

import (
	"net/http"
	"strconv"

	"countersign/internal/access"
	"countersign/internal/company"
	"countersign/internal/fault"
	"countersign/internal/tenant"
)

// setUpChoices are how much time people have to set up a method, and what a company can choose.
type setUpChoices struct {
	Days, Laters int // 0: no time of their own for newcomers, no limit of sign-ins
	DayChoices   []numberChoice
	LaterChoices []numberChoice
}

func setUpChoicesOf(t tenant.Tenant) setUpChoices {
	return setUpChoices{
		Days:         t.SetUpDays,
		Laters:       t.SetUpLaters,
		DayChoices:   numberChoices([]int{1, 3, 7, 14, 30, 60, tenant.MaxSetUpDays}, t.SetUpDays),
		LaterChoices: numberChoices([]int{1, 2, 3, 5, tenant.MaxSetUpLaters}, t.SetUpLaters),
	}
}

func (c *Console) setSetUpTime(w http.ResponseWriter, r *http.Request, a *administrator) error {
	if err := c.Check(r, a.Administrator, access.SetDeadline, a.own()); err != nil {
		return err
	}
	days, err := strconv.Atoi(r.PostForm.Get("days"))
	if err != nil {
		return fault.New(fault.Invalid, "tenant.set_up_days")
	}
	laters, err := strconv.Atoi(r.PostForm.Get("laters"))
	if err != nil {
		return fault.New(fault.Invalid, "tenant.set_up_laters")
	}
	wanted := company.Changes{SetUpDays: &days, SetUpLaters: &laters, Seen: seen(r, access.SetDeadline)}
	if _, err = c.Company.Change(r.Context(), a.Actor, a.company(), wanted); err != nil {
		return c.redrawSecurity(w, r, a, err, func(o company.Overview) outdated {
			return outdated{
				Stored: setUpTimeSaid(o.Tenant.SetUpDays, o.Tenant.SetUpLaters),
				Yours:  setUpTimeSaid(days, laters),
			}
		})
	}
	return c.Web.Redirect(w, "/company/security?done=set_up")
}
