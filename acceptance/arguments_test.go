package acceptance

import (
	"strings"
	"testing"

	"countersign/acceptance/rig"
)

// TestREL10_OddArguments: bytes that are no text are refused before a database sees them, which
// would answer in its own words. guard: main
func TestREL10_OddArguments(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		c := w.Covered(t)
		u := c.User(t)
		commands := [][]string{
			{"tenant", "create", "--name", "?"},
			{"tenant", "set", "?", "--remember-days", "3"},
			{"tenant", "set", c.ID, "--name", "?"},
			{"user", "create", "--tenant", c.ID, "--email", "?@people.example.test", "--name", "Pat", "--role", "agent",
				"--password-stdin"},
			{"user", "create", "--tenant", c.ID, "--email", w.Unique("odd") + "@people.example.test", "--name", "?",
				"--role", "agent", "--password-stdin"},
			{"user", "set", u.Email, "--new-email", "?@people.example.test"},
			{"user", "show", "?"},
			{"user", "methods", "restore", u.Email, "?"},
			{"client", "create", "?", "--name", "Pat", "--redirect-uri", "https://a.example.test/"},
			{"client", "set", "dashboard", "--name", "?"},
			{"audit", "list", "--tenant", "?"},
			{"audit", "list", "--tenant", c.ID, "--user", "?"},
			{"audit", "list", "--tenant", c.ID, "--action", "?"},
			{"installation", "set", "--why", "?", "--language", "en"},
			{"policy", "explain", "--user", "?", "--client", "dashboard"},
			{"keys", "retire", "?"},
		}
		for _, odd := range []string{"a\xffb", "a\xed\xa0\x80b", "a\xc0\x80b"} {
			for _, command := range commands {
				args := make([]string, len(command))
				for i, a := range command {
					args[i] = strings.Replace(a, "?", odd, 1)
				}
				said, err := w.TryCLI("canary horse battery staple\n", args...)
				if err == nil || !strings.Contains(err.Error(), "an argument is not text in UTF-8") {
					t.Errorf("%q: %v %s", args, err, said)
				}
			}
		}
		for _, command := range commands { // what is text in UTF-8 and no name is for each command to judge
			args := make([]string, len(command))
			for i, a := range command {
				args[i] = strings.Replace(a, "?", "a\ufffe\x01\u202eb", 1)
			}
			if said, err := w.TryCLI("canary horse battery staple\n", args...); err != nil &&
				(strings.Contains(err.Error(), "SQLSTATE") || strings.Contains(err.Error(), "panic")) {
				t.Errorf("%q: %v %s", args, err, said)
			}
		}
	})
}
