package histories

import (
	"fmt"

	"github.com/anishathalye/porcupine"
)

// did is what a client asked for: a verb and what it was about.
type did struct {
	Verb  string `json:"verb"`
	About string `json:"about,omitempty"`
	ID    int    `json:"id,omitempty"` // ties "told" to its "take"
}

// got is the answer in one word, with what came along.
type got struct {
	Word string `json:"word"`
	New  string `json:"new,omitempty"`  // a token
	Left int    `json:"left,omitempty"` // tries
}

// model makes a checker's model of a sequential machine whose states can be compared.
func model[S comparable](first S, step func(s S, in did, out got) (bool, S)) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return first },
		Step: func(s, in, out any) (bool, any) {
			ok, next := step(s.(S), in.(did), out.(got))
			return ok, next
		},
		DescribeOperation: describe,
		DescribeState:     func(s any) string { return fmt.Sprintf("%+v", s) },
	}
}

func describe(in, out any) string { return fmt.Sprintf("%+v: %+v", in, out) }

// one is a code and its link: five tries, and a single use of either.
type one struct {
	left  int
	spent bool
	took  uint64 // who took a try: what they are told comes after it
}

// challengeModel has two operations for each answer, because the program has: "take", which
// reserves a try, and "told", which is the verdict. Anyone who was told that it is over may or
// may not have taken a try before.
var challengeModel = (&porcupine.NondeterministicModel{
	Init: func() []any { return []any{one{left: 5}} },
	Step: func(state, in, out any) []any {
		return answered(state.(one), in.(did), out.(got))
	},
	DescribeOperation: describe,
}).ToModel()

func answered(s one, in did, out got) []any {
	mine := uint64(1) << in.ID
	took := []any{}
	if s.left > 0 && !s.spent {
		took = append(took, one{s.left - 1, false, s.took | mine})
	}
	switch in.Verb + " " + out.Word {
	case "take in", "take wrong":
		return took
	case "take over":
		return append(took, s)
	case "take none":
		if in.About == "right" { // with a try it would have been judged right
			return []any{s}
		}
		return append(took, s)
	case "told in":
		return when(s.took&mine != 0 && !s.spent, one{s.left, true, s.took})
	case "told wrong":
		return when(in.About == "guess" && s.took&mine != 0 && out.Left == s.left || in.About == "right" && s.spent, s)
	case "link in": // a link is no guess
		return when(s.left > 0 && !s.spent, one{s.left, true, s.took})
	case "told over", "link wrong": // PostgreSQL tells the second of two presses at once that the code is wrong
		return when(s.spent, s)
	case "told none", "link none", "link over":
		return when(s.spent || s.left == 0, s)
	}
	return nil
}

func when(ok bool, s one) []any {
	if !ok {
		return nil
	}
	return []any{s}
}

// budgetModel is an account's budget of wrong answers, over all of its sign-ins: five, and
// then a wait that is longer than the round.
var budgetModel = model(0, func(n int, in did, out got) (bool, int) {
	switch in.Verb + " " + out.Word {
	case "guess wrong":
		return n < 5, n + 1
	case "guess wait":
		return n == 5, n
	}
	return false, n
})

// grants is what one authorization code stands for.
type grants struct {
	spent, alive bool
	newest       string // the refresh token that counts
	before       string // which it replaced, and which gets the same once more for some seconds
}

var grantModel = model(grants{}, func(s grants, in did, out got) (bool, grants) {
	older := in.Verb == "refresh" && in.About != s.newest
	switch in.Verb + " " + out.Word {
	case "redeem tokens":
		return !s.spent, grants{true, true, out.New, ""}
	case "redeem refused": // a second use takes the tokens of the first with it
		return s.spent, grants{true, false, s.newest, ""}
	case "steal refused": // without the verifier: the code is dead either way
		return true, grants{true, false, s.newest, ""}
	case "refresh tokens":
		if older {
			return s.alive && in.About == s.before && out.New == s.newest, grants{true, true, s.newest, ""}
		}
		return s.alive, grants{true, true, out.New, in.About}
	case "refresh refused":
		return !s.alive || older, grants{s.spent, false, s.newest, ""}
	case "look yes":
		return s.alive, s
	case "look no":
		return !s.alive, s
	}
	return false, s
})

// memory is a remembered browser: the token that counts, and the one before it, which for
// half a minute means a second tab.
type memory struct {
	newest, before string
	ended          bool
}

func memoryModel(first string) porcupine.Model {
	return model(memory{newest: first}, func(s memory, in did, out got) (bool, memory) {
		switch out.Word {
		case "in":
			// after a while the answer with the newest counts as lost, and the newest dies
			lost := s.before != "" && in.About == s.before
			return !s.ended && (in.About == s.newest || lost), memory{out.New, in.About, false}
		case "again": // also when it ended between the look and the renewal
			return !s.ended && in.About == s.before || s.ended && in.About == s.newest, s
		case "asked":
			older := in.About != s.newest && in.About != s.before
			return s.ended || older, memory{s.newest, s.before, true}
		}
		return false, s
	})
}

// registerModel is a setting: what was written last is what holds.
func registerModel(first string) porcupine.Model {
	return model(first, func(s string, in did, out got) (bool, string) {
		if in.Verb == "write" {
			return out.Word == "done", in.About
		}
		return out.Word == s, s
	})
}

// lifeModel is whatever has been revoked: the acknowledgement is the end of it.
var lifeModel = model(true, func(alive bool, in did, out got) (bool, bool) {
	if in.Verb == "revoke" {
		return out.Word == "done", false
	}
	return out.Word == "yes" && alive || out.Word == "no" && !alive, alive
})
