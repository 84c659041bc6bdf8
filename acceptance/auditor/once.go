package auditor

import (
	"fmt"
	"strings"
)

// onceEach: of a flow there is one session, of a challenge one right answer, of an
// authorization code one line of tokens.
func (d *desk) onceEach() {
	sessions := d.s.by("sessions", func(r row) string { return r.ref("flow_id") })
	for flow, all := range sessions {
		if len(all) > 1 {
			d.blame("I1", "flow %s has %d sessions", flow, len(all))
		}
	}
	for _, f := range d.s["flows"] {
		finished := f.text("closed_because") == "done"
		if finished != (len(sessions[f.key()]) == 1) {
			d.blame("I1", "flow %s: finished %t, sessions %d", f.key(), finished, len(sessions[f.key()]))
		}
	}
	d.answeredOnce()
	d.spentOnce()
	d.toldOnce()
}

// matchAnswers finds what each right answer in the audit record has spent: the challenge
// that was closed as answered at that instant, or whose flow was finished by it then.
func (d *desk) matchAnswers() {
	spent, flows := map[string][]row{}, d.s.by("flows", row.key)
	for _, c := range d.s["challenges"] {
		f := flows[c.ref("flow_id")]
		switch {
		case c.text("closed_because") == "answered":
			spent[moment(c, "closed_at")] = append(spent[moment(c, "closed_at")], c)
		case len(f) == 1 && f[0].text("closed_because") == "done" && f[0].text("challenge_id") == c.text("id"):
			spent[moment(f[0], "closed_at")] = append(spent[moment(f[0], "closed_at")], c)
		}
	}
	d.right = map[string][]row{}
	for _, all := range d.s.events("signin.second_factor", "ok") {
		for _, e := range all {
			d.match(e, spent[moment(e, "at")])
		}
	}
}

// moment names an instant of an account.
func moment(r row, column string) string {
	return fmt.Sprintf("%s %s %d", r.text("tenant_id"), r.text("user_id"), r.number(column))
}

func (d *desk) match(e row, spent []row) {
	if len(spent) != 1 {
		d.blame("I1", "the right answer %s in the audit record has spent %d challenges", e.key(), len(spent))
		return
	}
	d.right[spent[0].key()] = append(d.right[spent[0].key()], e)
}

// answeredOnce: a challenge that was answered rightly is of no more use: it is closed, or
// the flow that it belongs to is.
func (d *desk) answeredOnce() {
	flows := d.s.by("flows", row.key)
	for _, c := range d.s["challenges"] {
		n, spent := len(d.right[c.key()]), c.text("closed_because") == "answered"
		f := flows[c.ref("flow_id")]
		over := len(f) == 1 && f[0].text("closed_because") == "done" && f[0].text("challenge_id") == c.text("id")
		if n > 1 || n == 1 && !spent && !over || n == 0 && spent {
			d.blame("I1", "challenge %s: %d right answers, closed because %q, its flow finished %t", c.key(), n,
				c.text("closed_because"), over)
		}
	}
}

func (d *desk) spentOnce() {
	issued := d.s.events("token.issued", "ok")
	families := d.s.by("refresh_families", row.key)
	for _, c := range d.s["authorization_codes"] {
		lines := len(families[c.key()])
		if len(issued[c.key()]) != lines {
			d.blame("I2", "authorization code %s: %d lines of tokens, %d in the audit record", c.key(), lines,
				len(issued[c.key()]))
		}
		if len(issued[c.key()]) > 1 || lines == 1 && c.number("redeemed_at") == 0 {
			d.blame("I1", "authorization code %s gave tokens %d times, spent %t", c.key(), len(issued[c.key()]),
				c.number("redeemed_at") > 0)
		}
	}
}

// toldOnce: nothing that works once was told to have worked twice.
func (d *desk) toldOnce() {
	seen := map[told]bool{}
	for _, what := range []string{answered, redeemed, refreshed} {
		for _, t := range d.History.all(what) {
			if seen[t] {
				d.blame("I1", "told twice %s: %s", t.what, t.id)
			}
			seen[t] = true
		}
	}
}

// refreshedOnce: a family is as many generations old as the record and its clients say.
func (d *desk) refreshedOnce() {
	recorded := d.s.events("token.refreshed", "ok")
	heard := map[string]int64{}
	for _, t := range d.History.all(refreshed) {
		heard[t.id]++
	}
	for _, f := range d.s["refresh_families"] {
		steps, written := f.number("generation")-1, int64(0)
		for _, e := range recorded[f.key()] {
			if e.text("reason") != "repeated" { // the same token once more, within the grace
				written++
			}
		}
		if written != steps {
			d.blame("I1", "refresh family %s: %d steps, %d in the audit record", f.key(), steps, written)
		}
		if heard[f.text("id")] > steps {
			d.blame("I2", "refresh family %s: clients heard of %d steps, it took %d", f.key(),
				heard[f.text("id")], steps)
		}
	}
}

// The levels of a session, and what each stands on.
const (
	level1  = "urn:countersign:acr:1"
	level1e = "urn:countersign:acr:1e"
)

// levels: a session's level stands on proofs that were given.
func (d *desk) levels() {
	flows, sessions := d.s.by("flows", row.key), d.s.by("sessions", row.key)
	answered := map[string]bool{}
	for _, c := range d.s["challenges"] {
		if len(d.right[c.key()]) > 0 {
			answered[c.ref("flow_id")+" "+c.text("user_id")] = true
		}
	}
	for _, s := range d.s["sessions"] {
		byMail := strings.Contains(" "+s.text("amr")+" ", " email ")
		if byMail != (s.text("acr") == level1e) || !strings.Contains(s.text("amr"), "pwd") {
			d.blame("I1", "session %s has level %s with %q", s.key(), s.text("acr"), s.text("amr"))
		}
		if len(flows[s.ref("flow_id")]) != 1 {
			continue // swept
		}
		f := flows[s.ref("flow_id")][0]
		if f.text("user_id") != s.text("user_id") || byMail && !strings.Contains(f.text("proofs"), "email:") ||
			!strings.Contains(f.text("proofs"), "password:") {
			d.blame("I1", "session %s (%s) stands on the proofs %q of user %s", s.key(), s.text("amr"),
				f.text("proofs"), f.text("user_id"))
		}
		base := sessions[f.ref("stepping_up")]
		// its proof was answered in an earlier flow
		before := len(base) == 1 && strings.Contains(base[0].text("amr"), "email")
		if byMail && !before && !answered[f.key()+" "+s.text("user_id")] {
			d.blame("I1", "session %s says that a mail was answered, and none was", s.key())
		}
	}
}

// policies: where the second step is mandatory, a session for a covered app has it, or
// stands on a browser that was remembered with it.
func (d *desk) policies() {
	tenants, remembered := d.s.by("tenants", row.key2), d.s.by("remembered_browsers", row.key)
	apps := map[string]row{}
	for _, c := range d.s["clients"] {
		apps[c.text("id")] = c
	}
	for _, s := range d.s["sessions"] {
		t, at := tenants[s.text("tenant_id")], s.number("created_at")
		if len(t) != 1 || t[0].text("mandate") != "mandatory" || t[0].number("mandate_from") > at ||
			s.text("acr") == level1e {
			continue
		}
		if app := apps[s.text("client_id")]; app != nil && app.number("exempt_until") > at {
			continue
		}
		r := remembered[s.ref("remembered_id")]
		if len(r) != 1 || r[0].text("user_id") != s.text("user_id") || r[0].text("client_id") != s.text("client_id") ||
			r[0].number("proved_at") > at || r[0].number("expires_at") <= at {
			d.blame("I1", "session %s of a covered app has no second step and no remembered browser", s.key())
		}
	}
}

// key2 is the key of a row that is a tenant.
func (r row) key2() string { return r.text("tenant_id") }
