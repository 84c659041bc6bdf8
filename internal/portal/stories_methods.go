package portal

import (
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/methodtext"
	"countersign/internal/pages"
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
		p.SentTo, p.Delivery = "+49 ••• ••67", pages.Delivery{Kind: authenticator.SMS, State: "delivered", At: now}
	}
	return []web.Story{
		{Name: "second/totp", Status: 200, Page: of(authenticator.TOTP, nil)},
		{Name: "second/totp-wrong", Status: 401, Page: of(authenticator.TOTP, wrong)},
		{Name: "second/backup", Status: 200, Page: of(authenticator.Backup, nil)},
		{Name: "second/backup-wrong", Status: 401, Page: of(authenticator.Backup, wrong)},
		{
			Name:   "second/passkey",
			Status: 200,
			Page:   of(authenticator.Passkey, func(p *codePage) { p.Options = `{"challenge":"AAAA"}` }),
		},
		{
			Name:   "second/passkey-wrong",
			Status: 401,
			Page:   of(authenticator.Passkey, func(p *codePage) { wrong(p); p.Options = `{"challenge":"AAAA"}` }),
		},
		{Name: "second/sms", Status: 200, Page: of(authenticator.SMS, phoneCode)},
		{
			Name:   "second/sms-failed",
			Status: 200,
			Page:   of(authenticator.SMS, func(p *codePage) { phoneCode(p); p.Delivery.State = "failed" }),
		},
		{
			Name:   "second/sms-older",
			Status: 401,
			Page: of(authenticator.SMS,
				func(p *codePage) { phoneCode(p); p.Problem, p.TriesLeft = "code.problem.older", 2 }),
		},
		{
			Name:   "second/sms-no-money",
			Status: 503,
			Page:   of(authenticator.SMS, func(p *codePage) { phoneCode(p); p.Problem = "code.problem.sending" }),
		},
		{Name: "second/push", Status: 200, Page: of(authenticator.Push, func(p *codePage) {
			p.SentTo, p.Delivery = storyMasked, pages.Delivery{Kind: authenticator.Push, State: "accepted", At: now}
		})},
		{
			Name:   "second/confirm",
			Status: 200,
			Page:   of(authenticator.TOTP, func(p *codePage) { p.Confirm, p.RememberDays = true, 0 }),
		},
		{
			Name:   "second/for-set-up",
			Status: 200,
			Page:   of(authenticator.Email, func(p *codePage) { p.ForSetUp, p.Others, p.Codes = true, false, false }),
		},
		{Name: "other", Status: 200, Page: otherPage{FlowRef: pages.FlowRef{Flow: storyFlow}, Ways: storyWays()}},
		{
			Name:   "other/wait",
			Status: 429,
			Page: otherPage{
				FlowRef: pages.FlowRef{Flow: storyFlow},
				Ways:    storyWays(),
				Problem: "code.problem.too_soon",
			},
		},
		{Name: "other/none", Status: 200, Page: otherPage{FlowRef: pages.FlowRef{Flow: storyFlow}}},
		{
			Name:   "told/clock",
			Status: 200,
			Page: toldPage{Said: []string{
				"The clock of your device is about 70 seconds fast. Please let it set its time automatically."},
				ContinueURL: "/"},
		},
		{
			Name:   "told/codes",
			Status: 200,
			Page: toldPage{
				Said:        []string{"That backup code is used up. You have only 2 left: please make a new set."},
				Codes:       true,
				ContinueURL: "/",
			},
		},
	}
}

func storyWays() []wayView {
	way := func(id, label string, k authenticator.Kind) wayView {
		return wayView{
			ID:     id,
			Kind:   string(k),
			Label:  label,
			Title:  methodtext.Of(k).Name,
			Text:   methodtext.Of(k).Use,
			Warned: authenticator.TraitsOf[k].Restricted,
		}
	}
	ways := []wayView{way("a1", "Laptop", authenticator.Passkey), way("a2", "Work phone", authenticator.TOTP),
		way("a3", "+49 ••• ••67", authenticator.SMS),
		way("a4", storyMasked, authenticator.Email), way("a5", "", authenticator.Backup)}
	ways[1].Asked = true
	return ways
}
