package web

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// Countersign may be reached below a path, such as https://example.com/sign-in. Everything inside
// knows only its own paths: the base is taken off each request, and put before each address on
// the way out. So a proxy may pass the path on or take it off itself.

// stripBase takes the base off the path of a request.
func (w *Web) stripBase(r *http.Request) *http.Request {
	if w.base == "" {
		return r
	}
	path, below := strings.CutPrefix(r.URL.Path, w.base)
	if !below || path != "" && path[0] != '/' {
		return r
	}
	inner := new(http.Request)
	*inner = *r
	inner.URL = new(url.URL)
	*inner.URL = *r.URL
	inner.URL.Path = "/" + strings.TrimPrefix(path, "/")
	inner.URL.RawPath = strings.TrimPrefix(r.URL.RawPath, w.base)
	return inner
}

// Outside is an address as a browser must ask for it. Pages and redirects need not call it.
func (w *Web) Outside(to string) string {
	if strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "//") {
		return w.base + to
	}
	return to
}

// addresses finds, in a page that our templates made, the attributes that hold a path of ours.
// A quotation mark in a value is escaped, so that no text looks like one.
var addresses = regexp.MustCompile(`( (?:href|action|formaction|src|data-[a-z-]+)=")/([^/])`)

// outsidePage puts the base before each address of a page.
func (w *Web) outsidePage(html []byte) []byte {
	if w.base == "" {
		return html
	}
	return addresses.ReplaceAll(html, []byte("${1}"+strings.ReplaceAll(w.base, "$", "$$")+"/${2}"))
}
