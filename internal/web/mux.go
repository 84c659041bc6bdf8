package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"sort"
	"strings"
	"time"
)

// Handler may fail; the mux shows the failure once, in one way.
type Handler func(http.ResponseWriter, *http.Request) error

const (
	maxBody = 64 << 10
	// patience is how long a request may work; a POST also after its client has gone.
	patience = 15 * time.Second
)

// Route is one line of the inventory of everything this program answers.
type Route struct {
	Method, Pattern string
	Class           string // "page", "form", "open" or "machine"
}

// Mux routes requests through the one chain. Register everything before serving.
type Mux struct {
	web     *Web
	inner   *http.ServeMux
	routes  map[string]map[string]http.Handler // pattern, method
	list    []Route
	anyHost []string // paths that are answered under every host name
	popups  []string // paths that an app may open in a window of its own
}

func newMux(w *Web) *Mux {
	m := &Mux{web: w, inner: http.NewServeMux(), routes: map[string]map[string]http.Handler{}}
	m.inner.HandleFunc("/", w.withErrors(func(http.ResponseWriter, *http.Request) error { return errNoPage }))
	m.inner.HandleFunc("GET /assets/{hash}/{name}", w.withErrors(w.asset))
	m.inner.HandleFunc("GET /assets/{company}/{hash}/{name}", w.withErrors(withLimits(maxBody, w.companyLogo)))
	m.Post("/language", w.chooseLanguage)
	m.Popup("/language")
	return m
}

// Get registers a page: it must not change anything. HEAD comes with it.
func (m *Mux) Get(pattern string, h Handler) {
	m.add("page", http.MethodGet, pattern, h)
	m.add("page", http.MethodHead, pattern, h)
}

// Post registers a form. It is the only way to accept a browser's POST: it asks for a
// positive same-origin proof, a small urlencoded body that is well formed, each field at
// most once unless named in repeats; and a client that hangs up cannot stop the handler,
// so that a counted try stays counted. The values are in r.PostForm.
func (m *Mux) Post(pattern string, h Handler, repeats ...string) {
	m.add("form", http.MethodPost, pattern, func(rw http.ResponseWriter, r *http.Request) error {
		if !m.web.sameOrigin(r) {
			return errCrossOrigin
		}
		if err := ParseForm(rw, r, repeats...); err != nil {
			return err
		}
		return h(rw, r)
	})
}

// Open registers a browser endpoint that other origins may send people to, such as the
// OpenID authorization endpoint: cookies are read, nothing proves the origin, so the
// handler must not change anything that a stranger could want changed.
func (m *Mux) Open(method, pattern string, h Handler) { m.add("open", method, pattern, h) }

// Popup names paths that an app may open with window.open: these and all paths below them
// are answered without Cross-Origin-Opener-Policy, which would cut the window off from the
// app that waits for it.
func (m *Mux) Popup(paths ...string) { m.popups = append(m.popups, paths...) }

func (m *Mux) mayBePopup(path string) bool {
	return slices.ContainsFunc(m.popups, func(p string) bool { return path == p || strings.HasPrefix(path, p+"/") })
}

// Machine registers an endpoint for programs: it never sees a cookie, and its errors are
// problem+json. HEAD comes with GET.
func (m *Mux) Machine(method, pattern string, h Handler) {
	deaf := func(rw http.ResponseWriter, r *http.Request) error {
		r.Header.Del("Cookie")
		r.Header.Del("Accept") // a program that says text/html still gets no page
		return h(rw, r)
	}
	m.add("machine", method, pattern, deaf)
	if method == http.MethodGet {
		m.add("machine", http.MethodHead, pattern, deaf)
	}
}

func (m *Mux) add(class, method, pattern string, h Handler) {
	m.addLimited(class, method, pattern, maxBody, h)
}

func (m *Mux) addLimited(class, method, pattern string, body int64, h Handler) {
	m.list = append(m.list, Route{method, pattern, class})
	if m.routes[pattern] == nil {
		m.routes[pattern] = map[string]http.Handler{}
		m.inner.Handle(exact(pattern), m.dispatch(pattern))
	}
	m.routes[pattern][method] = m.web.withErrors(withLimits(body, h))
}

func exact(pattern string) string {
	if strings.HasSuffix(pattern, "/") {
		return pattern + "{$}"
	}
	return pattern
}

func (m *Mux) dispatch(pattern string) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		byMethod := m.routes[pattern]
		if h := byMethod[r.Method]; h != nil {
			if !cleanAddress(r.URL) {
				m.web.fail(rw, r, errMalformed)
				return
			}
			h.ServeHTTP(rw, r)
			return
		}
		rw.Header().Set("Allow", strings.Join(methods(byMethod), ", "))
		m.web.fail(rw, r, errMethod)
	})
}

func methods(byMethod map[string]http.Handler) []string {
	var out []string
	for m := range byMethod {
		out = append(out, m)
	}
	sort.Strings(out)
	return out
}

// withLimits bounds the body and the time, and lets a POST finish what it began.
func withLimits(body int64, h Handler) Handler {
	return func(rw http.ResponseWriter, r *http.Request) error {
		r.Body = http.MaxBytesReader(rw, r.Body, body)
		ctx := r.Context()
		if r.Method == http.MethodPost {
			ctx = context.WithoutCancel(ctx)
		}
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		return h(rw, r.WithContext(ctx))
	}
}

// Routes lists everything registered, for the test that calls every route as a stranger.
func (m *Mux) Routes() []Route { return slices.Clone(m.list) }

// ServeHTTP runs the chain.
func (m *Mux) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	m.web.chain(m.inner, rw, m.web.stripBase(r))
}

// local returns target if it is a page of ours that a browser may be sent to, else "/".
func (m *Mux) local(target string) string {
	u, ok := ownPath(target)
	if !ok {
		return "/"
	}
	_, pattern := m.inner.Handler(&http.Request{Method: http.MethodGet, URL: u})
	if pattern == "/" || m.routes[strings.TrimSuffix(pattern, "{$}")][http.MethodGet] == nil {
		return "/" // the pattern "/" is everything unknown; the start page is "/{$}"
	}
	return u.RequestURI()
}

// Local is the allow-list for return addresses: a path of our own that has a page.
func (m *Mux) Local(target string) (string, bool) {
	p := m.local(target)
	return p, p != "/" || target == "/"
}

// ownPath accepts an absolute path on our own origin and nothing that a browser could read
// as another origin: "//host", "/\host", control characters, a scheme.
func ownPath(target string) (*url.URL, bool) {
	if !strings.HasPrefix(target, "/") || strings.HasPrefix(target, "//") || len(target) > 4096 {
		return nil, false
	}
	if strings.ContainsFunc(target, isForbiddenInPath) {
		return nil, false
	}
	u, err := url.ParseRequestURI(target)
	if err != nil || u.Scheme != "" || u.Host != "" || strings.HasPrefix(u.Path, "//") ||
		strings.ContainsFunc(u.Path, isForbiddenInPath) || hasDotSegments(u.Path) {
		return nil, false
	}
	return u, true
}

// hasDotSegments reports whether a browser would turn a path into another one (RFC 3986 section 5.2.4).
func hasDotSegments(path string) bool {
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}

// isForbiddenInPath reports characters that stand in no path of ours, percent-encoded or not.
func isForbiddenInPath(r rune) bool { return r <= ' ' || r == '\\' || r >= 0x7f }
