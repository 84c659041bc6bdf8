package acceptance

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"countersign/acceptance/rig"
)

const (
	pathAskLink  = "/signin/link"
	pathContinue = "/continue/"
)

// continueLink is the path of the link that the nth mail about it has.
func continueLink(t *testing.T, w *rig.World, u *rig.User) string {
	t.Helper()
	for _, link := range w.Sink.About(t, u.Email, "Continue signing in").Links() {
		if at, err := url.Parse(link); err == nil && strings.HasPrefix(at.Path, pathContinue) {
			return at.Path
		}
	}
	t.Fatal("the mail has no link to continue")
	return ""
}

// refusedWithOffer fails unless the page says to wait and offers to mail a link.
func refusedWithOffer(t *testing.T, pg *rig.Page) {
	t.Helper()
	if _, offers := pg.Form(pathAskLink); pg.Status != 429 || !offers {
		t.Fatalf("status %d, a link is offered: %v: %s", pg.Status, offers, rig.Quietly(pg.Text()))
	}
}

// guard: admitted
func TestATK012_ANewBrowserIsLetInByAMailedLink(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		unknown := "x" + u.Email
		asked := map[string]string{}
		var fresh *rig.Person
		for _, address := range []string{unknown, u.Email} {
			for i := range 30 { // from as many networks
				w.Person(t).Post(rig.PathPassword,
					form("email", address, "password", fmt.Sprintf("wrong password %d", i)))
			}
			fresh = w.Person(t)
			fresh.Visit(w.Dashboard(t).Visit())
			pg := fresh.Password(address, u.Password)
			refusedWithOffer(t, pg)
			asked[address] = pg.Shape()
			pg = fresh.Submit(pathAskLink)
			if pg.Status != 200 {
				t.Fatalf("status %d: %s", pg.Status, rig.Quietly(pg.Text()))
			}
			asked[address] += pg.Shape()
		}
		if strings.ReplaceAll(asked[unknown], "xperson", "person") != asked[u.Email] {
			t.Errorf("the pages tell who has an account:\n%s\n%s", asked[unknown], asked[u.Email])
		}
		link := continueLink(t, w, u)
		for range 2 { // as scanners and previews do
			scanner := w.Person(t)
			if _, ready := scanner.Get(link).Form(link); !ready || scanner.Cookie("admission") != "" {
				t.Fatalf("opening the link did something: %s", rig.Quietly(scanner.Page.Text()))
			}
		}
		fresh.Get(link)
		fresh.Submit(link).Expect(t, 200)
		if fresh.SignedIn() {
			t.Error("the link signs in")
		}
		second := w.Person(t)
		second.Get(link).Expect(t, 410)
		if pg := second.Post(link, url.Values{}); pg.Status != 410 || second.Cookie("admission") != "" {
			t.Errorf("a second use: status %d", pg.Status)
		}
		second.Visit(w.Dashboard(t).Visit())
		refusedWithOffer(t, second.Password(u.Email, u.Password))

		fresh.Visit(w.Dashboard(t).Visit())
		atCode(t, fresh.Password(u.Email, u.Password))
		left(t, fresh.Code(codeMail(t, w, u, 1).Code))
		if fresh.Cookie("admission") != "" {
			t.Error("the browser keeps what let it in")
		}
		if n := len(w.Sink.Mails(unknown)); n != 0 {
			t.Errorf("%d mails to an address without an account", n)
		}
	})
}

// Someone who knows the password uses up the sign-ins and mails that strangers may cause.
//
// guard: flow.Spender
func TestATK012_KnowingThePasswordKeepsNoOneOut(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		known, remembered := w.Person(t), w.Person(t)
		known.SignIn(t, w.Dashboard(t), u)
		known.Post(rig.PathSignOut, url.Values{})
		remembered.SignInRemembered(t, w.Dashboard(t), u)
		remembered.Post(rig.PathSignOut, url.Values{})
		thief := w.Person(t)
		for range 61 {
			thief.Visit(w.Dashboard(t).Visit())
			thief.Password(u.Email, u.Password)
		}
		refusedWithOffer(t, thief.Page)

		n := len(w.Sink.Codes(u.Email))
		known.Visit(w.Dashboard(t).Visit())
		atCode(t, known.Password(u.Email, u.Password))
		left(t, known.Code(codeMail(t, w, u, n+1).Code))
		remembered.Visit(w.Dashboard(t).Visit())
		left(t, remembered.Password(u.Email, u.Password))

		fresh := w.Person(t)
		fresh.Visit(w.Dashboard(t).Visit())
		refusedWithOffer(t, fresh.Password(u.Email, u.Password))
		fresh.Submit(pathAskLink).Expect(t, 200)
		link := continueLink(t, w, u)
		fresh.Get(link)
		fresh.Submit(link).Expect(t, 200)
		n = len(w.Sink.Codes(u.Email))
		fresh.Visit(w.Dashboard(t).Visit())
		atCode(t, fresh.Password(u.Email, u.Password))
		left(t, fresh.Code(codeMail(t, w, u, n+1).Code))
	})
}
