package web

import (
	"net/http"
	"strings"
	"testing"
)

// A service worker lies at a fixed address, as a script, with the policy of every answer,
// and no copy of it is kept.
func TestAWorkerIsServedAtItsOwnAddress(t *testing.T) {
	h := open(t, ours)
	h.Mux().Get("/receiver-sw.js", h.Worker("receiver-sw.js"))
	rec := h.ask(http.MethodGet, "/receiver-sw.js", "")
	for name, want := range map[string]string{
		"Content-Type": "text/javascript; charset=utf-8", "Cache-Control": "no-store",
		"X-Content-Type-Options": "nosniff", "Content-Security-Policy": everywhere["Content-Security-Policy"],
		"Service-Worker-Allowed": "",
	} {
		if got := rec.Header().Get(name); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	script, err := assetFiles.ReadFile("assets/receiver-sw.js")
	if err != nil || rec.Code != 200 || rec.Body.String() != string(script) {
		t.Errorf("%d: %d bytes, %v", rec.Code, rec.Body.Len(), err)
	}
	// It answers no requests of pages and asks for nothing: what it is given is all it has. The
	// one thing that it says is that a push was shown, without cookies.
	rest := strings.Replace(string(script),
		"fetch(page + '/shown/' + ack, { method: 'POST', credentials: 'omit', redirect: 'error' })", "", 1)
	for _, word := range []string{"'fetch'", "fetch(", "importScripts", "XMLHttpRequest", "/signin", "sendBeacon"} {
		if strings.Contains(rest, word) {
			t.Errorf("the worker says %s", word)
		}
	}
}
