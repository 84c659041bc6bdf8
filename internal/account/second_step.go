package account

import (
	"context"
	"net/http"
	"slices"

	"countersign/internal/authenticator"
	"countersign/internal/db"
	"countersign/internal/gate"
)

// showSecondStep offers to switch one's own second step, where the company leaves it to
// each person (PAR-2).
func (a *Account) showSecondStep(w http.ResponseWriter, r *http.Request) error {
	m, err := a.signedIn(w, r, false)
	if err != nil || m == nil {
		return err
	}
	return a.drawSecondStep(w, r, http.StatusOK, m, "")
}

func (a *Account) drawSecondStep(w http.ResponseWriter, r *http.Request, status int, m *signedInUser,
	problem string) error {
	st := m.standing
	return a.Web.Draw(w, r, status, secondStepPage{
		Company: st.Tenant.Name,
		Mine:    st.Decision.Own,
		On:      !st.User.SecondStepAt.IsZero(),
		Ready:   hasMethod(st),
		MayAdd:  len(st.Allowed.Enrollable(st.Has, a.Binding.Kinds())) > 0,
		Problem: problem,
		Because: a.Sentences(r, st.Decision.Because),
	})
}

// hasMethod reports whether someone has a method that could be asked for. Backup codes stand in for
// one and are none.
func hasMethod(st gate.SessionCheck) bool {
	return slices.ContainsFunc(st.Allowed.Usable(st.Has),
		func(k authenticator.Kind) bool { return k != authenticator.Backup })
}

func (a *Account) chooseSecondStep(w http.ResponseWriter, r *http.Request) error {
	on := r.PostForm.Get("on") == "on"
	m, err := a.signedIn(w, r, true)
	if err != nil || m == nil {
		return err
	}
	st := m.standing
	if !st.Decision.Own || on && !hasMethod(st) {
		return a.drawSecondStep(w, r, http.StatusConflict, m, "profile.problem.not_yours")
	}
	enough := func(ctx context.Context, tx *db.Tx) error { return a.Gate.StillEnough(ctx, tx, m.owner.User.ID) }
	if err := a.Profile.Choose(r.Context(), m.owner, on, enough); err != nil {
		return err
	}
	if on {
		return a.doneWith(w, "on")
	}
	return a.doneWith(w, "off")
}
