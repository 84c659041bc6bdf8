package demo

import (
	"context"
	"net/http"
	"strings"
	"time"

	"countersign/internal/audit"
	"countersign/internal/authenticator"
	"countersign/internal/binding"
	"countersign/internal/client"
	"countersign/internal/db"
	"countersign/internal/ops"
	"countersign/internal/policy"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// guidePage is the demo's own page: who is there, what to try, what was decided, what
// was recorded.
type guidePage struct {
	Vendor    string
	At        addresses
	First     person // whom the page begins with
	PhoneOpen bool   // the section about the phone app is not folded away

	FirstCompany                    string
	OwnHome, OwnClient, OwnRedirect string
	Operator                        person
	Companies                       []companyView
	Phone                           choice
}

type companyView struct {
	sampleCompany
	Open bool // not folded away
	controls
	Persons []personView
	Events  []eventView
}

type personView struct {
	person
	Set       []string // what they have set up, in words
	Decisions []decisionView
}

// decisionView says what an app would ask of someone, and why.
type decisionView struct {
	App, Asks string
	Asked     bool
	Because   []string
}

// choice is a control with its options; one of them holds.
type choice struct{ Options []option }

type option struct {
	Value, Words string
	Holds        bool
}

// guide is the demo's page, the inbox and the controls.
func (d *Demo) guide() http.Handler {
	d.hall = newSite(d, d.at.Demo)
	d.hall.handle("GET /{$}", d.showGuide)
	d.hall.handle("GET /inbox", d.showInbox)
	d.hall.handle("GET /inbox/{id}/page", d.showLetter)
	d.hall.handle("POST /inbox/mood", d.setMood)
	d.hall.handle("GET /mobile", d.showMobile)
	d.hall.handle("POST /mobile/signal", d.setSignal)
	d.hall.handle("POST /mobile/apps", d.addApp)
	d.hall.handle("POST /mobile/apps/remove", d.removeApp)
	d.hall.handle("POST /decide/mandate", d.deciding("mandate", decideMandate))
	d.hall.handle("POST /decide/switch", d.deciding("switch", decideSwitch))
	d.hall.handle("POST /decide/choice", d.deciding("choice", decideChoice))
	d.hall.handle("POST /decide/methods", d.deciding("methods", decideMethods))
	d.hall.handle("POST /decide/set-up", d.deciding("set-up", decideDeadline))
	d.hall.handle("POST /decide/phone", d.setPhone)
	return d.hall.guarded()
}

func (d *Demo) showGuide(w http.ResponseWriter, r *http.Request) error {
	at := r.URL.Query().Get("at")
	p := guidePage{
		Vendor:       vendorName,
		At:           d.at,
		Operator:     operator,
		First:        companies[0].People[0],
		FirstCompany: companies[0].Name,
		PhoneOpen:    at == "apps",
		OwnHome:      ownHome,
		OwnClient:    OwnClient,
		OwnRedirect:  OwnRedirect,
	}
	for _, c := range companies {
		v, err := d.view(r.Context(), c)
		if err != nil {
			return err
		}
		v.Open = c.ID == at
		p.Companies = append(p.Companies, v)
	}
	err := d.house.DB.View(r.Context(), db.Installation, func(tx *db.Tx) error {
		c, err := client.ByID(r.Context(), tx, phoneID)
		p.Phone = exemptions(c, tx.Now)
		return err
	})
	if err != nil {
		return err
	}
	return d.hall.draw(w, http.StatusOK, "guide", p)
}

func (d *Demo) view(ctx context.Context, c sampleCompany) (companyView, error) {
	v := companyView{sampleCompany: c}
	var people []user.User
	err := d.house.DB.View(ctx, c.ID, func(tx *db.Tx) error {
		t, err := tenant.ByID(ctx, tx, c.ID)
		if err != nil {
			return err
		}
		i, err := tenant.LoadInstallation(ctx, tx)
		if err != nil {
			return err
		}
		v.controls = controlsOf(t, i, tx.Now, d.print.Date)
		if people, err = user.List(ctx, tx); err != nil {
			return err
		}
		labels, err := labelsOf(ctx, tx, people)
		if err != nil {
			return err
		}
		rows, err := audit.List(ctx, tx, audit.Filter{Limit: 20})
		v.Events = retell(rows, people, labels, tx.Now)
		return err
	})
	if err != nil {
		return v, err
	}
	v.Persons, err = d.explain(ctx, c, people)
	return v, err
}

// labelsOf are the names that people gave to what they have set up, by id.
func labelsOf(ctx context.Context, tx *db.Tx, people []user.User) (map[string]string, error) {
	out := map[string]string{}
	for _, u := range people {
		all, err := binding.Methods(ctx, tx, u.ID)
		if err != nil {
			return nil, err
		}
		for _, m := range all {
			out[m.ID] = m.Label
		}
	}
	return out, nil
}

// explain asks policy about every person and app.
func (d *Demo) explain(ctx context.Context, c sampleCompany, people []user.User) (out []personView, err error) {
	for _, p := range c.People {
		v := personView{person: p}
		for _, u := range people {
			if u.Email != p.Email {
				continue
			}
			if v.Set, err = d.setUpBy(ctx, u); err != nil {
				return nil, err
			}
			for _, id := range []string{dashboardID, phoneID} {
				decision, err := d.house.SignIn.Explain(ctx, u, id)
				if err != nil {
					return nil, err
				}
				v.Decisions = append(v.Decisions, d.decided(id, decision))
			}
		}
		out = append(out, v)
	}
	return out, nil
}

// setUpBy lists what someone has set up beside their password and mailbox.
func (d *Demo) setUpBy(ctx context.Context, u user.User) (out []string, err error) {
	err = d.house.DB.View(ctx, u.TenantID, func(tx *db.Tx) error {
		all, err := binding.Methods(ctx, tx, u.ID)
		for _, m := range all {
			if m.Kind != authenticator.Email {
				out = append(out, strings.TrimSpace(firstOf(steps[m.Kind].thing, string(m.Kind))+" "+m.Label))
			}
		}
		return err
	})
	return out, err
}

func (d *Demo) decided(appID string, decision policy.Decision) decisionView {
	v := decisionView{App: appNames[appID], Asks: "password only."}
	switch {
	case decision.Outcome == policy.Deny:
		v.Asks = strings.Join(ops.Explain(d.print, decision), " ")
	case decision.ForSetUp:
		v.Asked, v.Asks = true, "password, then "+either(decision.Offer)+", and then set-up comes first."
	case decision.Outcome == policy.Challenge && !decision.SetUpBy.IsZero():
		v.Asked, v.Asks = true, "password, then "+either(decision.Offer)+", and a reminder to set up a method."
	case decision.Outcome == policy.Challenge:
		v.Asked, v.Asks = true, "password, then "+either(decision.Offer)+"."
	}
	for _, r := range decision.Because {
		v.Because = append(v.Because, d.print.T(r.Key, d.dated(r.Args)...))
	}
	return v
}

// dated puts instants into words.
func (d *Demo) dated(args []any) []any {
	out := make([]any, len(args))
	for i, a := range args {
		if t, ok := a.(time.Time); ok {
			a = d.print.Time(t)
			if t.Equal(t.Truncate(24 * time.Hour)) {
				a = d.print.Date(t)
			}
		}
		out[i] = a
	}
	return out
}

var appNames = map[string]string{dashboardID: "Dashboard", phoneID: "Phone app",
	"countersign": "Countersign's own pages"}
