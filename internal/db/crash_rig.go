//go:build rig

package db

import (
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// The file that COUNTERSIGN_RIG_FAULTS names holds one order, five words apart by spaces:
//
//	trace|kill|error  count  only  but  serial
//
// Of the points that the pattern only matches and but does not ("-" is no pattern), the
// count-th since the order was given is hit: the program kills itself with SIGKILL, or the
// point returns an I/O error. Every point that counted is written to the same file with
// ".trace" behind it. An order is taken away before it is carried out, so it is carried
// out once. All of this exists only in binaries built with -tags rig.
const faultsVariable = "COUNTERSIGN_RIG_FAULTS"

var faults struct {
	sync.Mutex
	text  string
	count int
}

// Point is a place at which this program can be made to die or to be told of a failure.
// when is "commit" right before and "committed" right after a commit; where names the step.
func Point(when, where string) error {
	faults.Lock()
	defer faults.Unlock()
	path := os.Getenv(faultsVariable)
	raw, err := os.ReadFile(path)
	if err != nil || len(raw) == 0 {
		return nil
	}
	if string(raw) != faults.text {
		faults.text, faults.count = string(raw), 0
	}
	order := strings.Fields(faults.text)
	name := when + " " + where
	if len(order) != 5 || order[2] != "-" && !regexp.MustCompile(order[2]).MatchString(name) || order[3] != "-" &&
		regexp.MustCompile(order[3]).MatchString(name) {
		return nil
	}
	faults.count++
	hit := order[0] != "trace" && strconv.Itoa(faults.count) == order[1]
	note(path+".trace", name, hit)
	if !hit {
		return nil
	}
	_ = os.Remove(path)
	if order[0] == "kill" {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // nothing more happens here
	}
	return &fs.PathError{Op: "write", Path: name, Err: syscall.EIO}
}

func note(path, name string, hit bool) {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	defer func() { _ = f.Close() }()
	_, _ = fmt.Fprintf(f, "%s %t\n", name, hit)
}

// points passes every unit of a group that has not failed by itself.
func points(when string, group []*unit) error {
	for _, u := range group {
		if u.err != nil || u.panicv != nil {
			continue
		}
		if err := Point(when, u.origin); err != nil {
			return err
		}
	}
	return nil
}

// origin names the step that a unit of work is part of.
func origin() string { return callers() }
