package pages

import (
	"net/http"
	"net/url"
	"strings"

	"countersign/internal/client"
	"countersign/internal/grant"
)

// Target is what a sign-in is for: the sealed request of an app, or our own pages.
type Target struct {
	Sealed  string
	Request grant.Request
}

// TargetOf opens a sealed request; an empty one is for our own pages.
func (b *Base) TargetOf(sealed string) (Target, error) {
	if sealed == "" {
		return Target{Request: grant.Request{ClientID: client.PortalID}}, nil
	}
	req, err := grant.Open(b.Keys, sealed, b.DB.Now())
	return Target{Sealed: sealed, Request: req}, err
}

// Ours reports whether a sign-in is for our own pages.
func (t Target) Ours() bool { return t.Request.ClientID == client.PortalID }

// Origins are where a form of this sign-in may lead in the end.
func (t Target) Origins() []string {
	if to := t.Request.Target(); to != "" {
		return []string{to}
	}
	return nil
}

// OriginsOf is Origins of a sealed request; none where it cannot be opened.
func (b *Base) OriginsOf(sealed string) []string {
	t, err := b.TargetOf(sealed)
	if err != nil {
		return nil
	}
	return t.Origins()
}

// Onward is where a finished sign-in goes on: to the app, or to the page of ours that had
// asked for more.
func (b *Base) Onward(sealed string) string {
	if sealed == "" {
		return "/"
	}
	if t, err := b.TargetOf(sealed); err == nil && t.Ours() {
		return b.ReturnPath(t.Request.ReturnTo)
	}
	return Resumption(sealed)
}

// Resumption is where an app's request goes on with the session that there is.
func Resumption(sealed string) string { return "/authorize/resume?to=" + url.QueryEscape(sealed) }

// ReturnPath accepts the pages that may be returned to, and nothing else (SEC-118).
func (b *Base) ReturnPath(path string) string {
	here, ok := b.Web.Mux().Local(path)
	if !ok {
		return "/"
	}
	for _, root := range []string{"/profile", "/company", "/desk"} {
		if here == root || strings.HasPrefix(here, root+"/") {
			return here
		}
	}
	return "/"
}

// CurrentPage is the page to come back to after a step-up. What was posted is asked for again, with
// what userID had typed filled in.
func (b *Base) CurrentPage(r *http.Request, userID string) string {
	if r.Method == http.MethodGet {
		return b.ReturnPath(r.URL.RequestURI())
	}
	if path := b.ReturnPath(r.URL.Path); path != "/" {
		return b.KeepTyped(path, r.PostForm, userID)
	}
	if strings.HasPrefix(r.URL.Path, "/company/") {
		return "/company/users"
	}
	if strings.HasPrefix(r.URL.Path, "/desk/") {
		return "/desk/companies"
	}
	return "/profile"
}

// SignInPath is the sign-in page for a sealed request; "" = for our own pages.
func SignInPath(to string) string {
	if to == "" {
		return "/signin"
	}
	return "/signin?to=" + url.QueryEscape(to)
}

// ProtectedPath is the page that ends a set-up; to is the sealed request to go on with.
func ProtectedPath(to string) string {
	if to == "" {
		return "/profile/protected"
	}
	return "/profile/protected?to=" + url.QueryEscape(to)
}
