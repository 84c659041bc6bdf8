package acceptance

import (
	"strings"
	"testing"

	"countersign/acceptance/rig"
)

// The exit codes are those of docs/operations/command-line.md, and a mistake takes two
// lines: what is wrong, and where the help is.
func TestCLI_MistakesAndExitCodes(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Open(t).User(t)
		for _, c := range []struct {
			args []string
			code int
			want string
		}{
			{[]string{"user", "set", u.Email, "--rolle", "admin"}, 2, "unknown flag --rolle, did you mean \"--role\"?"},
			{[]string{"user", "set", u.Email}, 2, "nothing to change"},
			{[]string{"tenant", "set", u.Tenant.ID, "--mandate-from", "2027-01-31"}, 2, "nothing to change"},
			{[]string{"installation", "set"}, 2, "nothing to change"},
			{[]string{"audit", "list", "--tenant", u.Tenant.ID, "--since", "yesterday"}, 2, "neither a date"},
			{[]string{"user", "show", "nobody@example.test"}, 3, ""},
			{[]string{"tenant", "create", "--id", u.Tenant.ID, "--name", "Twice"}, 4, ""},
		} {
			said, code := w.Command(t, rig.Options{}, c.args...)
			lines := strings.Count(strings.TrimSpace(said), "\n") + 1
			if code != c.code || !strings.Contains(said, c.want) || lines > 2 ||
				c.code == 2 != strings.Contains(said, "--help\" for usage") {
				t.Errorf("%v: %d, %s", c.args, code, said)
			}
		}
		if said, code := w.Command(t, rig.Options{Env: []string{"COUNTERSIGN_LOG_LEVEL=loud"}}, "tenant",
			"list"); code != 5 {
			t.Errorf("a wrong configuration: %d, %s", code, said)
		}
		if said, err := w.TryCLI("", "user", "set", u.Email, "--role", "admin"); err != nil ||
			said != "Changed "+u.Email+": role admin.\n" {
			t.Errorf("%s, %v", said, err)
		}
	})
}

// Taking something away from people asks first, and a script says --yes.
func TestCLI_TakingAwayIsConfirmed(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Open(t).User(t)
		app := w.NewApp(t, w.Unique("asked"), "public")
		for _, args := range [][]string{
			{"user", "set", u.Email, "--disable"}, {"tenant", "set", u.Tenant.ID, "--suspend"},
			{"client", "disable", app.ID},
		} {
			if said, code := w.Command(t, rig.Options{}, append(args, "--yes=false")...); code != 2 ||
				!strings.Contains(said, "Add --yes") {
				t.Errorf("%v: %d, %s", args, code, said)
			}
			if said, code := w.Command(t, rig.Options{}, append(args, "--yes")...); code != 0 {
				t.Errorf("%v --yes: %d, %s", args, code, said)
			}
		}
		disabled := func() any {
			return documents(t, nil, w.CLI(t, "client", "show", app.ID, "-o", "json"), "state")[0]["state"]
		}
		if s := disabled(); s != "disabled" {
			t.Errorf("a disabled app is %v", s)
		}
		if w.CLI(t, "client", "enable", app.ID); disabled() == "disabled" {
			t.Error("client enable does nothing")
		}
	})
}

func TestCLI_AnAppWithoutARedirectURIIsWarnedOf(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		said, code := w.Command(t, rig.Options{}, "client", "create", "--id", w.Unique("bare"), "--name", "Bare")
		if code != 0 || !strings.Contains(said, "--add-redirect-uri") {
			t.Errorf("%d, %s", code, said)
		}
	})
}

func TestCLI_AuditIsListedBySinceAndUser(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		company := w.Open(t)
		one, other := company.User(t), company.User(t)
		one.Set(t, "--role", "admin")
		other.Set(t, "--role", "admin")
		said := w.CLI(
			t,
			"audit",
			"list",
			"--tenant",
			company.ID,
			"--user",
			one.Email,
			"--since",
			"1h",
			"--action",
			"user.role",
		)
		if strings.Count(said, "\n") != 1 || strings.Contains(said, "=\t") || strings.Contains(said, "=\n") ||
			!strings.Contains(said, "\tuser.role\tok\tadmin\tuser=") {
			t.Errorf("%q", said)
		}
		if said := w.CLI(t, "audit", "list", "--tenant", company.ID, "--since", "2099-01-01"); said != "" {
			t.Errorf("%q", said)
		}
	})
}
