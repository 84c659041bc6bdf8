package auditor

import (
	"fmt"
	"strings"
	"sync"
)

// History is what clients sent and were told, in the order in which they knew it. It is
// safe for use by several clients at once. The zero value is ready.
type History struct {
	mu      sync.Mutex
	told    []told
	secrets map[string]string // value, what it is
}

// told is one answer that a client received and believes.
type told struct {
	what string // one of the constants below
	id   string // the row that it is about, or what stands for it
	user string // address of the account, where that matters
	n    int64
}

const (
	session    = "a session"
	ended      = "the end of a session"
	authorized = "an authorization code"
	answered   = "that an answer is right"
	redeemed   = "that a code is redeemed"
	refreshed  = "that a refresh token is replaced"
	wrong      = "that an answer is wrong"
	password   = "that a password is wrong"
	disowned   = "that a sign-in is disowned"
)

func (h *History) note(t told) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.told = append(h.told, t)
}

func (h *History) all(what string) (out []told) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, t := range h.told {
		if t.what == what {
			out = append(out, t)
		}
	}
	return out
}

// idOf is the row's part of a reference, tenant.id.token; "" for anything else.
func idOf(reference string) string {
	if parts := strings.Split(reference, "."); len(parts) == 3 {
		return parts[1]
	}
	return ""
}

// Secret remembers a value that may stand nowhere at rest. Of a reference, tenant.id.token,
// that is the token.
func (h *History) Secret(what, value string) {
	if parts := strings.Split(value, "."); len(parts) == 3 {
		value = parts[2]
	}
	if len(value) < 6 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.secrets == nil {
		h.secrets = map[string]string{}
	}
	h.secrets[value] = what
}

// Session notes that a browser was given a session.
func (h *History) Session(cookie string) {
	h.Secret("session cookie", cookie)
	h.note(told{what: session, id: idOf(cookie)})
}

// Ended notes that someone was told that a session is over.
func (h *History) Ended(cookie string) { h.note(told{what: ended, id: idOf(cookie)}) }

// Authorized notes that an app was given an authorization code.
func (h *History) Authorized(code string) {
	h.Secret("authorization code", code)
	h.note(told{what: authorized, id: idOf(code)})
}

// Answered notes that a message, by its code or by its link, signed someone in.
func (h *History) Answered(messageID string) { h.note(told{what: answered, id: messageID}) }

// Redeemed notes that an authorization code was turned into tokens.
func (h *History) Redeemed(code, refresh string) {
	h.Secret("refresh token", refresh)
	h.note(told{what: redeemed, id: idOf(code)})
}

// Refreshed notes that a refresh token was turned into the next one.
func (h *History) Refreshed(old, next string) {
	h.Secret("refresh token", next)
	h.note(told{what: refreshed, id: idOf(old), user: old})
}

// Wrong notes that an account was told that an answer was wrong, and how many tries are
// left on the challenge with that reference.
func (h *History) Wrong(email, reference string, left int64) {
	h.note(told{
		what: wrong,
		id:   reference,
		user: email,
		n:    left,
	})
}

// WrongPassword notes that an account was told that its password was wrong.
func (h *History) WrongPassword(email string) { h.note(told{what: password, user: email}) }

// Disowned notes that someone was told that the sign-in behind a link is disowned.
func (h *History) Disowned(link string) {
	h.note(told{what: disowned, id: idOf(link[strings.LastIndex(link, "/")+1:])})
}

// Count says how often clients were told something, for a summary.
func (h *History) Count() string {
	counts := map[string]int{}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, t := range h.told {
		counts[t.what]++
	}
	return fmt.Sprintf(
		"%d sessions, %d codes, %d redeemed, %d refreshed, %d wrong answers, %d sign-outs, %d disowned, %d secrets",
		counts[session], counts[authorized], counts[redeemed], counts[refreshed], counts[wrong], counts[ended],
		counts[disowned], len(h.secrets))
}
