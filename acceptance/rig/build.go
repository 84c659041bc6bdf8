package rig

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"sync"
	"testing"
)

// Flavour is a way to build the program.
type Flavour string

// The flavours. Tests run on Release wherever no clock has to move.
const (
	Release Flavour = "release"
	Rigged  Flavour = "rigged" // built with -tags rig: its clock can be shifted
)

var builds = struct {
	sync.Mutex
	dir  string
	made map[Flavour]string
}{made: map[Flavour]string{}}

// programsVariable names a folder with the programs of this tree, for a run of several packages;
// ./test makes it. What is not there is built.
const programsVariable = "TEST_PROGRAMS"

// Binary builds a flavour once per test run and returns its path.
func Binary(t testing.TB, f Flavour) string {
	t.Helper()
	builds.Lock()
	defer builds.Unlock()
	if path := builds.made[f]; path != "" {
		return path
	}
	folder := os.Getenv(programsVariable)
	path := filepath.Join(folder, "countersign-"+string(f))
	if _, err := os.Stat(path); folder == "" || err != nil {
		path = filepath.Join(scratch(t), "countersign-"+string(f))
		if err := build(path, f); err != nil {
			t.Fatal(err)
		}
	}
	builds.made[f] = path
	return path
}

func build(path string, f Flavour) error {
	args := []string{"build", "-trimpath", "-ldflags=-w", "-o", path} // no debugger will look at it
	env := append(os.Environ(), "CGO_ENABLED=0")
	if os.Getenv("COUNTERSIGN_TEST_RACE") == "1" {
		args, env = append(args, "-race"), append(os.Environ(), "CGO_ENABLED=1") // the detector is written in C
	}
	if f == Rigged {
		args = append(args, "-tags", "rig")
	}
	cmd := exec.Command("go", append(args, "countersign/cmd/countersign")...)
	cmd.Env = env
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the %s binary: %w\n%s", f, err, out)
	}
	return nil
}

// scratch is the folder of this test run. The caller holds the lock of builds.
func scratch(t testing.TB) string {
	t.Helper()
	if builds.dir == "" {
		dir, err := os.MkdirTemp("", "countersign-acceptance-")
		if err != nil {
			t.Fatal(err)
		}
		builds.dir = dir
	}
	return builds.dir
}

// Folder makes a folder that lives as long as the test run.
func Folder(t testing.TB) string {
	t.Helper()
	builds.Lock()
	defer builds.Unlock()
	dir, err := os.MkdirTemp(scratch(t), "w")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// Main runs a package's tests, then stops what they shared and removes what they wrote.
func Main(m *testing.M) {
	debug.SetGCPercent(400) // there is memory enough, and the programs want the processors
	code := m.Run()
	closeShared()
	if crashed.Len() > 0 {
		fmt.Fprintf(os.Stderr, "a program raced or panicked:\n%s\n", crashed.String())
		code = 1
	}
	builds.Lock()
	defer builds.Unlock()
	if builds.dir != "" {
		_ = os.RemoveAll(builds.dir)
	}
	os.Exit(code)
}
