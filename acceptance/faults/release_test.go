package faults

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"

	"countersign/acceptance/rig"
)

// guard: everything about faults lives behind the build tag "rig"
func TestATK174_TheReleaseCannotBeMadeToFail(t *testing.T) {
	words := []string{"COUNTERSIGN_RIG", "RIG_FAULTS"}
	functions := []string{"internal/db.Point", "internal/db.points", "internal/db.origin", "internal/db.note"}
	release, rigged := rig.Binary(t, rig.Release), rig.Binary(t, rig.Rigged)
	if found := holds(t, release, words); len(found) > 0 {
		t.Errorf("the release binary holds %v", found)
	}
	if found := symbols(t, release, functions); len(found) > 0 {
		t.Errorf("the release binary has the functions %v", found)
	}
	if found := holds(t, rigged, words[:2]); len(found) != 2 {
		t.Errorf("the scan would not find the variable: %v", found)
	}
	if found := symbols(t, rigged, functions[:1]); len(found) != 1 {
		t.Errorf("the scan would not find the functions: %v", found)
	}
}

func holds(t *testing.T, path string, words []string) (found []string) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range words {
		if bytes.Contains(raw, []byte(w)) {
			found = append(found, w)
		}
	}
	return found
}

// symbols are those of the wanted functions that a binary has.
func symbols(t *testing.T, path string, wanted []string) (found []string) {
	t.Helper()
	out, err := exec.Command("go", "tool", "nm", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		for _, w := range wanted {
			if strings.HasSuffix(strings.TrimSpace(line), w) {
				found = append(found, w)
			}
		}
	}
	return found
}
