package acceptance

import (
	"testing"

	"countersign/acceptance/rig"
)

// guard: a method that is switched off goes on standing before the mailbox
func TestATK005_AMethodThatWasGuessedOffOpensNoWeakerWay(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "mandatory", "--methods", "email,totp,backup")
		_, u, _, codes := equipped(t, w, c, "Phone")
		off := func(kind string) {
			w.Tamper(t, `UPDATE authenticators SET disabled_at = 1
				WHERE tenant_id = $1 AND kind = $2 AND user_id = (SELECT user_id FROM directory
					WHERE email_key = $3)`, c.ID, kind, u.Email)
		}
		off("totp")
		w.Drained(t)
		mails := len(w.Sink.Codes(u.Email))

		thief := w.Person(t)
		thief.Visit(w.Dashboard(t).Visit())
		atCode(t, thief.Password(u.Email, u.Password)).Expect(t, 200, "backup code")
		if pg := thief.Get("/signin/other"); pg.Says("Email code") {
			t.Errorf("the mailbox is offered: %s", rig.Quietly(pg.Text()))
		}
		owner := w.Person(t)
		owner.Visit(w.Dashboard(t).Visit())
		atCode(t, owner.Password(u.Email, u.Password))
		if owner.Code(codes[2]); !owner.SignedIn() {
			t.Fatalf("a backup code does not open: %s", rig.Quietly(owner.Page.Text()))
		}

		off("backup")
		thief = w.Person(t)
		thief.Visit(w.Dashboard(t).Visit())
		if pg := thief.Password(u.Email, u.Password); !pg.Says("Ask your administrator to help you sign in") {
			t.Errorf("status %d: %s", pg.Status, rig.Quietly(pg.Text()))
		}
		if thief.SignedIn() {
			t.Error("signed in")
		}
		w.Drained(t)
		if n := len(w.Sink.Codes(u.Email)); n != mails {
			t.Errorf("%d codes were mailed", n-mails)
		}
	})
}
