package audit

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"countersign/internal/secret"
)

// Filter selects rows, newest first. Empty fields select everything.
type Filter struct {
	UserID       string
	ActorID      string // who did it
	NotActorID   string
	By           By
	Action       Action
	Result       Result
	Prefixes     []string     // beginnings of actions; any of them
	IP           string       // the whole address
	Network      netip.Prefix // Search only: the address lies in it, or the network that is left of an old one
	ClientID     string
	Place        string // Search only: part of the place, in upper or lower case
	RequestID    string
	Since, Until time.Time // Since <= at < Until
	Before       string    // rows older than this id: the next page
	Limit        int       // 0 = 100, at most 1000

	oldest string // the id of the oldest row to look at; empty: as Since says
}

// By says whether those whom a row concerns did it.
type By string

// Rows that no one did are neither.
const (
	BySelf  By = "self"
	ByOther By = "other"
)

const (
	bySelf  = "actor_id = user_id AND actor_id <> ''"
	byOther = "actor_id <> user_id AND actor_id <> ''" // as audit_events_by_other has it
)

// where is the end of a statement, to follow "WHERE tenant_id = $1".
type where struct {
	text strings.Builder
	args []any
}

// and adds a condition; each %s in it stands for a value.
func (w *where) and(condition string, values ...any) {
	var marks []any
	for _, v := range values {
		w.args = append(w.args, v)
		marks = append(marks, fmt.Sprintf("$%d", len(w.args)))
	}
	if condition != "" {
		w.text.WriteString(" AND " + fmt.Sprintf(condition, marks...))
	}
}

// equal adds a condition where there is something to compare with.
func (w *where) equal(column, value string) {
	if value != "" {
		w.and(column+" = %s", value)
	}
}

// conditions are those of the filter, to follow others whose arguments are args.
func (f Filter) conditions(args []any) (string, []any) {
	w := where{args: args}
	f.narrow(&w)
	f.times(&w)
	return w.text.String(), w.args
}

// narrow are the conditions that do not say when.
func (f Filter) narrow(w *where) {
	w.equal("user_id", f.UserID)
	w.equal("action", string(f.Action))
	w.equal("client_id", f.ClientID)
	w.equal("request_id", f.RequestID)
	f.actors(w)
	w.equal("result", string(f.Result))
	if f.Result != "" && f.Result != OK {
		w.and("result <> 'ok'") // as audit_events_not_ok has it
	}
	f.kinds(w)
	if w.equal("ip", f.IP); f.IP != "" {
		w.and("ip <> ''") // as audit_events_from has it
	}
}

func (f Filter) actors(w *where) {
	w.equal("actor_id", f.ActorID)
	if f.NotActorID != "" {
		w.and("actor_id <> %s", f.NotActorID)
	}
	switch f.By {
	case BySelf:
		w.and(bySelf)
	case ByOther:
		w.and(byOther)
	}
}

func (f Filter) kinds(w *where) {
	if len(f.Prefixes) == 0 {
		return
	}
	if !f.routine() {
		w.and(rare)
	}
	var any []string
	for _, p := range f.Prefixes {
		w.args = append(w.args, p+"%")
		any = append(any, fmt.Sprintf("action LIKE $%d", len(w.args)))
	}
	w.text.WriteString(" AND (" + strings.Join(any, " OR ") + ")")
}

// times are the conditions that say from when to when. The ids of rows begin with their time and are in an index; what
// is older or newer is not read. Each end is one condition: SQLite would seek by the wrong one of two.
func (f Filter) times(w *where) {
	oldest, before := f.oldest, f.Before
	if !f.Since.IsZero() {
		w.and("at >= %s", f.Since)
		if oldest == "" {
			oldest = secret.FirstID(f.Since)
		}
	}
	if oldest != "" {
		w.and("id >= %s", oldest)
	}
	if !f.Until.IsZero() {
		w.and("at < %s", f.Until)
		if first := secret.FirstID(f.Until); before == "" || first < before {
			before = first
		}
	}
	if before != "" {
		w.and("id < %s", before)
	}
}

// routineActions are the events of which nearly all others consist. audit_events_rare has the others, and rare is its
// condition.
var routineActions = []Action{
	SignInPassword, SignInSecondFactor, SignInCompleted, ChallengeSent, TokenIssued, TokenRefreshed, SessionEnded,
}

const rare = `action NOT IN ('signin.password', 'signin.second_factor', 'signin.completed', 'challenge.sent',
	'token.issued', 'token.refreshed', 'session.ended')`

func isRoutine(a Action) bool { return slices.Contains(routineActions, a) }

// routine reports whether the prefixes select routine actions, too.
func (f Filter) routine() bool {
	return slices.ContainsFunc(routineActions, func(a Action) bool {
		return slices.ContainsFunc(f.Prefixes, func(p string) bool { return strings.HasPrefix(string(a), p) })
	})
}

func (f Filter) limit() int {
	if f.Limit <= 0 {
		return 100
	}
	return min(f.Limit, 1000)
}

// exact reports whether the rows of the filter are those that one index finds, and no others. For everything else rows
// are read and left out.
func (f Filter) exact() bool {
	left := f
	switch {
	case f.UserID != "":
		left.UserID = ""
	case f.IP != "":
		left.IP = ""
	case f.Result != OK && len(f.Prefixes) == 0:
		left.Result = ""
	}
	return !left.narrows()
}

// narrows reports whether the filter asks for more than a time.
func (f Filter) narrows() bool {
	w := where{}
	f.narrow(&w)
	return w.text.Len() > 0 || f.readsRows()
}

// readsRows reports whether the filter asks for something that no condition of both databases says alike.
func (f Filter) readsRows() bool { return f.Place != "" || f.Network.IsValid() }

// matches is what readsRows is about.
func (f Filter) matches(ip, place string) bool {
	if !strings.Contains(strings.ToLower(place), strings.ToLower(f.Place)) {
		return false
	}
	return !f.Network.IsValid() || liesIn(ip, f.Network)
}

// liesIn reports whether an address lies in a network. Of an old address a network is left, of which all must lie in
// the other one.
func liesIn(ip string, network netip.Prefix) bool {
	if a, err := netip.ParseAddr(ip); err == nil {
		return network.Contains(a.Unmap().WithZone(""))
	}
	left, err := netip.ParsePrefix(ip)
	return err == nil && left.Bits() >= network.Bits() && network.Contains(left.Addr())
}

// driver is the condition that an index finds rows by, of those in the filter the one that finds the fewest; empty
// where there is none.
func (f Filter) driver() condition {
	switch {
	case f.UserID != "":
		return condition{"user_id = %s", []any{f.UserID}}
	case f.IP != "":
		return condition{"ip = %s AND ip <> ''", []any{f.IP}}
	case len(f.Prefixes) > 0 && !f.routine() && f.Result != Refused: // less is refused than is rare
		return condition{text: rare}
	case f.Result != "" && f.Result != OK:
		return condition{"result = %s AND result <> 'ok'", []any{string(f.Result)}}
	}
	return condition{}
}
