// Package audit records who did what, in the transaction of the change itself, and links
// the rows of each tenant into a chain of hashes a moment later. Rows are only ever added;
// it refuses to update or delete one, except to link it.
//
// The chain shows what someone changed who can write to the database but does not have
// the key file. It cannot show that a whole database was replaced by an older copy of
// itself; for that, keep Report.Checked of an earlier verification somewhere else.
package audit

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"countersign/internal/db"
)

// Event is one thing that happened. Fields that do not apply stay empty.
type Event struct {
	Action                    Action
	Result                    Result
	ActorID, UserID, ClientID string
	Method, Level             string // "email", "urn:countersign:acr:1e"
	SubjectID                 string // the flow, session or authenticator that it is about
	Reason                    string
	Origin
}

// Origin is the request that an event came from. It stays empty where no request caused it.
type Origin struct {
	RequestID          string
	IP, Place, Browser string // personal: may be shortened later without breaking the chain
}

// Row is an event as it is stored.
type Row struct {
	Event
	ID  string
	At  time.Time
	Seq int64 // place in the tenant's chain; 0 = not linked yet
}

// Recorded is what Record tells about the rows of one call, once they are durable.
type Recorded []Event

// Longest values that are kept, in bytes.
const (
	longestWord = 200
	longestText = 500
)

// Record adds events in the caller's transaction, for tx.Tenant at tx.Now, with one
// statement. Values lose characters that could forge a line of a log or hide text, and are
// cut when too long.
func Record(ctx context.Context, tx *db.Tx, events ...Event) error {
	if len(events) == 0 {
		return nil
	}
	args := make([]any, 0, recorded*len(events))
	for _, e := range events {
		e = e.clean()
		salt := make([]byte, 16)
		_, _ = rand.Read(salt)
		args = append(args, tx.Tenant, tx.NewID(), tx.Now, string(e.Action), string(e.Result), e.ActorID, e.UserID,
			e.ClientID, e.Method, e.Level,
			e.SubjectID, e.RequestID, e.Reason, e.IP, e.Place, e.Browser, salt, e.personalHash(salt))
	}
	if err := tx.ExecDeferred(ctx, inserting(targetTable(ctx), len(events)), args...); err != nil {
		return fmt.Errorf("record audit event %s: %w", events[0].Action, err)
	}
	tx.EmitOnCommit(Recorded(events))
	return nil
}

const (
	recordedIn = "audit_events"
	recorded   = 18 // values of one event
)

// inserting is the statement for n events; there are few n, so engines keep them prepared.
func inserting(table string, n int) string {
	if n < len(inserts) && table == recordedIn {
		return inserts[n]
	}
	return inserted(table, n)
}

// inserts are the statements for as many events as a step has.
var inserts = func() (all [8]string) {
	for n := range all {
		all[n] = inserted(recordedIn, n)
	}
	return all
}()

func inserted(table string, n int) string {
	var b strings.Builder
	b.WriteString(`INSERT INTO ` + table +
		` (tenant_id, id, at, action, result, actor_id, user_id, client_id, method, level,
			subject_id, request_id, reason, ip, place, browser, personal_salt, personal_hash, seq) VALUES `)
	for row := range n {
		if row > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('(')
		for i := range recorded {
			fmt.Fprintf(&b, "$%d,", row*recorded+i+1)
		}
		b.WriteString("0)")
	}
	return b.String()
}

func (e Event) clean() Event {
	e.Action = Action(cleanText(string(e.Action), longestWord))
	e.Result = Result(cleanText(string(e.Result), longestWord))
	for _, word := range []*string{&e.ActorID, &e.UserID, &e.ClientID, &e.Method, &e.Level, &e.SubjectID, &e.RequestID,
		&e.IP, &e.Place, &e.Browser} {
		*word = cleanText(*word, longestWord)
	}
	e.Reason = cleanText(e.Reason, longestText)
	return e
}

// cleanText drops what is not visible text and cuts at a character boundary.
func cleanText(s string, most int) string {
	if len(s) > 4*most {
		s = s[:4*most] // bounds the work on a megabyte of rubbish
	}
	if len(s) <= most && plain(s) {
		return s
	}
	if strings.IndexFunc(s, isHidden) >= 0 || !utf8.ValidString(s) {
		s = strings.Map(func(r rune) rune {
			if isHidden(r) {
				return -1
			}
			return r
		}, strings.ToValidUTF8(s, ""))
	}
	for len(s) > most {
		_, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
	}
	return s
}

// plain holds for text of nothing but visible ASCII and spaces, which most values are.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// isHidden holds for control characters, format characters (zero-width, bidirectional
// overrides) and line separators.
func isHidden(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) }
