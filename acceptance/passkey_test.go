package acceptance

import (
	"testing"
	"time"

	"countersign/acceptance/rig"
)

const (
	leaveButton = `form[action="/signout"] button`
	aloneButton = `form[data-passkey=conditional] [data-start]`
	proveButton = `form[data-passkey=get] [data-start]`
)

// press waits for a button, says what is there instead if it does not come, and presses it.
func press(b *rig.Browser, selector string) {
	b.See(selector)
	b.Click(selector)
}

// leave signs out.
func leave(b *rig.Browser) {
	b.Go(rig.PublicURL + "/")
	press(b, leaveButton)
	b.See(`a[href="/signin"]`)
}

// withPasskey is someone who has bound a passkey on their profile page and has signed out
// again, in a browser with that device.
func withPasskey(t *testing.T, w *rig.World, b *rig.Browser, u *rig.User, d rig.Device) *rig.Authenticator {
	t.Helper()
	a := b.Plug(t, d)
	n := len(w.Sink.Codes(u.Email))
	b.Go(rig.PublicURL + "/signin")
	b.Type(emailField, u.Email)
	b.Type(passwordField, u.Password)
	b.Click(signIn)
	b.See(codeField)
	b.Type(codeField, w.Sink.Code(t, u.Email, n+1).Code)
	b.Click(submitCode)
	b.See(leaveButton)
	b.Go(rig.PublicURL + "/profile/add/passkey")
	press(b, `form[data-passkey=create] [data-start]`)
	rig.Within(t, 10*time.Second, "the passkey is bound", func() bool {
		return len(a.Credentials()) == 1 && w.Number(t, `SELECT count(*) FROM authenticators a
			JOIN users u ON u.tenant_id = a.tenant_id AND u.id = a.user_id
				WHERE u.email = $1 AND a.kind = 'passkey'`, u.Email) == 1
	})
	rig.Within(t, 10*time.Second, "the next page is there", func() bool { return !b.Has(`form[data-passkey=create]`) })
	b.See("h1")
	b.Go(rig.PublicURL + "/profile/add/backup")
	saveCodes(t, b)
	leave(b)
	return a
}

// saveCodes makes backup codes and types one back: no one has a single way in.
func saveCodes(t *testing.T, b *rig.Browser) {
	t.Helper()
	press(b, `form[action$="/backup"] button`)
	b.See("#codes li")
	b.Click(`form[action$="/backup/confirm"] summary`)
	b.Type("#code", rig.Eval[string](b, `document.querySelector('#codes li').textContent.trim()`))
	b.Click(`form[action$="/backup/confirm"] > button`)
	rig.Within(t, 10*time.Second, "the codes are kept", func() bool { return !b.Has("#code") })
	b.See("h1")
}

// reached counts the sessions of someone with this level and these proofs.
func reached(t *testing.T, w *rig.World, u *rig.User, acr, amr string) int64 {
	t.Helper()
	return w.Number(t, `SELECT count(*) FROM sessions s
		JOIN users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
			WHERE u.email = $1 AND s.acr = $2 AND s.amr = $3`, u.Email, acr, amr)
}

// guard: the button and the autofill of the sign-in page, the second step's page, and the
// levels that each gives
func TestAIR17_APasskeyBesideThePassword(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		b := w.Chromium(t).Tab(t)
		a := withPasskey(t, w, b, u, rig.Phone)
		a.Answers(false) // as if no one chose anything in the field
		b.Go(rig.PublicURL + "/signin")
		b.See(aloneButton)
		a.Answers(true)
		b.Click(aloneButton)
		b.See(leaveButton)
		if n := reached(t, w, u, "phr", "swk user mfa"); n != 1 {
			t.Errorf("%d sessions by the button", n)
		}
		leave(b)
		b.Go(rig.PublicURL + "/signin") // the field offers it, and it is chosen
		b.See(leaveButton)
		if n := reached(t, w, u, "phr", "swk user mfa"); n != 2 {
			t.Errorf("%d sessions by autofill", n)
		}
		leave(b)
		a.Recognises(false)
		b.Go(rig.PublicURL + "/signin")
		press(b, aloneButton)
		b.Await("cancelled")
		if n := reached(t, w, u, "phr", "swk user mfa"); n != 2 {
			t.Errorf("%d sessions of a stranger's finger", n)
		}
	})
}

// guard: a key that is only touched is a second step and never a sign-in
func TestSEC93_AKeyWithoutAFingerNeedsThePassword(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		b := w.Chromium(t).Tab(t)
		withPasskey(t, w, b, u, rig.SecurityKey)
		b.Go(rig.PublicURL + "/signin")
		b.Type(emailField, u.Email)
		b.Type(passwordField, u.Password)
		b.Click(signIn)
		press(b, proveButton)
		b.See(leaveButton)
		if n := reached(t, w, u, "phr", "pwd swk mfa"); n != 1 {
			t.Errorf("%d sessions by password and key", n)
		}
		if n := w.Number(t, `SELECT count(*) FROM audit_events e
			JOIN users u ON u.tenant_id = e.tenant_id AND u.id = e.user_id
				WHERE u.email = $1 AND e.action = 'signin.passkey' AND e.result = 'ok'`, u.Email); n != 0 {
			t.Errorf("%d sign-ins by a touch alone", n)
		}
	})
}
