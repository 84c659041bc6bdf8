// Command guards takes away one guard of the program at a time, in a copy of the tree,
// and sees whether the tests that should notice do: a security test that no one has seen
// fail proves nothing.
//
//	go run ./acceptance/guards              every guard
//	go run ./acceptance/guards -only link   those whose name contains "link"
//
// TEST_POSTGRES_URL must be set, as for any test. A guard that has moved is an error, so
// that the list cannot rot quietly.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Guard is one check in the program, and the tests that fail without it.
type Guard struct {
	Name     string
	File     string // from the root
	Old, New string // Old stands in File exactly once
	And      []Edit // the second guards behind it, which would otherwise notice in its place
	Package  string
	Tests    string // a pattern for go test -run
}

// Edit is one replacement of a text that stands in File exactly once.
type Edit struct{ File, Old, New string }

// apply makes the edit in a tree and returns what undoes it.
func (e Edit) apply(tree string) (undo func(), err error) {
	path := filepath.Join(tree, e.File)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if n := strings.Count(string(text), e.Old); n != 1 {
		return nil, fmt.Errorf("the guard stands %d times in %s: adjust the list", n, e.File)
	}
	undo = func() { _ = os.WriteFile(path, text, 0o600) }
	return undo, os.WriteFile(path, []byte(strings.Replace(string(text), e.Old, e.New, 1)), 0o600)
}

func main() {
	only := flag.String("only", "", "run the guards whose name contains this")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, *only)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// everyGuard is all the lists, one after the other.
func everyGuard() []Guard {
	return slices.Concat(guards, limits, more, races, starts, watching, custody, texts, pushes, methods, addresses,
		endings, resets, brandings, setUpTimes, requiredRoles, inSteps, outdated)
}

func run(ctx context.Context, only string) error {
	tree, err := copyTree(ctx)
	if err != nil {
		return err
	}
	defer os.RemoveAll(tree)
	tried, unnoticed := 0, []string{}
	for _, g := range everyGuard() {
		if !strings.Contains(g.Name, only) {
			continue
		}
		tried++
		begin := time.Now()
		failed, err := g.missed(ctx, tree)
		if err != nil {
			return fmt.Errorf("%s: %w", g.Name, err)
		}
		if len(failed) == 0 {
			unnoticed = append(unnoticed, g.Name)
			fmt.Printf("UNNOTICED  %s\n", g.Name)
			continue
		}
		fmt.Printf("noticed    %s (%s) by %s\n", g.Name, time.Since(begin).Round(time.Second),
			strings.Join(failed, ", "))
	}
	fmt.Printf("%d guards taken away, %d noticed\n", tried, tried-len(unnoticed))
	if len(unnoticed) > 0 {
		return fmt.Errorf("unnoticed: %s", strings.Join(unnoticed, "; "))
	}
	return nil
}

// copyTree copies what git tracks or would track, so that the tree itself stays whole.
func copyTree(ctx context.Context) (string, error) {
	to, err := os.MkdirTemp("", "guards-")
	if err != nil {
		return "", err
	}
	out, err := exec.CommandContext(ctx, "sh", "-c",
		`git ls-files -z --cached --others --exclude-standard | xargs -0 -I{} sh -c 'test -f "{}" && cp --parents "{}" "$0"' "$0"`,
		to).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("copy the tree: %w: %s", err, out)
	}
	if modules, err := filepath.Abs("acceptance/node/node_modules"); err == nil {
		_ = os.Symlink(modules, filepath.Join(to, "acceptance/node/node_modules"))
	}
	return to, nil
}

// missed takes the guard away, runs its tests, puts it back, and names the tests that failed.
func (g Guard) missed(ctx context.Context, tree string) ([]string, error) {
	for _, e := range append([]Edit{{g.File, g.Old, g.New}}, g.And...) {
		undo, err := e.apply(tree)
		if err != nil {
			return nil, err
		}
		defer undo()
	}
	cmd := exec.CommandContext(ctx, "go", "test", "-count=1", "-run", g.Tests, g.Package)
	cmd.Dir = tree
	out, err := cmd.CombinedOutput()
	var failure *exec.ExitError
	if err != nil && !errors.As(err, &failure) {
		return nil, err
	}
	if bytes.Contains(out, []byte("[build failed]")) || bytes.Contains(out, []byte("[setup failed]")) ||
		bytes.Contains(out, []byte("no tests to run")) {
		return nil, fmt.Errorf("the tests did not run:\n%s", out)
	}
	return failures(string(out)), nil
}

func failures(out string) []string {
	var names []string
	for line := range strings.Lines(out) {
		if name, ok := strings.CutPrefix(line, "--- FAIL: "); ok {
			names = append(names, strings.Fields(name)[0])
		}
	}
	return names
}
