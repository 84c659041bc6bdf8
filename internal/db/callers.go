package db

import (
	"runtime"
	"strings"
)

// callers names the function that began the current unit of work, and that function's caller. It
// walks the stack, so it is used only where something has failed.
func callers() string {
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
