package account

import (
	"context"
	"net/http"
	"slices"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/binding"
	"countersign/internal/enrollpages"
	"countersign/internal/gate"
	"countersign/internal/pages"
	"countersign/internal/signin"
	"countersign/internal/web"
)

// enrollment finds the person who is signed in. To begin, their proofs must be new.
func (a *Account) enrollment(w http.ResponseWriter, r *http.Request, begins bool) (*enrollpages.Enrollment, error) {
	m, err := a.signedIn(w, r, begins)
	if err != nil || m == nil {
		return nil, err
	}
	st := m.standing
	if from := st.SetUpFrom(a.DB.Now()); !from.IsZero() {
		return nil, a.Web.Draw(w, r, http.StatusForbidden, waitPage{From: from})
	}
	holder := a.holderOf(r, st)
	return &enrollpages.Enrollment{
		Base:   enrollpages.InSession,
		Holder: holder,
		Kinds:  st.Allowed.Enrollable(st.Has, a.Binding.Kinds()),
		Has:    st.Has,
		Confirm: func(ctx context.Context, proof binding.FirstProof) (enrollpages.Confirmed, error) {
			out, raised, err := a.Binding.ConfirmInSession(ctx, holder, *st.Session, proof)
			next := func(w http.ResponseWriter, r *http.Request) error {
				return a.afterSetUp(w, st.Has, proof.Draft.Kind, raised)
			}
			return enrollpages.Confirmed{Outcome: out, Next: next}, err
		},
	}, nil
}

// afterSetUp leads on: to backup codes where there are none yet, else to the last page.
func (a *Account) afterSetUp(w http.ResponseWriter, has []authenticator.Kind, k authenticator.Kind,
	raised *signin.Done) error {
	if raised != nil {
		a.Web.SetCookie(w, "session", raised.Session.Text().Reveal(), raised.Life)
	}
	needsCodes := k != authenticator.Backup && !slices.Contains(has, authenticator.Backup) &&
		slices.Contains(a.Binding.Kinds(), authenticator.Backup)
	if needsCodes {
		return a.Web.Redirect(w, enrollpages.InSession+"/"+string(authenticator.Backup))
	}
	return a.Web.Redirect(w, pages.ProtectedPath(""))
}

func (a *Account) holderOf(r *http.Request, st gate.SessionCheck) binding.Enrollee {
	return enrollpages.NewHolder(a.Base, r, st.Tenant.ID, "session:"+st.Session.ID, st.Session.FlowID,
		authenticator.Subject{
			UserID:   st.User.ID,
			Email:    st.User.Email,
			Name:     st.User.Name,
			Vendor:   st.Vendor,
			Company:  st.Tenant.Name,
			Language: st.User.Language,
		})
}

// waitPage says why nothing can be set up for now: the password was reset by mail, and nothing
// but the mailbox was shown.
type waitPage struct{ From time.Time }

func (waitPage) View() web.View {
	return web.View{Template: "account/wait", ReturnTo: enrollpages.InSession}
}
