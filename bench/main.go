// Command bench measures the program that people download, from outside: it builds the
// binary, starts it on a database with many people in it, and asks it the same thing again
// and again over kept connections. Beside each rate it says what the work cost our process
// and the database, and what the machine could do at best. It refuses to judge: a figure
// that misses its target is printed like any other.
//
// What a request needs is laid into the database before, as copies of the rows that one
// true sign-in left behind; see template.go.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// options are the flags.
type options struct {
	engines []string
	only    []string
	clients []int
	users   int
	tenants int
	span    time.Duration
	reps    int
	again   int // how often a repetition that others disturbed is done once more
	growth  []int

	people, events, deskCompanies int // sizes of the installation of C-1 to C-4

	json     string
	profile  string
	limits   bool
	keep     bool
	patience time.Duration // how long to wait for what a load left behind
	crowd    int           // sign-ins that wait for a password in P-4
	hurry    bool          // no warm-up, and nothing is waited for: the figures mean nothing
}

func main() {
	if asChild() {
		return
	}
	o, err := parse(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	report, err := run(ctx, o)
	if report != nil {
		fmt.Print(report.markdown())
		err = errors.Join(err, report.save(o.json))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func parse(args []string) (options, error) {
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	engine := f.String("db", "both", "sqlite, postgres or both")
	only := f.String("only", "", "rows to measure, such as P-1,P-5; empty is all but P-7 and C")
	users := f.Int("users", 100_000, "people in the database")
	tenants := f.Int("tenants", 0, "companies; 0 is one for a hundred people")
	clients := f.String("clients", "1,8,64", "how many ask at once")
	seconds := f.Float64("seconds", 5, "length of one repetition")
	reps := f.Int("reps", 3, "repetitions")
	again := f.Int("again", 3, "how often a line may repeat what others disturbed")
	growth := f.String("growth", "10000,100000",
		"numbers of people that P-7 compares; the last one once more with ten times the companies")
	people := f.Int("people", 100_000, "people in the large company of C")
	events := f.Int("events", 5_000_000, "audit events of that company")
	desk := f.Int("desk", 1000, "companies in the installation of C")
	file := f.String("json", "", "write the figures to this file as well")
	profile := f.String("profile", "",
		"write CPU profiles of the server to this folder; the server then is this program, not the release build")
	limits := f.Bool("limits", true, "measure the machine's limits as well")
	keep := f.Bool("keep", false, "leave the working folder behind")
	if err := f.Parse(args); err != nil {
		return options{}, err
	}
	o := options{
		only:     fields(*only),
		users:    *users,
		tenants:  *tenants,
		reps:     *reps,
		again:    *again,
		json:     *file,
		profile:  *profile,
		limits:   *limits,
		keep:     *keep,
		span:     time.Duration(*seconds * float64(time.Second)),
		patience: time.Minute,
		crowd:    waitingSignIns,

		people:        *people,
		events:        *events,
		deskCompanies: *desk,
	}
	switch *engine {
	case "both":
		o.engines = []string{"sqlite", "postgres"}
	case "sqlite", "postgres":
		o.engines = []string{*engine}
	default:
		return o, fmt.Errorf("-db %s: sqlite, postgres or both", *engine)
	}
	var err1, err2 error
	o.clients, err1 = numbers(*clients)
	o.growth, err2 = numbers(*growth)

	if len(o.clients) == 0 || o.users < 1 || o.reps < 1 || o.span <= 0 {
		return o, errors.New("-clients, -users, -reps and -seconds must be above zero")
	}
	if o.people < smallPeople || o.events < 1 || o.deskCompanies < 3 {
		return o, fmt.Errorf("-people must be %d at least, -events 1, and -desk 3", smallPeople)
	}
	return o, errors.Join(err1, err2)
}

func fields(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}

func numbers(list string) (out []int, err error) {
	for _, word := range fields(list) {
		var n int
		if _, err := fmt.Sscanf(word, "%d", &n); err != nil || n < 1 {
			return nil, fmt.Errorf("%q is not a list of numbers", list)
		}
		out = append(out, n)
	}
	return out, nil
}

// most is the largest number of clients.
func (o options) most() int { return slices.Max(o.clients) }

// starts is how often P-9 starts the server.
func (o options) starts() int {
	if o.hurry {
		return 1
	}
	return 5
}

// apart are the rows that build databases of their own, so they must be asked for.
var apart = []string{"P-7", "C"}

// wants reports whether a row is to be measured.
func (o options) wants(row string) bool {
	if len(o.only) == 0 {
		return !slices.Contains(apart, row)
	}
	return slices.Contains(o.only, row)
}

// wantsShared reports whether a row is to be measured that uses the database of most rows.
func (o options) wantsShared() bool {
	shared := func(row string) bool { return !slices.Contains(apart, row) }
	return len(o.only) == 0 || slices.ContainsFunc(o.only, shared)
}

func (o options) companies(users int) int {
	if o.tenants > 0 {
		return min(o.tenants, users)
	}
	return max(1, users/100)
}

// run measures everything that was asked for. What was measured before a mistake comes
// back with it.
func run(ctx context.Context, o options) (*report, error) {
	m, err := newMachine(ctx, o)
	if err != nil {
		return nil, err
	}
	defer m.close()
	r := &report{Facts: m.facts(ctx), o: o}
	if o.limits {
		if err := measureLimits(ctx, m, r); err != nil {
			return r, fmt.Errorf("limits: %w", err)
		}
	}
	for _, engine := range o.engines {
		if err := measureEngine(ctx, m, r, engine); err != nil {
			return r, fmt.Errorf("%s: %w", engine, err)
		}
	}
	return r, nil
}
