package acceptance

import (
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

// TestAIR3_AnOutsiderVerifiesTheExportedActivity with the file and the program alone: a line that was altered, removed
// or moved is found, also the last one.
func TestAIR3_AnOutsiderVerifiesTheExportedActivity(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "mandatory")
		owner, p := member(t, w, c, "Olga", "owner"), w.Person(t)
		administer(t, w, p, owner, pathUsers+"/new")
		p.Get(pathActivity).Expect(t, 200, "Export the activity", "countersign audit verify --file")
		rig.Within(t, 30*time.Second, "every event is linked", func() bool {
			return w.Number(t, `SELECT COUNT(*) FROM audit_events WHERE tenant_id = $1 AND seq = 0`, c.ID) == 0
		})
		pg := p.Post(pathActivity+"/export", url.Values{})
		if kind := pg.Header.Get("Content-Type"); pg.Status != 200 || !strings.HasPrefix(kind, "application/jsonl") {
			t.Fatalf("status %d, %s", pg.Status, kind)
		}
		lines := strings.Split(strings.TrimSpace(pg.Body), "\n")
		if len(lines) < 6 || !strings.Contains(lines[len(lines)-1], "chain_end") {
			t.Fatalf("%d lines: %s", len(lines), lines[len(lines)-1])
		}
		last := len(lines) - 1
		for name, change := range map[string]func(l []string) []string{
			"":                        func(l []string) []string { return l },
			"the row, or its place":   func(l []string) []string { l[2] = altered(t, l[2], `"result":"ok"`); return l },
			"browser was changed":     func(l []string) []string { l[last-1] = altered(t, l[last-1], `macOS`); return l },
			"before this one are mis": func(l []string) []string { return slices.Delete(l, 2, 3) },
			"after this one are miss": func(l []string) []string { return slices.Delete(l, last-1, last) },
			"end of the chain is mis": func(l []string) []string { return l[:last] },
			"before this one":         func(l []string) []string { l[2], l[3] = l[3], l[2]; return l },
			"behind the end":          func(l []string) []string { return append(l, l[2]) },
		} {
			file := filepath.Join(t.TempDir(), "activity.jsonl")
			text := strings.Join(change(slices.Clone(lines)), "\n") + "\n"
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			said, code := outsider(t, w, file)
			if intact := name == ""; intact != (code == 0) || !strings.Contains(said, name) ||
				intact && !strings.Contains(said, "intact") {
				t.Errorf("%q: %d, %s", name, code, said)
			}
		}
		p.Get(pathActivity+"?kind=people").Expect(t, 200, "Activity exported")
		m := w.Sink.Mail(t, owner.Email, len(w.Sink.Codes(owner.Email))+1)
		if !strings.Contains(m.Subject, "activity") {
			t.Errorf("the owner is told: %s", m.Subject)
		}
		supervisor, q := member(t, w, c, "Vera", "supervisor"), w.Person(t)
		administer(t, w, q, supervisor, "/profile/email")
		q.Post(pathActivity+"/export", url.Values{}).Expect(t, 403)
	})
}

// altered is a line in which one thing is different.
func altered(t *testing.T, line, what string) string {
	t.Helper()
	if !strings.Contains(line, what) {
		t.Fatalf("nothing like %s in %s", what, line)
	}
	other := strings.NewReplacer("ok", "failed", "macOS", "Linux").Replace(what)
	return strings.Replace(line, what, other, 1)
}

// outsider runs the program where there is no configuration, no database and no key.
func outsider(t *testing.T, w *rig.World, file string) (said string, code int) {
	t.Helper()
	cmd := w.Program(t, "audit", "verify", "--file", file)
	cmd.Dir, cmd.Env = t.TempDir(), []string{"HOME=" + t.TempDir()}
	cmd.Args = slices.DeleteFunc(cmd.Args, func(a string) bool {
		return a == "--config" || strings.HasSuffix(a, ".toml")
	})
	out, _ := cmd.CombinedOutput()
	return string(out), cmd.ProcessState.ExitCode()
}
