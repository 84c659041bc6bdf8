package portal

import (
	"net/http"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/pages"
	"countersign/internal/signin"
	"countersign/internal/web"
)

const (
	storyTo     = "c2VhbGVkLWF1dGhvcml6YXRpb24tcmVxdWVzdA"
	storyMasked = "m•••@harbor.example"
	storyApp    = "Harbor Dashboard"
	storyToken  = "bG9uZy1yYW5kb20tdG9rZW4"
	storyFlow   = "06f3y1ee6n8k1v5t0h2m3q4r5s"
	storyPlace  = "Valencia, Spain"
	storyAgent  = "Firefox, Linux"
	storyIP     = "203.0.113.24"
)

// Stories is every page in every state, with canned data, as seen at now.
func Stories(now time.Time) []web.Story {
	var all []web.Story
	for _, group := range [][]web.Story{signInStories(now), codeStories(now), deliveryStories(now), linkStories(now), admissionStories(), endStories(now), passwordStories(), forgotStories(now), otherStories(now), signedInStories(), secondStories(now)} {
		all = append(all, group...)
	}
	return all
}

var storyPasskey = &passkeyOffer{Options: `{"challenge":"AAAA"}`, Token: storyToken}

func signInStories(now time.Time) []web.Story {
	return []web.Story{
		{Name: "signin", Status: 200, Page: signInPage{To: storyTo, AppName: storyApp}},
		{Name: "signin/portal", Status: 200, Page: signInPage{}},
		{Name: "signin/again", Status: 200, Page: signInPage{To: storyTo, Email: "maria@harbor.example", Again: true}},
		{Name: "signin/passkey", Status: 200, Page: signInPage{To: storyTo, AppName: storyApp, Passkey: storyPasskey}},
		{Name: "signin/passkey-wrong", Status: http.StatusUnauthorized, Page: signInPage{To: storyTo, AppName: storyApp, Problem: "signin.problem.passkey", Passkey: storyPasskey}},
		{Name: "signin/wrong", Status: http.StatusUnauthorized, Page: signInPage{To: storyTo, AppName: storyApp, Email: "maria@harbor.example", Problem: "signin.problem.wrong"}},
		{Name: "signin/missing", Status: 422, Page: signInPage{To: storyTo, AppName: storyApp, Problem: "signin.problem.missing"}},
		{Name: "signin/wait", Status: 429, Page: signInPage{To: storyTo, AppName: storyApp, Email: "maria@harbor.example", Problem: "signin.problem.wait", Wait: 4 * time.Minute, Admission: &admissionOffer{Email: "maria@harbor.example", To: storyTo}}},
		{Name: "signin/busy", Status: http.StatusServiceUnavailable, Page: signInPage{To: storyTo, AppName: storyApp, Email: "maria@harbor.example", Problem: "signin.problem.busy", Wait: 2 * time.Second}},
		{Name: "signin/announced", Status: 200, Page: signInPage{To: storyTo, AppName: storyApp, Announce: &announcement{By: "Harbor", From: now.AddDate(0, 0, 9), DaysLeft: 9}}},
		{Name: "signin/announced-today", Status: 200, Page: signInPage{To: storyTo, AppName: storyApp, Announce: &announcement{By: "Harbor", From: now.Add(3 * time.Hour)}}},
	}
}

func storyCode(now time.Time) codePage {
	return codePage{
		FlowRef: pages.FlowRef{Flow: storyFlow},
		Kind:    authenticator.Email,
		AppName: storyApp, SentTo: storyMasked, Reference: "K7-MZ", Length: 6, Now: now,
		ExpiresAt: now.Add(9*time.Minute + 41*time.Second), NewCodeAt: now.Add(-time.Minute),
		TriesLeft: 5, NewCodesLeft: 3, RememberDays: 30,
		Delivery: pages.Delivery{State: "accepted", At: now.Add(-4 * time.Second), Host: "mx.harbor.example"},
	}
}

func codeStories(now time.Time) []web.Story {
	c := storyCode(now)
	wrong, older, waiting, last := c, c, c, c
	wrong.Problem, wrong.TriesLeft = "code.problem.wrong", 3
	older.Problem, older.TriesLeft = "code.problem.older", 1
	waiting.NewCodeAt, waiting.Delivery = now.Add(28*time.Second), pages.Delivery{State: "queued", At: now}
	last.NewCodesLeft, last.Length, last.RememberDays = 0, 8, 0
	last.Why = "Since the spring many of our customers' passwords have been found on the internet."
	last.Because = []string{"Harbor has required a second step since 5 Sep 2026.", "This browser is not remembered."}
	slow, soon, unsent, over := wrong, waiting, c, c
	slow.Problem, slow.Remember = "code.problem.wait", true
	slow.Admission = &admissionOffer{Email: "maria@harbor.example", To: storyTo}
	soon.Problem, unsent.Problem = "code.problem.too_soon", "code.problem.sending"
	over.ExpiresAt = now
	return []web.Story{
		{Name: "code", Status: 200, Page: c},
		{Name: "code/wait", Status: http.StatusTooManyRequests, Page: slow},
		{Name: "code/too-soon", Status: http.StatusTooManyRequests, Page: soon},
		{Name: "code/no-more-mail", Status: http.StatusTooManyRequests, Page: unsent},
		{Name: "code/just-sent", Status: 200, Page: waiting},
		{Name: "code/wrong", Status: http.StatusUnauthorized, Page: wrong},
		{Name: "code/older", Status: http.StatusUnauthorized, Page: older},
		{Name: "code/last", Status: 200, Page: last},
		{Name: "code/over", Status: 200, Page: over},
		{Name: "code/spent", Status: 200, Page: spentPage{FlowRef: pages.FlowRef{Flow: storyFlow}, AppName: storyApp, SentTo: storyMasked, NewCodesLeft: 1, RestartURL: "/signin"}},
		{Name: "code/spent-push", Status: 200, Page: spentPage{FlowRef: pages.FlowRef{Flow: storyFlow}, AppName: storyApp, NewCodesLeft: 1, RestartURL: "/signin"}},
		{Name: "code/expired", Status: 200, Page: spentPage{FlowRef: pages.FlowRef{Flow: storyFlow}, AppName: storyApp, SentTo: storyMasked, NewCodesLeft: 2, Expired: true, RestartURL: "/signin"}},
		{Name: "code/unsent", Status: http.StatusTooManyRequests, Page: spentPage{FlowRef: pages.FlowRef{Flow: storyFlow}, AppName: storyApp, SentTo: storyMasked, NewCodesLeft: 3, Unsent: true, Admission: &admissionOffer{Email: "maria@harbor.example", To: storyTo}, RestartURL: "/signin"}},
		{Name: "code/unsent-text", Status: http.StatusTooManyRequests, Page: spentPage{FlowRef: pages.FlowRef{Flow: storyFlow}, AppName: storyApp, SentTo: "+49 ••• ••42", NewCodesLeft: 3, Unsent: true, Why: "sms.problem.ceiling", RestartURL: "/signin"}},
		{Name: "code/spent-for-good", Status: 200, Page: spentPage{FlowRef: pages.FlowRef{Flow: storyFlow}, AppName: storyApp, SentTo: storyMasked, RestartURL: "/signin"}},
	}
}

func deliveryStories(now time.Time) []web.Story {
	views := []pages.Delivery{
		{State: "accepted", At: now}, {State: "delayed", At: now, NextTry: now.Add(30 * time.Second), Host: "mx.harbor.example"},
		{State: "bounced", At: now}, {State: "failed", At: now}, {State: "none"},
	}
	var out []web.Story
	for _, v := range views {
		c := storyCode(now)
		c.Delivery = v
		out = append(out, web.Story{Name: "delivery/" + v.State, Status: 200, Page: c})
	}
	return append(out, messageStories(now)...)
}

// messageStories is every state of a text message and of a push.
func messageStories(now time.Time) (out []web.Story) {
	for _, k := range []authenticator.Kind{authenticator.SMS, authenticator.Push} {
		for _, state := range []string{"queued", "accepted", "delivered", "delayed", "bounced", "failed", "none"} {
			c := storyCode(now)
			c.Kind, c.Others, c.Delivery = k, true, pages.Delivery{Kind: k, State: state, At: now, NextTry: now.Add(30 * time.Second)}
			if k == authenticator.SMS {
				c.SentTo = "+49 ••• ••67"
			}
			out = append(out, web.Story{Name: "delivery/" + string(k) + "-" + state, Status: 200, Page: c})
		}
	}
	return out
}

func linkStories(now time.Time) []web.Story {
	p := linkPage{ID: storyFlow, AppName: storyApp, Account: storyMasked, Reference: "K7-MZ", IP: storyIP, Place: storyPlace,
		Browser: storyAgent, At: now, NotMeURL: "/not-me/" + storyToken}
	var out []web.Story
	for _, state := range []string{"ready", "elsewhere", "replaced", "used", "expired", "unknown"} {
		s := p
		s.State = state
		switch state {
		case "ready":
			s.RememberDays = 30
		case "elsewhere":
			s.Code = "483920"
		default:
			s.NotMeURL = ""
		}
		out = append(out, web.Story{Name: "link/" + state, Status: statusOfLink[signin.LinkState(state)], Page: s})
	}
	return out
}

func endStories(now time.Time) []web.Story {
	page := endedPage{AppName: storyApp, RestartURL: pages.SignInPath(storyTo), HomeURL: "https://dashboard.harbor.example/"}
	var out []web.Story
	reasons := []string{"expired", "cancelled", "not_me", "changed", "restart", "unmet", "needs_admin", "set_up_later", "done"}
	for _, reason := range reasons {
		p, status := page, http.StatusGone
		p.Reason = reason
		switch reason {
		case "cancelled":
			status = http.StatusOK
		case "set_up_later":
			p.From = now.Add(23 * time.Hour)
		case "unmet": // the way on leads through the app, which hears of it
			p.RestartURL, p.HomeURL = "", pages.Resumption(storyTo)+"&unmet=1"
		}
		out = append(out, web.Story{Name: "ended/" + reason, Status: status, Page: p})
	}
	replaced := endedPage{Reason: "replaced", RestartURL: pages.SignInPath(""), NewerURL: "/signin/code"}
	overtaken := endedPage{
		AppName:     storyApp,
		Reason:      "signed_in",
		RestartURL:  pages.SignInPath(storyTo),
		ContinueURL: pages.Resumption(storyTo),
	}
	out = append(out, web.Story{Name: "ended/replaced", Status: http.StatusGone, Page: replaced},
		web.Story{Name: "ended/overtaken", Status: http.StatusOK, Page: overtaken},
		web.Story{
			Name:   "ended/signed-in",
			Status: http.StatusOK,
			Page:   endedPage{Reason: "signed_in", RestartURL: pages.SignInPath("")},
		})
	return append(out, web.Story{Name: "ended/unmet-portal", Status: http.StatusGone, Page: endedPage{AppName: "Harbor", Reason: "unmet", RestartURL: pages.SignInPath("")}})
}

// passwordStories is the page for a new password, with each thing that may be wrong with one.
func passwordStories() []web.Story {
	page := newPasswordPage{FlowRef: pages.FlowRef{Flow: storyFlow}, Email: "maria@harbor.example", MinLength: 15}
	out := []web.Story{{Name: "new-password", Status: http.StatusOK, Page: page}}
	for _, problem := range []string{"short", "long", "common", "personal", "same"} {
		p := page
		p.MinLength, p.Problem = 8, "password.problem."+problem
		out = append(out, web.Story{Name: "new-password/" + problem, Status: http.StatusUnprocessableEntity, Page: p})
	}
	return out
}

func otherStories(now time.Time) []web.Story {
	return []web.Story{
		{Name: "not-me", Status: 200, Page: notMePage{wordPage{ID: storyFlow, Word: reportLink.word}}},
		{Name: "not-me/no-word", Status: 422, Page: notMePage{wordPage{storyFlow, reportLink.word, "confirm.problem"}}},
		{Name: "open-again", Status: http.StatusGone, Page: openAgainPage{}},
		{Name: "not-me/done", Status: 200, Page: notMeDonePage{}},
		{Name: "why", Status: 200, Page: whyPage{Back: "/signin"}},
		{Name: "why/email", Status: 200, Page: whyPage{Kind: authenticator.Email, Back: "/signin"}},
		{Name: "why/sms", Status: 200, Page: whyPage{Kind: authenticator.SMS, Back: "/signin"}},
		{Name: "why/passkey", Status: 200, Page: whyPage{Kind: authenticator.Passkey, Back: "/signin"}},
		{Name: "why/own-words", Status: 200, Page: whyPage{Text: "Your customers' conversations are in here.\n\nSo we ask twice.", Back: "/signin"}},
		{Name: "setup", Status: 200, Page: setupPage{}},
		{Name: "setup/wrong-token", Status: http.StatusUnprocessableEntity, Page: setupPage{Problem: "setup.problem.token", Company: "Harbor", Name: "Maria Ortiz", Email: "maria@harbor.example"}},
		{Name: "setup/missing", Status: http.StatusUnprocessableEntity, Page: setupPage{Problem: "setup.problem.missing", Company: "Harbor"}},
		{Name: "setup/email", Status: http.StatusUnprocessableEntity, Page: setupPage{Problem: "setup.problem.email", Company: "Harbor", Name: "Maria Ortiz", Email: "maria@harbor"}},
		{Name: "setup/done", Status: 200, Page: setupDonePage{SignInURL: "/signin"}},
		{Name: "notice", Status: 200, Page: noticePage{AppName: storyApp, By: "Harbor", From: now.AddDate(0, 0, 9), DaysLeft: 9, SentTo: storyMasked, ContinueURL: "/"}},
		{Name: "notice/set-up", Status: 200, Page: noticePage{SetUp: true, AppName: storyApp, By: "Harbor", From: now.AddDate(0, 0, 6), DaysLeft: 6, ContinueURL: "/"}},
		{Name: "undo", Status: 200, Page: undoPage{wordPage{ID: storyFlow, Word: undoLink.word}}},
		{Name: "undo/no-word", Status: 422, Page: undoPage{wordPage{storyFlow, undoLink.word, "confirm.problem"}}},
		{Name: "undo/done", Status: 200, Page: undoDonePage{}},
		{Name: "notice/today", Status: 200, Page: noticePage{AppName: storyApp, By: "Harbor", From: now, SentTo: storyMasked, ContinueURL: "/"}},
	}
}

func signedInStories() []web.Story {
	return []web.Story{
		{Name: "step-up", Status: 200, Page: stepUpPage{To: storyTo, AppName: storyApp, Email: "maria@harbor.example", Because: []string{"Required by Harbor since 5 Sep 2026."}}},
		{Name: "step-up/change", Status: 200, Page: stepUpPage{AppName: "Harbor", Email: "maria@harbor.example", To: storyTo, Change: true}},
		{Name: "step-up/portal", Status: 200, Page: stepUpPage{AppName: "Harbor", Email: "maria@harbor.example"}},
		{Name: "signed-out", Status: 200, Page: pages.SignedOut{HomeURL: "https://dashboard.harbor.example/", AppName: storyApp}},
		{Name: "signed-out/portal", Status: 200, Page: pages.SignedOut{}},
	}
}
