package enrollpages

import (
	"net/http"
	"slices"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/authenticator/lookup"
	"countersign/internal/authenticator/totp"
	"countersign/internal/methodtext"
	"countersign/internal/pages"
	"countersign/internal/phone"
	"countersign/internal/web"
)

const (
	storyApp   = "Harbor Dashboard"
	storyToken = "bG9uZy1yYW5kb20tdG9rZW4"
	storyFlow  = "06f3y1ee6n8k1v5t0h2m3q4r5s"
)

// Stories is every page of a set-up in every state, with canned data, as seen at now.
func Stories(now time.Time) []web.Story {
	return slices.Concat(setUpStories(now), receiverStories(now))
}

// setUpStories is the set-up of each kind, in a sign-in and in a session.
func setUpStories(now time.Time) []web.Story {
	kinds := []kindView{offerOf(authenticator.Passkey), offerOf(authenticator.TOTP), offerOf(authenticator.SMS)}
	because := []string{"Harbor asks for a sign-in method that has not been set up yet."}
	card := func(k authenticator.Kind, change func(*cardPage)) cardPage {
		p := cardPage{
			FlowRef:  pages.FlowRef{Flow: storyFlow},
			Base:     InFlow,
			Kind:     k,
			Draft:    "d1",
			Progress: progress{2, 3},
			Ends:     now.Add(15 * time.Minute),
			Length:   6,
		}
		if change != nil {
			change(&p)
		}
		return p
	}
	wrong := func(k authenticator.Kind) func(*cardPage) {
		return func(p *cardPage) {
			fillStory(p, now)
			p.Problem, p.TriesLeft = methodtext.Of(k).Wrong, 3
		}
	}
	plain := func(p *cardPage) { fillStory(p, now) }
	number := beginPage{
		Base:      InSession,
		Kind:      authenticator.SMS,
		Countries: phone.Countries("en", []string{"DE", "ES", "US"}),
		Progress:  progress{2, 2},
	}
	manyCountries := number
	manyCountries.Countries = phone.Countries("en",
		[]string{"AT", "BE", "CH", "DE", "ES", "FR", "GB", "IE", "IT", "PT", "US"})
	badNumber := number
	badNumber.Country, badNumber.Number, badNumber.Problem = "DE", "030 1234", "phone.landline"
	noMore := number
	noMore.Problem, noMore.Wait = "sms.problem.limit", 20*time.Minute
	return []web.Story{
		{
			Name:   "choose/sign-in",
			Status: 200,
			Page: choosePage{
				FlowRef: pages.FlowRef{Flow: storyFlow},
				Base:    InFlow,
				InFlow:  true,
				AppName: storyApp,
				Kinds:   kinds,
				Because: because,
			},
		},
		{Name: "choose/profile", Status: 200, Page: choosePage{Base: InSession, Kinds: kinds}},
		{
			Name:   "choose/codes",
			Status: 200,
			Page: choosePage{
				FlowRef:   pages.FlowRef{Flow: storyFlow},
				Base:      InFlow,
				InFlow:    true,
				OnlyCodes: true,
				AppName:   storyApp,
				Kinds:     []kindView{offerOf(authenticator.Backup)},
			},
		},
		{Name: "choose/none", Status: 200, Page: choosePage{Base: InSession}},
		{Name: "bind/totp", Status: 200, Page: card(authenticator.TOTP, plain)},
		{Name: "bind/totp-wrong", Status: 422, Page: card(authenticator.TOTP, wrong(authenticator.TOTP))},
		{
			Name:   "bind/totp-over",
			Status: http.StatusGone,
			Page: beginPage{
				FlowRef:  pages.FlowRef{Flow: storyFlow},
				Base:     InFlow,
				Kind:     authenticator.TOTP,
				Problem:  "binding.over",
				Progress: progress{2, 3},
			},
		},
		{Name: "bind/passkey", Status: 200, Page: card(authenticator.Passkey, plain)},
		{Name: "bind/passkey-wrong", Status: 422, Page: card(authenticator.Passkey, wrong(authenticator.Passkey))},
		{
			Name:   "bind/passkey-late",
			Status: http.StatusGone,
			Page: beginPage{
				Base:     InSession,
				Kind:     authenticator.Passkey,
				Problem:  methodtext.Of(authenticator.Passkey).Over,
				Progress: progress{2, 3},
			},
		},
		{Name: "bind/number", Status: 200, Page: number},
		{Name: "bind/number-many", Status: 200, Page: manyCountries},
		{
			Name:   "bind/number-nowhere",
			Status: 200,
			Page:   beginPage{Base: InSession, Kind: authenticator.SMS, Progress: progress{2, 2}},
		},
		{Name: "bind/number-wrong", Status: 422, Page: badNumber},
		{Name: "bind/number-wait", Status: 429, Page: noMore},
		{Name: "bind/sms", Status: 200, Page: card(authenticator.SMS, plain)},
		{
			Name:   "bind/sms-bounced",
			Status: 200,
			Page:   card(authenticator.SMS, func(p *cardPage) { plain(p); p.Delivery.State = "bounced" }),
		},
		{Name: "bind/sms-wrong", Status: 422, Page: card(authenticator.SMS, wrong(authenticator.SMS))},
		{
			Name:   "bind/codes-first",
			Status: 200,
			Page: beginPage{
				Base:     InSession,
				Kind:     authenticator.Backup,
				More:     true,
				Progress: progress{3, 3},
			},
		},
		{
			Name:   "bind/codes-again",
			Status: 200,
			Page:   beginPage{Base: InSession, Kind: authenticator.Backup, Renews: true},
		},
		{Name: "bind/codes", Status: 200, Page: card(authenticator.Backup, plain)},
		{
			Name:   "bind/codes-unsaved",
			Status: 422,
			Page:   card(authenticator.Backup, func(p *cardPage) { plain(p); p.Problem = "bind.backup.problem" }),
		},
		{Name: "bind/codes-wrong", Status: 422, Page: card(authenticator.Backup, wrong(authenticator.Backup))},
	}
}

// fillStory fills a card with what belongs to no one.
func fillStory(p *cardPage, now time.Time) {
	state := map[authenticator.Kind]string{
		authenticator.TOTP: `{"Secret":"MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=","Issuer":"Harbor","Account":"maria@harbor.example (Ortiz & Sons)"}`,
		authenticator.Backup: `{"Vendor":"Harbor","Account":"maria@harbor.example","Company":"Ortiz & Sons","Codes":["0123456789ABC","1123456789ABC","2123456789ABC","3123456789ABC","4123456789ABC",` +
			`"5123456789ABC","6123456789ABC","7123456789ABC","8123456789ABC","9123456789ABC"],"Hashes":["","","","","","","","","",""]}`,
	}
	d := authenticator.PendingEnrollment{ID: "d1", Begun: now, State: authenticator.State(state[p.Kind])}
	fill := map[authenticator.Kind]func(){
		authenticator.TOTP: func() {
			p.Card, _ = totp.Show(d)
			p.draw("QR code for your authenticator app")
		},
		authenticator.Backup:  func() { p.Sheet, _ = lookup.Show(d) },
		authenticator.Passkey: func() { p.Options = `{"challenge":"AAAA"}` },
		authenticator.SMS: func() {
			p.SentTo, p.Reference = "+49 1512 3456767", "K7-MZ"
			p.Delivery = pages.Delivery{Kind: authenticator.SMS, State: "accepted", At: now}
		},
	}
	fill[p.Kind]()
}
