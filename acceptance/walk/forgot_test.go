package walk

import (
	"fmt"
	"regexp"
	"slices"
	"time"

	"countersign/acceptance/rig"
)

var passwordLink = regexp.MustCompile(`https://[^\s<>"']+(/password/[^\s<>"']+)`)

// passwordLinks are the links to a new password that went to someone, in order.
func (k *stage) passwordLinks(who *account) (out []string) {
	for _, m := range k.w.Sink.Mails(who.Email) {
		if found := passwordLink.FindStringSubmatch(m.Text); found != nil {
			out = append(out, found[1])
		}
	}
	return out
}

// forgot asks for a link to a new password. People follow their own, sometimes twice; an attacker, who
// does not read the mailbox, only asks.
func (k *stage) forgot(b *tab, s step) {
	who, now := k.who(b, s.A), k.w.Now()
	who.resetsAsked = slices.DeleteFunc(who.resetsAsked,
		func(at time.Time) bool { return !now.Before(at.Add(31 * time.Minute)) })
	known := len(k.passwordLinks(who))
	if who.disabled || who.of.suspended || len(who.resetsAsked) == 2 {
		return
	}
	pg := k.post(b, "/signin/forgot", "email", who.Email, "send", "yes")
	if pg.Status == 429 { // too many from here
		return
	}
	who.resetsAsked = append(who.resetsAsked, now)
	rig.Within(k.t, 30*time.Second, "a link to a new password",
		func() bool { return len(k.passwordLinks(who)) > known })
	if b.attacker {
		return
	}
	link, next := k.passwordLinks(who)[known], fmt.Sprintf("canary forgotten battery %d staple", s.B%1000)
	k.reads = who
	k.get(b, link)
	for range 1 + s.C%2 {
		pg := k.post(b, link, "password", next)
		if !pg.Says("Your password is changed") {
			continue
		}
		if who.Password == next && who.mailedAt.Equal(now) {
			broken("a link was good twice for %s", who.Email)
		}
		who.Password, who.mailedAt, who.flagged = next, now, false
		who.epoch++
		k.came("password reset")
	}
}

// waits reports whether the mailbox opens no set-up: the password was reset by it within a day, and nothing else
// protects the account.
func (a *account) waits(now time.Time) bool {
	held := slices.ContainsFunc(a.devices, func(d *device) bool { return !d.gone && d.kind != "backup" })
	return !held && !a.mailedAt.IsZero() && now.Before(a.mailedAt.Add(24*time.Hour-time.Minute))
}
