package console

import (
	"countersign/internal/pages"
	"time"

	"countersign/internal/company"
	"countersign/internal/db"
	"countersign/internal/people"
	"countersign/internal/rollout"
	"countersign/internal/web"
)

func checkStories(now time.Time) []web.Story {
	maria := checkedPerson{"u1", "Maria Ortiz", "maria@harbor.example", noRemedy}
	jonas := checkedPerson{"u2", "Jonas Lindqvist", "jonas@harbor.example", noRemedy}
	aiko := checkedPerson{"u3", "Aiko Tanaka", "aiko.tanaka.with.a.long.address@customer-service.harbor.example", noRemedy}
	row := func(v people.SavedView, count int, stops bool, r remedy, named ...checkedPerson) checkRow {
		out := checkRow{
			View:  string(v),
			Title: viewKeys[v],
			Why:   checkKeys[v],
			Count: count,
			Stops: stops,
		}
		for _, p := range named {
			p.Remedy = r
			out.People = append(out.People, p)
		}
		if count > len(named) {
			out.All = usersURL(people.Search{View: v})
		}
		return out
	}
	full := checkPage{
		frame:    storyFrame("security"),
		Vendor:   "Harbor",
		Off:      true,
		People:   212,
		Stopped:  3,
		OneOwner: true,
		Checks: []checkRow{
			row(people.NoWayIn, 1, true, reset, aiko),
			row(people.WaitAfterReset, 1, true, noRemedy, jonas),
			row(people.MailStops, 1, true, address, jonas),
			row(people.OneMethodOwners, 1, false, addMethod, maria),
			row(people.SharedMailbox, 48, false, address, jonas, aiko),
			row(people.MailBounces, 1, false, address, aiko),
			row(people.MailUnproved, 1, false, noRemedy, jonas),
			row(people.NeverInvited, 2, false, invite, jonas, aiko),
			row(people.InvitationEnded, 1, false, invite, jonas),
			row(people.NeverUsed, 1, false, noRemedy, aiko),
		},
		ByEmail: true,
		Mail: rollout.MailDelays{Codes: 412, Late: []rollout.LateDomain{{
			Name:   "customer-service.harbor.example",
			Codes:  24,
			Median: 4 * time.Minute,
		}}},
		Exempt: []company.ExemptApp{
			{Name: "Harbor Phone", Until: now.AddDate(0, 1, 0)},
			{Name: "Harbor Dial", Until: db.Forever},
		},
		Outdated: []string{"Harbor Reports"},
	}
	full.Trial = trial{
		Begun:     true,
		Running:   true,
		From:      now.AddDate(0, 0, -3),
		Until:     now.AddDate(0, 0, 11),
		MayChange: true,
		Results: []checkRow{
			row(people.TrialStopped, 1, false, noRemedy, aiko),
			row(people.TrialSetUp, 31, false, noRemedy, jonas),
			row(people.TrialAsked, 1, false, noRemedy, maria),
		},
	}
	clear := checkPage{
		frame:   storyFrame("security"),
		Vendor:  "Harbor",
		People:  12,
		Trial:   trial{MayChange: true},
		ByEmail: true,
		Mail:    rollout.MailDelays{Codes: 90},
	}
	none := checkPage{
		frame:    storyFrame("security"),
		Vendor:   "Harbor",
		Planned:  true,
		People:   1,
		NoMethod: true,
		ByEmail:  true,
		Trial:    trial{Begun: true, From: now.AddDate(0, 0, -9), Until: now.AddDate(0, 0, -2)},
	}
	trying := trialPage{
		frame: storyFrame("security"),
		Methods: []methodChoice{
			{"passkey", "method.passkey", "choose.passkey", true, false},
			{"totp", "method.totp", "choose.totp", true, false},
			{"sms", "method.sms", "choose.sms", false, true},
		},
		Roles:  roleChoicesOf("owner admin supervisor"),
		Until:  "2026-12-14",
		Today:  "2026-11-30",
		Latest: "2027-02-28",
	}
	ended := trying
	ended.Until, ended.Problem, ended.Optional = "2026-11-01", "shadow.end_past", true
	filtered := usersPage{
		frame:     storyFrame("users"),
		People:    pages.StoryRows(now),
		SavedView: string(people.NoWayIn),
		Coming:    &people.Coming{Methods: "totp"},
		Filtered:  true,
	}
	filtered.addFilters(people.Search{View: people.NoWayIn, Coming: filtered.Coming})
	moved := addressPage{
		frame: storyFrame("users"),
		ID:    "u2",
		Name:  "Jonas Lindqvist",
		Email: "jonas@harbor.example",
	}
	taken := moved
	taken.Typed, taken.Problem = "maria@harbor.example", "user.address_taken"
	return []web.Story{
		{Name: "company/check", Status: 200, Page: full},
		{Name: "company/check/clear", Status: 200, Page: clear},
		{Name: "company/check/no-method", Status: 200, Page: none},
		{Name: "company/check/trial", Status: 200, Page: trying},
		{Name: "company/check/trial-ended", Status: 422, Page: ended},
		{Name: "company/users/no-way-in", Status: 200, Page: filtered},
		{Name: "company/user/address", Status: 200, Page: moved},
		{Name: "company/user/address-taken", Status: 409, Page: taken},
	}
}
