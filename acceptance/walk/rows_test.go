package walk

import (
	"strconv"
	"strings"
)

// rows looks at what is stored of this scene's people: numbers that may only go one way,
// and sessions that no one saw begin.
func (k *stage) rows() {
	ids := make([]string, len(k.people))
	for i, a := range k.people {
		ids[i] = "'" + a.id + "'"
	}
	mine := " WHERE tenant_id IN ('" + k.companies[0].ID + "','" + k.companies[1].ID + "') AND user_id IN (" +
		strings.Join(ids, ",") + ")"
	for _, row := range k.w.Texts(k.t, `
		SELECT 'session ' || id || ' ' || acr || ' ' || expires_at || ' ' || authenticated_at || ' ' || ended_at
			FROM sessions`+mine+` UNION ALL
		SELECT 'challenge ' || id || ' ' || tries_left || ' ' || closed_at FROM challenges`+mine+` UNION ALL
		SELECT 'memory ' || id || ' ' || proved_at || ' ' || expires_at || ' ' || ended_at
			FROM remembered_browsers`+mine+` UNION ALL
		SELECT 'family ' || id || ' ' || generation || ' ' || ended_at FROM refresh_families`+mine) {
		now := strings.Fields(row)[1:]
		kind, _, _ := strings.Cut(row, " ")
		k.row(kind, now, k.last[kind+now[0]])
		k.last[kind+now[0]] = now
	}
}

// row holds a row to what it said before (was, nil at first).
func (k *stage) row(kind string, now, was []string) {
	last := len(now) - 1
	if was != nil && number(was[last]) > 0 && now[last] != was[last] {
		broken("the end of a %s went from %v to %v", kind, was, now)
	}
	switch {
	case kind == "session":
		k.sessionRow(now, was)
	case kind == "memory" && k.memories[now[0]] != nil && k.memories[now[0]].ended && number(now[3]) == 0:
		broken("a memory that was ended lives")
	case was == nil:
	case kind == "challenge" && number(now[1]) > number(was[1]):
		broken("a challenge's tries went from %v to %v", was, now)
	case kind == "memory" && (now[1] != was[1] || now[2] != was[2]):
		broken("a memory's dates went from %v to %v", was, now)
	case kind == "family" && number(now[1]) < number(was[1]):
		broken("a line of tokens went from %v to %v", was, now)
	}
}

func (k *stage) sessionRow(now, was []string) {
	s := k.sessions[now[0]]
	if s == nil {
		broken("a session that no one saw begin: %v", now)
	}
	if levelOf(now[1]) == 0 || levelOf(now[1]) > s.level {
		broken("a session at level %s for proofs of level %d", now[1], s.level)
	}
	if s.ended && number(now[4]) == 0 {
		broken("a session that was ended lives")
	}
	if was != nil && (now[1] != was[1] || now[2] != was[2] || now[3] != was[3]) {
		broken("a session went from %v to %v", was, now)
	}
}

func number(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		panic(err)
	}
	return n
}
