package portal

import (
	"net/http"
	"slices"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/authenticator/lookup"
	"countersign/internal/authenticator/totp"
	"countersign/internal/phone"
	"countersign/internal/policy"
	"countersign/internal/session"
	"countersign/internal/web"
)

// secondStories is the second step by each kind that sends nothing to a mailbox.
func secondStories(now time.Time) []web.Story {
	base := storyCode(now)
	base.Others, base.Codes = true, true
	of := func(k authenticator.Kind, change func(*codePage)) codePage {
		p := base
		p.Kind = k
		if change != nil {
			change(&p)
		}
		return p
	}
	wrong := func(p *codePage) { p.Problem, p.TriesLeft = "code.problem.wrong", 4 }
	phoneCode := func(p *codePage) {
		p.SentTo, p.Delivery = "+49 ••• ••67", deliveryView{Kind: authenticator.SMS, State: "delivered", At: now}
	}
	return []web.Story{
		{Name: "second/totp", Status: 200, Page: of(authenticator.TOTP, nil)},
		{Name: "second/totp-wrong", Status: 401, Page: of(authenticator.TOTP, wrong)},
		{Name: "second/backup", Status: 200, Page: of(authenticator.Backup, nil)},
		{Name: "second/backup-wrong", Status: 401, Page: of(authenticator.Backup, wrong)},
		{Name: "second/passkey", Status: 200, Page: of(authenticator.Passkey, func(p *codePage) { p.Options = `{"challenge":"AAAA"}` })},
		{Name: "second/passkey-wrong", Status: 401, Page: of(authenticator.Passkey, func(p *codePage) { wrong(p); p.Options = `{"challenge":"AAAA"}` })},
		{Name: "second/sms", Status: 200, Page: of(authenticator.SMS, phoneCode)},
		{Name: "second/sms-failed", Status: 200, Page: of(authenticator.SMS, func(p *codePage) { phoneCode(p); p.Delivery.State = "failed" })},
		{Name: "second/sms-older", Status: 401, Page: of(authenticator.SMS, func(p *codePage) { phoneCode(p); p.Problem, p.TriesLeft = "code.problem.older", 2 })},
		{Name: "second/sms-no-money", Status: 503, Page: of(authenticator.SMS, func(p *codePage) { phoneCode(p); p.Problem = "code.problem.sending" })},
		{Name: "second/push", Status: 200, Page: of(authenticator.Push, func(p *codePage) {
			p.SentTo, p.Delivery = storyMasked, deliveryView{Kind: authenticator.Push, State: "accepted", At: now}
		})},
		{Name: "second/confirm", Status: 200, Page: of(authenticator.TOTP, func(p *codePage) { p.Confirm, p.RememberDays = true, 0 })},
		{Name: "second/for-set-up", Status: 200, Page: of(authenticator.Email, func(p *codePage) { p.ForSetUp, p.Others, p.Codes = true, false, false })},
		{Name: "other", Status: 200, Page: otherPage{flowRef: flowRef{storyFlow}, Ways: storyWays()}},
		{Name: "other/wait", Status: 429, Page: otherPage{flowRef: flowRef{storyFlow}, Ways: storyWays(), Problem: "code.problem.too_soon"}},
		{Name: "other/none", Status: 200, Page: otherPage{flowRef: flowRef{storyFlow}}},
		{Name: "told/clock", Status: 200, Page: toldPage{Said: []string{"The clock of your device is about 70 seconds fast. Please let it set its time automatically."}, ContinueURL: "/"}},
		{Name: "told/codes", Status: 200, Page: toldPage{Said: []string{"That backup code is used up. You have only 2 left: please make a new set."}, Codes: true, ContinueURL: "/"}},
	}
}

func storyWays() []wayView {
	way := func(id, label string, k authenticator.Kind) wayView {
		return wayView{ID: id, Kind: string(k), Label: label, Title: kindName(k), Text: kindUse(k), Warned: authenticator.TraitsOf[k].Restricted}
	}
	ways := []wayView{way("a1", "Laptop", authenticator.Passkey), way("a2", "Work phone", authenticator.TOTP), way("a3", "+49 ••• ••67", authenticator.SMS),
		way("a4", storyMasked, authenticator.Email), way("a5", "", authenticator.Backup)}
	ways[1].Asked = true
	return ways
}

// setUpStories is the set-up of each kind, in a sign-in and in a session.
func setUpStories(now time.Time) []web.Story {
	kinds := []kindView{offerOf(authenticator.Passkey), offerOf(authenticator.TOTP), offerOf(authenticator.SMS)}
	because := []string{"Harbor asks for a sign-in method that has not been set up yet."}
	card := func(k authenticator.Kind, change func(*cardPage)) cardPage {
		p := cardPage{flowRef: flowRef{storyFlow}, Base: flowSetUp, Kind: k, Draft: "d1", Progress: progress{2, 3}, Ends: now.Add(15 * time.Minute), Length: 6}
		if change != nil {
			change(&p)
		}
		return p
	}
	wrong := func(k authenticator.Kind) func(*cardPage) {
		return func(p *cardPage) {
			fillStory(p, now)
			p.Problem, p.TriesLeft = codePage{Kind: k, Problem: "code.problem.wrong"}.ProblemKey(), 3
		}
	}
	plain := func(p *cardPage) { fillStory(p, now) }
	number := beginPage{Base: profileSetUp, Kind: authenticator.SMS, Countries: phone.Countries("en", []string{"DE", "ES", "US"}), Progress: progress{2, 2}}
	manyCountries := number
	manyCountries.Countries = phone.Countries("en", []string{"AT", "BE", "CH", "DE", "ES", "FR", "GB", "IE", "IT", "PT", "US"})
	badNumber := number
	badNumber.Country, badNumber.Number, badNumber.Problem = "DE", "030 1234", "phone.landline"
	noMore := number
	noMore.Problem, noMore.Wait = "sms.problem.limit", 20*time.Minute
	return []web.Story{
		{Name: "choose/sign-in", Status: 200, Page: choosePage{flowRef: flowRef{storyFlow}, Base: flowSetUp, InFlow: true, AppName: storyApp, Kinds: kinds, Because: because}},
		{Name: "choose/profile", Status: 200, Page: choosePage{Base: profileSetUp, Kinds: kinds}},
		{Name: "choose/codes", Status: 200, Page: choosePage{flowRef: flowRef{storyFlow}, Base: flowSetUp, InFlow: true, OnlyCodes: true, AppName: storyApp, Kinds: []kindView{offerOf(authenticator.Backup)}}},
		{Name: "choose/none", Status: 200, Page: choosePage{Base: profileSetUp}},
		{Name: "bind/totp", Status: 200, Page: card(authenticator.TOTP, plain)},
		{Name: "bind/totp-wrong", Status: 422, Page: card(authenticator.TOTP, wrong(authenticator.TOTP))},
		{Name: "bind/totp-over", Status: http.StatusGone, Page: beginPage{flowRef: flowRef{storyFlow}, Base: flowSetUp, Kind: authenticator.TOTP, Problem: "binding.over", Progress: progress{2, 3}}},
		{Name: "bind/passkey", Status: 200, Page: card(authenticator.Passkey, plain)},
		{Name: "bind/passkey-wrong", Status: 422, Page: card(authenticator.Passkey, wrong(authenticator.Passkey))},
		{Name: "bind/passkey-late", Status: http.StatusGone, Page: beginPage{Base: profileSetUp, Kind: authenticator.Passkey, Problem: overKey(authenticator.Passkey), Progress: progress{2, 3}}},
		{Name: "bind/number", Status: 200, Page: number},
		{Name: "bind/number-many", Status: 200, Page: manyCountries},
		{Name: "bind/number-nowhere", Status: 200, Page: beginPage{Base: profileSetUp, Kind: authenticator.SMS, Progress: progress{2, 2}}},
		{Name: "bind/number-wrong", Status: 422, Page: badNumber},
		{Name: "bind/number-wait", Status: 429, Page: noMore},
		{Name: "bind/sms", Status: 200, Page: card(authenticator.SMS, plain)},
		{Name: "bind/sms-bounced", Status: 200, Page: card(authenticator.SMS, func(p *cardPage) { plain(p); p.Delivery.State = "bounced" })},
		{Name: "bind/sms-wrong", Status: 422, Page: card(authenticator.SMS, wrong(authenticator.SMS))},
		{Name: "bind/codes-first", Status: 200, Page: beginPage{Base: profileSetUp, Kind: authenticator.Backup, More: true, Progress: progress{3, 3}}},
		{Name: "bind/codes-again", Status: 200, Page: beginPage{Base: profileSetUp, Kind: authenticator.Backup, Renews: true}},
		{Name: "bind/codes", Status: 200, Page: card(authenticator.Backup, plain)},
		{Name: "bind/codes-unsaved", Status: 422, Page: card(authenticator.Backup, func(p *cardPage) { plain(p); p.Problem = "bind.backup.problem" })},
		{Name: "bind/codes-wrong", Status: 422, Page: card(authenticator.Backup, wrong(authenticator.Backup))},
		{Name: "protected", Status: 200, Page: protectedPage{Summary: summaryOf(policy.TwoFactor), Methods: storyMethods(now), CodesLeft: 10, ContinueURL: "/"}},
		{Name: "protected/no-codes", Status: 200, Page: protectedPage{Summary: summaryOf(policy.TwoFactor), Methods: storyMethods(now)[:2], ContinueURL: "/"}},
		{Name: "notice/set-up", Status: 200, Page: noticePage{SetUp: true, AppName: storyApp, By: "Harbor", From: now.AddDate(0, 0, 6), DaysLeft: 6, ContinueURL: "/"}},
	}
}

// fillStory fills a card with what belongs to nobody.
func fillStory(p *cardPage, now time.Time) {
	state := map[authenticator.Kind]string{
		authenticator.TOTP: `{"Secret":"MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=","Issuer":"Harbor","Account":"maria@harbor.example (Ortiz & Sons)"}`,
		authenticator.Backup: `{"Vendor":"Harbor","Account":"maria@harbor.example","Company":"Ortiz & Sons","Codes":["0123456789ABC","1123456789ABC","2123456789ABC","3123456789ABC","4123456789ABC",` +
			`"5123456789ABC","6123456789ABC","7123456789ABC","8123456789ABC","9123456789ABC"],"Hashes":["","","","","","","","","",""]}`,
	}
	d := authenticator.PendingEnrollment{ID: "d1", Begun: now, State: authenticator.State(state[p.Kind])}
	switch p.Kind {
	case authenticator.TOTP:
		p.Card, _ = totp.Show(d)
		p.draw("QR code for your authenticator app")
	case authenticator.Backup:
		p.Sheet, _ = lookup.Show(d)
	case authenticator.Passkey:
		p.Options = `{"challenge":"AAAA"}`
	default:
		p.SentTo, p.Reference, p.Delivery = "+49 1512 3456767", "K7-MZ", deliveryView{Kind: authenticator.SMS, State: "accepted", At: now}
	}
}

func storyMethods(now time.Time) []methodView {
	return []methodView{
		{ID: "a4", Kind: "email", Title: "method.email", Label: storyMasked, Added: now.AddDate(0, -3, 0), Used: now.AddDate(0, 0, -2), Idle: true},
		{ID: "a2", Kind: "totp", Title: "method.totp", Label: "Work phone", Added: now.AddDate(0, -1, 0), Used: now, Mine: true},
		{ID: "a1", Kind: "passkey", Title: "method.passkey", Label: "Laptop", Added: now.AddDate(0, -1, 0), Mine: true, Facts: []string{"Synced: copies live with the account that keeps it."}},
		{ID: "a3", Kind: "sms", Title: "method.sms", Label: "+49 ••• ••67", Added: now.AddDate(0, -2, 0), Mine: true, Warned: true, Disabled: true},
		{ID: "a5", Kind: "backup", Title: "method.backup", Added: now.AddDate(0, -1, 0), Facts: []string{"8 codes left"}},
	}
}

func storyGone(now time.Time) methodView {
	return methodView{ID: "a6", Kind: "push", Title: "method.push", Label: "Old phone", Added: now.AddDate(0, -8, 0), Mine: true, Disabled: true, Gone: now.AddDate(0, 0, -3)}
}

// profileStories is one's own pages.
func profileStories(now time.Time) []web.Story {
	methods := storyMethods(now)
	full := profilePage{
		Name: "Maria Ortiz", Email: "maria@harbor.example", Company: "Ortiz & Sons", Summary: summaryOf(policy.PhishingResistant), Asked: true, Methods: methods, MayAdd: true, HasCodes: true, MayHaveCodes: true, CodesLeft: 8,
		Sessions: []sessionView{
			{ID: "s1", AppName: "Harbor", Browser: storyAgent, Place: storyPlace, Since: now.Add(-time.Hour), Seen: now, This: true},
			{ID: "s2", AppName: storyApp, Browser: "Safari, iOS", Place: storyPlace, Since: now.Add(-26 * time.Hour), Seen: now.Add(-2 * time.Hour)},
		},
		Browsers: []session.RememberedFor{{Remembered: session.Remembered{ID: "r1", Visitor: session.Visitor{Browser: "Safari, iOS", Place: storyPlace}, ExpiresAt: now.AddDate(0, 0, 20)}, AppName: storyApp}},
		Activity: storyEvents(now), Speaks: "en", Languages: []string{"en", "es"},
	}
	fresh := full
	fresh.Summary, fresh.Asked, fresh.Methods, fresh.HasCodes, fresh.MayHaveCodes, fresh.OwnChoice = summaryOf(policy.PasswordOnly), false, nil, false, false, true
	fresh.Sessions, fresh.Browsers, fresh.Activity = full.Sessions[:1], nil, nil
	due := full
	due.Summary, due.Methods, due.HasCodes, due.SetUpBy, due.DaysLeft = summaryOf(policy.EmailConfirmed), methods[:1], false, now.AddDate(0, 0, 6), 6
	reported := full
	reported.HasCodes, reported.SuspendedCodes = false, "06h2dre8qk342x9mf0ex9566bm"
	few := full
	few.Summary, few.CodesLeft, few.OwnChoice, few.On, few.Done = summaryOf(policy.TwoFactor), 2, true, true, "profile.done.removed"
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
		{Name: "profile/method-bad-name", Status: 422, Page: methodPage{Method: methods[1], Problem: "binding.bad_label"}},
		{Name: "profile/remove", Status: 200, Page: removePage{Method: methods[1], Left: []methodView{methods[2], methods[4]}}},
		{Name: "profile/remove-last", Status: http.StatusConflict, Page: removePage{Method: methods[1], Left: methods[4:], Problem: "signin.method_needed"}},
		{Name: "profile/activity", Status: 200, Page: activityPage{Events: storyEvents(now), More: "/profile/activity?before=x"}},
		{Name: "profile/password", Status: 200, Page: passwordPage{Email: "maria@harbor.example", MinLength: 15}},
		{Name: "profile/password-wrong", Status: 422, Page: passwordPage{Email: "maria@harbor.example", MinLength: 15, Problem: "profile.problem.password", Wrong: true}},
		{Name: "profile/password-short", Status: 422, Page: passwordPage{Email: "maria@harbor.example", MinLength: 15, Problem: "password.problem.short"}},
		{Name: "profile/second-step-off", Status: 200, Page: secondStepPage{Company: "Ortiz & Sons", Mine: true, MayAdd: true}},
		{Name: "profile/second-step-ready", Status: 200, Page: secondStepPage{Company: "Ortiz & Sons", Mine: true, Ready: true, MayAdd: true}},
		{Name: "profile/second-step-on", Status: 200, Page: secondStepPage{Company: "Ortiz & Sons", Mine: true, On: true, Ready: true}},
		{Name: "profile/second-step-decided", Status: 200, Page: secondStepPage{Company: "Ortiz & Sons", Because: []string{"Required by Harbor since 5 Sep 2026."}}},
		{Name: "step-up/change", Status: 200, Page: stepUpPage{AppName: "Harbor", Email: "maria@harbor.example", To: storyTo, Change: true}},
	}
}

func storyEvents(now time.Time) []eventView {
	return []eventView{
		{Text: "Signed in to Harbor Dashboard", At: now, Browser: storyAgent, Place: storyPlace},
		{Text: "Confirmed with: Authenticator app “Work phone”", At: now, Browser: storyAgent, Place: storyPlace},
		{Text: "Wrong password for Harbor Dashboard", At: now.Add(-3 * time.Hour), Browser: "Chrome, Windows", Place: "Lisbon, Portugal", Alarming: true},
	}
}

func storySuspended(v methodView) methodView {
	v.Disabled, v.Suspended = true, true
	return v
}
