package web

import (
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"countersign/internal/fault"
)

// A name that is not ours may lead here by DNS rebinding, or by a proxy that passes on what it is
// given. To a browser, a form under that name is of the same origin, so nothing is served there
// (RFC 9110 section 7.4).

var errMisdirected = refuse(http.StatusMisdirectedRequest, fault.Invalid, "error.misdirected")

// AnyHost names paths that are answered under every host name, such as a load balancer's question.
func (m *Mux) AnyHost(paths ...string) { m.anyHost = append(m.anyHost, paths...) }

// isOurHost reports whether a request is for our host name, or for a path that does not care.
func (w *Web) isOurHost(r *http.Request) bool {
	return w.AnyHost || canonicalHost(r.Host, w.PublicURL.Scheme) == w.host ||
		slices.Contains(w.mux.anyHost, r.URL.Path)
}

// canonicalHost is a host in lower case, without the root's dot and without its scheme's own port.
func canonicalHost(host, scheme string) string {
	port := map[string]string{"https": ":443", "http": ":80"}[scheme]
	host = strings.TrimSuffix(strings.ToLower(host), port)
	if name, port, found := strings.Cut(host, ":"); found && !strings.HasPrefix(host, "[") {
		return strings.TrimSuffix(name, ".") + ":" + port
	}
	return strings.TrimSuffix(host, ".")
}

const misdirectedEvery = time.Minute // strangers must not fill the log

// refuseHost refuses a request for another host. It says so in the log, because the cause may be a
// proxy that does not pass the name on.
func (w *Web) refuseHost(rw http.ResponseWriter, r *http.Request) {
	now, last := w.Now(), w.misdirected.Load()
	if now.UnixNano()-last >= int64(misdirectedEvery) && w.misdirected.CompareAndSwap(last, now.UnixNano()) {
		w.Log.LogAttrs(r.Context(), slog.LevelError, "request for another host refused",
			slog.String("host", r.Host[:min(len(r.Host), 255)]), slog.String("public_url", w.origin),
			slog.String("hint", "have the proxy set the Host header to the host of public_url, or correct public_url"))
	}
	r.Pattern = "/" // as for every other address that is unknown
	w.fail(rw, r, errMisdirected)
}
