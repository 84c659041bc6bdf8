package demo

import (
	"fmt"
	"strings"
	"time"

	"countersign/internal/audit"
	"countersign/internal/authenticator"
	"countersign/internal/policy"
	"countersign/internal/user"
)

// try is one thing to do, and what is to be seen then.
type try struct{ Do, See string }

// eventView is one audit row in words.
type eventView struct{ Clock, Who, What, Where, Result string }

// retell puts audit rows into words.
func retell(rows []audit.Row, people []user.User) []eventView {
	names := map[string]string{byDemo: "This page", "setup": "The first run"}
	for _, p := range people {
		names[p.ID] = p.Name
	}
	var out []eventView
	for _, r := range rows {
		out = append(out, eventView{
			Clock: r.At.UTC().Format("15:04:05"), Who: firstOf(names[r.UserID], names[r.ActorID], "—"),
			What: happened(r.Event), Where: where(r.Event), Result: r.Result,
		})
	}
	return out
}

func firstOf(words ...string) string {
	for _, w := range words {
		if w != "" {
			return w
		}
	}
	return ""
}

func where(e audit.Event) string {
	var parts []string
	for _, p := range []string{appNames[e.ClientID], e.Browser, e.IP} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, ", ")
}

// sentences are keyed by action and result; the action alone stands for every result.
var sentences = map[string]string{
	"signin.password ok": "gave the right password", "signin.password failed": "gave a wrong password", "signin.password refused": "was told to wait before another password",
	"challenge.sent": "was sent a code", "signin.code ok": "proved the mailbox", "signin.code failed": "gave a wrong code", "signin.code refused": "gave a code that could not count",
	"signin.completed": "signed in", "signin.denied": "could not reach the level that the app wants", "signin.ended": "left the sign-in",
	"signin.disowned": "said: this wasn't me", "signin.step_up": "was asked for a second step on top of a session",
	"browser.remembered": "had the browser remembered", "browser.replayed": "showed a copied token of a remembered browser",
	"session.ended": "signed out", "password.replaced": "chose a new password", "password.set": "got a password",
	"token.issued": "the app received tokens", "token.refreshed": "the app renewed its tokens", "token.refused": "the app was refused tokens", "token.reuse": "an old token was used again",
	"method.added ok": "set up", "method.added failed": "gave a wrong first proof of", "method.removed": "removed", "method.renamed": "renamed",
	"second_step.on": "switched the second step on", "second_step.off": "switched the second step off", "backup.low": "is running out of backup codes",
	"passkey.copied": "showed a passkey that may have been copied", "browser.forgotten": "had browsers forgotten",
	"user.created": "was added", "tenant.created": "the company was added", "tenant.mandate": "the vendor decided", "tenant.switched": "the company's switch moved",
	"tenant.methods": "the company allows", "tenant.choice": "the company requires it of", "tenant.deadline": "set-up comes first from",
}

// reasons are the ends of some sentences.
var reasons = map[string]string{
	"link": "with the link", "typed": "by typing the code", "older_code": "of an older mail", "throttled": "after too many tries", "tries_spent": "after five tries",
	"no_open_challenge": "after the code had died", "wrong_password": "", "wrong_code": "", "signed_out": "", "reported": "after a report",
}

func happened(e audit.Event) string {
	words := firstOf(sentences[e.Action+" "+e.Result], sentences[e.Action], e.Action)
	reason, known := reasons[e.Reason]
	switch {
	case e.Reason == "" || known && reason == "":
		return words
	case known:
		return words + " " + reason
	}
	return words + ": " + strings.ReplaceAll(e.Reason, "_", " ")
}

// level puts an acr value into words.
func level(acr string) string {
	switch policy.Level(acr) {
	case policy.PasswordOnly:
		return "password only, or a password on a remembered browser"
	case policy.Confirmed:
		return "password, confirmed by e-mail"
	case policy.TwoFactor:
		return "two factors"
	case policy.Resistant:
		return "two factors that a copied page gets nothing from"
	}
	return acr
}

// step is a second step in words: as something to have, and as something to do.
type step struct{ thing, act string }

var steps = map[authenticator.Kind]step{
	authenticator.Passkey: {"passkey", "a passkey"},
	authenticator.TOTP:    {"app", "the code of an app"},
	authenticator.Push:    {"code receiver", "a code sent to the browser of a phone"},
	authenticator.SMS:     {"text messages to", "a code by text message"},
	authenticator.Email:   {"mailbox", "a code by e-mail"},
	authenticator.Backup:  {"backup codes", "a backup code"},
}

// either lists ways in words: "a passkey, or the code of an app".
func either(kinds []authenticator.Kind) string {
	var words []string
	for _, k := range kinds {
		words = append(words, firstOf(steps[k].act, string(k)))
	}
	return strings.Join(words, ", or ")
}

// methods puts amr values into words.
func methods(amr []string) string {
	words := map[string]string{
		"pwd": "password", "email": "code or link sent by e-mail", "sms": "code by text message", "otp": "code of an app", "push": "code sent to a phone's browser",
		"backup": "backup code", "swk": "passkey", "hwk": "passkey that cannot be copied", "user": "finger, face or PIN",
	}
	var out []string
	for _, m := range amr {
		if m == "mfa" { // the level says so
			continue
		}
		out = append(out, firstOf(words[m], m))
	}
	return strings.Join(out, ", then ")
}

// ago says how long something has been.
func ago(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "a moment ago"
	case d < 2*time.Minute:
		return "a minute ago"
	case d < 2*time.Hour:
		return fmt.Sprintf("%d minutes ago", int(d/time.Minute))
	}
	return fmt.Sprintf("%d hours ago", int(d/time.Hour))
}
