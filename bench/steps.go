package main

import (
	"context"
	"fmt"
	"net/url"
	"time"
)

// row is one of the rows P-1 to P-10, or all of C-1 to C-4.
type row struct {
	name    string
	measure func(ctx context.Context, w *world, r *report) error
}

var rows = []row{
	{"P-9", measureFootprint}, // first: it starts servers, and an idle one must not have worked yet
	{"P-1", measureVerify},
	{"P-3", measureSend},
	{"P-4", measurePassword},
	{"P-5", measureSession},
	{"P-6", measureToken},
	{"P-8", measureReplicas},
	{"P-10", measureFirstPage},
	{"P-1", measureMethods}, // after all that asks for mails: people have other methods from then on
	{"P-7", measureGrowth},
	{"C", measureConsole},
}

// verifyRow is P-1 on PostgreSQL and P-2 on SQLite.
func (w *world) verifyRow() string {
	if w.engine == "sqlite" {
		return "P-2"
	}
	return "P-1"
}

// answer posts a code to the flows of a stock.
func (w *world) answer(s stock, code string, status int) task {
	form := "code=" + code
	return func(c *conn, i int) error {
		it := s.item(i)
		return c.orWait(c.post("/signin/code", addressOf(it.serial), w.cookie("flow", "flows", it), form), status)
	}
}

func (w *world) verifySpec(what, code string, status int) spec {
	return spec{
		row:  w.verifyRow(),
		what: what,
		sets: []string{setFlow},
		task: func(s stock) (task, error) { return w.answer(s, code, status), nil },
	}
}

// right is the verification that ends in a session.
func (w *world) right() spec { return w.verifySpec("email code, right", knownCode, 303) }

func measureVerify(ctx context.Context, w *world, r *report) error {
	if err := w.measureAll(ctx, r, w.right()); err != nil {
		return err
	}
	return w.measureAll(ctx, r, w.verifySpec("email code, wrong", "135790", 401))
}

// measureSend asks for another code on flows whose first one is old enough.
func measureSend(ctx context.Context, w *world, r *report) error {
	sp := spec{
		row:  "P-3",
		what: "new code",
		sets: []string{setFlow},
		age:  40 * time.Second,
		task: func(s stock) (task, error) {
			return func(c *conn, i int) error {
				it := s.item(i)
				return c.orWait(c.post("/signin/code/new", addressOf(it.serial), w.cookie("flow", "flows", it), ""),
					303)
			}, nil
		},
	}
	if err := w.measureAll(ctx, r, sp); err != nil {
		return err
	}
	one, err := w.repeat(ctx, sp, w.o.most(), w.o.span, 1500)
	if err != nil {
		return err
	}
	r.note("%s: mails left at %.0f/s from the first request of %d clients until the last of %d mails had gone, over %d connections in all.",
		w.engine, one.mails, w.o.most(), one.n, w.sink.open.Load())
	return nil
}

// sessions are the session checks: our own page, and an app's question about a token.
func (w *world) sessions(ctx context.Context) []spec {
	const many = 20_000
	sets := []string{setSession, setTokens}
	return []spec{
		{
			row:   "P-5",
			what:  "own page with a session",
			sets:  sets,
			reuse: many,
			quiet: true,
			task: func(s stock) (task, error) {
				return func(c *conn, i int) error {
					it := s.item(i)
					return c.expect(c.get("/", addressOf(it.serial), w.cookie("session", "sessions", it)), 200)
				}, nil
			},
		},
		{
			row:   "P-5",
			what:  "userinfo",
			sets:  sets,
			reuse: many,
			quiet: true,
			task: func(s stock) (task, error) {
				tokens, err := w.bearers(ctx, s)
				if err != nil {
					return nil, err
				}
				return func(c *conn, i int) error {
					return c.expect(c.machine("GET", "/userinfo", "Bearer "+tokens[i], ""), 200)
				}, nil
			},
		},
	}
}

func measureSession(ctx context.Context, w *world, r *report) error {
	for _, sp := range w.sessions(ctx) {
		if err := w.measureAll(ctx, r, sp); err != nil {
			return err
		}
	}
	return w.measureAll(ctx, r, spec{
		row:  "P-5",
		what: "authorize with a session (stores a code)",
		sets: []string{setSession},
		task: func(s stock) (task, error) {
			return func(c *conn, i int) error {
				it := s.item(i)
				return c.expect(c.get(w.pattern.app, addressOf(it.serial), w.cookie("session", "sessions", it)), 303)
			}, nil
		},
	})
}

func measureToken(ctx context.Context, w *world, r *report) error {
	return w.measureAll(ctx, r, spec{
		row:  "P-6",
		what: "code for tokens",
		sets: []string{setSession, setCode},
		task: func(s stock) (task, error) {
			authorization := w.basic()
			return func(c *conn, i int) error {
				form := w.tokenForm(w.reference("authorization_codes", s.item(i)))
				return c.expect(c.machine("POST", "/token", authorization, form), 200)
			}, nil
		},
	})
}

// measureReplicas adds a second server on the same database and asks both.
func measureReplicas(ctx context.Context, w *world, r *report) error {
	if w.engine == "sqlite" {
		return nil
	}
	one := w.right()
	one.row = "P-8"
	one.what += ", one replica"
	if err := w.measure(ctx, r, one, w.o.most()); err != nil {
		return err
	}
	if _, err := w.start(ctx, w.file("b.toml")); err != nil {
		return err
	}
	defer func() {
		_ = w.replicas[1].stop()
		w.replicas = w.replicas[:1]
	}()
	two := w.right()
	two.row = "P-8"
	two.what += ", two replicas"
	return w.measure(ctx, r, two, w.o.most())
}

// measureFirstPage opens the sign-in page of an app as a new visitor.
func measureFirstPage(ctx context.Context, w *world, r *report) error {
	c := &conn{addr: w.replicas[0].addr, keep: true}
	defer c.close()
	to, err := w.sealedRequest(c, addressOf(1))
	if err != nil {
		return err
	}
	path := "/signin?to=" + url.QueryEscape(to)
	if err := c.expect(c.get(path, addressOf(1), ""), 200); err != nil {
		return err
	}
	page, parts, err := w.weigh(c)
	if err != nil {
		return err
	}
	r.note("%s: the first page is %d bytes; with %s it is %d bytes, uncompressed.", w.engine, page,
		counted(len(parts), "file beside it", "files beside it"), page+sum(parts))
	sp := spec{
		row:   "P-10",
		what:  "first page",
		quiet: true,
		task: func(stock) (task, error) {
			return func(c *conn, i int) error { return c.expect(c.get(path, addressOf(uint64(i)), ""), 200) }, nil
		},
	}
	return w.measureAll(ctx, r, sp)
}

// weigh fetches what a page refers to and returns the sizes.
func (w *world) weigh(c *conn) (page int, parts []int, err error) {
	page = len(c.body)
	for _, path := range assets(string(c.body)) {
		if err := c.expect(c.get(path, addressOf(1), ""), 200); err != nil {
			return 0, nil, fmt.Errorf("%s: %w", path, err)
		}
		parts = append(parts, len(c.body))
	}
	return page, parts, nil
}

// measureGrowth compares databases of different sizes.
func measureGrowth(ctx context.Context, w *world, r *report) error {
	for i, users := range w.o.growth {
		if err := measureSize(ctx, w.machine, r, w.engine, users, 0); err != nil {
			return err
		}
		if i == len(w.o.growth)-1 {
			if err := measureSize(ctx, w.machine, r, w.engine, users, users/10); err != nil {
				return err
			}
		}
	}
	return nil
}

func measureSize(ctx context.Context, m *machine, r *report, engine string, users, tenants int) error {
	other := *m
	other.o.tenants = tenants
	w, err := newWorld(ctx, &other, engine, users)
	if err != nil {
		return err
	}
	defer w.close()
	if err := w.acquaint(ctx); err != nil {
		return err
	}
	size := fmt.Sprintf(", %d people in %d companies", w.users, w.tenants)
	for _, sp := range append([]spec{w.right()}, w.sessions(ctx)...) {
		sp.row = "P-7"
		sp.what += size
		if err := w.measure(ctx, r, sp, min(8, w.o.most())); err != nil {
			return err
		}
	}
	return nil
}
