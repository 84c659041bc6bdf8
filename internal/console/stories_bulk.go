package console

import (
	"time"

	"countersign/internal/pages"
	"countersign/internal/people"
	"countersign/internal/user"
	"countersign/internal/web"
)

func storyBulkChoices() bulkChoices {
	out := bulkChoices{SignsOut: true, Recent: []bulkLink{
		{ID: "b1", Name: bulkTextsOf[people.BulkSignOut].Name},
		{ID: "b2", Name: bulkTextsOf[people.BulkRemind].Name, Ended: true},
	}}
	for i, k := range people.BulkKinds {
		out.Kinds = append(out.Kinds, bulkOption{Kind: k, Texts: bulkTextsOf[k], Chosen: i == 0})
	}
	return out
}

func bulkStories(now time.Time) []web.Story {
	plan := func(k people.BulkKind) bulkPage {
		return bulkPage{
			frame:   storyFrame("users"),
			Texts:   bulkTextsOf[k],
			Fields:  []field{{"do", string(k)}, {"scope", "all"}},
			Back:    "/company/users?do=" + string(k) + "&scope=all",
			Digest:  "ZGlnZXN0",
			Matched: 340,
			People:  314,
			First: []user.User{
				{Name: "Jonas Lindqvist", Email: "jonas@harbor.example"},
				{Name: "Aiko Tanaka", Email: "aiko@harbor.example"},
			},
			More: 312,
		}
	}
	out, invite, remind := plan(people.BulkSignOut), plan(people.BulkInvite), plan(people.BulkRemind)
	out.Browsers = true
	out.LeftOut = leftOutOf(map[people.Outcome]int{
		people.OutcomeSelf:      1,
		people.OutcomeRole:      3,
		people.OutcomeDisabled:  1,
		people.OutcomeSignedOut: 21,
	})
	invite.LeftOut = leftOutOf(map[people.Outcome]int{people.OutcomeHasPassword: 26})
	remind.LeftOut = leftOutOf(map[people.Outcome]int{
		people.OutcomeNotPending:     1,
		people.OutcomeNotAccepted:    5,
		people.OutcomeRemindedBefore: 20,
	})
	exempt, require := plan(people.BulkExempt), plan(people.BulkRequire)
	exempt.Tomorrow = now.AddDate(0, 0, 1).Format(pages.DayForm)
	exempt.Latest = now.AddDate(0, 0, 89).Format(pages.DayForm)
	exempt.LeftOut = leftOutOf(map[people.Outcome]int{people.OutcomeHadMethod: 4, people.OutcomeNotPending: 22})
	require.LeftOut = leftOutOf(map[people.Outcome]int{people.OutcomeNotExempt: 26})
	early := exempt
	early.Problem, early.Reason = "exempt.past", "Their phones come next month"
	grown, changed, running, nobody := plan(people.BulkSignOut), plan(people.BulkSignOut), invite, remind
	grown.Before = 338
	changed.Problem = "bulk.changed"
	running.Problem = "bulk.running"
	nobody.People, nobody.First, nobody.More = 0, nil, 0
	none := bulkPage{frame: storyFrame("users"), Texts: out.Texts, Back: out.Back}
	large := none
	large.Problem = "bulk.too_many"
	return append([]web.Story{
		{Name: "company/users/bulk/sign-out", Status: 200, Page: out},
		{Name: "company/users/bulk/invite", Status: 200, Page: invite},
		{Name: "company/users/bulk/remind", Status: 200, Page: remind},
		{Name: "company/users/bulk/exempt", Status: 200, Page: exempt},
		{Name: "company/users/bulk/exempt-past", Status: 422, Page: early},
		{Name: "company/users/bulk/require", Status: 200, Page: require},
		{Name: "company/users/bulk/grown", Status: 409, Page: grown},
		{Name: "company/users/bulk/changed", Status: 409, Page: changed},
		{Name: "company/users/bulk/running", Status: 409, Page: running},
		{Name: "company/users/bulk/for-no-one", Status: 200, Page: nobody},
		{Name: "company/users/bulk/none-chosen", Status: 200, Page: none},
		{Name: "company/users/bulk/too-many", Status: 422, Page: large},
	}, bulkStateStories(now)...)
}

func bulkStateStories(now time.Time) []web.Story {
	state := func(k people.BulkKind, because string, done, waiting int, of map[people.Outcome]int) bulkStatePage {
		p := bulkStatePage{
			frame: storyFrame("users"),
			Texts: bulkTextsOf[k],
			State: people.BulkState{
				ID:           "b1",
				Kind:         k,
				Done:         done,
				Waiting:      waiting,
				EndedBecause: because,
			},
			Left: leftOutOf(of),
			Why:  bulkEndKeys[because],
		}
		if because != "" {
			p.State.EndedAt = now
		}
		return p
	}
	done := state(people.BulkSignOut, "done", 312, 0, map[people.Outcome]int{
		people.OutcomeRole:      3,
		people.OutcomeSignedOut: 22,
		people.OutcomeFailed:    1,
	})
	done.State.Browsers = true
	ended := state(people.BulkRemind, "stopped", 40, 0, nil)
	ended.Problem = "bulk.ended"
	return []web.Story{
		{Name: "company/bulk", Status: 200, Page: state(people.BulkRemind, "", 120, 380, nil)},
		{Name: "company/bulk/done", Status: 200, Page: done},
		{Name: "company/bulk/invited", Status: 200, Page: state(people.BulkInvite, "done", 1, 0, map[people.Outcome]int{
			people.OutcomeOften: 1,
			people.OutcomeGone:  1,
		})},
		{Name: "company/bulk/stopped", Status: 200, Page: state(people.BulkRemind, "stopped", 40, 0,
			map[people.Outcome]int{people.OutcomeStopped: 60})},
		{Name: "company/bulk/rights", Status: 200, Page: state(people.BulkSignOut, "rights", 1, 0,
			map[people.Outcome]int{people.OutcomeStopped: 1})},
		{Name: "company/bulk/stalled", Status: 200, Page: state(people.BulkInvite, "stalled", 2, 0,
			map[people.Outcome]int{people.OutcomeStopped: 1})},
		{Name: "company/bulk/ended", Status: 409, Page: ended},
	}
}
