package walk

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/acceptance/rig"
	"countersign/internal/web"
)

var (
	steps = flag.Int("steps", 750, "how many steps the random walk takes on each database")
	seed  = flag.Uint64("seed", 0, "seed of the random walk; 0 = a new one")
	hurry = flag.Bool("hurry", false, "do not look for the fewest steps that fail")
	scene = flag.Int("scene", -1, "only this scene of the seed, as a failure names it")
)

const (
	perScene = 250 // steps with the same people
	perWorld = 40  // scenes in one installation
)

func TestMain(m *testing.M) { rig.Main(m) }

// TestRandomWalk takes a number of steps on each database. A failure names its seed and its
// scene and lists the fewest steps that still fail.
func TestRandomWalk(t *testing.T) {
	number := *seed
	if number == 0 {
		number = uint64(time.Now().UnixNano())
	}
	list := inventory(t)
	for _, engine := range rig.Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			routes, began, taken := newRoutes(list), time.Now(), 0
			var h *house
			defer func() { // also after a failure
				if h != nil {
					h.w.Close()
				}
			}()
			for n := 0; n*perScene < *steps; n++ {
				if *scene >= 0 && n != *scene {
					continue
				}
				if h == nil || n%perWorld == 0 {
					h = renew(t, h, engine)
				}
				if n%8 == 0 {
					t.Logf("seed %d, scene %d, %d steps in %s", number, n, taken, time.Since(began).Round(time.Second))
				}
				way := plan(number, n, len(list))
				if at, why := play(t, h, routes, way); why != "" {
					fewest := shrink(t, h, list, way[:at+1])
					t.Fatalf(
						"%s\nagain: -run TestRandomWalk/%s -seed %d -scene %d -steps %d\nall steps:\n%s\nfewest:\n%s",
						why, engine, number, n, (n+1)*perScene, lines(way[:at+1]), lines(fewest))
				}
				taken += len(way)
			}
			t.Logf("seed %d: %d steps in %s, %.0f a second", number, taken, time.Since(began).Round(time.Second),
				float64(taken)/time.Since(began).Seconds())
			if *scene < 0 {
				if at, why := play(t, h, routes, everything(number, len(list))); why != "" {
					t.Fatalf(
						"at the end, when everything is asked for: step %d: %s\nagain: -run TestRandomWalk/%s -seed %d -steps %d",
						at, why, engine, number, *steps)
				}
			}
			if missing := routes.unreached(); len(missing) > 0 && *scene < 0 {
				t.Errorf("never asked for: %v", missing)
			}
			t.Logf("%5d methods reset, %d restored, %d disabled, %d addresses changed, %d undone",
				routes.came["methods reset"], routes.came["method restored"], routes.came["method disabled"],
				routes.came["address changed"], routes.came["address undone"])
			for _, what := range happenings {
				t.Logf("%5d %s", routes.came[what], what)
				if routes.came[what] == 0 && taken >= 10000 {
					t.Errorf("in %d steps there was no %s", taken, what)
				}
			}
		})
	}
}

func renew(t *testing.T, h *house, engine string) *house {
	if h != nil {
		h.w.Close()
	}
	return newHouse(t, engine)
}

// plan draws the steps of a scene: from the seed and its number alone.
func plan(seed uint64, scene, routes int) []step {
	dice := rand.New(rand.NewPCG(seed, uint64(scene)))
	total := 0
	for _, m := range moves {
		total += m.weight
	}
	out := make([]step, perScene)
	poked := uint32(scene * 50) // fewer than a scene pokes, so that scenes go on where the last stopped
	for i := range out {
		s := step{Tab: dice.IntN(7), A: dice.Uint32(), B: dice.Uint32(), C: dice.Uint32()}
		for n := dice.IntN(total); n >= moves[s.Move].weight; s.Move++ {
			n -= moves[s.Move].weight
		}
		if moves[s.Move].name == "poke" {
			s.A = poked % uint32(routes)
			poked += pokes
		}
		out[i] = s
	}
	return out
}

// everything is a scene that asks for every route once, whatever chance has left out.
func everything(seed uint64, routes int) (out []step) {
	dice := rand.New(rand.NewPCG(seed, 1<<40))
	poke := slices.IndexFunc(moves, func(m move) bool { return m.name == "poke" })
	for at := 0; at < routes; at += pokes {
		out = append(out, step{Move: poke, Tab: dice.IntN(7), A: uint32(at), B: dice.Uint32(), C: dice.Uint32()})
	}
	return out
}

// play takes the steps with fresh people and returns at which one a promise was broken.
func play(t *testing.T, h *house, r *routes, way []step) (at int, why string) {
	t.Helper()
	k := newStage(t, h.w, r, h)
	for i, s := range way {
		if why = k.take(s); why != "" {
			h.touched = true
			return i, why
		}
	}
	return 0, ""
}

// take takes one step and looks around.
func (k *stage) take(s step) (why string) {
	defer func() {
		switch v := recover().(type) {
		case nil:
		case violation:
			why = string(v)
		default:
			panic(v)
		}
	}()
	k.server = int(s.C>>3) % 2
	b := k.tabs[s.Tab]
	moves[s.Move].do(k, b, s)
	k.server = int(s.C>>4) % 2
	k.ask(request{tab: b, method: "GET", target: "/"})
	k.rows()
	return ""
}

// shrink leaves steps out for as long as something still breaks, for two minutes at most.
func shrink(t *testing.T, h *house, list []web.Route, way []step) []step {
	t.Helper()
	if *hurry {
		return way[len(way)-1:]
	}
	end := time.Now().Add(2 * time.Minute)
	for size := len(way) / 2; size > 0; size /= 2 {
		for from := 0; from+size <= len(way) && time.Now().Before(end); {
			shorter := append(append([]step{}, way[:from]...), way[from+size:]...)
			if _, why := play(t, h, newRoutes(list), shorter); why != "" {
				way = shorter
			} else {
				from += size
			}
		}
	}
	return way
}

func lines(way []step) string {
	var b strings.Builder
	for _, s := range way {
		fmt.Fprintf(&b, "  %s\n", s)
	}
	return b.String()
}
