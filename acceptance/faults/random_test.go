package faults

import (
	"context"
	"errors"
	"flag"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

var (
	kills = flag.Int("kills", 8, "how often the program is killed at a random moment, on each database")
	seed  = flag.Uint64("seed", 0, "seed of the random kills; 0 = a new one")
)

// people is how many are at it at once while the program is killed.
const people = 4

// TestREL004_KilledAtRandom kills the program again and again while people sign in, out, by
// links, on remembered browsers and with new passwords. The auditor looks whenever it is
// dead; in the end everyone gets in.
func TestREL004_KilledAtRandom(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		number := *seed
		if number == 0 {
			number = uint64(time.Now().UnixNano())
		}
		t.Logf("seed %d", number)
		dice := rand.New(rand.NewPCG(number, 4))
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		var busy sync.WaitGroup
		for i := range people {
			busy.Go(func() { w.crowdOn(ctx, t, rand.New(rand.NewPCG(number, uint64(i)))) })
		}
		for range *kills {
			time.Sleep(time.Duration(dice.IntN(600)) * time.Millisecond)
			w.A.Kill()
			w.dead(t)
			w.audit(t, false)
			if t.Failed() {
				break
			}
			w.restart(t)
		}
		stop()
		busy.Wait()
		w.idle(t)
		w.A.Kill()
		w.dead(t)
		w.audit(t, true)
		t.Logf("%d kills; clients were told of %s; %d mails", *kills, w.history.Count(), len(w.Sink.All()))
	})
}

// crowdOn is one person after the other who plays a chapter and, where that is cut off,
// tries until they are in. After the last kill there is nothing to cut it off.
func (w *world) crowdOn(ctx context.Context, t *testing.T, dice *rand.Rand) {
	for ctx.Err() == nil {
		c := w.client(t)
		err := story[dice.IntN(len(story))].play(c)
		for calm := 0; err != nil; {
			if ours := verdict(err, calm); ours != nil {
				t.Errorf("someone cannot get in: %v", ours)
				return
			}
			time.Sleep(20 * time.Millisecond)
			if ctx.Err() != nil {
				calm++
			}
			_, err = c.goOn()
		}
	}
}

// calmTries is how often someone tries once no one kills the program any more.
const calmTries = 20

// verdict tells what a killed program may do to a person from what it may not: connections
// break, and what was half done has to be begun anew, but nothing fails by itself, nothing
// that is over lives, and while no one kills it everyone gets in. calm counts the tries
// that were begun after the last kill was over: what was begun before may have met it.
func verdict(err error, calm int) error {
	switch {
	case errors.Is(err, errBroken), errors.Is(err, errLives), calm > calmTries:
		return err
	}
	return nil
}
