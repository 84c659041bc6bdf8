package account

import (
	"net/http"
	"slices"

	"countersign/internal/authenticator"
	"countersign/internal/authenticator/passkey"
	"countersign/internal/enrollpages"
	"countersign/internal/fault"
	"countersign/internal/gate"
	"countersign/internal/methodtext"
	"countersign/internal/web"
)

// methodViews is what someone has set up, without the password and the mailbox's own row
// when there is nothing to say of it.
func (a *Account) methodViews(r *http.Request, st gate.SessionCheck, e accountOverview) (out []methodView) {
	printer, asked := a.Web.Printer(r), st.Allowed.Usable(st.Has)
	for _, m := range e.methods {
		v := methodView{
			ID:        m.ID,
			Kind:      string(m.Kind),
			Title:     methodtext.Of(m.Kind).Name,
			Label:     m.Label,
			Added:     m.BoundAt,
			Used:      m.LastUsedAt,
			Disabled:  !m.DisabledAt.IsZero(),
			Suspended: !m.SuspendedAt.IsZero(),
			Idle:      !slices.Contains(asked, m.Kind),
			Gone:      e.gone[m.ID],
			Mine:      m.Kind != authenticator.Email && m.Kind != authenticator.Backup,
			Warned:    authenticator.TraitsOf[m.Kind].Restricted,
		}
		if m.Kind == authenticator.Backup {
			v.Facts = append(v.Facts, printer.T("profile.codes_left", "Count", e.codes))
		}
		for _, f := range e.passkeys {
			if f.AuthenticatorID == m.ID {
				v.Facts = append(v.Facts, printer.T(copiesKey(f.Copies)))
			}
		}
		out = append(out, v)
	}
	return out
}

func copiesKey(c passkey.Copies) string {
	switch c {
	case passkey.Synced:
		return "passkey.fact.synced"
	case passkey.Copyable:
		return "passkey.fact.copyable"
	case passkey.DeviceBound:
		return "passkey.fact.bound"
	}
	return "passkey.fact.bound"
}

// ownMethod finds one of the person's own methods by the address of its page.
func (a *Account) ownMethod(w http.ResponseWriter, r *http.Request, fresh bool) (*signedInUser, methodView, error) {
	m, err := a.signedIn(w, r, fresh)
	if err != nil || m == nil {
		return nil, methodView{}, err
	}
	e, err := a.loadOverview(r.Context(), m.owner)
	if err != nil {
		return nil, methodView{}, err
	}
	m.methods = a.methodViews(r, m.standing, e)
	for _, v := range m.methods {
		if v.ID == r.PathValue("id") && v.Kind != string(authenticator.Email) {
			return m, v, nil
		}
	}
	return nil, methodView{}, enrollpages.ErrNoMethod
}

func (a *Account) showMethod(w http.ResponseWriter, r *http.Request) error {
	return a.drawMethod(w, r, false)
}

func (a *Account) drawMethod(w http.ResponseWriter, r *http.Request, fresh bool) error {
	m, v, err := a.ownMethod(w, r, fresh)
	if err != nil || m == nil {
		return err
	}
	return a.Web.Draw(w, r, http.StatusOK, methodPage{Method: v})
}

func (a *Account) renameMethod(w http.ResponseWriter, r *http.Request) error {
	m, v, err := a.ownMethod(w, r, false)
	if err != nil || m == nil {
		return err
	}
	err = a.Binding.RenameMethod(r.Context(), a.holderOf(r, m.standing), v.ID, r.PostForm.Get("name"))
	if fault.Is(err, fault.Invalid) {
		f := fault.Of(err)
		return a.Web.Draw(w, r, web.Status(f.Kind), methodPage{Method: v, Problem: f.Message})
	}
	if err != nil {
		return err
	}
	return a.doneWith(w, "renamed")
}

// methodsWithout are the methods that a sign-in could ask for without one of them, the mailbox only
// where nothing stronger stays.
func (m *signedInUser) methodsWithout(without string) (out []methodView) {
	stronger := false
	for _, v := range m.methods {
		if v.ID != without && !v.Idle && !v.Disabled && v.Gone.IsZero() {
			out, stronger = append(out, v), stronger || v.Mine
		}
	}
	allowed := m.standing.Allowed.Allows(authenticator.Email)
	for _, v := range m.methods {
		if v.Idle && !v.Disabled && allowed && !stronger && v.Kind == string(authenticator.Email) {
			out = append(out, v)
		}
	}
	return out
}

func (a *Account) showRemoval(w http.ResponseWriter, r *http.Request) error {
	m, v, err := a.ownMethod(w, r, true)
	if err != nil || m == nil {
		return err
	}
	return a.Web.Draw(w, r, http.StatusOK, removePage{Method: v, Left: m.methodsWithout(v.ID)})
}

func (a *Account) removeMethod(w http.ResponseWriter, r *http.Request) error {
	m, v, err := a.ownMethod(w, r, true)
	if err != nil || m == nil {
		return err
	}
	err = a.Binding.RemoveMethod(r.Context(), a.holderOf(r, m.standing), v.ID)
	if fault.Is(err, fault.Conflict) {
		return a.Web.Draw(w, r, http.StatusConflict, removePage{
			Method:  v,
			Left:    m.methodsWithout(v.ID),
			Problem: fault.Of(err).Message,
		})
	}
	if err != nil {
		return err
	}
	return a.doneWith(w, "removed")
}

// showRestore is where someone comes back to who had to prove an undisputed method first.
func (a *Account) showRestore(w http.ResponseWriter, r *http.Request) error {
	return a.drawMethod(w, r, true)
}

// restoreMethod lifts a suspension on the word of someone who has just proved an undisputed
// method.
func (a *Account) restoreMethod(w http.ResponseWriter, r *http.Request) error {
	m, v, err := a.ownMethod(w, r, true)
	if err != nil || m == nil {
		return err
	}
	if err := a.Profile.RestoreMethod(r.Context(), m.owner, v.ID); err != nil {
		return err
	}
	return a.doneWith(w, "restored")
}
