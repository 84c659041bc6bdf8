package histories

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strconv"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

var triesLeft = regexp.MustCompile(`(\d+) (?:try|tries) left`)

// word reads what became of an answer to the code page.
func word(pg *rig.Page) (got, error) {
	_, asks := pg.Form(rig.PathCode)
	switch {
	case given(pg, "session") != "":
		return got{Word: "in"}, nil
	case pg.Status == 401 && asks:
		left := 0
		if found := triesLeft.FindStringSubmatch(pg.Text()); found != nil {
			left, _ = strconv.Atoi(found[1])
		}
		return got{Word: "wrong", Left: left}, nil
	case pg.Status == 401:
		return got{Word: "none"}, nil
	case pg.Status == 303 || pg.Status == 410:
		return got{Word: "over"}, nil
	case pg.Status == 429:
		return got{Word: "wait"}, nil
	}
	return got{}, fmt.Errorf("status %d: %s", pg.Status, rig.Quietly(pg.Text()))
}

// answer posts a code, as two operations of one span: the try, and what was told. about is
// "right" or "guess".
func (c *client) answer(h *history, flow, about string, id int, code string) got {
	return h.do(c.number, did{"take", about, id}, func() (got, error) {
		pg, err := c.hold("flow", flow).post(rig.PathCode, form("code", code))
		if err != nil {
			return got{}, err
		}
		return word(pg)
	}, func(out got) (did, got) { return did{"told", about, id}, out })
}

func (c *client) press(h *history, flow, link string) got {
	return h.do(c.number, did{Verb: "link"}, func() (got, error) {
		pg, err := c.hold("flow", flow).post(link, form())
		if err != nil {
			return got{}, err
		}
		if given(pg, "session") == "" && pg.Status == 410 {
			return got{Word: "over"}, nil
		}
		return word(pg)
	})
}

// wrong is a code that is not right.
func wrong(right string, n int) string {
	if c := rig.Digits(n, len(right)); c != right {
		return c
	}
	return rig.Digits(999_999-n, len(right))
}

// guard: challenge.Spend is a guarded update, and a flow closes once
func TestREL015_ACodeAndItsLinkAreSpentOnce(t *testing.T) {
	everywhere(t, func(t *testing.T, a *arena) {
		clients := a.clients(t, 6)
		for _, u := range a.Covered(t).Crowd(t, share(40)) {
			p := a.Person(t)
			mail := p.ToCode(t, a.Dashboard(t), u)
			flow, h := p.Cookie("flow"), begin()
			race(clients, func(c *client) {
				if c.number%3 == 2 {
					c.press(h, flow, mail.Link)
				}
				c.answer(h, flow, "right", c.number, mail.Code) // five tries for six clients
			})
			h.check(t, challengeModel)
		}
	})
}

// guard: signin.reserveTry is a guarded update that commits before anything is compared
func TestREL015_NoMoreThanFiveAnswersAreJudged(t *testing.T) {
	everywhere(t, func(t *testing.T, a *arena) {
		clients := a.clients(t, 4)
		for i, u := range a.Covered(t).Crowd(t, share(40)) {
			p := a.Person(t)
			mail := p.ToCode(t, a.Dashboard(t), u)
			flow, h, right := p.Cookie("flow"), begin(), i%3*3 // after none, three or six guesses
			race(clients, func(c *client) {
				for n := range 2 {
					id := 2*c.number + n
					if id >= right && c.number == 3 {
						c.answer(h, flow, "right", 20+id, mail.Code)
					}
					c.answer(h, flow, "guess", id, wrong(mail.Code, id))
				}
			})
			clients[0].answer(h, flow, "right", 40, mail.Code)
			h.check(t, challengeModel)
		}
	})
}

// guard: the account's budget is one row, taken before it is read
func TestREL015_AnAccountsBudgetIsOne(t *testing.T) {
	everywhere(t, func(t *testing.T, a *arena) {
		clients, checked := a.clients(t, 6), 0
		for _, u := range a.Covered(t).Crowd(t, share(20)) {
			flows, code := make([]string, 3), ""
			for i := range flows {
				p := a.Person(t)
				code += p.ToCode(t, a.Dashboard(t), u).Code
				flows[i] = p.Cookie("flow")
			}
			h := begin()
			race(clients, func(c *client) {
				for n := range 2 {
					id := 2*c.number + n
					guess := rig.Digits(rand.IntN(1_000_000), 6)
					for guess == code[:6] || guess == code[6:12] || guess == code[12:] {
						guess = rig.Digits(rand.IntN(1_000_000), 6)
					}
					h.do(c.number, did{Verb: "guess", ID: id}, func() (got, error) {
						pg, err := c.hold("flow", flows[c.number%3]).post(rig.PathCode, form("code", guess))
						if err != nil {
							return got{}, err
						}
						return word(pg)
					})
				}
			})
			if h.now() < int64(4*time.Second) { // after five, the first wait is over
				h.check(t, budgetModel)
				checked++
			}
		}
		if t.Logf("%d of %d rounds were quick enough", checked, share(20)); checked == 0 {
			t.Error("no round was quick enough to be judged")
		}
	})
}
