package account

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/client"
	"countersign/internal/db"
	"countersign/internal/gate"
	"countersign/internal/methodtext"
	"countersign/internal/pages"
	"countersign/internal/user"
	"countersign/internal/web"
)

// homePage is what a signed-in person sees of themself.
type homePage struct {
	Name, Email, Company string
	Browser, Place       string
	Level                string // in words
	Since, Until         time.Time
	Sharing              bool
	SetUpBy              time.Time // a method must be set up before that; zero = nothing to remind of
	DaysLeft             int
	Limited              bool // only so many more sign-ins may finish before that
	Laters               int  // with Limited: how many
	Administers          bool // they see the pages of their company
	Staff                bool // they see the pages of the vendor's staff
	NextSteps            bool // for an operator whose installation has no app yet
}

func (homePage) View() web.View { return web.View{Template: "account/home"} }

// home is what a signed-in person sees of themself.
func (a *Account) home(w http.ResponseWriter, r *http.Request) error {
	st, err := a.Gate.CheckSession(r.Context(), a.Web.Cookie(r, "session"), gate.Ask{ClientID: client.PortalID})
	if err != nil {
		return err
	}
	if !st.Enough {
		return a.Web.Redirect(w, "/signin")
	}
	web.ForCompany(r.Context(), st.Tenant.ID)
	s := st.Session
	next, err := a.nextSteps(r, st.User)
	if err != nil {
		return err
	}
	return a.Web.Draw(w, r, http.StatusOK, homePage{
		NextSteps:   next,
		Administers: a.Administers(r, st),
		Staff:       a.Staff(r, st),
		Name:        st.User.Name,
		Email:       st.User.Email,
		Company:     st.Tenant.Name,
		Browser:     s.Browser,
		Place:       s.Place,
		Level:       a.levelWords(r, s.AMR),
		Since:       s.AuthenticatedAt,
		Until:       s.ExpiresAt,
		SetUpBy:     st.Decision.SetUpBy,
		DaysLeft:    pages.DaysLeft(a.DB.Now(), st.Decision.SetUpBy),
		Limited:     st.Decision.Limited,
		Laters:      st.Decision.LatersLeft,
	})
}

// levelWords says what a session was opened with, in the words that the assurance table
// allows.
func (a *Account) levelWords(r *http.Request, amr []string) string {
	printer := a.Web.Printer(r)
	var words []string
	for _, k := range authenticator.KindsOfAMR(amr) {
		words = append(words, printer.T(methodtext.Of(k.Base()).SessionName))
	}
	return strings.Join(words, " + ")
}

// nextSteps reports whether an operator has yet to register an app: until then no one can sign
// in to one.
func (a *Account) nextSteps(r *http.Request, u user.User) (next bool, err error) {
	if u.Role != user.Operator {
		return false, nil
	}
	err = a.DB.View(r.Context(), db.Installation, func(tx *db.Tx) error {
		apps, err := client.List(r.Context(), tx)
		next = len(apps) == 0
		return err
	})
	if err != nil {
		return false, fmt.Errorf("look for apps: %w", err)
	}
	return next, nil
}
