package histories

import (
	"slices"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// at is an operation of a made-up history, in units of time that mean nothing.
func at(client int, call, back int64, in did, out got) porcupine.Operation {
	return porcupine.Operation{ClientId: client, Call: call, Return: back, Input: in, Output: out}
}

// TestREL015_EachModelCanFail holds every model to a history that must not be believed,
// and to its closest believable neighbour.
func TestREL015_EachModelCanFail(t *testing.T) {
	take := func(id int) did { return did{"take", "guess", id} }
	told := func(id int) did { return did{"told", "guess", id} }
	guess := func(id int) did { return did{Verb: "guess", ID: id} }
	right := func(client int, call, back int64, word string) []porcupine.Operation {
		return []porcupine.Operation{
			at(client, call, back, did{"take", "right", 40 + client}, got{Word: word}),
			at(client+100, call, back, did{"told", "right", 40 + client}, got{Word: word}),
		}
	}
	link := func(word string) []porcupine.Operation {
		return []porcupine.Operation{at(9, 5, 15, did{Verb: "link"}, got{Word: word})}
	}
	var six, five, budget []porcupine.Operation
	for i := range 6 {
		six = append(six, at(i, 0, 10, take(i), got{Word: "wrong"}))
		budget = append(budget, at(i, 0, 10, guess(i), got{Word: "wrong"}))
	}
	for i := range 5 {
		five = append(five, at(0, int64(10*i), int64(10*i+5), take(i), got{Word: "wrong"}))
	}
	redeemed := at(0, 0, 10, did{Verb: "redeem"}, got{Word: "tokens", New: "a"})
	b := got{Word: "tokens", New: "b"}
	for _, c := range []struct {
		name      string
		model     porcupine.Model
		bad, good []porcupine.Operation
	}{
		{"a code used twice", challengeModel, slices.Concat(right(0, 0, 10, "in"), right(1, 5, 15, "in")),
			slices.Concat(right(0, 0, 10, "in"), right(1, 5, 15, "over"))},
		{"a code and its link", challengeModel, slices.Concat(right(0, 0, 10, "in"), link("in")),
			slices.Concat(right(0, 0, 10, "over"), link("in"))},
		{"a loser before the winner began", challengeModel,
			slices.Concat(right(0, 0, 4, "over"), right(1, 5, 15, "in")),
			slices.Concat(right(0, 0, 6, "over"), right(1, 5, 15, "in"))},
		{"six wrong answers judged", challengeModel, six, six[:5]},
		{"the right answer after the last try", challengeModel, slices.Concat(five, right(1, 60, 70, "in")),
			slices.Concat(five, right(1, 60, 70, "none"))},
		{"a code that is dead before its time", challengeModel, slices.Concat(five[:4], right(1, 60, 70, "none")),
			slices.Concat(five[:4], right(1, 60, 70, "in"))},
		{"a count that goes back", challengeModel,
			append(five[:2:2], at(0, 20, 21, told(1), got{Word: "wrong", Left: 3}),
				at(0, 22, 23, told(0), got{Word: "wrong", Left: 4})),
			append(five[:2:2], at(0, 20, 21, told(1), got{Word: "wrong", Left: 3}),
				at(0, 22, 23, told(0), got{Word: "wrong", Left: 3}))},
		{"an account's sixth wrong answer", budgetModel, budget,
			append(budget[:5:5], at(0, 60, 70, guess(6), got{Word: "wait"}))},
		{"a wait before the fifth", budgetModel,
			append(budget[:4:4], at(0, 60, 70, guess(6), got{Word: "wait"})), budget[:4]},
		{"an authorization code used twice", grantModel,
			[]porcupine.Operation{redeemed, at(1, 5, 15, did{Verb: "redeem"}, b)},
			[]porcupine.Operation{redeemed, at(1, 5, 15, did{Verb: "redeem"}, got{Word: "refused"})}},
		{"tokens after the replay of their code", grantModel,
			[]porcupine.Operation{redeemed, at(1, 5, 15, did{Verb: "redeem"}, got{Word: "refused"}),
				at(1, 20, 30, did{Verb: "look"}, got{Word: "yes"})},
			[]porcupine.Operation{redeemed, at(1, 5, 15, did{Verb: "redeem"}, got{Word: "refused"}),
				at(1, 20, 30, did{Verb: "look"}, got{Word: "no"})}},
		{"two winners of one generation", grantModel,
			[]porcupine.Operation{redeemed, at(0, 20, 30, did{Verb: "refresh", About: "a"}, b),
				at(1, 25, 35, did{Verb: "refresh", About: "a"}, got{Word: "tokens", New: "c"})},
			[]porcupine.Operation{redeemed, at(0, 20, 30, did{Verb: "refresh", About: "a"}, b),
				at(1, 25, 35, did{Verb: "refresh", About: "a"}, got{Word: "refused"})}},
		{"a line that survives an older token", grantModel,
			[]porcupine.Operation{redeemed, at(0, 20, 30, did{Verb: "refresh", About: "a"}, b),
				at(1, 40, 50, did{Verb: "refresh", About: "a"}, got{Word: "refused"}),
				at(0, 60, 70, did{Verb: "refresh", About: "b"}, got{Word: "tokens", New: "c"})},
			[]porcupine.Operation{redeemed, at(0, 20, 30, did{Verb: "refresh", About: "a"}, b),
				at(1, 40, 50, did{Verb: "refresh", About: "a"}, got{Word: "refused"}),
				at(0, 60, 70, did{Verb: "refresh", About: "b"}, got{Word: "refused"})}},
		{"two browsers of one memory", memoryModel("a"),
			[]porcupine.Operation{at(0, 0, 10, did{Verb: "show", About: "a"}, got{Word: "in", New: "b"}),
				at(1, 5, 15, did{Verb: "show", About: "a"}, got{Word: "in", New: "c"}),
				at(0, 20, 30, did{Verb: "show", About: "b"}, got{Word: "in", New: "d"}),
				at(1, 20, 30, did{Verb: "show", About: "c"}, got{Word: "in", New: "e"})},
			[]porcupine.Operation{at(0, 0, 10, did{Verb: "show", About: "a"}, got{Word: "in", New: "b"}),
				at(1, 5, 15, did{Verb: "show", About: "a"}, got{Word: "in", New: "c"}),
				at(0, 20, 30, did{Verb: "show", About: "b"}, got{Word: "asked"}),
				at(1, 20, 30, did{Verb: "show", About: "c"}, got{Word: "asked"})}},
		{"a memory that survives its copy", memoryModel("c"),
			[]porcupine.Operation{at(0, 0, 10, did{Verb: "show", About: "a"}, got{Word: "asked"}),
				at(1, 15, 25, did{Verb: "show", About: "c"}, got{Word: "in", New: "d"})},
			[]porcupine.Operation{at(0, 0, 10, did{Verb: "show", About: "a"}, got{Word: "asked"}),
				at(1, 15, 25, did{Verb: "show", About: "c"}, got{Word: "asked"})}},
		{"the old policy after the new one was acknowledged", registerModel("off"),
			[]porcupine.Operation{at(0, 0, 10, did{Verb: "write", About: "on"}, got{Word: "done"}),
				at(1, 11, 15, did{Verb: "read"}, got{Word: "off"})},
			[]porcupine.Operation{at(0, 0, 10, did{Verb: "write", About: "on"}, got{Word: "done"}),
				at(1, 9, 15, did{Verb: "read"}, got{Word: "off"})}},
		{"the old policy after someone saw the new one", registerModel("off"),
			[]porcupine.Operation{at(0, 0, 90, did{Verb: "write", About: "on"}, got{Word: "done"}),
				at(1, 11, 15, did{Verb: "read"}, got{Word: "on"}), at(2, 20, 25, did{Verb: "read"}, got{Word: "off"})},
			[]porcupine.Operation{at(0, 0, 90, did{Verb: "write", About: "on"}, got{Word: "done"}),
				at(1, 11, 15, did{Verb: "read"}, got{Word: "off"}), at(2, 20, 25, did{Verb: "read"}, got{Word: "on"})}},
		{"a session after the sign-out was acknowledged", lifeModel,
			[]porcupine.Operation{at(0, 0, 10, did{Verb: "revoke"}, got{Word: "done"}),
				at(1, 11, 15, did{Verb: "look"}, got{Word: "yes"})},
			[]porcupine.Operation{at(0, 0, 10, did{Verb: "revoke"}, got{Word: "done"}),
				at(1, 9, 15, did{Verb: "look"}, got{Word: "yes"})}},
	} {
		if r := porcupine.CheckOperationsTimeout(c.model, c.bad, time.Minute); r != porcupine.Illegal {
			t.Errorf("%s: the model believes it (%s)", c.name, r)
		}
		if r := porcupine.CheckOperationsTimeout(c.model, c.good, time.Minute); r != porcupine.Ok {
			t.Errorf("%s: the model does not believe what is right (%s)", c.name, r)
		}
	}
}
