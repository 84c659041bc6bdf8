package faults

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/acceptance/auditor"
	"countersign/acceptance/rig"
)

// world is an installation with its auditor, what its clients were told, and a wire on
// which they reach whichever program is running.
type world struct {
	*rig.World
	history auditor.History
	auditor auditor.Auditor
	wire    *wire
	via     *rig.Server // the wire, as people and apps see it
	logs    strings.Builder
	serial  int

	mu    sync.Mutex // of what several clients use at once
	crowd []*rig.User
}

// config makes the tests about faults and not about budgets: one company, few accounts.
const config = `[limits]
sends_per_hour = 60
sends_per_day = 200
`

// each runs fn on both databases, each in a world of its own.
func each(t *testing.T, fn func(t *testing.T, w *world)) {
	t.Helper()
	for _, engine := range rig.Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := &world{World: rig.New(t, engine, rig.Options{Flavour: rig.Rigged, Config: config})}
			t.Cleanup(w.Close)
			w.wire = newWire(t)
			w.wire.to(w.A.Addr)
			w.via = &rig.Server{Addr: w.wire.addr}
			w.Dashboard(t)
			w.PhoneApp(t)
			fn(t, w)
		})
	}
}

// client brings someone in who has an account of a covered company.
func (w *world) client(t testing.TB) *client {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.crowd) == 0 {
		w.crowd = w.Covered(t).Crowd(t, 300)
	}
	u := w.crowd[0]
	w.crowd = w.crowd[1:]
	return &client{t: t, w: w, u: u, p: w.Person(t).Via(w.via), app: w.Dashboard(t).Via(w.via)}
}

// later moves the clock on.
func (w *world) later(t testing.TB, d time.Duration) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.Advance(t, d)
}

// now is the time by the program's clock.
func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.Now()
}

// periodic are the points that no request and no mail leads to.
const periodic = `audit\.Sealer|signin\.Seen|[Ss]weep`

// order gives the program an order; see Point in internal/db. An empty pattern matches
// everything.
func (w *world) order(t testing.TB, mode string, n int, only string) {
	t.Helper()
	but := periodic
	if only == "" {
		only = "-"
	} else if strings.Contains(only, "Sealer") {
		but = "-"
	}
	w.serial++
	_ = os.Remove(w.FaultsFile() + ".trace")
	text := fmt.Sprintf("%s %d %s %s %d", mode, n, only, but, w.serial)
	if err := os.WriteFile(w.FaultsFile()+".next", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(w.FaultsFile()+".next", w.FaultsFile()); err != nil {
		t.Fatal(err)
	}
}

// done takes the order back and reports whether it had been carried out, and at which points
// the program came by.
func (w *world) done(t testing.TB) (hit bool, points []string) {
	t.Helper()
	err := os.Remove(w.FaultsFile())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	raw, _ := os.ReadFile(w.FaultsFile() + ".trace")
	for line := range strings.Lines(string(raw)) {
		point, struck := strings.CutSuffix(strings.TrimSpace(line), " true")
		points = append(points, strings.TrimSuffix(point, " false"))
		hit = hit || struck
	}
	return hit, points
}

// justHit takes the order back and reports whether it has been carried out after all.
func (w *world) justHit(t testing.TB) bool {
	t.Helper()
	hit, _ := w.done(t)
	return hit
}

// awaitHit waits a moment for an order to be carried out.
func (w *world) awaitHit(patience time.Duration) bool {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(w.FaultsFile()); errors.Is(err, fs.ErrNotExist) {
			return true
		}
	}
	return false
}

// dead waits until the program and its connections to the database are no more.
func (w *world) dead(t testing.TB) {
	t.Helper()
	<-w.A.Ended()
	w.logs.WriteString(w.A.Log())
	if w.Engine != "postgres" {
		return
	}
	rig.Within(t, 10*time.Second, "the dead program's transactions are over", func() bool {
		return w.Number(t, `SELECT count(*) FROM pg_stat_activity
			WHERE application_name = current_schema()`) <= int64(w.Rows().Stats().OpenConnections)
	})
}

// restart starts the program again. When a job was claimed by the dead one, that takes so
// long that the claim is over.
func (w *world) restart(t testing.TB) {
	t.Helper()
	w.forgetClaims(t)
	w.Restart(t, rig.Options{Config: config})
	w.wire.to(w.A.Addr)
}

func (w *world) forgetClaims(t testing.TB) {
	t.Helper()
	if w.Number(t, `SELECT count(*) FROM jobs
		WHERE done_at = 0 AND failed_at = 0 AND claimed_until > $1`, w.now().UnixMicro()) > 0 {
		w.later(t, 61*time.Second)
	}
}

// audit lets the auditor look, and fails the test on what it finds. No one may be writing.
func (w *world) audit(t testing.TB, whole bool) {
	t.Helper()
	for _, f := range w.examine(t, whole) {
		t.Errorf("%v", f)
	}
}

func (w *world) examine(t testing.TB, whole bool) []auditor.Finding {
	t.Helper()
	e := auditor.Evidence{
		Query:   w.Rows().QueryContext,
		Mails:   w.Sink.All(),
		History: &w.history,
		Now:     w.now(),
	}
	if whole {
		out, err := w.TryCLI("", "audit", "verify")
		if err != nil {
			e.Chains = fmt.Errorf("%w\n%s", err, out)
		}
		e.Rest = w.rest(t)
	}
	found, err := w.auditor.Examine(context.Background(), e)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// rest is everything that lies around: the database, what the programs said, and every
// other file but the configuration and the keys.
func (w *world) rest(t testing.TB) map[string][]byte {
	t.Helper()
	out := map[string][]byte{"the database": w.Dump(t), "the log": []byte(w.logs.String() + w.A.Log())}
	files, err := os.ReadDir(w.Dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if f.IsDir() || strings.HasPrefix(f.Name(), "house.db") || strings.HasSuffix(f.Name(), ".toml") {
			continue
		}
		raw, err := os.ReadFile(filepath.Join(w.Dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		out["the file "+f.Name()] = raw
	}
	return out
}
