// Package pages holds what the sign-in pages and the pages of a person's own account share: who sent a request, the
// cookies that hold references, where a sign-in leads to, and the page after signing out. It refuses to mount a route,
// to write to the database and to know what any method is.
package pages

import (
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/firststep"
	"countersign/internal/gate"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/session"
	"countersign/internal/signin"
	"countersign/internal/web"
)

// Base is what every handler of people's pages needs.
type Base struct {
	Web       *web.Web
	DB        *db.DB
	Keys      *secret.Keys
	Gate      *gate.Gate
	FirstStep *firststep.Service
	SignIn    *signin.Service
	Place     func(ip netip.Addr, lang string) string
}

// Visitor is where a request came from, with the approximate place.
func (b *Base) Visitor(r *http.Request) session.Visitor {
	v := web.From(r.Context())
	return session.Visitor{
		IP:        v.IP.String(),
		Place:     b.Place(v.IP, v.Lang),
		Browser:   v.Browser,
		RequestID: v.RequestID,
	}
}

// Sentences puts policy's reasons into the person's language.
func (b *Base) Sentences(r *http.Request, reasons []policy.Reason) []string {
	printer := b.Web.Printer(r)
	var out []string
	for _, reason := range reasons {
		args := make([]any, len(reason.Args))
		for i, a := range reason.Args {
			if t, ok := a.(time.Time); ok {
				a = printer.Date(t)
			}
			args[i] = a
		}
		out = append(out, printer.T(reason.Key, args...))
	}
	return out
}

// Waiting is the fault inside err when it asks the person to wait.
func Waiting(err error) *fault.Fault {
	if err == nil {
		return nil
	}
	if f := fault.Of(err); f.Kind == fault.RateLimited || f.Kind == fault.Unavailable {
		return f
	}
	return nil
}

// SetRetryAfter tells programs how long to wait, in whole seconds.
func SetRetryAfter(w http.ResponseWriter, d time.Duration) {
	if d > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((d+time.Second-1)/time.Second)))
	}
}

// DaysLeft is how many days there are from now until by; 0 where by is not set.
func DaysLeft(now, by time.Time) int {
	if by.IsZero() {
		return 0
	}
	return signin.DaysUntil(now, by)
}
