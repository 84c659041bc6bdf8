package acceptance

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"countersign/acceptance/rig"
)

// completedBy runs what bash runs when someone presses Tab after line.
func completedBy(t *testing.T, folder, line string) []string {
	t.Helper()
	script := `set -eu
source <(countersign completion bash)
line=$1
eval "COMP_WORDS=($line)"
case $line in *" ") COMP_WORDS+=("");; esac
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_countersign
printf '%s\n' "${COMPREPLY[@]}"`
	cmd := exec.Command("bash", "-c", script, "bash", line)
	cmd.Env = []string{"PATH=" + folder + ":" + os.Getenv("PATH")}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v, %s", line, err, out)
	}
	return strings.Fields(string(out))
}

// A real bash completes commands, flags and values, and leaves files to itself.
func TestCLI_BashCompletes(t *testing.T) {
	folder := t.TempDir()
	if err := os.Symlink(rig.Binary(t, rig.Release), filepath.Join(folder, "countersign")); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string][]string{
		"countersign ten":                         {"tenant"},
		"countersign user me":                     {"methods"},
		"countersign user methods ":               {"list", "restore", "reset"},
		"countersign client create --kin":         {"--kind"},
		"countersign client create --kind n":      {"native"},
		"countersign user list --output ":         {"text", "json"},
		"countersign user list -o j":              {"json"},
		"countersign --output json audit ver":     {"verify"},
		"countersign completion ":                 {"bash", "zsh", "fish"},
		"countersign client create --name cl":     nil,
		"countersign backup /etc/h":               nil,
		"countersign tenant set acme --suspend -": nil, // checked below
	} {
		got := completedBy(t, folder, line)
		if strings.HasSuffix(line, "-") {
			if !slices.Contains(got, "--yes") || !slices.Contains(got, "--config") || slices.Contains(got, "--email") {
				t.Errorf("%q: %v", line, got)
			}
		} else if !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", line, got, want)
		}
	}
	all := completedBy(t, folder, "countersign ")
	if slices.Contains(all, "complete") || !slices.Contains(all, "serve") {
		t.Errorf("%v", all)
	}
}

// The scripts for the other shells ask the same question.
func TestCLI_ShellsHaveScripts(t *testing.T) {
	w := rig.Shared(t, "sqlite")
	for shell, want := range map[string]string{"zsh": "#compdef countersign\n", "fish": "complete -c countersign"} {
		if said, code := w.Run(t, nil, "completion", shell); code != 0 || !strings.Contains(said, want) ||
			!strings.Contains(said, "countersign complete -- ") {
			t.Errorf("%s: %d, %s", shell, code, said)
		}
	}
	if said, code := w.Run(t, nil, "completion", "csh"); code != 2 || !strings.Contains(said, `"bash","zsh","fish"`) {
		t.Errorf("%d, %s", code, said)
	}
}
