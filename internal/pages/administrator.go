package pages

import (
	"net/http"
	"time"

	"countersign/internal/access"
	"countersign/internal/fault"
	"countersign/internal/gate"
	"countersign/internal/people"
	"countersign/internal/web"
)

// Administrator is who is signed in to pages for administrators: of a company, or of the vendor's staff.
type Administrator struct {
	Session gate.SessionCheck
	Actor   access.Actor
}

// RequireAdministrator is RequireSession for pages for administrators. It does not look at any right: the journeys do.
func (b *Base) RequireAdministrator(w http.ResponseWriter, r *http.Request, recent bool) (
	a Administrator, ok bool, err error,
) {
	st, ok, err := b.RequireSession(w, r, recent)
	if err != nil || !ok {
		return a, false, err
	}
	return Administrator{Session: st, Actor: b.Actor(r, st)}, true, nil
}

// May reports whether the table lets the administrator do something, for what is shown.
func (a Administrator) May(action access.Action, t access.Target) bool {
	return access.Check(a.Actor, action, t) == nil
}

// Check fails where the table does not let the administrator do something, and records that.
func (b *Base) Check(r *http.Request, a Administrator, action access.Action, t access.Target) error {
	return people.RecordRefusal(r.Context(), b.DB, access.Check(a.Actor, action, t))
}

// Problem is what is wrong with a form, and how long it stays so.
type Problem struct {
	Problem string        // catalogue key; empty = nothing
	Wait    time.Duration // 0 = not known
}

// DrawProblem draws a form again with what is wrong with it; other errors are returned.
func (b *Base) DrawProblem(w http.ResponseWriter, r *http.Request, err error, page func(Problem) web.Page) error {
	f := fault.Of(err)
	if f.Kind != fault.Invalid && f.Kind != fault.Conflict && f.Kind != fault.RateLimited {
		return err
	}
	SetRetryAfter(w, f.RetryAfter)
	return b.Web.Draw(w, r, web.Status(f.Kind), page(Problem{f.Message, f.RetryAfter}))
}

// Option is a choice that a form offers.
type Option struct {
	Value    string
	Label    string // catalogue key
	Selected bool
}

// NewOption makes a choice.
func NewOption(value, label string, selected bool) Option { return Option{value, label, selected} }

// DayForm is how a browser sends a day.
const DayForm = "2006-01-02"

var errBadDate = fault.New(fault.Invalid, "activation.bad_date")

// ReadDay reads a day, which begins at midnight UTC; empty is the zero time.
func ReadDay(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(DayForm, text)
	if err != nil {
		return at, errBadDate
	}
	return at, nil
}

// WrittenDay is a day as a browser sends it; empty for the zero time.
func WrittenDay(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(DayForm)
}
