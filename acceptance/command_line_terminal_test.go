package acceptance

import (
	"bufio"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

// At a terminal the question is asked, and only yes changes something.
func TestCLI_TheQuestionAtATerminal(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Open(t).User(t)
		for _, c := range []struct {
			typed, want string
			code        int
			disabled    bool
		}{
			{"n", "nothing was changed", 1, false},
			{"", "nothing was changed", 1, false},
			{"y", "Changed " + u.Email + ": disable.", 0, true},
		} {
			screen, code := w.AtTerminal(t, c.typed, "user", "set", u.Email, "--disable")
			if code != c.code || !strings.Contains(screen, "[y/N]") || !strings.Contains(screen, c.want) {
				t.Errorf("typed %q: %d, %s", c.typed, code, screen)
			}
			shown := documents(t, nil, w.CLI(t, "user", "show", u.Email, "-o", "json"), "disabled_at")
			if disabled := shown[0]["disabled_at"] != nil; disabled != c.disabled {
				t.Errorf("typed %q: disabled is %t", c.typed, disabled)
			}
		}
	})
}

// --follow lists what is there, then what comes, each once, and Ctrl-C ends it well.
func TestCLI_AuditIsFollowed(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		company := w.Open(t)
		u := company.User(t)
		u.Set(t, "--role", "owner")
		cmd := w.Program(t, "audit", "list", "--tenant", company.ID, "--user", u.Email, "--follow", "--output", "json")
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := make(chan string, 100)
		go func() {
			defer close(lines)
			for s := bufio.NewScanner(out); s.Scan(); {
				lines <- s.Text()
			}
		}()
		seen := map[string]int{}
		next := func() (action string) {
			select {
			case line := <-lines:
				var e struct{ ID, Action string }
				if err := json.Unmarshal([]byte(line), &e); err != nil {
					t.Fatalf("%v: %s", err, line)
				}
				if seen[e.ID]++; seen[e.ID] > 1 {
					t.Errorf("%s is listed twice", line)
				}
				return e.Action
			case <-time.After(rig.Slack * 20 * time.Second):
				t.Fatal("nothing is listed")
			}
			return ""
		}
		for next() != "user.role" { // what is there
		}
		for _, role := range []string{"admin", "supervisor", "agent"} {
			u.Set(t, "--role", role)
			for next() != "user.role" {
			}
		}
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		for line := range lines {
			t.Errorf("more than happened: %s", line)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("Ctrl-C: %v", err)
		}
	})
}
