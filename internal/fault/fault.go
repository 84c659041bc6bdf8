// Package fault is the one error type that may reach a person. Anything else that
// escapes to a face is shown as Internal and logged. It knows neither HTTP nor
// language: a Kind is what callers branch on, a Message is a catalogue key.
package fault

import (
	"errors"
	"time"
)

// Kind is what a caller may branch on. Faces map it to their own status once.
type Kind string

// The kinds of fault.
const (
	NotFound        Kind = "not_found"
	Invalid         Kind = "invalid"
	Conflict        Kind = "conflict"
	Outdated        Kind = "outdated" // what was changed is not what was shown
	Denied          Kind = "denied"
	Unauthenticated Kind = "unauthenticated"
	RateLimited     Kind = "rate_limited"
	Unavailable     Kind = "unavailable"
	Internal        Kind = "internal"
)

// Fault is an error with something true and safe to tell the person.
type Fault struct {
	Kind       Kind
	Message    string        // catalogue key, for example "signin.flow_over"
	RetryAfter time.Duration // how long to wait, for RateLimited and Unavailable; 0 = unknown
	Cause      error         // for the log only
}

// New returns a fault of kind k whose message is the catalogue key.
func New(k Kind, message string) *Fault { return &Fault{Kind: k, Message: message} }

// Because returns a copy of f that remembers cause, so that shared faults stay clean.
func (f Fault) Because(cause error) *Fault { f.Cause = cause; return &f }

// After returns a copy of f that asks the caller to wait for d.
func (f Fault) After(d time.Duration) *Fault { f.RetryAfter = d; return &f }

// Error is for the log, never for a page.
func (f *Fault) Error() string {
	if f.Cause != nil {
		return f.Message + ": " + f.Cause.Error()
	}
	return f.Message
}

// Unwrap returns the cause.
func (f *Fault) Unwrap() error { return f.Cause }

// Of returns the fault inside err, or an Internal one wrapping err.
func Of(err error) *Fault {
	var f *Fault
	if errors.As(err, &f) {
		return f
	}
	return New(Internal, "error.internal").Because(err)
}

// Is reports whether err carries a fault of kind k.
func Is(err error, k Kind) bool { return err != nil && Of(err).Kind == k }
