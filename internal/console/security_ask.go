package console

import (
	"net/http"

	"countersign/internal/access"
	"countersign/internal/company"
	"countersign/internal/fault"
	"countersign/internal/policy"
	"countersign/internal/tenant"
)

// askChoices are when a company asks for a second step, where it is required of everyone.
type askChoices struct {
	Shown     bool // there is something to choose
	Adaptive  bool
	MayChange bool
	NoDays    bool // no browser is remembered, so that every sign-in is asked
}

func (a *administrator) askChoices(o company.Overview) askChoices {
	return askChoices{
		Shown:     o.Rule == policy.Everyone,
		Adaptive:  o.Tenant.Choice == tenant.Adaptive,
		MayChange: a.May(access.SetChoice, a.own()),
		NoDays:    o.Days == 0,
	}
}

// setAsk chooses between every sign-in and unusual ones. Whether each user decides for themselves is not chosen here.
func (c *Console) setAsk(w http.ResponseWriter, r *http.Request, a *administrator) error {
	if err := c.Check(r, a.Administrator, access.SetChoice, a.own()); err != nil {
		return err
	}
	choice := tenant.Choice(r.PostForm.Get("choice"))
	if choice != tenant.Required && choice != tenant.Adaptive {
		return fault.New(fault.Invalid, "tenant.unknown_choice")
	}
	changes := company.Changes{Choice: &choice, Seen: seen(r, access.SetChoice)}
	if _, err := c.Company.Change(r.Context(), a.Actor, a.company(), changes); err != nil {
		return c.redrawSecurity(w, r, a, err, func(o company.Overview) outdated {
			return outdated{Stored: askSaid(o.Tenant.Choice), Yours: askSaid(choice)}
		})
	}
	return c.Web.Redirect(w, "/company/security?done=ask")
}
