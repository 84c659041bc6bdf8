package main

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
)

// report is everything a run has found out.
type report struct {
	Facts   []string
	Figures []figure
	Notes   []string

	o options
}

func (r *report) add(f figure) {
	r.Figures = append(r.Figures, f)
	said("%-6s %-9s %-62s %3d clients  %8.0f/s  p50 %.2f ms  p95 %.2f ms  ours %.0f µs (%.0f after)  database %.0f µs  driver %.0f µs  others %.0f %%  ±%.0f %%",
		f.Row, f.Engine, f.What, f.Clients, f.Rate, f.P50, f.P95, f.Ours, f.After, f.Base, f.Driver,
		f.Disturbed, f.Spread)
}

func (r *report) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	said("%s", text)
	r.Notes = append(r.Notes, text)
}

// save writes the figures as JSON where a file is named.
func (r *report) save(file string) error {
	if file == "" {
		return nil
	}
	text, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}

// markdown is the report for people.
func (r *report) markdown() string {
	var b strings.Builder
	for _, f := range r.Facts {
		fmt.Fprintf(&b, "- %s\n", f)
	}
	fmt.Fprintf(&b,
		"- median of %d repetitions of %s each, %d people; a closed loop over kept connections, someone else in each iteration\n\n",
		r.o.reps, r.o.span, r.o.users)
	b.WriteString(
		"| row | operation | database | clients | per second | p50 / p95 / p99 ms | our CPU µs (of it afterwards) | database CPU µs | driver CPU µs | others % | spread % | compared |\n")
	b.WriteString("|---|---|---|--:|--:|--:|--:|--:|--:|--:|--:|---|\n")
	for _, f := range r.Figures {
		b.WriteString(f.line(r.compared(f)))
	}
	b.WriteString("\n" + r.short() + "\n")
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "- %s\n", n)
	}
	return b.String()
}

func (f figure) line(compared string) string {
	ours := fmt.Sprintf("%.0f", f.Ours)
	if f.After >= 1 {
		ours += fmt.Sprintf(" (%.0f)", f.After)
	}
	if f.Row == "limit" && f.Ours == 0 || f.Ours == 0 && f.Note != "" {
		ours = "–"
	}
	base := fmt.Sprintf("%.0f", f.Base)
	if f.Base == 0 {
		base = "–"
	}
	if f.Note != "" {
		compared = strings.TrimPrefix(compared+"; "+f.Note, "; ")
	}
	return fmt.Sprintf("| %s | %s | %s | %d | %s | %.2f / %.2f / %.2f | %s | %s | %.0f | %.0f | %.0f | %s |\n",
		f.Row, f.What, f.Engine, f.Clients, whole(f.Rate), f.P50, f.P95, f.P99, ours, base, f.Driver, f.Disturbed,
		f.Spread, compared)
}

func whole(rate float64) string {
	if rate < 100 {
		return fmt.Sprintf("%.1f", rate)
	}
	return fmt.Sprintf("%.0f", rate)
}

// find is a figure of this run.
func (r *report) find(row, what, engine string, clients int) (figure, bool) {
	i := slices.IndexFunc(r.Figures, func(f figure) bool {
		return f.Row == row && f.What == what && f.Engine == engine && f.Clients == clients
	})
	if i < 0 {
		return figure{}, false
	}
	return r.Figures[i], true
}

// bare is the limit of this run that a row is held against.
func (r *report) bare(f figure) (figure, string, bool) {
	what, engine, name := "", f.Engine, ""
	switch f.Row {
	case "P-1", "P-3", "P-6", "P-8":
		what, name = "one insert, durable", "a bare durable insert"
	case "P-2":
		what, name = "one insert, durable, commits shared", "a bare group-committed insert"
	case "P-5", "P-10":
		what, engine, name = "net/http that says hello", "", "hello"
	}
	if name == "a bare durable insert" && f.Engine == "sqlite" {
		what, name = "one insert, durable, commits shared", "a bare group-committed insert"
	}
	limit, ok := r.find("limit", what, engine, f.Clients)
	return limit, name, ok && limit.Rate > 0
}

// compared holds a figure against the limit of the same run and against what others were
// measured at on a machine like this one; the latter is quoted, not measured here.
func (r *report) compared(f figure) string {
	var words []string
	if small, ok := r.find(f.Row, strings.TrimSuffix(f.What, ", large")+", small", f.Engine, f.Clients); ok &&
		strings.HasSuffix(f.What, ", large") && small.P95 > 0 {
		words = append(words, fmt.Sprintf("p95 is %.1f times that of the small company", f.P95/small.P95))
	}
	if limit, name, ok := r.bare(f); ok {
		words = append(words, fmt.Sprintf("%.2f of %s", f.Rate/limit.Rate, name))
	}
	if f.Row == "P-2" && f.Clients == 1 {
		if disk, ok := r.find("limit", "write 4 KiB and fsync", "", 1); ok && disk.P50 > 0 {
			words = append(words, fmt.Sprintf("%.1f times one fsync", f.P50/disk.P50))
		}
	}
	for _, p := range peers {
		if p.row == f.Row && p.clients == f.Clients && strings.HasPrefix(f.What, p.what) {
			words = append(words, fmt.Sprintf("%.1f × %s (%s)", f.Rate/p.rate, p.name, whole(p.rate)))
		}
	}
	return strings.Join(words, "; ")
}

// peer is a quoted figure: what another server reached with its defaults on a machine of
// this kind, in an earlier comparison. Where a span was noted, its upper end is taken.
type peer struct {
	row, what, name string
	clients         int
	rate            float64
}

var peers = []peer{
	{"P-1", "email code", "Kratos", 8, 134}, {"P-1", "email code", "Kratos", 64, 146},
	{"P-1", "email code", "gotrue", 8, 170}, {"P-1", "email code", "gotrue", 64, 154},
	{"P-1", "email code", "otpgateway", 8, 6200}, {"P-1", "email code", "otpgateway", 64, 6000},
	{"P-1", "email code", "Authelia", 1, 264}, {"P-2", "email code", "Authelia", 1, 264},
	{"P-2", "email code", "otpgateway", 8, 6200}, {"P-2", "email code", "otpgateway", 64, 6000},
	{"P-1", "TOTP, wrong", "Kratos", 8, 158}, {"P-1", "TOTP, wrong", "Kratos", 64, 184},
	{"P-1", "TOTP", "gotrue", 8, 170}, {"P-1", "TOTP", "gotrue", 64, 154},
	{"P-1", "TOTP", "Authelia", 1, 264}, {"P-2", "TOTP", "Authelia", 1, 264},
	{"P-3", "new code", "Kratos", 8, 68}, {"P-3", "new code", "Kratos", 64, 69},
	{"P-3", "new code", "otpgateway", 8, 3500}, {"P-3", "new code", "otpgateway", 64, 3900},
	{"P-5", "own page", "Kratos", 8, 705}, {"P-5", "own page", "Kratos", 64, 760},
	{"P-5", "userinfo", "Kratos", 8, 705}, {"P-5", "userinfo", "Kratos", 64, 760},
	{"P-5", "userinfo", "Authelia", 8, 12900}, {"P-5", "userinfo", "Authelia", 64, 13800},
}

var assetPath = regexp.MustCompile(`(?:src|href)="(/assets/[^"]+)"`)

// assets are the files that a page makes a browser fetch, each once.
func assets(page string) (out []string) {
	for _, m := range assetPath.FindAllStringSubmatch(page, -1) {
		if !slices.Contains(out, m[1]) {
			out = append(out, m[1])
		}
	}
	return out
}

func sum(list []int) (n int) {
	for _, v := range list {
		n += v
	}
	return n
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
