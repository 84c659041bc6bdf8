package demo

import (
	"fmt"
	"strings"
	"time"

	"countersign/internal/access"
	"countersign/internal/audit"
	"countersign/internal/authenticator"
	"countersign/internal/policy"
	"countersign/internal/user"
)

// try is one thing to do, and what is to be seen then.
type try struct{ Do, See string }

// eventView is one audit row in words.
type eventView struct{ Clock, Who, What, Where, Result string }

// retell puts audit rows into words. labels are people's own names for their methods by id.
func retell(rows []audit.Row, people []user.User, labels map[string]string, now time.Time) []eventView {
	names := map[string]string{access.Server.ID(): "The demo", "setup": "The first run"}
	for _, p := range people {
		names[p.ID] = p.Name
	}
	var out []eventView
	for _, r := range rows {
		clock := "15:04:05"
		if r.At.Before(now.UTC().Truncate(day)) {
			clock = "2 Jan, 15:04"
		}
		out = append(out, eventView{
			Clock:  r.At.UTC().Format(clock),
			Who:    firstOf(names[r.UserID], names[r.ActorID], "—"),
			What:   happened(r.Event, labels[r.SubjectID]),
			Where:  where(r.Event),
			Result: string(r.Result),
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

// occasion is what a sentence is about. One without a method stands for every method, one without a result for every
// result.
type occasion struct {
	action audit.Action
	result audit.Result
	method string
}

var sentences = map[occasion]string{
	{action: audit.SignInPassword, result: audit.OK}:                      "gave the right password",
	{action: audit.SignInPassword, result: audit.Failed}:                  "gave a wrong password",
	{action: audit.SignInPassword, result: audit.Refused}:                 "was told to wait before another password",
	{action: audit.ChallengeSent, result: audit.OK, method: "email"}:      "was sent a code by email",
	{action: audit.ChallengeSent, result: audit.OK, method: "sms"}:        "was sent a code by text message",
	{action: audit.ChallengeSent, result: audit.OK, method: "push"}:       "was sent a code to the browser of a phone",
	{action: audit.SignInSecondFactor, result: audit.OK, method: "email"}: "proved the mailbox",
	{action: audit.ChallengeSent, result: audit.OK}:                       "was asked for",
	{action: audit.ChallengeSent, result: audit.Refused}:                  "could not be sent",
	{action: audit.SignInSecondFactor, result: audit.OK}:                  "confirmed with",
	{action: audit.SignInSecondFactor, result: audit.Failed}:              "gave a wrong code",
	{action: audit.SignInSecondFactor, result: audit.Refused}:             "gave a code that could not count",
	{action: audit.SignInPasskey, result: audit.OK}:                       "signed in with",
	{action: audit.SignInPasskey, result: audit.Failed}:                   "showed a passkey that was refused",
	{action: audit.SignInPasskey, result: audit.Refused}:                  "showed a passkey that could not count",
	{action: audit.SignInCompleted}:                                       "signed in",
	{action: audit.SignInDenied}:                                          "could not reach the level that the app wants",
	{action: audit.SignInEnded}:                                           "left the sign-in",
	{action: audit.SignInDisowned}:                                        "said: this wasn't me",
	{action: audit.SignInStepUp}:                                          "was asked for a second step on top of a session",
	{action: audit.SignInUnusual}:                                         "was asked because the sign-in was unusual:",
	{action: audit.BrowserRemembered}:                                     "had the browser remembered",
	{action: audit.BrowserReplayed}:                                       "showed a copied token of a remembered browser",
	{action: audit.SessionEnded}:                                          "signed out",
	{action: audit.PasswordReplaced}:                                      "chose a new password",
	{action: audit.PasswordSet}:                                           "got a password",
	{action: audit.PasswordAsked}:                                         "asked for a link to a new password",
	{action: audit.UserInvited}:                                           "was invited",
	{action: audit.InvitationWithdrawn}:                                   "had the invitation withdrawn",
	{action: audit.UserExempted}:                                          "was given more time to set up a method,",
	{action: audit.TokenIssued}:                                           "the app received tokens",
	{action: audit.TokenRefreshed}:                                        "the app renewed its tokens",
	{action: audit.TokenRefused}:                                          "the app was refused tokens",
	{action: audit.TokenReuse}:                                            "an old token was used again",
	{action: audit.MethodAdded, result: audit.OK}:                         "set up",
	{action: audit.MethodAdded, result: audit.Failed}:                     "gave a wrong first code for",
	{action: audit.MethodRemoved}:                                         "removed",
	{action: audit.MethodSuspended}:                                       "had a method suspended by a report:",
	{action: audit.MethodRestored}:                                        "can use again",
	{action: audit.MethodsReset}:                                          "may set up a new method",
	{action: audit.OwnersStuck}:                                           "no owner of the company can sign in now",
	{action: audit.AccountProtected}:                                      "needs an administrator to sign in: the method set up since the backup is lost",
	{action: audit.SecondStepOn}:                                          "switched the second step on",
	{action: audit.SecondStepOff}:                                         "switched the second step off",
	{action: audit.PasskeyCopied}:                                         "showed a passkey that may have been copied",
	{action: audit.BrowserForgotten}:                                      "had browsers forgotten",
	{action: audit.ReceiverGone}:                                          "a code receiver can no longer be reached",
	{action: audit.NoticeSent}:                                            "a mail was held back",
	{action: audit.AdmissionSent}:                                         "was sent a link to continue in a new browser",
	{action: audit.AdmissionUsed}:                                         "let a new browser in by a link",
	{action: audit.AddressAsked}:                                          "asked to change the address",
	{action: audit.AddressChanged}:                                        "changed the address",
	{action: audit.AddressWithdrawn}:                                      "took back the change of the address",
	{action: audit.AddressRestored}:                                       "got the old address back",
	{action: audit.TextsPaused}:                                           "text messages are paused: too few of their codes were entered",
	{action: audit.ClientRefused}:                                         "an app that is not set up right was refused",
	{action: audit.UserCreated}:                                           "was added",
	{action: audit.TenantCreated}:                                         "the company was added",
	{action: audit.TenantMandate}:                                         "the vendor decided",
	{action: audit.TenantSwitched}:                                        "the company's switch moved",
	{action: audit.TenantMethods}:                                         "the company allows",
	{action: audit.TenantChoice}:                                          "it is asked of",
	{action: audit.TenantApps}:                                            "two-factor authentication is required in exempt apps:",
	{action: audit.TenantRoles}:                                           "two-factor authentication is required of",
	{action: audit.TenantSteps}:                                           "the company turns two-factor authentication on",
	{action: audit.TenantStepsStopped}:                                    "no further step begins:",
	{action: audit.TenantDeadline}:                                        "set-up comes first from",
	{action: audit.TenantShadow}:                                          "the company tries rules without enforcing them:",
}

// reasons are the ends of some sentences.
var reasons = map[string]string{
	"link":              "with the link",
	"typed":             "by typing the code",
	"older_code":        "of an older mail",
	"throttled":         "after too many tries",
	"no_open_challenge": "after the code had died",
	"wrong_password":    "",
	"wrong_code":        "",
	"signed_out":        "",
	"reported":          "after a report",
	"already_used":      "that had been used",
	"new_browser":       "a new browser",
	"new_country":       "a new country",
	"impossible_travel": "too far from the last one",
	"many_failures":     "many wrong passwords or codes",
	"adaptive":          "everyone, when a sign-in is unusual",
	"required":          "everyone",
	"optional":          "people who want it",
	"ceiling":           "for want of money",
	"no_number":         "for want of a number",
	"gone":              "because it is out of reach",
	"paused":            "because too few codes were entered",
}

// withMethod are the sentences that end with what was used.
var withMethod = map[occasion]bool{
	{action: audit.ChallengeSent, result: audit.OK}:      true,
	{action: audit.ChallengeSent, result: audit.Refused}: true,
	{action: audit.SignInSecondFactor, result: audit.OK}: true,
	{action: audit.SignInPasskey, result: audit.OK}:      true,
	{action: audit.MethodAdded, result: audit.OK}:        true,
	{action: audit.MethodAdded, result: audit.Failed}:    true,
	{action: audit.MethodRemoved, result: audit.OK}:      true,
	{action: audit.MethodSuspended, result: audit.OK}:    true,
	{action: audit.MethodRestored, result: audit.OK}:     true,
}

func happened(e audit.Event, label string) string {
	key := occasion{action: e.Action, result: e.Result}
	special := sentences[occasion{e.Action, e.Result, e.Method}]
	words := firstOf(special, sentences[key], sentences[occasion{action: e.Action}], string(e.Action))
	e.Reason, _, _ = strings.Cut(e.Reason, " clock ")
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

// used is the method of an event in words, with its owner's name for it. Everyone has one
// mailbox and one set of backup codes, so these need none.
func used(e audit.Event, label string) string {
	kind := authenticator.Kind(e.Method)
	words := steps[kind].act
	if strings.HasPrefix(string(e.Action), "method.") {
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
		"pwd": "password", "email": "code or link sent by email", "sms": "code by text message",
		"otp": "code of an app", "push": "code sent to a phone's browser",
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
