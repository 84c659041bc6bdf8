package demo

import (
	"fmt"
	"strings"
	"time"

	"countersign/internal/audit"
	"countersign/internal/user"
)

// try is one thing to do, and what is to be seen then.
type try struct{ Do, See string }

var tries = []try{
	{"Open the dashboard and sign in as Maya. The code is in the inbox.", "A right password alone opens nothing. The page says what was sent where, and what became of the mail."},
	{"Type five wrong codes.", "The fifth one kills the code. A new one can be asked for; the tries of the account stay spent."},
	{"Ask for a new code three times, half a minute apart. Then type the code of an older mail.", "“That was an older code.” After the third one, the sign-in begins again from the password."},
	{"Press the link in the mail in the browser in which you began. Then try it from a private window.", "Here it asks once and signs in. There it only shows the code, to be typed where you began."},
	{"Press “this wasn't me” in a mail.", "The sign-in ends, the password counts as known to somebody else, and the owner and admins get a mail. The next sign-in asks for a new password."},
	{"Tick “on this browser, ask only for my password”. Sign out, and sign in again.", "No code for up to thirty days. The dashboard says so: it is told “password only”, not more."},
	{"Sign in to the phone app first, as Priya. Then open the dashboard in the same browser.", "The phone app is exempt and asks for the password only. The dashboard asks for the code, and not for the password again."},
	{"Set the mail server to “greylisting” or “refusing” in the inbox. Sign in.", "The code page says that the mail is delayed, or that it came back."},
	{"Let Harbor require it of Fennel Street Clinic in three days, with the clinic's switch off. Read why, then sign in as Leo.", "Nothing is asked yet, and Leo is told from when it will be. The words beside each person are those of “countersign policy explain”."},
	{"Sign in to the dashboard of Fennel Street Clinic while the clinic's switch is off. Then switch it on and reload the dashboard.", "The page that was open a moment ago asks for a code."},
}

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
	"user.created": "was added", "tenant.created": "the company was added", "tenant.mandate": "the vendor decided", "tenant.switched": "the company's switch moved",
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
	switch acr {
	case "urn:countersign:acr:1":
		return "password only, or a password on a remembered browser"
	case "urn:countersign:acr:1e":
		return "password, confirmed by e-mail"
	}
	return acr
}

// methods puts amr values into words.
func methods(amr []string) string {
	words := map[string]string{"pwd": "password", "email": "code or link sent by e-mail"}
	var out []string
	for _, m := range amr {
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
