package console

import (
	"net/http"
	"slices"
	"strings"

	"countersign/internal/access"
	"countersign/internal/company"
	"countersign/internal/fault"
	"countersign/internal/pages"
	"countersign/internal/tenant"
	"countersign/internal/web"
)

// seenField is the form field that sends back the mark of the values that the page showed.
const seenField = pages.SeenField

// texts are the values that are not empty.
func texts(all ...string) (out []said) {
	for _, text := range all {
		if text != "" {
			out = append(out, said{Text: text})
		}
	}
	return out
}

// key is a value that is a sentence of its own.
func key(name string) []said { return []said{{Key: name}} }

// drawOutdated draws a form again if err says that someone else has changed the same setting. page builds it from the
// company as it is now.
func (c *Console) drawOutdated(
	w http.ResponseWriter, r *http.Request, a *administrator, err error, page func(o company.Overview) web.Page,
) error {
	if !fault.Is(err, fault.Outdated) {
		return err
	}
	o, loadErr := c.Company.Overview(r.Context(), a.Actor, a.company())
	if loadErr != nil {
		return loadErr
	}
	return c.Web.Draw(w, r, http.StatusPreconditionFailed, page(o))
}

// redrawSecurity is drawOutdated for the forms of the overview.
func (c *Console) redrawSecurity(
	w http.ResponseWriter, r *http.Request, a *administrator, err error, both func(o company.Overview) outdated,
) error {
	return c.drawOutdated(w, r, a, err, func(o company.Overview) web.Page {
		page := a.securityPage(r, o)
		page.Outdated = both(o)
		page.Outdated.Again = true
		return page
	})
}

// seen are the marks that a form of one setting sends back.
func seen(r *http.Request, action access.Action) company.Marks {
	return company.Marks{action: r.PostForm.Get(seenField)}
}

func daysSaid(days int) []said {
	if days == 0 {
		return key("console.days.never")
	}
	return []said{{Key: "console.days.count", Count: days}}
}

func setUpTimeSaid(days, laters int) []said {
	time, limit := said{Key: "console.set_up_time.no_days"}, said{Key: "console.set_up_time.no_limit"}
	if days > 0 {
		time = said{Key: "console.days.count", Count: days}
	}
	if laters > 0 {
		limit = said{Key: "console.set_up_time.count", Count: laters}
	}
	return []said{time, limit}
}

func lockSaid(l tenant.AccountLock) []said {
	if !l.IsSet() {
		return key("console.lock.as_installation")
	}
	return []said{{Key: "console.lock.own", Count: l.After, Minutes: l.Minutes}}
}

func askSaid(choice tenant.Choice) []said {
	switch choice {
	case tenant.Adaptive:
		return key("console.ask.unusual")
	case tenant.Optional:
		return key("console.on_own_choice")
	}
	return key("console.ask.always")
}

// methodsSaid are the methods that are allowed.
func methodsSaid(all []methodChoice) (out []said) {
	for _, m := range all {
		if m.Allowed {
			out = append(out, said{Key: m.Title})
		}
	}
	return out
}

func networksSaid(networks string, scope tenant.NetworkScope) []said {
	lines := slices.DeleteFunc(strings.Split(strings.ReplaceAll(networks, "\r\n", "\n"), "\n"),
		func(line string) bool { return strings.TrimSpace(line) == "" })
	if len(lines) == 0 {
		return key("console.networks.none")
	}
	return append(texts(lines...), said{Key: scopeKey(scope)})
}

func brandSaid(b tenant.Brand) []said {
	out := texts(b.Name, b.Accent, b.SupportEmail, b.SupportPhone, b.SupportURL)
	if b.Logo.Hash != "" {
		out = append(out, said{Key: "console.branding.logo"})
	}
	return out
}
