package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestMain(m *testing.M) {
	if asChild() {
		return
	}
	os.Exit(m.Run())
}

func TestParseStat(t *testing.T) {
	// A name may hold brackets and spaces; only the last bracket ends it.
	line := "4711 (a) strange) name) S 42 4711 4711 0 -1 4194560 9 9 9 9 150 50 7 3 20 0 9 0 100 1 1"
	s, err := parseStat(line)
	if want := (stat{parent: 42, own: 2 * time.Second, reaped: 100 * time.Millisecond}); err != nil || s != want {
		t.Errorf("%+v, %v", s, err)
	}
	for _, bad := range []string{"", "1 init S 0", "1 (init) S 0 1", "1 (init) S x 1 1 0 1 1 1 1 1 1 1 1 1 1 1 1"} {
		if _, err := parseStat(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

func TestParseSystem(t *testing.T) {
	s, err := parseSystem("cpu  100 10 90 1000 50 5 5 40 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n")
	want := system{busy: 2 * time.Second, steal: 400 * time.Millisecond, total: 13 * time.Second}
	if err != nil || s != want {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := parseSystem("intr 1 2 3"); err == nil {
		t.Error("another line was read")
	}
}

func TestFamilyCountsChildrenAndTheEnded(t *testing.T) {
	all := map[int]stat{
		10: {parent: 1, own: 1, reaped: 2}, 11: {parent: 10, own: 4}, 12: {parent: 10, own: 8, reaped: 16},
		20: {parent: 1, own: 32}, 21: {parent: 2, own: 64},
	}
	if got := family(all, 10); got != 31 {
		t.Errorf("family is %d", got)
	}
	if got := kernelThreads(all); got != 64 {
		t.Errorf("kernel threads are %d", got)
	}
}

func TestPercentile(t *testing.T) {
	list := []time.Duration{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	for p, want := range map[float64]time.Duration{0: 1, 10: 1, 11: 2, 50: 5, 95: 10, 99: 10, 100: 10} {
		if got := percentile(list, p); got != want {
			t.Errorf("%g: %d, want %d", p, got, want)
		}
	}
	if percentile(nil, 50) != 0 || percentile(list[:1], 99) != 1 {
		t.Error("short lists")
	}
}

func TestMedianAndSpread(t *testing.T) {
	if median(nil) != 0 || median([]float64{3, 1, 2}) != 2 || median([]float64{4, 1, 2, 3}) != 2.5 {
		t.Error("median")
	}
	if spread([]float64{100, 90, 120}) != 20 || spread(nil) != 0 {
		t.Error("spread")
	}
}

func TestMarkdown(t *testing.T) {
	r := &report{Facts: []string{"a machine"}, Notes: []string{"a note"},
		o: options{reps: 3, clients: []int{1, 8, 64}, span: time.Second, users: 10}, Figures: []figure{
			{Row: "limit", What: "one insert, durable", Engine: "postgres", Clients: 8, Rate: 4000,
				P50: 2, P95: 3, P99: 4,
				Base: 100, Driver: 50},
			{Row: "P-1", What: "email code, right", Engine: "postgres", Clients: 8, Rate: 2000, P50: 4, P95: 5, P99: 6,
				Ours: 400, After: 40, Base: 600, Driver: 30, Disturbed: 2, Spread: 3},
			{Row: "P-4", What: "password step", Engine: "postgres", Clients: 1, Rate: 21.5, Note: "beyond it 4 %"},
		}}
	text := r.markdown()
	short := r.short()
	for _, line := range []string{
		"| P-1 email code, right | postgres | – | 2000 | – | 5.0 | 0.40 + 0.60 |",
		"| P-4 password step | postgres | 21.5 | – | – | 0.0 | – |",
	} {
		if !strings.Contains(short, line+"\n") || !strings.Contains(text, line) {
			t.Errorf("%s is not in\n%s", line, short)
		}
	}
	text = strings.ReplaceAll(text, short, "")
	var lines []string
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "| ") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	want := []string{
		"| limit | one insert, durable | postgres | 8 | 4000 | 2.00 / 3.00 / 4.00 | – | 100 | 50 | 0 | 0 |  |",
		"| P-1 | email code, right | postgres | 8 | 2000 | 4.00 / 5.00 / 6.00 | 400 (40) | 600 | 30 | 2 | 3 | 0.50 of a bare durable insert; 14.9 × Kratos (134); 11.8 × gotrue (170); 0.3 × otpgateway (6200) |",
		"| P-4 | password step | postgres | 1 | 21.5 | 0.00 / 0.00 / 0.00 | – | – | 0 | 0 | 0 | beyond it 4 % |",
	}
	if diff := cmp.Diff(want, lines[1:]); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(text, "- a machine\n") || !strings.HasSuffix(text, "- a note\n") {
		t.Error(text)
	}
}

func TestAssets(t *testing.T) {
	page := `<link href="/assets/a/app.css"><script src="/assets/b/app.js"></script><link href="/assets/a/app.css"><a href="/why">`
	if diff := cmp.Diff([]string{"/assets/a/app.css", "/assets/b/app.js"}, assets(page)); diff != "" {
		t.Error(diff)
	}
}

func TestEveryoneHasATurnBeforeAnyoneHasTwo(t *testing.T) {
	for _, users := range []int{1, 100, 997, 10_000} {
		seen := map[int]bool{}
		s := stock{from: 12_345, users: users}
		for i := range users {
			seen[s.item(i).user] = true
		}
		if len(seen) != users {
			t.Errorf("%d of %d had a turn", len(seen), users)
		}
	}
}

func TestParseRefusesNonsense(t *testing.T) {
	for _, bad := range [][]string{{"-db", "oracle"}, {"-users", "0"}, {"-clients", "a"}, {"-clients", ""},
		{"-clients", "0"}, {"-seconds", "0"}, {"-reps", "0"}, {"-growth", "-1"}} {
		if _, err := parse(bad); err == nil {
			t.Errorf("%v was taken", bad)
		}
	}
	o, err := parse([]string{"-only", "P-1,P-7", "-db", "sqlite"})
	if err != nil || !o.wants("P-7") || o.wants("P-2") || len(o.engines) != 1 || o.companies(1000) != 10 {
		t.Errorf("%+v, %v", o, err)
	}
}

// TestEveryRowIsMeasured runs the whole driver for a moment: what the product answers, and
// the rows it writes, are still as the driver takes them.
func TestEveryRowIsMeasured(t *testing.T) {
	o, err := parse([]string{"-users", "100", "-seconds", "0.2", "-reps", "1", "-clients", "4", "-growth", "50",
		"-people", "1000", "-events", "2000", "-desk", "5"})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if row.name != "P-7" {
			o.only = append(o.only, row.name)
		}
	}
	o.only = append(o.only, "P-2")
	o.hurry, o.crowd = true, 4
	if os.Getenv("TEST_POSTGRES_URL") == "" {
		t.Log("TEST_POSTGRES_URL is not set: SQLite only")
		o.engines = []string{"sqlite"}
	}
	r, err := run(t.Context(), o) // both in one: the program is built once
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int{"limit ": 4, "limit sqlite": 1}
	for row, n := range map[string]int{"P-2": 7, "P-3": 1, "P-4": 3, "P-5": 3, "P-6": 1, "P-10": 1} {
		want[row+" sqlite"] = n
	}
	if len(o.engines) > 1 {
		want["limit postgres"] = 2
		for row, n := range map[string]int{"P-1": 7, "P-3": 1, "P-4": 3, "P-5": 3, "P-6": 1, "P-8": 2, "P-10": 1} {
			want[row+" postgres"] = n
		}
	}
	for _, q := range questions() {
		for _, engine := range o.engines {
			want[q.row+" "+engine] += len(q.askers(o))
		}
	}
	measured := map[string]int{}
	for _, f := range r.Figures {
		if f.N == 0 || f.Rate <= 0 || f.P99 < f.P50 {
			t.Errorf("%+v", f)
		}
		measured[f.Row+" "+f.Engine]++
	}
	if diff := cmp.Diff(want, measured); diff != "" {
		t.Errorf("figures by row and database:\n%s\n%s", diff, r.markdown())
	}
}
