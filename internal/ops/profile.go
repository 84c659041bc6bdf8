package ops

import (
	"fmt"
	"net/http"
	"runtime/pprof"
	"runtime/trace"
	"strconv"
	"time"
)

// Profiles are served without net/http/pprof, which would mount itself on the program's
// default router beside ours.

// longestProfile is how long one may run. The listener's patience is a little longer.
const longestProfile = 60 * time.Second

func listProfiles(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	for _, p := range pprof.Profiles() {
		_, _ = fmt.Fprintf(w, "%s %d\n", p.Name(), p.Count())
	}
	_, _ = fmt.Fprint(w, "profile ?seconds=30\ntrace ?seconds=5\n")
}

func profile(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	w.Header().Set("Content-Type", "application/octet-stream")
	switch name {
	case "profile":
		recordFor(w, r, 30, func() error { return pprof.StartCPUProfile(w) }, pprof.StopCPUProfile)
	case "trace":
		recordFor(w, r, 5, func() error { return trace.Start(w) }, trace.Stop)
	default:
		attachmentName(w, r, name)
	}
}

func attachmentName(w http.ResponseWriter, r *http.Request, name string) {
	p := pprof.Lookup(name)
	if p == nil {
		http.Error(w, "no such profile", http.StatusNotFound)
		return
	}
	debug, _ := strconv.Atoi(r.FormValue("debug"))
	if debug > 0 {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	}
	_ = p.WriteTo(w, min(max(debug, 0), 2)) // the client may be gone
}

// recordFor records for some seconds, or until the client has gone. Only one can record.
func recordFor(w http.ResponseWriter, r *http.Request, seconds int, start func() error, stop func()) {
	if given, err := strconv.Atoi(r.FormValue("seconds")); err == nil && given > 0 {
		seconds = given
	}
	if err := start(); err != nil {
		http.Error(w, "someone else is recording", http.StatusConflict)
		return
	}
	defer stop()
	timer := time.NewTimer(min(time.Duration(seconds)*time.Second, longestProfile))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
	}
}
