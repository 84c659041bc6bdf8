package auditor

import (
	"fmt"
	"strings"
	"time"
)

// revoked: what a client was told to be over is over, and gave nothing afterwards.
func (d *desk) revoked() {
	for _, t := range d.History.all(ended) {
		if s := d.find("sessions", t.id); s != nil && s.number("ended_at") == 0 {
			d.blame("I4", "session %s was told to be over, and is not", t.id)
		}
	}
	sessions := d.s.by("sessions", row.key)
	issued, refreshed := d.s.events("token.issued", "ok"), d.s.events("token.refreshed", "ok")
	for _, f := range d.s["refresh_families"] {
		s := sessions[f.ref("session_id")]
		if len(s) != 1 || s[0].number("ended_at") == 0 {
			continue
		}
		for _, e := range append(issued[f.key()], refreshed[f.key()]...) {
			if e.number("at") > s[0].number("ended_at") {
				d.blame("I4", "session %s gave tokens after its end", s[0].key())
			}
		}
	}
	d.disowned()
}

func (d *desk) disowned() {
	lines := d.s.events("signin.disowned", "ok")
	alive := map[string][]string{} // what is left of each flow
	for _, table := range []string{"sessions", "remembered_browsers"} {
		for _, r := range d.s[table] {
			if r.number("ended_at") == 0 {
				alive[r.ref("flow_id")] = append(alive[r.ref("flow_id")], table+" "+r.key())
			}
		}
	}
	for _, t := range d.History.all(disowned) {
		f := d.find("flows", t.id)
		if f == nil {
			d.blame("I4", "flow %s was told to be disowned, and does not exist", t.id)
			continue
		}
		if f.number("disowned_at") == 0 || f.number("closed_at") == 0 || len(lines[f.key()]) != 1 {
			d.blame("I4", "flow %s was told to be disowned, and is not", f.key())
		}
		for _, what := range alive[f.key()] {
			d.blame("I4", "flow %s is disowned, and %s is alive", f.key(), what)
		}
	}
}

// mark is what an auditor remembers of a row that may only change in one direction.
type mark struct{ over, count int64 }

// compare: what was over stays over, what was counted stays counted, and an audit row stays
// as it is.
func (a *Auditor) compare(d *desk) {
	now := map[string]mark{}
	for table, columns := range map[string][2]string{
		"flows": {"closed_at", "sends"}, "challenges": {"closed_at", ""}, "sessions": {"ended_at", ""},
		"remembered_browsers": {"ended_at", ""},
		"authorization_codes": {"redeemed_at", ""}, "refresh_families": {"ended_at", "generation"},
		"jobs": {"done_at", "attempts"}, "audit_events": {"at", "seq"},
	} {
		for _, r := range d.s[table] {
			now[table+" "+r.key()] = mark{r.number(columns[0]), r.number(columns[1])}
		}
	}
	for _, c := range d.s["challenges"] { // tries go down only
		now["tries "+c.key()] = mark{count: wrongAnswers - c.number("tries_left")}
	}
	for key, was := range a.before {
		is, there := now[key]
		switch {
		case !there && strings.HasPrefix(key, "audit_events "):
			d.blame("I2", "%s is gone", key)
		case !there: // swept
		case was.over != 0 && is.over != was.over:
			d.blame("I4", "%s was over since %d, and is %d", key, was.over, is.over)
		case is.count < was.count:
			d.blame("I3", "%s went back from %d to %d", key, was.count, is.count)
		}
	}
	a.before = now
}

// stuck: whatever waits has an end, and not a late one.
func (d *desk) stuck() {
	later := func(r row, from, until string, most time.Duration) bool {
		return r.number(until)-r.number(from) > most.Microseconds()
	}
	for _, f := range d.s["flows"] {
		if later(f, "started_at", "expires_at", flowLife) {
			d.blame("I6", "flow %s may last too long", f.key())
		}
	}
	flows, open := d.s.by("flows", row.key), map[string]int{}
	for _, c := range d.s["challenges"] {
		if later(c, "issued_at", "expires_at", codeLife) {
			d.blame("I6", "challenge %s may last too long", c.key())
		}
		if f := flows[c.ref("flow_id")]; c.number("closed_at") == 0 && len(f) == 1 && f[0].number("closed_at") == 0 {
			open[c.ref("flow_id")]++
		}
	}
	for flow, n := range open {
		if n > 1 {
			d.blame("I1", "flow %s has %d open challenges", flow, n)
		}
	}
	for _, j := range d.s["jobs"] {
		if j.number("done_at") == 0 && j.number("failed_at") == 0 &&
			j.number("claimed_until") > d.Now.Add(lease).UnixMicro() {
			d.blame("I6", "job %s is claimed until %s", j.key(), time.UnixMicro(j.number("claimed_until")).UTC())
		}
	}
}

// outboxes: a message that waits has a job that will send it, and a job that is done has
// left no message behind.
func (d *desk) outboxes() {
	jobs := map[string][]row{}
	for _, j := range d.s["jobs"] {
		jobs[j.text("tenant_id")+" "+j.text("args")] = append(jobs[j.text("tenant_id")+" "+j.text("args")], j)
	}
	for _, m := range d.s["messages"] {
		all := jobs[fmt.Sprintf(`%s {"message":%q}`, m.text("tenant_id"), m.text("id"))]
		if len(all) != 1 {
			d.blame("I6", "message %s has %d jobs", m.key(), len(all))
			continue
		}
		waits := m.text("state") == "queued" || m.text("state") == "delayed"
		if over := all[0].number("done_at") > 0 || all[0].number("failed_at") > 0; waits && over {
			d.blame("I6", "message %s waits, and no one will send it", m.key())
		}
		if !waits && m["sealed"] != nil {
			d.blame("I7", "message %s has left, and its words are still there", m.key())
		}
	}
}
