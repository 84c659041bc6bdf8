package portal

import (
	"net/http"
	"time"

	"countersign/internal/authenticator/outofband"
	"countersign/internal/pages"
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
	for _, group := range [][]web.Story{signInStories(now), codeStories(now), deliveryStories(now), linkStories(now),
		admissionStories(), endStories(now), passwordStories(), forgotStories(now), otherStories(now),
		signedInStories(), secondStories(now)} {
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
		{
			Name:   "signin/passkey-wrong",
			Status: http.StatusUnauthorized,
			Page: signInPage{
				To:      storyTo,
				AppName: storyApp,
				Problem: "signin.problem.passkey",
				Passkey: storyPasskey,
			},
		},
		{
			Name:   "signin/wrong",
			Status: http.StatusUnauthorized,
			Page: signInPage{
				To:      storyTo,
				AppName: storyApp,
				Email:   "maria@harbor.example",
				Problem: "signin.problem.wrong",
			},
		},
		{
			Name:   "signin/missing",
			Status: 422,
			Page:   signInPage{To: storyTo, AppName: storyApp, Problem: "signin.problem.missing"},
		},
		{
			Name:   "signin/wait",
			Status: 429,
			Page: signInPage{
				To:        storyTo,
				AppName:   storyApp,
				Email:     "maria@harbor.example",
				Problem:   "signin.problem.wait",
				Wait:      4 * time.Minute,
				Admission: &admissionOffer{Email: "maria@harbor.example", To: storyTo},
			},
		},
		{
			Name:   "signin/busy",
			Status: http.StatusServiceUnavailable,
			Page: signInPage{
				To:      storyTo,
				AppName: storyApp,
				Email:   "maria@harbor.example",
				Problem: "signin.problem.busy",
				Wait:    2 * time.Second,
			},
		},
		{
			Name:   "signin/announced",
			Status: 200,
			Page: signInPage{
				To:       storyTo,
				AppName:  storyApp,
				Announce: &announcement{By: "Harbor", From: now.AddDate(0, 0, 9), DaysLeft: 9},
			},
		},
		{
			Name:   "signin/announced-today",
			Status: 200,
			Page: signInPage{
				To:       storyTo,
				AppName:  storyApp,
				Announce: &announcement{By: "Harbor", From: now.Add(3 * time.Hour)},
			},
		},
	}
}

func linkStories(now time.Time) []web.Story {
	p := linkPage{
		ID:        storyFlow,
		AppName:   storyApp,
		Account:   storyMasked,
		Reference: "K7-MZ",
		IP:        storyIP,
		Place:     storyPlace,
		Browser:   storyAgent,
		At:        now,
		NotMeURL:  "/not-me/" + storyToken,
	}
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
		out = append(out, web.Story{Name: "link/" + state, Status: statusOfLink[outofband.LinkState(state)], Page: s})
	}
	return out
}

func endStories(now time.Time) []web.Story {
	page := endedPage{
		AppName:    storyApp,
		RestartURL: pages.SignInPath(storyTo),
		HomeURL:    "https://dashboard.harbor.example/",
	}
	var out []web.Story
	reasons := []string{"expired", "cancelled", "not_me", "changed", "restart", "unmet", "needs_admin",
		"outside", "set_up_later", "done"}
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
	return append(out, web.Story{
		Name:   "ended/unmet-portal",
		Status: http.StatusGone,
		Page:   endedPage{AppName: "Harbor", Reason: "unmet", RestartURL: pages.SignInPath("")},
	})
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

func signedInStories() []web.Story {
	return []web.Story{
		{
			Name:   "step-up",
			Status: 200,
			Page: stepUpPage{
				To:      storyTo,
				AppName: storyApp,
				Email:   "maria@harbor.example",
				Because: []string{"Required by Harbor since 5 Sep 2026."},
			},
		},
		{
			Name:   "step-up/change",
			Status: 200,
			Page: stepUpPage{
				AppName: "Harbor",
				Email:   "maria@harbor.example",
				To:      storyTo,
				Change:  true,
			},
		},
		{Name: "step-up/portal", Status: 200, Page: stepUpPage{AppName: "Harbor", Email: "maria@harbor.example"}},
		{
			Name:   "signed-out",
			Status: 200,
			Page:   pages.SignedOut{HomeURL: "https://dashboard.harbor.example/", AppName: storyApp},
		},
		{Name: "signed-out/portal", Status: 200, Page: pages.SignedOut{}},
	}
}
