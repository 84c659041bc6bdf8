package portal

import (
	"net/http"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/pages"
	"countersign/internal/web"
)

func storyCode(now time.Time) codePage {
	return codePage{
		FlowRef:      pages.FlowRef{Flow: storyFlow},
		Kind:         authenticator.Email,
		AppName:      storyApp,
		SentTo:       storyMasked,
		Reference:    "K7-MZ",
		Length:       6,
		Now:          now,
		ExpiresAt:    now.Add(9*time.Minute + 41*time.Second),
		NewCodeAt:    now.Add(-time.Minute),
		TriesLeft:    5,
		NewCodesLeft: 3,
		RememberDays: 30,
		Delivery:     pages.Delivery{State: "accepted", At: now.Add(-4 * time.Second), Host: "mx.harbor.example"},
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
	unusual := c
	unusual.Adaptive, unusual.Remember = true, true
	unusual.Unusual = []string{"You have not confirmed a sign-in from this country lately."}
	later := c
	later.SetUpBy, later.Limited, later.Laters = now.AddDate(0, 0, 6), true, 2
	return []web.Story{
		{Name: "code", Status: 200, Page: c},
		{Name: "code/later", Status: 200, Page: later},
		{Name: "code/unusual", Status: 200, Page: unusual},
		{Name: "code/wait", Status: http.StatusTooManyRequests, Page: slow},
		{Name: "code/too-soon", Status: http.StatusTooManyRequests, Page: soon},
		{Name: "code/no-more-mail", Status: http.StatusTooManyRequests, Page: unsent},
		{Name: "code/just-sent", Status: 200, Page: waiting},
		{Name: "code/wrong", Status: http.StatusUnauthorized, Page: wrong},
		{Name: "code/older", Status: http.StatusUnauthorized, Page: older},
		{Name: "code/last", Status: 200, Page: last},
		{Name: "code/over", Status: 200, Page: over},
		{
			Name:   "code/spent",
			Status: 200,
			Page: spentPage{
				FlowRef:      pages.FlowRef{Flow: storyFlow},
				AppName:      storyApp,
				SentTo:       storyMasked,
				NewCodesLeft: 1,
				RestartURL:   "/signin",
			},
		},
		{
			Name:   "code/spent-push",
			Status: 200,
			Page: spentPage{
				FlowRef:      pages.FlowRef{Flow: storyFlow},
				AppName:      storyApp,
				NewCodesLeft: 1,
				RestartURL:   "/signin",
			},
		},
		{
			Name:   "code/expired",
			Status: 200,
			Page: spentPage{
				FlowRef:      pages.FlowRef{Flow: storyFlow},
				AppName:      storyApp,
				SentTo:       storyMasked,
				NewCodesLeft: 2,
				Expired:      true,
				RestartURL:   "/signin",
			},
		},
		{
			Name:   "code/unsent",
			Status: http.StatusTooManyRequests,
			Page: spentPage{
				FlowRef:      pages.FlowRef{Flow: storyFlow},
				AppName:      storyApp,
				SentTo:       storyMasked,
				NewCodesLeft: 3,
				Unsent:       true,
				Admission:    &admissionOffer{Email: "maria@harbor.example", To: storyTo},
				RestartURL:   "/signin",
			},
		},
		{
			Name:   "code/unsent-text",
			Status: http.StatusTooManyRequests,
			Page: spentPage{
				FlowRef:      pages.FlowRef{Flow: storyFlow},
				AppName:      storyApp,
				SentTo:       "+49 ••• ••42",
				NewCodesLeft: 3,
				Unsent:       true,
				Why:          "sms.problem.ceiling",
				RestartURL:   "/signin",
			},
		},
		{
			Name:   "code/spent-for-good",
			Status: 200,
			Page: spentPage{
				FlowRef:    pages.FlowRef{Flow: storyFlow},
				AppName:    storyApp,
				SentTo:     storyMasked,
				RestartURL: "/signin",
			},
		},
	}
}

func deliveryStories(now time.Time) []web.Story {
	views := []pages.Delivery{
		{State: "accepted", At: now}, {
			State:   "delayed",
			At:      now,
			NextTry: now.Add(30 * time.Second),
			Host:    "mx.harbor.example",
		},
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
			c.Kind, c.Others, c.Delivery = k, true, pages.Delivery{
				Kind:    k,
				State:   state,
				At:      now,
				NextTry: now.Add(30 * time.Second),
			}
			if k == authenticator.SMS {
				c.SentTo = "+49 ••• ••67"
			}
			out = append(out, web.Story{Name: "delivery/" + string(k) + "-" + state, Status: 200, Page: c})
		}
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
		{
			Name:   "why/own-words",
			Status: 200,
			Page:   whyPage{Text: "Your customers' conversations are in here.\n\nSo we ask twice.", Back: "/signin"},
		},
		{Name: "setup", Status: 200, Page: setupPage{}},
		{
			Name:   "setup/wrong-token",
			Status: http.StatusUnprocessableEntity,
			Page: setupPage{
				Problem: "setup.problem.token",
				Company: "Harbor",
				Name:    "Maria Ortiz",
				Email:   "maria@harbor.example",
			},
		},
		{
			Name:   "setup/missing",
			Status: http.StatusUnprocessableEntity,
			Page:   setupPage{Problem: "setup.problem.missing", Company: "Harbor"},
		},
		{
			Name:   "setup/email",
			Status: http.StatusUnprocessableEntity,
			Page: setupPage{
				Problem: "setup.problem.email",
				Company: "Harbor",
				Name:    "Maria Ortiz",
				Email:   "maria@harbor",
			},
		},
		{Name: "setup/done", Status: 200, Page: setupDonePage{SignInURL: "/signin"}},
		{
			Name:   "notice",
			Status: 200,
			Page: noticePage{
				AppName:     storyApp,
				By:          "Harbor",
				From:        now.AddDate(0, 0, 9),
				DaysLeft:    9,
				SentTo:      storyMasked,
				ContinueURL: "/",
			},
		},
		{
			Name:   "notice/set-up",
			Status: 200,
			Page: noticePage{
				SetUp:       true,
				AppName:     storyApp,
				By:          "Harbor",
				From:        now.AddDate(0, 0, 6),
				DaysLeft:    6,
				ContinueURL: "/",
			},
		},
		{
			Name:   "notice/set-up/laters",
			Status: 200,
			Page: noticePage{
				SetUp:       true,
				AppName:     storyApp,
				By:          "Harbor",
				From:        now.AddDate(0, 0, 6),
				DaysLeft:    6,
				Limited:     true,
				Laters:      2,
				ContinueURL: "/",
			},
		},
		{
			Name:   "notice/set-up/last",
			Status: 200,
			Page: noticePage{
				SetUp:       true,
				AppName:     storyApp,
				By:          "Harbor",
				From:        now.AddDate(0, 0, 6),
				DaysLeft:    6,
				Limited:     true,
				ContinueURL: "/",
			},
		},
		{Name: "undo", Status: 200, Page: undoPage{wordPage{ID: storyFlow, Word: undoLink.word}}},
		{Name: "undo/no-word", Status: 422, Page: undoPage{wordPage{storyFlow, undoLink.word, "confirm.problem"}}},
		{Name: "undo/done", Status: 200, Page: undoDonePage{}},
		{
			Name:   "notice/today",
			Status: 200,
			Page: noticePage{
				AppName:     storyApp,
				By:          "Harbor",
				From:        now,
				SentTo:      storyMasked,
				ContinueURL: "/",
			},
		},
	}
}
