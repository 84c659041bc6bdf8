package desk

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"countersign/internal/access"
	"countersign/internal/apps"
	"countersign/internal/client"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/pages"
	"countersign/internal/web"
)

const (
	appsPath   = "/desk/apps"
	newAppPath = "/desk/apps/new"
)

func (d *Desk) mountApps(mux *web.Mux) {
	mux.Get(appsPath, d.looking(d.showApps))
	mux.Get(newAppPath, d.changing(d.require(access.CreateApp, d.showNewApp)))
	mux.Post(newAppPath, d.changing(d.require(access.CreateApp, d.createApp)))
	mux.Get("/desk/apps/{id}", d.looking(d.showApp))
	for path, change := range map[string]appChange{
		"addresses": {access.ChangeApp, d.changeAddress, "address", bothAddresses},
		"exempt":    {access.ExemptApp, d.exemptApp, "exempt", bothExemptions},
		"require":   {access.ExemptApp, d.requireApp, "required", bothRequired},
	} {
		mux.Post("/desk/apps/{id}/"+path, d.changing(d.require(change.action, d.changeApp(change))))
	}
	mux.Post("/desk/apps/{id}/secret", d.changing(d.require(access.RotateAppSecret, d.rotateSecret)))
}

func appURL(id string) string { return appsPath + "/" + url.PathEscape(id) }

// appsPage lists the apps.
type appsPage struct {
	frame
	Apps      []appRow
	MayCreate bool
}

func (appsPage) View() web.View { return web.View{Template: "desk/apps"} }

// appRow is one app in the list.
type appRow struct {
	ID, Name string
	Kind     string // catalogue key
	Exempt   bool
	ForGood  bool
	Until    time.Time
	Disabled bool
}

func (d *Desk) appRow(c client.Client) appRow {
	return appRow{
		ID:       c.ID,
		Name:     c.Name,
		Kind:     kindKeys[c.Kind],
		Exempt:   !c.Covered(d.DB.Now()),
		ForGood:  c.ExemptUntil.Equal(db.Forever),
		Until:    c.ExemptUntil,
		Disabled: c.Disabled(),
	}
}

func (d *Desk) showApps(w http.ResponseWriter, r *http.Request, m *member) error {
	all, err := d.Apps.List(r.Context(), m.Actor)
	if err != nil {
		return err
	}
	page := appsPage{frame: frameOf(r, "apps"), MayCreate: m.May(access.CreateApp, access.Target{})}
	for _, c := range all {
		page.Apps = append(page.Apps, d.appRow(c))
	}
	return d.Web.Draw(w, r, http.StatusOK, page)
}

// newAppPage asks for a new app.
type newAppPage struct {
	frame
	pages.Problem
	ID, Name, Home, Redirect string
	Kinds                    []pages.Option
}

func (newAppPage) View() web.View { return web.View{Template: "desk/new_app", ReturnTo: newAppPath} }

func newAppPageOf(r *http.Request, form url.Values) newAppPage {
	page := newAppPage{
		frame:    frameOf(r, "apps"),
		ID:       form.Get("id"),
		Name:     form.Get("name"),
		Home:     form.Get("home"),
		Redirect: form.Get("redirect"),
	}
	for _, kind := range []string{client.Confidential, client.Public, client.Native} {
		page.Kinds = append(page.Kinds, pages.NewOption(kind, kindKeys[kind], kind == form.Get("kind")))
	}
	return page
}

func (d *Desk) showNewApp(w http.ResponseWriter, r *http.Request, m *member) error {
	return d.Web.Draw(w, r, http.StatusOK, newAppPageOf(r, d.Typed(r, m.Actor.UserID)))
}

// secretPage shows the secret of an app, this once.
type secretPage struct {
	frame
	ID, Name, Secret string
}

func (p secretPage) View() web.View { return web.View{Template: "desk/secret", ReturnTo: appURL(p.ID)} }

func (d *Desk) createApp(w http.ResponseWriter, r *http.Request, m *member) error {
	form := r.PostForm
	made, token, err := d.Apps.Create(r.Context(), m.Actor, client.New{
		ID:           form.Get("id"),
		Name:         form.Get("name"),
		Kind:         form.Get("kind"),
		HomeURL:      form.Get("home"),
		RedirectURIs: []string{form.Get("redirect")},
	})
	switch {
	case err != nil:
		return d.DrawProblem(w, r, err, func(p pages.Problem) web.Page {
			page := newAppPageOf(r, form)
			page.Problem = p
			return page
		})
	case token == "":
		return d.Web.Redirect(w, appURL(made.ID)+"?done=app")
	}
	return d.Web.Draw(w, r, http.StatusOK, secretPage{frameOf(r, "apps"), made.ID, made.Name, token.Reveal()})
}

// appPage is one app.
type appPage struct {
	frame
	pages.Problem
	appRow
	Home       string
	Redirects  []string
	PostLogout []string
	Algorithm  string
	HasSecret  bool
	Typed      appForm
	Tomorrow   string
	MayChange  bool

	SeenAddresses, SeenExemption string // the marks of what is stored
	Outdated                     pages.Outdated
}

// appForm is what was typed into the forms of an app's page, where it was not saved.
type appForm struct{ Redirect, PostLogout, Until, Reason string }

// AsksExemption reports whether the page asks for an exemption: also for another one, where theirs was not saved.
func (p appPage) AsksExemption() bool { return !p.Exempt || p.Typed.Until != "" }

func (p appPage) View() web.View { return web.View{Template: "desk/app", ReturnTo: appURL(p.ID)} }

func (d *Desk) appPage(r *http.Request, m *member) (page appPage, err error) {
	c, err := d.Apps.Find(r.Context(), m.Actor, r.PathValue("id"))
	return appPage{
		frame:      frameOf(r, "apps"),
		appRow:     d.appRow(c),
		Home:       c.HomeURL,
		Redirects:  c.RedirectURIs,
		PostLogout: c.PostLogoutURIs,
		Algorithm:  c.SigningAlg,
		HasSecret:  c.Kind == client.Confidential,
		Tomorrow:   d.DB.Now().UTC().AddDate(0, 0, 1).Format(pages.DayForm),
		MayChange:  m.May(access.ChangeApp, access.Target{}),

		SeenAddresses: apps.MarkOfAddresses(c),
		SeenExemption: apps.MarkOfExemption(c),
	}, err
}

func (d *Desk) showApp(w http.ResponseWriter, r *http.Request, m *member) error {
	page, err := d.appPage(r, m)
	if err != nil {
		return err
	}
	return d.Web.Draw(w, r, http.StatusOK, page)
}

// appChange is a change of an app that is made on its page.
type appChange struct {
	action access.Action
	run    func(r *http.Request, m *member, id string) error
	done   string // key of doneKeys
	both   func(form url.Values, p *appPage)
}

func (d *Desk) changeApp(change appChange) handler {
	return func(w http.ResponseWriter, r *http.Request, m *member) error {
		id := r.PathValue("id")
		err := change.run(r, m, id)
		if err == nil {
			return d.Web.Redirect(w, appURL(id)+"?done="+change.done)
		}
		page, pageErr := d.appPage(r, m)
		if pageErr != nil {
			return pageErr
		}
		page.Typed = typedInto(r.PostForm)
		if fault.Is(err, fault.Outdated) {
			change.both(r.PostForm, &page)
			return d.Web.Draw(w, r, http.StatusPreconditionFailed, page)
		}
		return d.DrawProblem(w, r, err, func(p pages.Problem) web.Page {
			page.Problem = p
			page.seenIn(r)
			return page
		})
	}
}

// typedInto reads what was typed into one of the forms of an app's page.
func typedInto(form url.Values) appForm {
	typed := appForm{Until: form.Get("until"), Reason: form.Get("reason")}
	switch form.Get("change") {
	case "add redirect":
		typed.Redirect = form.Get("uri")
	case "add post_logout":
		typed.PostLogout = form.Get("uri")
	}
	return typed
}

// seenIn keeps the mark that a form sent, so that what was wrong with it hides no change of someone else's.
func (p *appPage) seenIn(r *http.Request) {
	if seen := r.PostForm.Get(pages.SeenField); seen != "" && r.PostForm.Has("uri") {
		p.SeenAddresses = seen
	} else if seen != "" {
		p.SeenExemption = seen
	}
}

// bothAddresses shows the addresses that are stored, and the one that was to be added or removed.
func bothAddresses(form url.Values, p *appPage) {
	stored, label := p.Redirects, "desk.app.add"
	if strings.HasSuffix(form.Get("change"), "post_logout") {
		stored = p.PostLogout
	}
	if strings.HasPrefix(form.Get("change"), "remove") {
		label, p.Outdated.Again = "desk.app.remove", true
	}
	for _, uri := range stored {
		p.Outdated.Stored = append(p.Outdated.Stored, pages.Said{Text: uri})
	}
	p.Outdated.Yours = []pages.Said{{Label: label, Text: form.Get("uri")}}
}

// bothExemptions shows the exemption that is stored, and the one that was to be.
func bothExemptions(form url.Values, p *appPage) {
	until, _ := pages.ReadDay(form.Get("until")) // it was read before
	p.Outdated.Stored = exemptionSaid(p.Exempt, p.Until)
	p.Outdated.Yours = exemptionSaid(true, until)
}

// bothRequired shows the exemption that is stored, which was to be ended.
func bothRequired(_ url.Values, p *appPage) {
	p.Outdated = pages.Outdated{
		Stored: exemptionSaid(p.Exempt, p.Until),
		Yours:  exemptionSaid(false, time.Time{}),
		Again:  true,
	}
}

// exemptionSaid is an exemption in words.
func exemptionSaid(exempt bool, until time.Time) []pages.Said {
	switch {
	case !exempt:
		return []pages.Said{{Key: "desk.app.covered"}}
	case until.Equal(db.Forever):
		return []pages.Said{{Label: "desk.app.exempt_now", Key: "desk.app.for_good"}}
	}
	return []pages.Said{{Key: "desk.app.exempt_now"}, {Label: "desk.app.until", Day: until}}
}

// changeAddress adds an address that people may be sent back to, or removes one.
func (d *Desk) changeAddress(r *http.Request, m *member, id string) error {
	uris := []string{r.PostForm.Get("uri")}
	c := apps.Changes{Seen: r.PostForm.Get(pages.SeenField)}
	switch r.PostForm.Get("change") {
	case "add redirect":
		c.AddRedirectURIs = uris
	case "remove redirect":
		c.RemoveRedirectURIs = uris
	case "add post_logout":
		c.AddPostLogoutURIs = uris
	case "remove post_logout":
		c.RemovePostLogoutURIs = uris
	default:
		return fault.New(fault.Invalid, "error.malformed")
	}
	return d.Apps.Change(r.Context(), m.Actor, id, c)
}

func (d *Desk) exemptApp(r *http.Request, m *member, id string) error {
	until, err := pages.ReadDay(r.PostForm.Get("until"))
	if err != nil {
		return err
	}
	return d.Apps.ExemptBecause(r.Context(), m.Actor, id, apps.Exemption{
		Until:  until,
		Reason: r.PostForm.Get("reason"),
		Seen:   r.PostForm.Get(pages.SeenField),
	})
}

func (d *Desk) requireApp(r *http.Request, m *member, id string) error {
	return d.Apps.Require2FA(r.Context(), m.Actor, id, r.PostForm.Get(pages.SeenField))
}

// rotateSecret replaces an app's secret and shows the new one, this once.
func (d *Desk) rotateSecret(w http.ResponseWriter, r *http.Request, m *member) error {
	page, err := d.appPage(r, m)
	if err != nil {
		return err
	}
	token, err := d.Apps.RotateSecret(r.Context(), m.Actor, page.ID)
	if err != nil {
		return d.DrawProblem(w, r, err, func(p pages.Problem) web.Page {
			page.Problem = p
			return page
		})
	}
	return d.Web.Draw(w, r, http.StatusOK, secretPage{page.frame, page.ID, page.Name, token.Reveal()})
}
