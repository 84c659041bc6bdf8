package acceptance

import (
	"fmt"
	"strings"
	"testing"

	"countersign/acceptance/rig"
)

// peopleFile is a file of n rows for a company, in CSV.
func peopleFile(n int, domain string) string {
	var b strings.Builder
	b.WriteString("email,name,role,language\n")
	for i := range n {
		fmt.Fprintf(&b, "p%d@%s,Person %d,supervisor,es\n", i, domain, i)
	}
	return b.String()
}

// Many people are added by one file, with an event for each; the same file again finds them.
func TestCLI_ManyPeopleAreImported(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		company := w.NewTenant(t)
		domain := company.ID + ".example.test"
		file := peopleFile(1203, domain)
		run := func(want string, more ...string) {
			t.Helper()
			out, err := w.TryCLI(file,
				append([]string{"user", "import", "-", "--tenant", company.ID, "--no-invitation"}, more...)...)
			if err != nil || out != want {
				t.Errorf("%v: %s, %v", more, out, err)
			}
		}
		run("Dry run, nothing was changed. To create: 1203. Already there: 0. Lines with mistakes: 0.\n", "--dry-run")
		if listed := w.CLI(t, "user", "list", "--tenant", company.ID); listed != "" {
			t.Errorf("a dry run adds people: %s", listed)
		}
		run("Created: 1203. Already there: 0. Lines with mistakes: 0.\n")
		run("Created: 0. Already there: 1203. Lines with mistakes: 0.\n")
		run("{\"created\":0,\"exists\":1203,\"failed\":0,\"dry_run\":false}\n", "--output", "json")
		shown := documents(t, nil, w.CLI(t, "user", "show", "p1202@"+domain, "-o", "json"), "methods")[0]
		methods, _ := shown["methods"].([]any)
		if shown["role"] != "supervisor" || shown["language"] != "es" || shown["name"] != "Person 1202" ||
			len(methods) != 1 {
			t.Errorf("%v", shown)
		}
		if n := w.Number(t, `SELECT count(*) FROM audit_events WHERE tenant_id = $1 AND action = 'user.created'
			AND actor_id = 'command-line'`,
			company.ID); n != 1203 {
			t.Errorf("%d events", n)
		}
		if said := w.CLI(t, "audit", "verify", "--tenant", company.ID); !strings.Contains(said, company.ID) ||
			strings.Contains(said, "BROKEN") {
			t.Error(said)
		}
	})
}

// A line with a mistake is named, and keeps no other line back.
func TestCLI_ImportNamesTheLinesWithMistakes(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		company, other := w.NewTenant(t), w.NewTenant(t)
		domain := company.ID + ".example.test"
		elsewhere := other.User(t)
		file := strings.Join([]string{
			"email,name,role,tenant,language",
			"nobody,Ann,,,",
			"b@" + domain + ",Bo,king,,",
			"c@" + domain + ",Cy,,nowhere,",
			"d@" + domain + ",Di,,,xx",
			"e@" + domain + ",Ed",
			"f@" + domain + ",,,,",
			elsewhere.Email + ",Gus,,,",
			"h@" + domain + ",Hal,admin,,",
			"H@" + domain + ",Hal again,,,",
		}, "\n")
		out, err := w.TryCLI(file, "user", "import", "-", "--tenant", company.ID, "--no-invitation")
		if out != "Created: 1. Already there: 1. Lines with mistakes: 7.\n" || err == nil ||
			!strings.Contains(err.Error(), "exit status 1") {
			t.Errorf("%s, %v", out, err)
		}
		for line, want := range map[int]string{2: "mail address", 3: "Unknown role", 4: "no such company",
			5: "Unknown language", 6: "number of fields", 7: "", 8: "already has that email address"} {
			if !strings.Contains(err.Error(), fmt.Sprintf("line %d: ", line)) || !strings.Contains(err.Error(), want) {
				t.Errorf("line %d, %q: %v", line, want, err)
			}
		}
		if listed := w.CLI(t, "user", "list", "--tenant", company.ID); strings.Count(listed, "\n") != 1 {
			t.Errorf("%s", listed)
		}
		lines := `{"email":"j@` + domain + `","name":"Jo"}` + "\n\n" + `{"email":"k@` + domain +
			`","nam":"Jo"}` + "\nnonsense\n"
		out, err = w.TryCLI(lines, "user", "import", "-", "--tenant", company.ID, "--no-invitation", "-o", "json")
		if out != "{\"created\":1,\"exists\":0,\"failed\":2,\"dry_run\":false}\n" || err == nil {
			t.Fatalf("%s, %v", out, err)
		}
		_, complained, _ := strings.Cut(err.Error(), ": ")
		if all := documents(t, nil, complained, "error"); len(all) != 3 || all[0]["line"] != 3.0 ||
			all[1]["line"] != 4.0 {
			t.Errorf("%v", all)
		}
		for _, bad := range []string{"", "email,nickname\n", "name\nAnn\n"} {
			if _, err := w.TryCLI(bad, "user", "import", "-", "--tenant", company.ID, "--no-invitation"); err == nil ||
				!strings.Contains(err.Error(), "exit status 2") {
				t.Errorf("%q: %v", bad, err)
			}
		}
	})
}

// People who are imported are invited as those are whom user create adds.
func TestCLI_ImportInvites(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		company := w.NewTenant(t)
		if _, err := w.TryCLI(peopleFile(3, company.ID+".example.test"), "user", "import", "-", "--tenant",
			company.ID); err != nil {
			t.Fatal(err)
		}
		if n := w.Number(t, `SELECT count(*) FROM audit_events
			WHERE tenant_id = $1 AND action = 'user.invited'`, company.ID); n != 3 {
			t.Errorf("%d invitations", n)
		}
	})
}
