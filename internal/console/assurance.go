package console

import (
	"countersign/internal/pages"
	"net/http"

	"countersign/internal/authenticator"
	"countersign/internal/company"
	"countersign/internal/methodtext"
	"countersign/internal/people"
	"countersign/internal/policy"
	"countersign/internal/web"
)

// assurancePage says what a session means: for each app and role the weakest way to one.
type assurancePage struct {
	frame
	Apps []appAssurance
	At   people.AsOf
}

func (assurancePage) View() web.View { return web.View{Template: "console/assurance"} }

type appAssurance struct {
	Name  string // empty = the account pages
	Roles []roleAssurance
}

// roleAssurance is one role's row; Role and Level are catalogue keys.
type roleAssurance struct {
	Role, Level, Tone string
	Way               wayIn
	New               *wayIn // in a browser that is not remembered, where that is another one
	People, Weak      int
	Closed            int
}

// wayIn is a way to a session: catalogue keys of what is shown.
type wayIn struct {
	Shown      []string
	SetUp      string
	Remembered bool
	Mailbox    bool
}

// levelKeys say what a level is, and levelTones how it looks.
var (
	levelKeys = map[policy.Level]string{
		policy.PasswordOnly:      "console.level.password",
		policy.EmailConfirmed:    "console.level.email",
		policy.TwoFactor:         "console.level.two",
		policy.PhishingResistant: "console.level.passkey",
	}
	levelTones = map[policy.Level]string{
		policy.PasswordOnly:      "failed",
		policy.EmailConfirmed:    "pending",
		policy.TwoFactor:         "ok",
		policy.PhishingResistant: "ok",
	}
)

func wayOf(p policy.Path) wayIn {
	w := wayIn{Remembered: p.Remembered, Mailbox: p.MailboxAlone()}
	for _, k := range p.Proofs {
		if k == authenticator.Password {
			w.Shown = append(w.Shown, "level.password")
			continue
		}
		w.Shown = append(w.Shown, methodtext.Of(k.Base()).Name)
	}
	if p.SetUp != "" {
		w.SetUp = methodtext.Of(p.SetUp).Name
	}
	return w
}

func assuranceOf(a people.Assurance) roleAssurance {
	out := roleAssurance{
		Role:   pages.RoleKeys[a.Role],
		Level:  levelKeys[a.Weakest.Level],
		Tone:   levelTones[a.Weakest.Level],
		Way:    wayOf(a.Weakest),
		People: a.People,
		Weak:   a.Weak,
		Closed: a.Closed,
	}
	if a.Weakest.Remembered && len(a.New.Proofs) > 0 {
		way := wayOf(a.New)
		out.New = &way
	}
	return out
}

func byApp(list []people.Assurance) (out []appAssurance) {
	for _, a := range list {
		if n := len(out); n == 0 || out[n-1].Name != a.App {
			out = append(out, appAssurance{Name: a.App})
		}
		last := &out[len(out)-1]
		last.Roles = append(last.Roles, assuranceOf(a))
	}
	return out
}

func (c *Console) showAssurance(w http.ResponseWriter, r *http.Request, a *administrator) error {
	list, at, err := c.Company.Assurance(r.Context(), a.Actor, a.company())
	if err != nil {
		return err
	}
	return c.Web.Draw(w, r, http.StatusOK, assurancePage{frame: a.frame(r, "security"), Apps: byApp(list), At: at})
}

// weaker is one app and role for which a change opens a weaker way.
type weaker struct {
	App           string // empty = the account pages
	Before, After roleAssurance
}

func weakerRows(list []company.Weaker) (out []weaker) {
	for _, w := range list {
		out = append(out, weaker{w.After.App, assuranceOf(w.Before), assuranceOf(w.After)})
	}
	return out
}
