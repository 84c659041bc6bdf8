package acceptance

import (
	"strings"
	"testing"

	"countersign/acceptance/rig"
)

// guard: typed.Line and typed.Plain, wherever a text is stored that people read later
func TestATK121_WhatCannotBeSeenIsRefusedByName(t *testing.T) {
	rig.Each(t, func(t *testing.T, w *rig.World) {
		c := w.Covered(t)
		person := func(email, name string) []string {
			return []string{"user", "create", "--tenant", c.ID, "--email", email, "--name", name}
		}
		address := w.Unique("seen") + "@people.example.test"
		for _, one := range []struct {
			args []string
			says string
		}{
			{person("pat\u200b@people.example.test", "Pat"), "an invisible character at position 4 (U+200B)"},
			{person("\u202epat@people.example.test", "Pat"), "an invisible character at position 1 (U+202E)"},
			{person("pat@peo\u00adple.example.test", "Pat"), "an invisible character at position 8 (U+00AD)"},
			{person(address, "Pat\u2066"), "an invisible character at position 4 (U+2066)"},
			{[]string{"tenant", "create", "--id", w.Unique("unseen-"), "--name", "Ac\u200dme"},
				"an invisible character at position 3 (U+200D)"},
			{[]string{"client", "create", "--id", w.Unique("unseen-"), "--name", "The\u3164app", "--redirect-uri",
				"https://app.example.test/"}, "an invisible character at position 4 (U+3164)"},
			{person(strings.Repeat("a", 65)+"@people.example.test", "Pat"), "at most 64 bytes"},
			{person("josé@people.example.test", "Pat"), "before the @"},
		} {
			if out, err := w.TryCLI("", one.args...); err == nil || !strings.Contains(err.Error(), one.says) {
				t.Errorf("%+q: %v %s", one.args, err, out)
			}
		}
		if out, code := w.Command(t, rig.Options{Env: []string{"COUNTERSIGN_SMTP_ADDRESSES=utf8"}},
			person("josé."+address, "Pat")...); code != 0 {
			t.Errorf("refused although the mail server takes it: %s", out)
		}

		// What people are called stays as it is.
		for _, name := range []string{"مریم می\u200cخواهم", "क्\u200dष", "Łukasz O’Brien", "山田 花子"} {
			u := c.Person(t, w.Unique("called")+"@people.example.test", name, "agent")
			if shown := w.CLI(t, "user", "show", u.Email); !strings.Contains(shown, name) {
				t.Errorf("%+q is kept as %s", name, shown)
			}
		}

		u := c.User(t)
		p := w.Person(t)
		enter(t, p, u, inProfile)
		mailed(t, w, p, u, 1).Expect(t, 200, "Choose a sign-in method")
		g := scan(t, w, p.Post(inProfile+"/totp", nil))
		p.Submit(inProfile+"/totp/confirm", "code", g.code(t), "name", "Pho\u200bne").Expect(t, 422, "can’t be seen")
	})
}

// guard: tidy, and the pages' fields
func TestALO3_AddressesAsPeopleTypeThem(t *testing.T) {
	rig.Each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		p := w.Person(t)
		p.Visit(w.Dashboard(t).Visit())
		if kind := p.Page.Input("email")["type"]; kind != "text" { // browsers take no letters beyond ASCII in others
			t.Errorf("the field for the address is of type %q", kind)
		}
		n := len(w.Sink.Codes(u.Email))
		atCode(t, p.Password(" "+strings.Replace(u.Email, "@", "\uff20", 1)+" ", u.Password))
		p.Code(w.Sink.Code(t, u.Email, n+1).Code)
		if !p.SignedIn() {
			t.Error("not signed in with a full-width @")
		}
	})
}
