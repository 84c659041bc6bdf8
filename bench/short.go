package main

import (
	"fmt"
	"strings"
)

// short is the table for people who only want to know what to expect: one line for each
// operation and database, at the numbers of clients that were measured.
func (r *report) short() string {
	var b strings.Builder
	heads, rule := "", ""
	for _, n := range r.o.clients {
		heads += fmt.Sprintf(" %d at once, per second |", n)
		rule += "--:|"
	}
	b.WriteString("| | database |" + heads + " p95 ms | CPU ms, ours + database |\n|---|---|" + rule + "--:|--:|\n")
	done := map[string]bool{}
	for _, f := range r.Figures {
		key := f.Row + f.What + f.Engine
		if f.Row == "limit" || done[key] {
			continue
		}
		done[key] = true
		b.WriteString(r.shortLine(f))
	}
	return b.String()
}

// shortLine takes latency and cost at the middle number of clients that was measured.
func (r *report) shortLine(f figure) string {
	rates := ""
	at := f
	for i, n := range r.o.clients {
		rate := "–"
		if found, ok := r.find(f.Row, f.What, f.Engine, n); ok {
			rate = whole(found.Rate)
			if i <= len(r.o.clients)/2 {
				at = found
			}
		}
		rates += " " + rate + " |"
	}
	cost := "–"
	if at.Ours > 0 {
		cost = fmt.Sprintf("%.2f", at.Ours/1000)
		if at.Base > 0 {
			cost += fmt.Sprintf(" + %.2f", at.Base/1000)
		}
	}
	return fmt.Sprintf("| %s %s | %s |%s %.1f | %s |\n", f.Row, f.What, f.Engine, rates, at.P95, cost)
}
