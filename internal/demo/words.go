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

// retell puts audit rows into words. Labels are people's own names for their methods, by id.
func retell(rows []audit.Row, people []user.User, labels map[string]string) []eventView {
	names := map[string]string{byDemo: "This page", "setup": "The first run"}
	for _, p := range people {
		names[p.ID] = p.Name
	}
	var out []eventView
	for _, r := range rows {
		out = append(out, eventView{
			Clock: r.At.UTC().Format("15:04:05"), Who: firstOf(names[r.UserID], names[r.ActorID], "—"),
			What: happened(r.Event, labels[r.SubjectID]), Where: where(r.Event), Result: r.Result,
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

// sentences are keyed by action, result and method; without the method they stand for
// every one, and the action alone stands for every result.
var sentences = map[string]string{
	"signin.password ok": "gave the right password", "signin.password failed": "gave a wrong password", "signin.password refused": "was told to wait before another password",
	"challenge.sent ok email": "was sent a code by email", "challenge.sent ok sms": "was sent a code by text message", "challenge.sent ok push": "was sent a code to the browser of a phone",
	"signin.second_factor ok email": "proved the mailbox", "challenge.sent ok": "was asked for", "challenge.sent refused": "could not be sent", "signin.second_factor ok": "confirmed with", "signin.second_factor failed": "gave a wrong code", "signin.second_factor refused": "gave a code that could not count",
	"signin.passkey ok": "signed in with", "signin.passkey failed": "showed a passkey that was refused", "signin.passkey refused": "showed a passkey that could not count",
	"signin.completed": "signed in", "signin.denied": "could not reach the level that the app wants", "signin.ended": "left the sign-in",
	"signin.disowned": "said: this wasn't me", "signin.step_up": "was asked for a second step on top of a session",
	"browser.remembered": "had the browser remembered", "browser.replayed": "showed a copied token of a remembered browser",
	"session.ended": "signed out", "password.replaced": "chose a new password", "password.set": "got a password",
	"password.asked": "asked for a link to a new password", "user.invited": "was invited",
	"token.issued": "the app received tokens", "token.refreshed": "the app renewed its tokens", "token.refused": "the app was refused tokens", "token.reuse": "an old token was used again",
	"method.added ok": "set up", "method.added failed": "gave a wrong first code for",
	"method.removed": "removed", "method.renamed": "renamed",
	"method.suspended": "had a method suspended by a report:", "method.restored": "can use again",
	"methods.reset": "may set up a new method", "company.owners_stuck": "no owner of the company can sign in now",
	"account.protected": "needs an administrator to sign in: the method set up since the backup is lost",
	"second_step.on":    "switched the second step on", "second_step.off": "switched the second step off",
	"backup.low":     "is running out of backup codes",
	"passkey.copied": "showed a passkey that may have been copied", "browser.forgotten": "had browsers forgotten",
	"receiver.gone": "a code receiver can no longer be reached", "notice.sent": "a mail was held back",
	"admission.sent": "was sent a link to continue in a new browser", "admission.used": "let a new browser in by a link",
	"address.asked": "asked to change the address", "address.changed": "changed the address", "address.withdrawn": "took back the change of the address", "address.restored": "got the old address back",
	"texts.paused": "text messages are paused: too few of their codes were entered", "client.refused": "an app that is not set up right was refused",
	"user.created": "was added", "tenant.created": "the company was added",
	"tenant.mandate": "the vendor decided", "tenant.switched": "the company's switch moved",
	"tenant.methods": "the company allows", "tenant.choice": "it is asked of", "tenant.deadline": "set-up comes first from",
}

// reasons are the ends of some sentences.
var reasons = map[string]string{
	"link": "with the link", "typed": "by typing the code", "older_code": "of an older mail", "throttled": "after too many tries", "tries_spent": "after five tries",
	"no_open_challenge": "after the code had died", "wrong_password": "", "wrong_code": "", "signed_out": "", "reported": "after a report",
	"already_used": "that had been used", "required": "everyone", "optional": "people who want it", "ceiling": "for want of money", "no_number": "for want of a number", "gone": "because it is out of reach", "paused": "because too few codes were entered",
}

// withMethod are the sentences that end with what was used.
var withMethod = map[string]bool{
	"challenge.sent ok": true, "challenge.sent refused": true, "signin.second_factor ok": true, "signin.passkey ok": true,
	"method.added ok": true, "method.added failed": true, "method.removed ok": true, "method.renamed ok": true,
	"method.suspended ok": true, "method.restored ok": true,
}

func happened(e audit.Event, label string) string {
	key := e.Action + " " + e.Result
	special := sentences[key+" "+e.Method]
	words := firstOf(special, sentences[key], sentences[e.Action], e.Action)
	reason, known := reasons[e.Reason]
	if withMethod[key] && special == "" {
		words += " " + used(e, label)
		if e.Reason == "typed" { // of an app or a sheet there is no link to tell it from
			return words
		}
	}
	switch {
	case e.Reason == "" || known && reason == "" || e.Reason == label:
		return words
	case known:
		return words + " " + reason
	}
	return words + ": " + strings.ReplaceAll(e.Reason, "_", " ")
}

// used is the method of an event in words, with its owner's name for it. Everybody has one
// mailbox and one set of backup codes, so these need none.
func used(e audit.Event, label string) string {
	kind := authenticator.Kind(e.Method)
	words := steps[kind].act
	if strings.HasPrefix(e.Action, "method.") {
		words = steps[kind].made
	}
	words = firstOf(words, e.Method)
	if label == "" || kind == authenticator.Email || kind == authenticator.Backup {
		return words
	}
	return words + ", " + label
}

// level puts an acr value into words.
func level(acr string) string {
	switch policy.Level(acr) {
	case policy.PasswordOnly:
		return "password only, or a password on a remembered browser"
	case policy.EmailConfirmed:
		return "password, confirmed by email"
	case policy.TwoFactor:
		return "two factors"
	case policy.PhishingResistant:
		return "two factors that a copied page gets nothing from"
	}
	return acr
}

// step is a second step in words: as something to have, to do, and to set up.
type step struct{ thing, act, made string }

var steps = map[authenticator.Kind]step{
	authenticator.Passkey: {"passkey", "a passkey", "a passkey"},
	authenticator.TOTP:    {"app", "the code of an app", "an app"},
	authenticator.Push:    {"code receiver", "a code sent to the browser of a phone", "a code receiver"},
	authenticator.SMS:     {"text messages to", "a code by text message", "text messages"},
	authenticator.Email:   {"mailbox", "a code by email", "a mailbox"},
	authenticator.Backup:  {"backup codes", "a backup code", "backup codes"},
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
		"pwd": "password", "email": "code or link sent by email", "sms": "code by text message", "otp": "code of an app", "push": "code sent to a phone's browser",
		"backup": "backup code", "swk": "passkey", "user": "finger, face or PIN",
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
