package db

import (
	"runtime"
	"strings"
)

// operation names the function that asked for the unit of work under way and its caller. It
// walks the stack, so it is called where something failed only.
func operation() string {
	pcs := make([]uintptr, 12)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	var names []string
	for len(names) < 2 {
		f, more := frames.Next()
		name, ours := strings.CutPrefix(f.Function, "countersign/internal/")
		if ours && !strings.HasPrefix(name, "db.") {
			names = append(names, plainName(name))
		}
		if !more {
			break
		}
	}
	return strings.Join(names, "<")
}

// plainName makes "signin.Service.Respond" of "signin.(*Service).Respond.func1".
func plainName(name string) string {
	name, _, _ = strings.Cut(name, ".func")
	return strings.NewReplacer("(*", "", ")", "").Replace(name)
}
