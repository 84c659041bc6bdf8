package acceptance

import (
	"testing"

	"countersign/acceptance/rig"
)

// The callback of many apps redirects to another origin at once. Chromium applies
// form-action to that redirect, too.
func TestBrowser_CallbackThatLeavesItsOrigin(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		chromium := w.Chromium(t)
		app := w.NewAppAt(t, "leaving", "confidential", "https://leaving.example.test/leave")
		b := chromium.Tab(t)
		mail := through(t, w, b, app, w.Covered(t).User(t))
		b.Type(codeField, mail.Code)
		b.Click(submitCode)
		b.AwaitAt(rig.LeftFor)
	})
}

// An app that signs people in with window.open waits for its window: a policy that cuts it
// off makes "closed" true at once, and the window has no opener to report to.
func TestBrowser_SignInInAPopup(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		chromium := w.Chromium(t)
		app := w.Dashboard(t)
		u := w.Covered(t).User(t)
		b := chromium.Tab(t)
		b.Go(app.Home)
		popup := b.Popup(app.Visit().URL)
		popup.Type(emailField, u.Email)
		popup.Type(passwordField, u.Password)
		popup.Click(signIn)
		popup.See(codeField)
		if rig.Eval[bool](b, "popup.closed") {
			t.Error("the app's window is cut off on the code page")
		}
		popup.Type(codeField, w.Sink.Code(t, u.Email, 1).Code)
		popup.Click(submitCode)
		popup.AwaitAt(app.Redirect + "?")
		if rig.Eval[bool](b, "popup.closed") || !rig.Eval[bool](popup, "window.opener !== null") {
			t.Error("the app's window is cut off after the sign-in")
		}
	})
}
