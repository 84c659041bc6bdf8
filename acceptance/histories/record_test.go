package histories

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"countersign/acceptance/rig"
)

// rounds is shared out among the races by their share of two hundred.
var rounds = flag.Int("rounds", 70, "races on each database, all kinds together")

func TestMain(m *testing.M) { rig.Main(m) }

// share is how many rounds a race of so many in two hundred gets.
func share(of200 int) int { return max(1, *rounds*of200/200) }

// arena is one world with the servers that its clients talk to.
type arena struct {
	*rig.World
	servers []*rig.Server
}

// everywhere runs fn on PostgreSQL with two replicas and on SQLite with its one server.
func everywhere(t *testing.T, fn func(t *testing.T, a *arena)) {
	t.Helper()
	rig.Each(t, func(t *testing.T, w *rig.World) {
		a := &arena{World: w, servers: []*rig.Server{w.A}}
		if w.Engine == "postgres" {
			a.servers = append(a.servers, w.Replica(t))
		}
		fn(t, a)
	})
}

// client is one of those who race: a connection of its own to one of the servers, and
// before each request the cookies that it is told to hold.
type client struct {
	*rig.Person
	number int
}

func (a *arena) clients(t *testing.T, n int) []*client {
	t.Helper()
	out := make([]*client, n)
	for i := range out {
		out[i] = &client{a.Person(t).Via(a.servers[i%len(a.servers)]), i}
		out[i].Get("/healthz") // opens the connection
	}
	return out
}

// hold makes the client's cookies exactly these: name, value, …
func (c *client) hold(cookies ...string) *client {
	c.Forget()
	for i := 0; i+1 < len(cookies); i += 2 {
		c.SetCookie(cookies[i], cookies[i+1])
	}
	return c
}

func (c *client) post(path string, form url.Values) (*rig.Page, error) {
	return c.Try(c.Request(http.MethodPost, path, form))
}

func (c *client) get(path, bearer string) (*rig.Page, error) {
	req := c.Request(http.MethodGet, path, nil)
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	return c.Try(req)
}

// history collects the operations of one round.
type history struct {
	begun time.Time
	mu    sync.Mutex
	ops   []porcupine.Operation
	errs  []error
}

func begin() *history { return &history{begun: time.Now()} }

func (h *history) now() int64 { return int64(time.Since(h.begun)) }

// do performs one operation and writes it down; an answer may be several operations of the
// same span: in[i] was answered by the i-th of what fn returns.
func (h *history) do(c int, in did, fn func() (got, error), more ...func(got) (did, got)) got {
	call := h.now()
	out, err := fn()
	back := h.now()
	h.mu.Lock()
	defer h.mu.Unlock()
	if err != nil {
		h.errs = append(h.errs, fmt.Errorf("%+v: %w", in, err))
		return out
	}
	h.ops = append(h.ops, porcupine.Operation{ClientId: c, Input: in, Call: call, Output: out, Return: back})
	for i, also := range more {
		// a lane of its own: the checker wants one operation at a time of each client
		if in, out := also(out); in.Verb != "" {
			h.ops = append(h.ops,
				porcupine.Operation{ClientId: c + 100*(i+1), Input: in, Call: call, Output: out, Return: back})
		}
	}
	return out
}

// check fails the test where no order explains the answers, and keeps the history.
func (h *history) check(t *testing.T, m porcupine.Model) {
	t.Helper()
	for _, err := range h.errs {
		t.Error(err)
	}
	if t.Failed() {
		t.FailNow()
	}
	result, info := porcupine.CheckOperationsVerbose(m, h.ops, time.Minute)
	if result != porcupine.Ok {
		t.Fatalf("no order explains this (%s): %s\n%s", result, keep(t, m, info, h.ops), told(h.ops))
	}
}

func told(ops []porcupine.Operation) string {
	var b strings.Builder
	for _, op := range ops {
		fmt.Fprintf(&b, "%3d %9.3f…%9.3f ms  %+v: %+v\n", op.ClientId, float64(op.Call)/1e6, float64(op.Return)/1e6,
			op.Input, op.Output)
	}
	return b.String()
}

// keep writes a history for people (HTML) and for programs (JSON) to a folder that git
// does not see, and says where.
func keep(t *testing.T, m porcupine.Model, info porcupine.LinearizationInfo, ops []porcupine.Operation) string {
	t.Helper()
	dir := filepath.Join("..", "artifacts", "histories")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err.Error()
	}
	path, err := filepath.Abs(filepath.Join(dir,
		fmt.Sprintf("%s-%d", strings.ReplaceAll(t.Name(), "/", "-"), time.Now().UnixNano())))
	if err != nil {
		return err.Error()
	}
	if err := porcupine.VisualizePath(m, info, path+".html"); err != nil {
		return err.Error()
	}
	raw, err := json.MarshalIndent(ops, "", " ")
	if err != nil {
		return err.Error()
	}
	if err := os.WriteFile(path+".json", raw, 0o644); err != nil {
		return err.Error()
	}
	return "see " + path + ".html and .json"
}

// race lets every client run its part at once.
func race(clients []*client, part func(c *client)) {
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	ready.Add(len(clients))
	for _, c := range clients {
		done.Go(func() {
			ready.Done()
			<-start
			part(c)
		})
	}
	ready.Wait()
	close(start)
	done.Wait()
}

// until repeats act while something is under way, at most so many times, and in any
// case once more when it is over.
func until(over <-chan struct{}, most int, act func()) {
	for range most {
		select {
		case <-over:
			act()
			return
		default:
			act()
		}
	}
	<-over
	act()
}

func form(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v
}

// given is the value of one of our cookies that an answer sets, "" when it sets none.
func given(pg *rig.Page, name string) string {
	for _, line := range pg.Header.Values("Set-Cookie") {
		if c, err := http.ParseSetCookie(line); err == nil && c.Name == "__Host-"+name && c.MaxAge >= 0 {
			return c.Value
		}
	}
	return ""
}
