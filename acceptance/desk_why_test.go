package acceptance

import (
	"net/url"
	"regexp"
	"strings"
	"testing"

	"countersign/acceptance/rig"
)

const pathWhy = "/desk/why"

var whyVersion = regexp.MustCompile(`name="version" value="(\d+)"`)

// whyForm is what the page of a text sends.
func whyForm(t *testing.T, page *rig.Page, do, text string) url.Values {
	t.Helper()
	m := whyVersion.FindStringSubmatch(page.Expect(t, page.Status).Body)
	if m == nil {
		t.Fatalf("no form: %s", rig.Quietly(page.Text()))
	}
	return url.Values{"version": {m[1]}, "do": {do}, "text": {text}}
}

// TestALO15_TheDeskEditsWhyInEachLanguage: what an operator saves is what people read next, in that language alone, and
// the built-in text comes back.
func TestALO15_TheDeskEditsWhyInEachLanguage(t *testing.T) {
	eachStaffed(t, rig.Options{}, func(t *testing.T, s staff) {
		s.operator.Get(pathWhy).
			Expect(t, 200, "English", "Español", "Deutsch", "Français", "Português", "Built-in text")
		german, english := s.Person(t), s.Person(t)
		german.Language = "de"
		path := pathWhy + "/de"
		own := "Weil Beispiel AG Sie schützt.\r\n\r\nFragen Sie uns."
		page := s.operator.Get(path).Expect(t, 200, "Users see the built-in text", "Passwörter")
		s.operator.Post(path, whyForm(t, page, "preview", own)).
			Expect(t, 200, "Preview (not saved)", "Weil Beispiel AG Sie schützt.", "Characters used: 46 of 4000")
		german.Get("/why").Expect(t, 200, "Passwörter")
		s.operator.Post(path, whyForm(t, s.operator.Page, "save", own)).
			Expect(t, 200, "Text saved.", "Users see your own text", "Use the built-in text")
		body := german.Get("/why").Expect(t, 200).Body
		if !strings.Contains(body, "<p>Weil Beispiel AG Sie schützt.</p>") ||
			!strings.Contains(body, "<p>Fragen Sie uns.</p>") {
			t.Error("the paragraphs are not shown")
		}
		english.Get("/why").Expect(t, 200, "Passwords get out")
		if out := s.CLI(t, "installation", "show"); !strings.Contains(out, "own why text  de") {
			t.Errorf("the command line says %s", out)
		}
		s.CLI(t, "installation", "set", "--why", "Parce que.", "--language", "fr")
		s.support.Get(pathWhy).Expect(t, 200, "Parce que.", "Weil Beispiel")
		if n := s.Number(t, `SELECT count(*) FROM audit_events WHERE action = 'installation.changed'
			AND reason LIKE '%why text in de' AND actor_id <> 'command-line'`); n != 1 {
			t.Errorf("%d rows in the record", n)
		}
		s.operator.Post(path, whyForm(t, s.operator.Get(path), "built_in", "")).
			Expect(t, 200, "Users see the built-in text now.")
		german.Get("/why").Expect(t, 200, "Passwörter")
	})
}

// TestTwoOperatorsDoNotWriteOverEachOther: the second is shown both texts, and decides.
func TestTwoOperatorsDoNotWriteOverEachOther(t *testing.T) {
	eachStaffed(t, rig.Options{}, func(t *testing.T, s staff) {
		path, reader := pathWhy+"/en", s.Person(t)
		for _, first := range []string{"The first text.", ""} { // also where the other went back to the built-in text
			old := s.operator.Get(path).Expect(t, 200)
			mine := whyForm(t, old, "save", "What I typed.")
			s.operator.Post(path, whyForm(t, old, "save", first)).Expect(t, 200)
			shown := s.operator.Post(path, mine).
				Expect(t, 412, "while you were editing it", "What I typed.", "Your version (not saved)")
			if first != "" {
				shown.Expect(t, 412, first)
				reader.Get("/why").Expect(t, 200, first)
			}
			if reader.Get("/why").Says("What I typed") {
				t.Error("the second wrote over the first")
			}
			s.operator.Post(path, whyForm(t, shown, "save", "What I typed.")).Expect(t, 200, "Text saved.")
			reader.Get("/why").Expect(t, 200, "What I typed.")
			if first != "" {
				mine.Set("text", "From the command line's past.")
				s.CLI(t, "installation", "set", "--why", "From the command line.")
				s.operator.Post(path, mine).Expect(t, 412, "From the command line.")
			}
		}
	})
}

// TestATK_TheWhyTextIsText: markup is shown as it was typed, to people and in every page of the desk.
func TestATK_TheWhyTextIsText(t *testing.T) {
	eachStaffed(t, rig.Options{}, func(t *testing.T, s staff) {
		const evil = `</textarea></blockquote><script>alert(1)</script><img src=x onerror=alert(2)>`
		path := pathWhy + "/en"
		clean := func(page *rig.Page) {
			t.Helper()
			if strings.Contains(page.Body, "<script>alert") || strings.Contains(page.Body, "<img src=x") {
				t.Error("markup is markup")
			}
			page.Expect(t, page.Status, "<script>alert(1)</script>")
		}
		old := s.operator.Get(path)
		clean(s.operator.Post(path, whyForm(t, old, "preview", evil)))
		clean(s.operator.Post(path, whyForm(t, old, "save", evil)))
		clean(s.operator.Post(path, whyForm(t, old, "save", evil+" again"))) // 412
		clean(s.support.Get(path))
		clean(s.support.Get(pathWhy))
		clean(s.Person(t).Get("/why"))
	})
}

// TestTheWhyTextIsTheOperators: support and companies do not write it, whatever they send.
func TestTheWhyTextIsTheOperators(t *testing.T) {
	eachStaffed(t, rig.Options{}, func(t *testing.T, s staff) {
		path := pathWhy + "/en"
		forged := url.Values{"version": {"0"}, "do": {"save"}, "text": {"Pay here instead."}}
		if page := s.support.Get(path).Expect(t, 200, "not change it"); strings.Contains(page.Body, "<textarea") {
			t.Error("support is shown a form")
		}
		s.support.Post(path, forged).Expect(t, 403)
		s.support.Get(path+"/confirm").Expect(t, 200, "not change it")
		for _, role := range []string{"owner", "agent"} {
			p := s.Person(t)
			administer(t, s.World, p, member(t, s.World, s.NewTenant(t, "--mandate", "default_off"), "Olga", role), "/")
			for _, at := range []string{pathWhy, path} {
				p.Get(at).Expect(t, 403)
			}
			p.Post(path, forged).Expect(t, 403)
		}
		stranger := s.Person(t)
		stranger.Post(path, forged)
		for _, language := range []string{"it", "EN", "pt", "en%00", "%3Cb%3E"} {
			s.operator.Post(pathWhy+"/"+language, forged)
			if status := s.operator.Page.Status; status != 404 && status != 400 {
				t.Errorf("a text in %q is answered with %d", language, status)
			}
		}
		for _, bad := range []url.Values{
			{"version": {"x"}, "do": {"save"}, "text": {"A"}},
			{"version": {"0"}, "do": {"drop"}, "text": {"A"}},
			{"version": {"0"}, "do": {"save", "preview"}, "text": {"A"}},
		} {
			if s.operator.Post(path, bad); s.operator.Page.Status < 400 {
				t.Errorf("%v is answered with %d", bad, s.operator.Page.Status)
			}
		}
		if out, err := s.TryCLI("", "installation", "set", "--why", "x", "--language", "it"); err == nil {
			t.Errorf("the command line takes Italian: %s", out)
		}
		if n := s.Number(t, `SELECT count(*) FROM installation_texts`); n != 0 {
			t.Errorf("%d texts were stored", n)
		}
		if n := s.Number(t, `SELECT count(*) FROM audit_events WHERE action = 'installation.changed'
			AND result = 'refused'`); n == 0 {
			t.Error("refusals are not recorded")
		}
	})
}

// TestWhatWasTypedIsKept, where it is too long, has something that no one can see, or the sign-in is too long ago.
func TestWhatWasTypedIsKept(t *testing.T) {
	eachStaffed(t, rig.Options{Flavour: rig.Rigged}, func(t *testing.T, s staff) {
		path := pathWhy + "/es"
		long := strings.Repeat("ñ", 4001)
		old := s.operator.Get(path)
		for _, do := range []string{"save", "preview"} {
			s.operator.Post(path, whyForm(t, old, do, long)).Expect(t, 422, "too long", long, "4001 of 4000")
			s.operator.Post(path, whyForm(t, old, do, "Porque\u202e sí.")).Expect(t, 422, "can’t be seen", "Porque")
		}
		s.operator.Post(path, whyForm(t, old, "save", long[:8000])).Expect(t, 200, "Text saved.")
		s.operator.Post(path, whyForm(t, s.operator.Get(path), "save", strings.Repeat("x", 70000))).Expect(t, 413)

		form := whyForm(t, s.operator.Get(path), "save", "Porque nos importa.")
		s.Advance(t, freshFor)
		s.operator.Post(path, form).Expect(t, 403, "Confirm it’s you", "Porque nos importa.", "Preview (not saved)")
		if n := s.Number(t, `SELECT count(*) FROM installation_texts WHERE body LIKE 'Porque%'`); n != 0 {
			t.Error("an old sign-in was good enough")
		}
		stay := whyForm(t, s.operator.Page, "save", "Porque nos importa.")
		administer(t, s.World, s.operator, s.operatorUser, path+"/confirm")
		s.operator.Post(path, stay).Expect(t, 200, "Text saved.", "Porque nos importa.")
	})
}
