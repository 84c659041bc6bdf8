package acceptance

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"countersign/acceptance/rig"
)

// guard: Review suspends what came back and keeps closed what lost its method
func TestProtection_ABackupBringsNoRemovedMethodBack(t *testing.T) {
	rig.EachFresh(t, patient, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "mandatory")
		dashboard := w.Dashboard(t)
		owner, twoApps, _, _ := equipped(t, w, c, "Stolen phone")
		addApp(t, w, owner, inProfile, "Tablet")
		late, untouched := c.User(t), c.User(t)
		file := w.File("copy")
		w.CLI(t, "backup", file)

		stolen := regexp.MustCompile(`(?m)^(\S+)\s+totp.*Stolen phone`).FindStringSubmatch(w.CLI(t, "user", "methods",
			"list", twoApps.Email))
		at := "/profile/methods/" + stolen[1] + "/remove"
		owner.Get(at)
		owner.Submit(at).Expect(t, 200, "Removed")
		p := w.Person(t)
		enter(t, p, late, inProfile)
		mailed(t, w, p, late, 1)
		addApp(t, w, p, inProfile, "New phone")
		events := filepath.Join(t.TempDir(), "audit.jsonl")
		write(t, events, w.CLI(t, "audit", "export"))
		empty := filepath.Join(t.TempDir(), "empty.jsonl")
		write(t, empty, "")
		w.A.Stop()

		to := w.Elsewhere(t, w.Engine)
		says(t, to.CLI(t, "restore", file), "No copy of the audit events was given")
		says(t, to.CLI(t, "epoch", "acknowledge"), "is acknowledged")
		const blind = "without a newer copy of the audit events"
		if said, _ := to.Command(t, rig.Options{}, "doctor"); !strings.Contains(said, blind) {
			t.Errorf("doctor is silent: %s", said)
		}
		if list := to.CLI(t, "user", "methods", "list", twoApps.Email); strings.Contains(list, "suspended") ||
			!strings.Contains(list, "Stolen phone") {
			t.Fatalf("the copy is not what this test needs: %s", list)
		}
		if _, err := to.TryCLI("", "epoch", "review", "--audit", empty); err == nil {
			t.Error("an empty copy counts")
		}
		says(t, to.CLI(t, "epoch", "review", "--audit", events), "1 suspended", "1 people whose newer method is lost")
		list := to.CLI(t, "user", "methods", "list", twoApps.Email)
		if strings.Count(list, "suspended") != 1 ||
			!regexp.MustCompile(`totp\s+suspended.*Stolen phone`).MatchString(list) {
			t.Errorf("not the one that was removed: %s", list)
		}
		if said, _ := to.Command(t, rig.Options{}, "doctor"); strings.Contains(said, blind) {
			t.Errorf("doctor warns for ever: %s", said)
		}
		s := to.Serve(t)
		app := dashboard.Via(s)
		p = to.Person(t).Via(s)
		p.Visit(app.Visit())
		p.Password(late.Email, late.Password).Expect(t, 410, "Ask your administrator to help you sign in")
		p = to.Person(t).Via(s)
		p.Visit(app.Visit())
		atCode(t, p.Password(untouched.Email, untouched.Password))
		rig.Within(t, wait, "the people are told", func() bool {
			return strings.Contains(mailsOf(w, twoApps), "restored from a backup") &&
				strings.Contains(mailsOf(w, late), "restored from a backup")
		})
		s.Stop()
		says(t, to.CLI(t, "epoch", "review", "--audit", events), "0 suspended", "0 people")
		to.CLI(t, "audit", "verify")
	})
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
