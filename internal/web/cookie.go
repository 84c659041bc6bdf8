package web

import (
	"net/http"
	"time"
)

const year = 365 * 24 * time.Hour

// cookieName adds the prefix that ties a cookie to this host, https and "/" (RFC 6265bis 4.1.3).
func (w *Web) cookieName(name string) string {
	if w.secure {
		return "__Host-" + name
	}
	return name
}

// SetCookie sets one of ours: "flow", "session", "browser", "device", "admission", "method", "passkey", "link",
// "not-me", "undo", "password-link", "set-up", "lang" or "app-lang". A maxAge of 0 lasts until the browser closes.
func (w *Web) SetCookie(rw http.ResponseWriter, name, value string, maxAge time.Duration) {
	http.SetCookie(rw, &http.Cookie{
		Name:     w.cookieName(name),
		Value:    value,
		Path:     "/",
		MaxAge:   int(maxAge / time.Second),
		Secure:   w.secure,
		HttpOnly: true,
		SameSite: http.SameSiteLaxMode,
	})
}

// ClearCookie makes the browser forget a cookie.
func (w *Web) ClearCookie(rw http.ResponseWriter, name string) {
	w.SetCookie(rw, name, "", -time.Second)
}

// Cookie returns the value of one of our cookies, or "". Two different values under one
// name mean that someone else set one of them; then none is believed.
func (w *Web) Cookie(r *http.Request, name string) string {
	value := ""
	for i, c := range r.CookiesNamed(w.cookieName(name)) {
		if i > 0 && c.Value != value {
			return ""
		}
		value = c.Value
	}
	return value
}
