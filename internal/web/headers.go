package web

import "net/http"

// plainPolicy is the Content-Security-Policy of every page: nothing inline, nothing from
// elsewhere, never framed. leavingPolicy lacks form-action.
const (
	leavingPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
		"font-src 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'"
	plainPolicy = leavingPolicy + "; form-action 'self'"
)

func (w *Web) headers(h http.Header, r *http.Request) {
	h.Set("X-Request-Id", From(r.Context()).RequestID)
	h.Set("Content-Security-Policy", plainPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	// With "no-referrer", browsers before Fetch Metadata send "Origin: null" with our own
	// forms. No address of ours leaves the origin either way.
	h.Set("Referrer-Policy", "same-origin")
	if !w.mux.mayBePopup(r.URL.Path) {
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
	}
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
	h.Set("Cache-Control", "no-store")
	if w.secure {
		h.Set("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
	}
}
