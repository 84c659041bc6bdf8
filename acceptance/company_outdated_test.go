package acceptance

import (
	"net/url"
	"testing"

	"countersign/acceptance/rig"
)

// edit is a form that two administrators have open at the same time.
type edit struct {
	page, path     string    // where the form is and goes to
	first, second  [2]string // the field with what each of them chooses
	theirs, stored string    // what the second reads of their own choice, and of the other's
}

// complete adds what a browser sends of the lists beside the field.
func (e edit) complete(form url.Values) {
	if e.first[0] == "after" {
		form.Set("minutes", "15")
	}
	form.Set("laters", "0")
}

// opened is the form of an edit as a page shows it, with another value in it.
func (e edit) opened(t *testing.T, p *rig.Person, field [2]string) url.Values {
	t.Helper()
	form, shown := p.Get(e.page).Form(e.path)
	if !shown {
		t.Fatalf("%s has no form for %s: %s", e.page, e.path, rig.Quietly(p.Page.Text()))
	}
	form.Values.Set(field[0], field[1])
	e.complete(form.Values)
	return form.Values
}

// TestTwoAdministratorsDoNotWriteOverEachOther: of two who change the same thing, the second is shown both versions,
// and nothing of theirs is saved until they decide.
//
// guard: Marks.current, and Changes.current of people
func TestTwoAdministratorsDoNotWriteOverEachOther(t *testing.T) {
	// In a world of its own: it locks accounts of the mail domain that other tests share.
	rig.EachFresh(t, rig.Options{}, func(t *testing.T, w *rig.World) {
		w.PhoneApp(t)
		w.NewApp(t, "talk", "confidential")
		w.CLI(t, "client", "exempt", "talk", "--until", "forever")
		c := w.NewTenant(t, "--mandate", "default_off", "--switch", "on")
		people := []*rig.User{member(t, w, c, "Olga", "owner"), member(t, w, c, "Otto", "owner")}
		both := []*rig.Person{w.Person(t), w.Person(t)}
		for i, p := range both {
			administer(t, w, p, people[i], "/company/security/methods")
		}
		someone := "/company/users/" + userID(t, w, c.User(t))
		for _, e := range []edit{
			{pathSecurity, pathSecurity + "/days", [2]string{"days", "7"}, [2]string{"days", "0"}, "Never", "7 days"},
			{pathSecurity, pathSecurity + "/lock", [2]string{"after", "5"}, [2]string{"after", "10"},
				"After 10 wrong passwords", "After 5 wrong passwords"},
			{pathSecurity, pathSecurity + "/set-up-time", [2]string{"days", "7"}, [2]string{"days", "14"},
				"14 days", "7 days"},
			{pathSecurity, pathSecurity + "/ask", [2]string{"choice", "adaptive"}, [2]string{"choice", ""},
				"At every sign-in", "Only when a sign-in is unusual"},
			{pathSecurity, pathRoles, [2]string{"role", "supervisor"}, [2]string{"role", "agent"},
				"Agent", "Supervisor"},
			{pathSecurity, pathExemptApps, [2]string{"app", "phone"}, [2]string{"app", "talk"},
				"The talk", "The phone"},
			{pathSecurity + "/networks", pathSecurity + "/networks", [2]string{"networks", "127.0.0.0/8 Here"},
				[2]string{"networks", "127.0.0.0/8 There"}, "There", "Here"},
			{"/company/branding", "/company/branding", [2]string{"name", "Harbor Sign-in"},
				[2]string{"name", "Harbour"}, "Harbour", "Harbor Sign-in"},
			{someone + "/role", someone + "/role", [2]string{"role", "admin"}, [2]string{"role", "supervisor"},
				"Supervisor", "Admin"},
			{someone + "/address", someone + "/address", [2]string{"email", w.Unique("one") + "@people.example.test"},
				[2]string{"email", w.Unique("two") + "@people.example.test"}, "two", "one"},
			{pathSecurity + "/methods", pathSecurity + "/methods", [2]string{"method", "email"},
				[2]string{"method", "passkey"}, "Passkey", "Email"},
		} {
			t.Run(e.path[len("/company"):], func(t *testing.T) { clash(t, e, both) })
		}
	})
}

// clash lets both open the form, and send it one after the other.
func clash(t *testing.T, e edit, both []*rig.Person) {
	first, second := e.opened(t, both[0], e.first), e.opened(t, both[1], e.second)
	sent := func(p *rig.Person, form url.Values) *rig.Page {
		pg := p.Post(e.path, form)
		if _, sure := pg.Input("sure")["value"]; sure { // it has a consequence, which is shown first
			again, _ := pg.Form(e.path)
			pg = p.Post(e.path, again.Values)
		}
		return pg
	}
	if pg := sent(both[0], first); pg.Status != 200 {
		t.Fatalf("the first is refused: %s", rig.Quietly(pg.Text()))
	}
	pg := sent(both[1], second)
	pg.Expect(t, 412, "Someone else changed this", "Saved by someone else", e.stored, "Your version", e.theirs)
	again, shown := pg.Form(e.path)
	if !shown {
		t.Fatal("the form is gone")
	}
	again.Values.Set(e.second[0], e.second[1])
	e.complete(again.Values)
	if pg := sent(both[1], again.Values); pg.Status != 200 {
		t.Errorf("who has seen both may not save: %d %s", pg.Status, rig.Quietly(pg.Text()))
	}
}
