package account

import (
	"net/http"
	"slices"
	"time"

	"countersign/internal/enrollpages"
	"countersign/internal/policy"
	"countersign/internal/profile"
	"countersign/internal/session"
	"countersign/internal/web"
)

const (
	storyMasked = "m•••@harbor.example"
	storyApp    = "Harbor Dashboard"
	storyPlace  = "Valencia, Spain"
	storyAgent  = "Firefox, Linux"
)

// Stories is every page in every state, with canned data, as seen at now.
func Stories(now time.Time) []web.Story {
	return slices.Concat(homeStories(now), profileStories(now), emailStories())
}

// homeStories is the first page of someone who is signed in, and what stands by itself.
func homeStories(now time.Time) []web.Story {
	home := homePage{
		Name:    "Maria Ortiz",
		Email:   "maria@harbor.example",
		Company: "Harbor",
		Browser: storyAgent,
		Place:   storyPlace,
		Level:   "Password + Email code",
		Since:   now,
		Until:   now.Add(24 * time.Hour),
	}
	due := home
	due.SetUpBy, due.DaysLeft = now.AddDate(0, 0, 6), 6
	later := due
	later.Limited, later.Laters = true, 2
	operator := home
	operator.NextSteps = true
	shared := home
	shared.Sharing, shared.Browser, shared.Place = true, "", ""
	return []web.Story{
		{Name: "home", Status: 200, Page: home},
		{Name: "home/operator", Status: 200, Page: operator},
		{Name: "home/due", Status: 200, Page: due},
		{Name: "home/later", Status: 200, Page: later},
		{Name: "home/shared", Status: 200, Page: shared},
		{Name: "reset-wait", Status: http.StatusForbidden, Page: waitPage{From: now.Add(23 * time.Hour)}},
		{Name: "receiver", Status: 200, Page: receiverPage{SetUpURL: enrollpages.InSession + "/push"}},
	}
}

// profileStories is one's own pages.
func profileStories(now time.Time) []web.Story {
	methods := storyMethods(now)
	full := profilePage{
		Name:         "Maria Ortiz",
		Email:        "maria@harbor.example",
		Company:      "Ortiz & Sons",
		Summary:      summaryOf(policy.PhishingResistant),
		Asked:        true,
		Methods:      methods,
		MayAdd:       true,
		HasCodes:     true,
		MayHaveCodes: true,
		CodesLeft:    8,
		Sessions: []sessionView{
			{
				ID:      "s1",
				AppName: "Harbor",
				Browser: storyAgent,
				Place:   storyPlace,
				Since:   now.Add(-time.Hour),
				Seen:    now,
				This:    true,
			},
			{
				ID:      "s2",
				AppName: storyApp,
				Browser: "Safari, iOS",
				Place:   storyPlace,
				Since:   now.Add(-26 * time.Hour),
				Seen:    now.Add(-2 * time.Hour),
			},
		},
		Browsers: []session.RememberedFor{{Remembered: session.Remembered{
			ID:        "r1",
			Visitor:   session.Visitor{Browser: "Safari, iOS", Place: storyPlace},
			ExpiresAt: now.AddDate(0, 0, 20),
		}, AppName: storyApp}},
		Activity:  storyEvents(now),
		Speaks:    "en",
		Languages: []string{"en", "es"},
	}
	fresh := full
	fresh.Summary, fresh.Asked, fresh.Methods, fresh.HasCodes, fresh.MayHaveCodes,
		fresh.OwnChoice = summaryOf(policy.PasswordOnly), false, nil, false, false, true
	fresh.Sessions, fresh.Browsers, fresh.Activity = full.Sessions[:1], nil, nil
	due := full
	due.Summary, due.Methods, due.HasCodes, due.SetUpBy, due.DaysLeft = summaryOf(policy.EmailConfirmed), methods[:1],
		false, now.AddDate(0, 0, 6), 6
	reported := full
	reported.HasCodes, reported.SuspendedCodes = false, "06h2dre8qk342x9mf0ex9566bm"
	few := full
	few.Summary, few.CodesLeft, few.OwnChoice, few.On, few.Done = summaryOf(policy.TwoFactor), 2, true, true,
		"profile.done.removed"
	gone := full
	gone.Methods = append(slices.Clone(methods), storyGone(now))
	return []web.Story{
		{Name: "profile", Status: 200, Page: full},
		{Name: "profile/new", Status: 200, Page: fresh},
		{Name: "profile/due", Status: 200, Page: due},
		{Name: "profile/gone", Status: 200, Page: gone},
		{Name: "profile/few-codes", Status: 200, Page: few},
		{Name: "profile/suspended-codes", Status: 200, Page: reported},
		{Name: "profile/method", Status: 200, Page: methodPage{Method: methods[1]}},
		{Name: "profile/method-passkey", Status: 200, Page: methodPage{Method: methods[2]}},
		{Name: "profile/method-disabled", Status: 200, Page: methodPage{Method: methods[3]}},
		{Name: "profile/method-suspended", Status: 200, Page: methodPage{Method: storySuspended(methods[1])}},
		{Name: "profile/method-gone", Status: 200, Page: methodPage{Method: storyGone(now)}},
		{
			Name:   "profile/method-bad-name",
			Status: 422,
			Page:   methodPage{Method: methods[1], Problem: "binding.bad_label"},
		},
		{
			Name:   "profile/remove",
			Status: 200,
			Page:   removePage{Method: methods[1], Left: []methodView{methods[2], methods[4]}},
		},
		{
			Name:   "profile/remove-last",
			Status: http.StatusConflict,
			Page:   removePage{Method: methods[1], Left: methods[4:], Problem: "signin.method_needed"},
		},
		{
			Name:   "profile/activity",
			Status: 200,
			Page:   activityPage{Events: storyEvents(now), More: "/profile/activity?before=x"},
		},
		{Name: "profile/password", Status: 200, Page: passwordPage{Email: "maria@harbor.example", MinLength: 15}},
		{
			Name:   "profile/password-wrong",
			Status: 422,
			Page: passwordPage{
				Email:     "maria@harbor.example",
				MinLength: 15,
				Problem:   "profile.problem.password",
				Wrong:     true,
			},
		},
		{
			Name:   "profile/password-short",
			Status: 422,
			Page:   passwordPage{Email: "maria@harbor.example", MinLength: 15, Problem: "password.problem.short"},
		},
		{
			Name:   "profile/second-step-off",
			Status: 200,
			Page:   secondStepPage{Company: "Ortiz & Sons", Mine: true, MayAdd: true},
		},
		{
			Name:   "profile/second-step-ready",
			Status: 200,
			Page: secondStepPage{
				Company: "Ortiz & Sons",
				Mine:    true,
				Ready:   true,
				MayAdd:  true,
			},
		},
		{
			Name:   "profile/second-step-on",
			Status: 200,
			Page: secondStepPage{
				Company: "Ortiz & Sons",
				Mine:    true,
				On:      true,
				Ready:   true,
			},
		},
		{
			Name:   "protected",
			Status: 200,
			Page: protectedPage{
				Summary:     summaryOf(policy.TwoFactor),
				Methods:     storyMethods(now),
				CodesLeft:   10,
				ContinueURL: "/",
			},
		},
		{
			Name:   "protected/no-codes",
			Status: 200,
			Page: protectedPage{
				Summary:     summaryOf(policy.TwoFactor),
				Methods:     storyMethods(now)[:2],
				ContinueURL: "/",
			},
		},
		{
			Name:   "profile/second-step-decided",
			Status: 200,
			Page:   secondStepPage{Company: "Ortiz & Sons", Because: []string{"Required by Harbor since 5 Sep 2026."}},
		},
	}
}

// emailStories is the change of one's address in every state.
func emailStories() []web.Story {
	const address, wished = "maria@harbor.example", "maria@ortiz.example"
	ask := emailPage{Email: address}
	bad, wait, over := ask, ask, ask
	bad.Typed, bad.Problem = "maria at ortiz", "user.bad_address"
	wait.Typed, wait.Problem, wait.Wait = wished, "email.problem.limit", 20*time.Minute
	over.Problem = profile.ErrNoChange.Message
	same, taken, tries := ask, ask, ask
	same.Typed, same.Problem = address, "email.problem.same"
	taken.Problem, tries.Problem = "email.problem.taken", "email.problem.no_tries"
	code := emailCodePage{
		Email:     address,
		To:        wished,
		Change:    "c1",
		Reference: "K7-MZ",
		Length:    6,
	}
	wrong, newer := code, code
	wrong.Problem, wrong.TriesLeft = "email.problem.wrong", 3
	newer.Problem = "email.problem.newer"
	return []web.Story{
		{Name: "profile/email", Status: 200, Page: ask},
		{Name: "profile/email-bad", Status: 422, Page: bad},
		{Name: "profile/email-same", Status: 422, Page: same},
		{Name: "profile/email-wait", Status: 429, Page: wait},
		{Name: "profile/email-over", Status: http.StatusGone, Page: over},
		{Name: "profile/email-taken", Status: http.StatusConflict, Page: taken},
		{Name: "profile/email-no-tries", Status: 422, Page: tries},
		{Name: "profile/email-code", Status: 200, Page: code},
		{Name: "profile/email-code-wrong", Status: 422, Page: wrong},
		{Name: "profile/email-code-newer", Status: http.StatusConflict, Page: newer},
	}
}

func storyMethods(now time.Time) []methodView {
	return []methodView{
		{
			ID:    "a4",
			Kind:  "email",
			Title: "method.email",
			Label: storyMasked,
			Added: now.AddDate(0, -3, 0),
			Used:  now.AddDate(0, 0, -2),
			Idle:  true,
		},
		{
			ID:    "a2",
			Kind:  "totp",
			Title: "method.totp",
			Label: "Work phone",
			Added: now.AddDate(0, -1, 0),
			Used:  now,
			Mine:  true,
		},
		{
			ID:    "a1",
			Kind:  "passkey",
			Title: "method.passkey",
			Label: "Laptop",
			Added: now.AddDate(0, -1, 0),
			Mine:  true,
			Facts: []string{"Synced: copies live with the account that keeps it."},
		},
		{
			ID:       "a3",
			Kind:     "sms",
			Title:    "method.sms",
			Label:    "+49 ••• ••67",
			Added:    now.AddDate(0, -2, 0),
			Mine:     true,
			Warned:   true,
			Disabled: true,
		},
		{
			ID:    "a5",
			Kind:  "backup",
			Title: "method.backup",
			Added: now.AddDate(0, -1, 0),
			Facts: []string{"8 codes left"},
		},
	}
}

func storyGone(now time.Time) methodView {
	return methodView{
		ID:       "a6",
		Kind:     "push",
		Title:    "method.push",
		Label:    "Old phone",
		Added:    now.AddDate(0, -8, 0),
		Mine:     true,
		Disabled: true,
		Gone:     now.AddDate(0, 0, -3),
	}
}

func storyEvents(now time.Time) []eventView {
	return []eventView{
		{
			Text:    "Signed in to Harbor Dashboard",
			At:      now,
			Browser: storyAgent,
			Place:   storyPlace,
		},
		{
			Text:    "Confirmed with: Authenticator app “Work phone”",
			At:      now,
			Browser: storyAgent,
			Place:   storyPlace,
		},
		{
			Text:     "Wrong password for Harbor Dashboard",
			At:       now.Add(-3 * time.Hour),
			Browser:  "Chrome, Windows",
			Place:    "Lisbon, Portugal",
			Alarming: true,
		},
	}
}

func storySuspended(v methodView) methodView {
	v.Disabled, v.Suspended = true, true
	return v
}
