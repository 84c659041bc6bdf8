package auditor

import (
	"slices"
	"strings"
)

// recorded: a session has one line of success in the audit record, and each line a session.
func (d *desk) recorded() {
	completed, sessions := d.s.events("signin.completed", "ok"), d.s.by("sessions", row.key)
	for _, s := range d.s["sessions"] {
		lines := completed[s.key()]
		if len(lines) != 1 {
			d.blame("I2", "session %s stands in the audit record %d times", s.key(), len(lines))
			continue
		}
		if e := lines[0]; e.text("user_id") != s.text("user_id") || e.text("level") != s.text("acr") ||
			e.text("client_id") != s.text("client_id") {
			d.blame("I2", "session %s differs from its line in the audit record", s.key())
		}
	}
	for subject := range completed {
		if len(sessions[subject]) == 0 {
			d.blame("I2", "the audit record has a sign-in without the session %s", subject)
		}
	}
	families := d.s.by("refresh_families", row.key)
	for subject := range d.s.events("token.issued", "ok") {
		if len(families[subject]) == 0 {
			d.blame("I2", "the audit record has tokens without the family %s", subject)
		}
	}
	d.sentRecorded()
}

// sentRecorded: a challenge has one line that it was sent, and each line a challenge.
func (d *desk) sentRecorded() {
	sent, challenges := d.s.events("challenge.sent", "ok"), d.s.by("challenges", row.key)
	for _, c := range d.s["challenges"] {
		if len(sent[c.key()]) != 1 {
			d.blame("I2", "challenge %s stands in the audit record %d times", c.key(), len(sent[c.key()]))
		}
	}
	for subject := range sent {
		if len(challenges[subject]) == 0 {
			d.blame("I2", "the audit record has the challenge %s, which does not exist", subject)
		}
	}
}

// believed: whatever a client was given, the rows know.
func (d *desk) believed() {
	for what, table := range map[string]string{session: "sessions", authorized: "authorization_codes",
		redeemed: "refresh_families"} {
		for _, t := range d.History.all(what) {
			if t.id == "" || d.find(table, t.id) == nil {
				d.blame("I5", "a client was given %s (%s) that no row knows", t.what, t.id)
			}
		}
	}
	answers := map[string]bool{}
	for _, c := range d.s["challenges"] {
		if len(d.right[c.key()]) > 0 {
			answers[c.text("message_id")] = true
		}
	}
	for _, t := range d.History.all(answered) {
		if !answers[t.id] {
			d.blame("I5", "someone was signed in by the mail %s, whose challenge was not answered", t.id)
		}
	}
}

// counted: what was told as counted stays counted.
func (d *desk) counted() {
	failed := d.s.events("signin.second_factor", "failed")
	wrongs, byAccount := map[string]int64{}, map[string]int64{}
	for _, t := range d.History.all(wrong) {
		c := d.challenge(t.user, t.id)
		if c == nil {
			d.blame("I3", "%s was told of a wrong answer to %s, which does not exist", t.user, t.id)
			continue
		}
		if c.number("tries_left") > t.n {
			d.blame("I3", "challenge %s: %d tries were told to be left, and %d are", c.key(), t.n,
				c.number("tries_left"))
		}
		wrongs[c.key()]++
		byAccount[t.user]++
	}
	for key, n := range wrongs {
		if int64(len(failed[key])) < n {
			d.blame("I3", "challenge %s: %d wrong answers were told, %d recorded", key, n, len(failed[key]))
		}
	}
	stamps := d.stamps("second.account")
	for email, n := range byAccount {
		if got := stamps[d.byName[email].text("id")]; got < n {
			d.blame("I3", "%s: %d wrong answers were told, the budget knows %d", email, n, got)
		}
	}
	d.judged(failed)
	d.passwords()
}

// challenge finds a challenge by what its mail and its page show.
func (d *desk) challenge(email, reference string) row {
	return d.byShown[d.byName[email].text("id")+" "+reference]
}

// judged: no answer was found wrong without a try of its challenge.
func (d *desk) judged(failed map[string][]row) {
	for _, c := range d.s["challenges"] {
		n := int64(0)
		for _, e := range failed[c.key()] {
			if why := e.text("reason"); why == "wrong_code" || why == "older_code" {
				n++
			}
		}
		if taken := wrongAnswers - c.number("tries_left"); taken < n {
			d.blame("I3", "challenge %s: %d answers were wrong, %d tries were taken", c.key(), n, taken)
		}
	}
}

func (d *desk) passwords() {
	wrongs, recorded := map[string]int64{}, map[string]int64{}
	for _, t := range d.History.all(password) {
		wrongs[t.user]++
	}
	for _, e := range d.s["audit_events"] {
		if e.text("action") == "signin.password" && e.text("result") == "failed" {
			recorded[e.text("user_id")]++
		}
	}
	for email, n := range wrongs {
		if got := recorded[d.byName[email].text("id")]; got < n {
			d.blame("I3", "%s: %d wrong passwords were told, %d recorded", email, n, got)
		}
	}
}

// stamps is how many tries a budget remembers of each subject: eight bytes a try.
func (d *desk) stamps(name string) map[string]int64 {
	out := map[string]int64{}
	for _, b := range slices.Concat(d.s["budgets"], d.s["installation_budgets"]) {
		// beside a version before, what belongs to no company is in both tables
		if b.text("name") == name && b.text("tenant_id") != "installation" {
			// browsers that the account knows have budgets of their own
			who, _, _ := strings.Cut(b.text("subject"), "/")
			out[who] += int64(len(b.text("stamps")) / 8)
		}
	}
	return out
}
