package web

import (
	"net/http"
	"strings"
)

// policy is the Content-Security-Policy of a page whose forms may also lead to extra
// origins. Nothing inline, nothing from elsewhere, never framed.
func policy(extra []string) string {
	return "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
		"font-src 'self'; form-action " + strings.Join(append([]string{"'self'"}, origins(extra)...), " ") +
		"; base-uri 'none'; frame-ancestors 'none'; object-src 'none'"
}

// origins drops what could smuggle another directive into the policy.
func origins(extra []string) []string {
	var out []string
	for _, o := range extra {
		if o != "" && !strings.ContainsAny(o, " ;,'\"\t\r\n") {
			out = append(out, o)
		}
	}
	return out
}

var plainPolicy = policy(nil)

func (w *Web) headers(h http.Header, r *http.Request) {
	h.Set("X-Request-Id", From(r.Context()).RequestID)
	h.Set("Content-Security-Policy", plainPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	// With "no-referrer", browsers before Fetch Metadata send "Origin: null" with our own
	// forms. No address of ours leaves the origin either way.
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
	h.Set("Cache-Control", "no-store")
	if w.secure {
		h.Set("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
	}
}
