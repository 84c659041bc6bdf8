package console

import (
	"net/http"
	"slices"
	"strconv"

	"countersign/internal/access"
	"countersign/internal/company"
	"countersign/internal/fault"
	"countersign/internal/tenant"
)

// lockChoices are when accounts are locked, and what a company can choose.
type lockChoices struct {
	Own          bool // the company has decided; otherwise waits grow as the installation says
	Lock         tenant.AccountLock
	AfterChoices []numberChoice
	TimeChoices  []numberChoice
}

// numberChoice is a number to choose.
type numberChoice struct {
	Number   int
	Selected bool
}

func lockChoicesOf(o company.Overview) lockChoices {
	own := o.Tenant.Lock.IsSet()
	after := slices.DeleteFunc([]int{3, 5, 10, 15, 20}, func(n int) bool { return n > o.LockAfterMax })
	out := lockChoices{
		Own:         own,
		Lock:        o.Lock,
		TimeChoices: numberChoices([]int{1, 5, 15, 30, 60}, o.Lock.Minutes),
	}
	if out.AfterChoices = numberChoices(after, o.Tenant.Lock.After); !own {
		out.AfterChoices = numberChoices(after, 0)
	}
	return out
}

// numberChoices are numbers of which one is selected; it is added where it is none of them.
func numberChoices(numbers []int, selected int) (out []numberChoice) {
	if selected > 0 && !slices.Contains(numbers, selected) {
		numbers = append(numbers, selected)
		slices.Sort(numbers)
	}
	for _, n := range numbers {
		out = append(out, numberChoice{n, n == selected})
	}
	return out
}

func (c *Console) setLock(w http.ResponseWriter, r *http.Request, a *administrator) error {
	if err := c.Check(r, a.Administrator, access.SetLock, a.own()); err != nil {
		return err
	}
	var lock tenant.AccountLock
	var err error
	if after := r.PostForm.Get("after"); after != "" {
		lock.After, err = strconv.Atoi(after)
	}
	if minutes := r.PostForm.Get("minutes"); err == nil && lock.After > 0 {
		lock.Minutes, err = strconv.Atoi(minutes)
	}
	if err != nil {
		return fault.New(fault.Invalid, "tenant.bad_lock")
	}
	changes := company.Changes{Lock: &lock, Seen: seen(r, access.SetLock)}
	if _, err = c.Company.Change(r.Context(), a.Actor, a.company(), changes); err != nil {
		return c.redrawSecurity(w, r, a, err, func(o company.Overview) outdated {
			return outdated{Stored: lockSaid(o.Tenant.Lock), Yours: lockSaid(lock)}
		})
	}
	return c.Web.Redirect(w, "/company/security?done=lock")
}
