package acceptance

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"countersign/acceptance/rig"
)

// textOnly are commands that serve until they are stopped, or print a format of their own.
var textOnly = []string{"serve", "demo", "storybook", "config reference", "completion"}

// commands are all that the program's own help lists.
func commands(t *testing.T, w *rig.World) (all []string) {
	t.Helper()
	said, code := w.Run(t, nil, "--help")
	_, list, found := strings.Cut(said, "\nCommands:\n")
	if code != 0 || !found {
		t.Fatalf("%d, %s", code, said)
	}
	for _, m := range regexp.MustCompile(`(?m)^  ([a-z]+(?: [a-z]+)*)(?:   .*)?$`).FindAllStringSubmatch(list, -1) {
		all = append(all, m[1])
	}
	if len(all) < 40 {
		t.Fatalf("only %d commands are found: %v", len(all), all)
	}
	return all
}

// spoken is one command with --output json, and what its documents hold.
type spoken struct {
	args  []string
	stdin string
	key   string // a field of every document
	fails bool   // it has nothing to do here, and says so as JSON
}

func every(u *rig.User, app, made, backup string) []spoken {
	method := "01J9ZC3V8Q"
	return []spoken{
		{args: []string{"version"}, key: "version"},
		{args: []string{"migrate"}, key: "engine"},
		{args: []string{"config", "show"}, key: "public_url"},
		{args: []string{"healthcheck"}, key: "status"},
		{args: []string{"doctor"}, key: "state", fails: true}, // no DNS here knows the world's names
		{args: []string{"installation", "set", "--support-email", "help@vendor.example"}, key: "changed"},
		{args: []string{"installation", "show"}, key: "support_email"},
		{args: []string{"tenant", "create", "--id", made, "--name", "Made"}, key: "id"},
		{args: []string{"tenant", "set", made, "--name", "Renamed"}, key: "changed"},
		{args: []string{"tenant", "show", made}, key: "mandate"},
		{args: []string{"tenant", "branding", made, "--accent", "#0a6b50"}, key: "changed"},
		{args: []string{"tenant", "list"}, key: "name"},
		{args: []string{"user", "create", "--tenant", made, "--email", made + "@example.test", "--name", "Sam"},
			key: "email"},
		{args: []string{"user", "import", "-", "--tenant", made},
			stdin: "email,name\nmany-" + made + "@example.test,Sam\n", key: "created"},
		{args: []string{"user", "invite", made + "@example.test"}, key: "changed"},
		{args: []string{"user", "bulk", "invite", "--tenant", made, "--all"}, key: "action"},
		{args: []string{"user", "bulk", "sign-out", "--tenant", made, "--all", "--dry-run"}, key: "action"},
		{args: []string{"user", "sign-out", u.Email, "--yes"}, fails: true},
		{args: []string{"user", "withdraw-invitation", made + "@example.test"}, key: "changed"},
		{args: []string{"user", "set", u.Email, "--role", "admin"}, key: "changed"},
		{args: []string{"user", "password", u.Email, "--password-stdin"}, stdin: "a sentence no one else thought of\n",
			key: "changed"},
		{args: []string{"user", "show", u.Email}, key: "password_reported_at"},
		{args: []string{"user", "list", "--tenant", u.Tenant.ID}, key: "email"},
		{args: []string{"user", "exempt", u.Email, "--end"}, fails: true},
		{args: []string{"user", "exempt", u.Email, "--until", "2099-01-31"}, fails: true},
		{args: []string{"user", "methods", "list", u.Email}, key: "kind"},
		{args: []string{"user", "methods", "restore", u.Email, method}, fails: true},
		{args: []string{"user", "methods", "reset", u.Email}, fails: true},
		{args: []string{"client", "create", "--id", made, "--name", "Made"}, key: "secret"},
		{args: []string{"client", "set", app, "--add-redirect-uri", "https://app.example.test/more"}, key: "changed"},
		{args: []string{"client", "show", app}, key: "redirect_uris"},
		{args: []string{"client", "list"}, key: "state"},
		{args: []string{"client", "exempt", app, "--until", "2099-01-31"}, key: "changed"},
		{args: []string{"client", "require-2fa", app}, key: "changed"},
		{args: []string{"client", "secret", made}, key: "changed"},
		{args: []string{"client", "disable", made, "--yes"}, key: "changed"},
		{args: []string{"client", "enable", made}, key: "changed"},
		{args: []string{"policy", "explain", "--user", u.Email}, key: "outcome"},
		{args: []string{"audit", "list", "--tenant", u.Tenant.ID}, key: "action"},
		{args: []string{"audit", "export", "--since", "1h"}, key: "action"},
		{args: []string{"audit", "verify"}, key: "intact"},
		{args: []string{"keys", "rotate"}, key: "changed"},
		{args: []string{"keys", "retire", "nothing"}, fails: true},
		{args: []string{"keys", "reseal"}, key: "changed"},
		{args: []string{"keys", "drop", "nothing"}, fails: true},
		{args: []string{"keys", "list"}, key: "use"},
		{args: []string{"configminimum", "show"}, key: "weaker"},
		{args: []string{"configminimum", "accept"}},
		{args: []string{"backup", backup}, key: "taken_at"},
		{args: []string{"restore", backup, "--check"}, key: "taken_at"},
		{args: []string{"epoch", "raise", "--because", "a test"}, key: "epoch"},
		{args: []string{"epoch", "acknowledge"}, key: "epoch"},
		{args: []string{"epoch", "review", "--no-copy"}, key: "changed"},
		{args: []string{"epoch", "show"}, key: "acknowledged_at"},
	}
}

// Every command that prints has documents for programs: one JSON object a line, with fields
// in snake_case.
func TestCLI_EveryCommandSpeaksJSON(t *testing.T) {
	rig.EachFresh(t, rig.Options{}, func(t *testing.T, w *rig.World) {
		u := w.Open(t).User(t)
		app := w.NewApp(t, w.Unique("asked"), "public")
		missing := slices.DeleteFunc(commands(t, w), func(c string) bool { return slices.Contains(textOnly, c) })
		for _, c := range every(u, app.ID, w.Unique("made"), filepath.Join(w.Dir, "json.backup")) {
			missing = slices.DeleteFunc(missing, func(name string) bool {
				return slices.Equal(strings.Fields(name), c.args[:min(len(c.args), strings.Count(name, " ")+1)])
			})
			out, err := w.TryCLI(c.stdin, append(c.args, "--output", "json")...)
			if err != nil && !c.fails || err == nil && c.fails {
				t.Errorf("%v: %v", c.args, err)
				continue
			}
			if c.fails {
				_, complained, _ := strings.Cut(err.Error(), ": ")
				documents(t, c.args, lastLine(complained), "error")
			}
			if c.key != "" || out != "" {
				documents(t, c.args, out, c.key)
			}
		}
		for _, name := range missing {
			t.Errorf("%s is not tried with --output json", name)
		}
		for _, name := range textOnly {
			said, code := w.Run(t, nil, append(strings.Fields(completing(name)), "--output", "json")...)
			if code != 2 || !strings.Contains(said, "has no JSON output") {
				t.Errorf("%s: %d, %s", name, code, said)
			}
		}
	})
}

// completing adds the shell that completion needs.
func completing(name string) string {
	if name == "completion" {
		return name + " bash"
	}
	return name
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}

var snake = regexp.MustCompile(`^[a-z0-9_.]+$`)

// documents reads one JSON object a line; each has the field key.
func documents(t *testing.T, args []string, text, key string) (all []map[string]any) {
	t.Helper()
	for line := range strings.Lines(strings.TrimSpace(text)) {
		var document map[string]any
		if err := json.Unmarshal([]byte(line), &document); err != nil {
			t.Errorf("%v: %v in %s", args, err, line)
			continue
		}
		if _, found := document[key]; !found && key != "" {
			t.Errorf("%v: no %q in %s", args, key, line)
		}
		for name := range document {
			if !snake.MatchString(name) {
				t.Errorf("%v: %q is not snake_case", args, name)
			}
		}
		all = append(all, document)
	}
	if len(all) == 0 {
		t.Errorf("%v prints no document", args)
	}
	return all
}

// A failure is one line of JSON on standard error, with a word for each exit code.
func TestCLI_FailuresInJSON(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Open(t).User(t)
		for _, c := range []struct {
			args []string
			env  []string
			code int
			want string
		}{
			{[]string{"user", "set", u.Email, "--rolle", "admin"}, nil, 2, "usage"},
			{[]string{"user", "show", "nobody@example.test"}, nil, 3, "not_found"},
			{[]string{"tenant", "create", "--id", u.Tenant.ID, "--name", "Twice"}, nil, 4, "conflict"},
			{[]string{"tenant", "list"}, []string{"COUNTERSIGN_LOG_LEVEL=loud"}, 5, "configuration"},
			{[]string{"keys", "retire", "nothing"}, nil, 1, "failed"},
		} {
			said, code := w.Command(t, rig.Options{Env: c.env}, append(c.args, "--output", "json")...)
			all := documents(t, c.args, said, "error")
			if code != c.code || len(all) != 1 || all[0]["error"] != c.want || all[0]["message"] == "" {
				t.Errorf("%v: %d, %s", c.args, code, said)
			}
		}
	})
}

// A list holds what the same command prints for people, and a changed field its new value.
func TestCLI_JSONHoldsWhatPeopleRead(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		company := w.NewTenant(t)
		one, two := company.User(t), company.User(t)
		two.Set(t, "--role", "admin")
		listed := documents(t, nil, w.CLI(t, "user", "list", "--tenant", company.ID, "--output", "json"), "role")
		if len(listed) != 2 || listed[0]["tenant"] != company.ID || listed[0]["disabled_at"] != nil {
			t.Errorf("%v", listed)
		}
		set := documents(t, nil, w.CLI(t, "user", "set", one.Email, "--role", "supervisor", "-o", "json"), "changed")
		if changed, _ := set[0]["changed"].(map[string]any); changed["role"] != "supervisor" || len(changed) != 1 {
			t.Errorf("%v", set)
		}
		shown := documents(t, nil, w.CLI(t, "user", "show", one.Email, "-o", "json"), "methods")
		if shown[0]["role"] != "supervisor" || shown[0]["email"] != one.Email {
			t.Errorf("%v", shown)
		}
		events := documents(t, nil,
			w.CLI(t, "audit", "list", "--tenant", company.ID, "--user", two.Email, "-o", "json"), "user_id")
		if events[0]["action"] == "" || events[0]["at"] == nil {
			t.Errorf("%v", events)
		}
	})
}

// The help of every command shows how it is used.
func TestCLI_EveryHelpHasExamples(t *testing.T) {
	w := rig.Shared(t, "sqlite")
	for _, name := range commands(t, w) {
		said, code := w.Run(t, nil, append(strings.Fields(name), "--help")...)
		if code != 0 || !strings.Contains(said, "\nExamples:\n\n    countersign "+name) {
			t.Errorf("%s: %d, %s", name, code, said)
		}
	}
}
