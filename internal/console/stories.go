package console

import (
	"countersign/internal/tenant"
	"net/netip"

	"net/http"
	"slices"
	"time"

	"countersign/internal/company"
	"countersign/internal/pages"
	"countersign/internal/people"
	"countersign/internal/policy"
	"countersign/internal/session"
	"countersign/internal/user"
	"countersign/internal/web"
)

// Stories is every page in every state, with canned data, as seen at now.
func Stories(now time.Time) []web.Story {
	return slices.Concat(userStories(now), securityStories(now), assuranceStories(), checkStories(now),
		manyStories(now), sharingStories(now), importStories(), brandingStories(), bulkStories(now))
}

func storyFrame(current string) frame {
	return frame{
		Company:  "Ortiz & Sons",
		Current:  current,
		Security: true,
		Activity: true,
		Sharing:  true,
		Branding: true,
	}
}

func userStories(now time.Time) []web.Story {
	list := usersPage{
		frame:     storyFrame("users"),
		People:    pages.StoryRows(now),
		MayAdd:    true,
		MayRemind: true,
		MayExport: true,
		MayCheck:  true,
		Next:      "/company/users?after=u4",
	}
	list.addFilters(people.Search{})
	list.Bulk = storyBulkChoices()
	none := usersPage{
		frame:        storyFrame("users"),
		Filtered:     true,
		Text:         "zz",
		TwoFactorOff: true,
		SavedView:    "invited",
	}
	none.addFilters(people.Search{View: people.Invited, Status: policy.Pending})
	empty := usersPage{frame: storyFrame("users"), MayAdd: true}
	empty.addFilters(people.Search{})
	roles := []option{
		{Value: "owner", Label: pages.RoleKeys[user.Owner], Selected: false},
		{Value: "admin", Label: pages.RoleKeys[user.Admin], Selected: false},
		{Value: "agent", Label: pages.RoleKeys[user.Agent], Selected: true},
	}
	change := func(kind userChange) userChangePage {
		return userChangePage{
			frame:      storyFrame("users"),
			userChange: kind,
			ID:         "u2",
			Name:       "Jonas Lindqvist",
			Email:      "jonas@harbor.example",
		}
	}
	exempt := exemptPage{
		frame:    storyFrame("users"),
		ID:       "u2",
		Name:     "Jonas Lindqvist",
		Email:    "jonas@harbor.example",
		Until:    now.AddDate(0, 0, 14).Format(pages.DayForm),
		Reason:   "Waits for a new phone",
		Tomorrow: now.AddDate(0, 0, 1).Format(pages.DayForm),
		Latest:   now.AddDate(0, 0, 89).Format(pages.DayForm),
	}
	refused := change(resetMethods)
	refused.Problem = "people.reason_needed"
	return []web.Story{
		{Name: "company/users", Status: 200, Page: list},
		{Name: "company/users/none-found", Status: 200, Page: none},
		{Name: "company/user/exempt", Status: 200, Page: exempt},
		{Name: "company/users/empty", Status: 200, Page: empty},
		{Name: "company/users/new", Status: 200, Page: newUserPage{frame: storyFrame("users"), Roles: roles}},
		{Name: "company/users/new-taken", Status: 409, Page: newUserPage{
			frame:   storyFrame("users"),
			Name:    "Jonas Lindqvist",
			Email:   "maria@harbor.example",
			Roles:   roles,
			problem: problem{Problem: "user.address_taken"},
		}},
		{Name: "company/users/remind", Status: 200, Page: remindPage{frame: storyFrame("users")}},
		{Name: "company/users/reminded", Status: 200, Page: remindPage{
			frame:    storyFrame("users"),
			Sent:     500,
			Skipped:  12,
			Finished: true,
			Left:     true,
		}},
		{Name: "company/users/reminded-often", Status: 429, Page: remindPage{
			frame:   storyFrame("users"),
			problem: problem{Problem: "people.reminded_all_often", Wait: 40 * time.Minute},
		}},
		{Name: "company/user", Status: 200, Page: storyUser(now)},
		{Name: "company/user/self", Status: 200, Page: storySelf(now)},
		{Name: "company/user/reset", Status: 200, Page: change(resetMethods)},
		{Name: "company/user/reset-refused", Status: 422, Page: refused},
		{Name: "company/user/withdraw-invitation", Status: 200, Page: change(withdrawInvitation)},
		{Name: "company/user/invited", Status: 200, Page: storyInvited(now, false)},
		{Name: "company/user/not-invited", Status: 200, Page: storyInvited(now, true)},
		{Name: "company/user/sign-out", Status: 200, Page: change(signOutPerson)},
		{Name: "company/user/disable", Status: 200, Page: change(disablePerson)},
		{Name: "company/user/enable", Status: 200, Page: change(enablePerson)},
		{Name: "company/user/role", Status: 200, Page: rolePage{
			frame: storyFrame("users"),
			ID:    "u2",
			Name:  "Jonas Lindqvist",
			Roles: roles,
		}},
	}
}

func storyUser(now time.Time) userPage {
	page := userPage{
		frame:      storyFrame("users"),
		ID:         "u3",
		Name:       "Aiko Tanaka",
		Email:      "aiko@harbor.example",
		Role:       pages.RoleKeys[user.Supervisor],
		Status:     pages.StatusKeys[policy.Pending],
		Tone:       string(policy.Pending),
		Notes:      []string{"console.note.stuck"},
		Added:      now.AddDate(-1, 0, 0),
		LastSignIn: now.AddDate(0, -1, 0),
		Methods: []methodDetail{
			{
				ID:         "m1",
				Title:      "method.totp",
				Label:      "Phone",
				Added:      now.AddDate(-1, 0, 0),
				LastUsed:   now.AddDate(0, -1, 0),
				Suspended:  true,
				Restorable: true,
			},
			{
				ID:       "m2",
				Title:    "method.sms",
				Label:    "+44 •••• 0123",
				Added:    now.AddDate(-1, 0, 0),
				Disabled: true,
			},
		},
		Sessions: []session.Open{{Session: session.Session{LastSeenAt: now}, AppName: "Harbor Dashboard"}},
		Browsers: []session.RememberedFor{{}},
		Why:      []string{"Ortiz & Sons has required it since 1 November 2026."},
		Activity: storyActivity(now),
		May: userRights{
			Role:     true,
			Reset:    true,
			SignOut:  true,
			Disable:  true,
			Activity: true,
		},
	}
	page.Done = "console.done.restored"
	return page
}

func storySelf(now time.Time) userPage {
	return userPage{
		frame:  storyFrame("users"),
		ID:     "u1",
		Name:   "Maria Ortiz",
		Email:  "maria@harbor.example",
		Self:   true,
		Role:   pages.RoleKeys[user.Owner],
		Status: pages.StatusKeys[policy.Disabled],
		Tone:   string(policy.Disabled),
		Added:  now.AddDate(-1, 0, 0),
	}
}

func securityStories(now time.Time) []web.Story {
	counts := securityCounts{
		People:    212,
		Ready:     180,
		MustSetUp: 24,
		Invited:   7,
		LockedOut: 1,
	}
	methods := []methodChoice{
		{"passkey", "method.passkey", "choose.passkey", true, false},
		{"totp", "method.totp", "choose.totp", true, false},
		{"sms", "method.sms", "choose.sms", false, true},
	}
	off := securityPage{
		frame:      storyFrame("security"),
		Vendor:     "Harbor",
		MayEnable:  true,
		MayChange:  true,
		Methods:    methods,
		Days:       30,
		DayChoices: []dayChoice{{0, false}, {7, false}, {30, true}},
		Counts:     counts,
		Lock: lockChoicesOf(company.Overview{
			LockAfterMax: 20,
			Lock:         tenant.AccountLock{After: 5, Minutes: 15},
		}),
		MayNetworks: true,
	}
	on := off
	on.Networks = []tenant.Network{
		{Prefix: netip.MustParsePrefix("203.0.113.0/24"), Note: "Lisbon"},
		{Prefix: netip.MustParsePrefix("2001:db8:7::/48")},
	}
	on.Scope = scopeKey(tenant.EveryoneEverywhere)
	own := tenant.AccountLock{After: 10, Minutes: 30}
	on.Lock = lockChoicesOf(company.Overview{Tenant: tenant.Tenant{Lock: own}, LockAfterMax: 20, Lock: own})
	on.On, on.MayEnable, on.MayDisable, on.Since, on.EmailOnly = true, false, true, now.AddDate(0, -1, 0), true
	on.SetUpBy = now.AddDate(0, 0, 10)
	on.Ask = askChoices{
		Shown:     true,
		Adaptive:  true,
		MayChange: true,
		NoDays:    true,
	}
	on.Roles = storyRoles("")
	on.Apps = storyAppsChoices()
	locked := on
	locked.Roles = rolesChoices{}
	locked.Ask = askChoices{Shown: true}
	locked.Locked, locked.LockedSince, locked.MayDisable, locked.MayChange = true, now.AddDate(0, -2, 0), false, false
	clashed, some := on, on
	some.Roles, some.Counts.LeftOut = storyRoles("owner admin supervisor"), 12
	readOnly := some
	readOnly.Roles.MayChange, readOnly.Ask.MayChange, readOnly.Apps.MayChange = false, false, false
	clashed.Outdated = outdated{Stored: daysSaid(7), Yours: daysSaid(0), Again: true}
	soon := off
	soon.StartsAt, soon.AnnouncedBy = now.AddDate(0, 0, 20), "Harbor"
	code := activationCodePage{
		frame:     storyFrame("security"),
		ID:        "a1",
		Email:     "maria@harbor.example",
		Reference: "K7-MZ",
		Length:    6,
		CodesLeft: 3,
	}
	wrong, ended, early := code, code, code
	wrong.Problem, wrong.TriesLeft = "activation.wrong", 4
	ended.Problem, ended.Ended, ended.CodesLeft = "activation.expired", true, 0
	early.problem = problem{Problem: "code.problem.too_soon", Wait: 20 * time.Second}
	usedUp := introPage{
		frame:   storyFrame("security"),
		Email:   "maria@harbor.example",
		Counts:  counts,
		problem: problem{Problem: "activation.used_up"},
	}
	stories := []web.Story{
		{Name: "company/security", Status: 200, Page: off},
		{Name: "company/security/on", Status: 200, Page: on},
		{Name: "company/security/some-roles", Status: 200, Page: some},
		{Name: "company/security/admin", Status: 200, Page: readOnly},
		{Name: "company/security/roles", Status: 200, Page: storyLeftOut()},
		{Name: "company/security/steps", Status: 200, Page: storySteps(on, now)},
		{Name: "company/security/steps-stopped", Status: 200, Page: storyStopped(on, now)},
		{Name: "company/security/apps", Status: 200, Page: storyAppsPages(false)},
		{Name: "company/security/apps-removed", Status: 200, Page: storyAppsPages(true)},
		{Name: "company/security/locked", Status: 200, Page: locked},
		{Name: "company/security/announced", Status: 200, Page: soon},
		{Name: "company/security/disable", Status: 200, Page: disablePage{
			frame:  storyFrame("security"),
			Counts: counts,
		}},
		{Name: "company/security/networks", Status: 200, Page: storyNetworks(false)},
		{Name: "company/security/networks-outside", Status: 200, Page: storyNetworks(true)},
		{Name: "company/security/methods", Status: 200, Page: methodsPage{
			frame:   storyFrame("security"),
			Methods: methods,
		}},
		{Name: "company/security/methods-outdated", Status: http.StatusPreconditionFailed, Page: methodsPage{
			frame:   storyFrame("security"),
			Methods: methods,
			Outdated: outdated{
				Stored: methodsSaid(methods[1:2]),
				Yours:  methodsSaid(methods),
			},
		}},
		{Name: "company/security/outdated", Status: http.StatusPreconditionFailed, Page: clashed},
		{Name: "company/security/methods-stranded", Status: 200, Page: methodsPage{
			frame:   storyFrame("security"),
			Methods: methods,
			Asked:   true,
			Stranded: company.Stranded{
				MustSetUp: []string{"jonas@harbor.example"},
				LockedOut: []string{"aiko@harbor.example", "priya@harbor.example"},
			},
		}},
		{Name: "company/enable", Status: 200, Page: introPage{
			frame:  storyFrame("security"),
			Email:  "maria@harbor.example",
			Counts: counts,
		}},
		{Name: "company/enable/used-up", Status: http.StatusConflict, Page: usedUp},
		{Name: "company/enable/code", Status: 200, Page: code},
		{Name: "company/enable/code-wrong", Status: 422, Page: wrong},
		{Name: "company/enable/code-expired", Status: 422, Page: ended},
		{Name: "company/enable/code-too-soon", Status: 429, Page: early},
		{Name: "company/enable/choose", Status: 200, Page: choicesPage{
			frame:    storyFrame("security"),
			Methods:  methods,
			Today:    "2026-11-30",
			Latest:   "2027-02-28",
			From:     "2026-12-10",
			Steps:    inSteps,
			StepDays: suggestedStepDays,
			StepStop: suggestedStepStop,
			Roles:    storyRoles(""),
			Apps:     storyAppsChoices(),
		}},
		{Name: "company/enable/confirm", Status: 200, Page: summaryPage{
			frame:   storyFrame("security"),
			ID:      "a1",
			Methods: []string{"method.passkey", "method.totp"},
			Roles:   []string{"role.owner", "role.admin", "role.supervisor"},
			Plan: company.Plan{
				Choices:  company.Choices{From: now.AddDate(0, 0, 7), SetUpBy: now.AddDate(0, 0, 30), StepStop: 10},
				Steps:    storyPlannedSteps(now.AddDate(0, 0, 7)),
				Forecast: people.Forecast(some.Counts),
				Coverage: storyCoverage(),
			},
		}},
		{Name: "company/activity", Status: 200, Page: storyActivityPage(now)},
		{Name: "company/activity/none-found", Status: 200, Page: activityPage{
			frame:    storyFrame("activity"),
			Form:     activityForm{Text: "maria", Network: "203.0.113.7"},
			Filtered: true,
			Many:     true,
			BackAt:   now.AddDate(0, 0, -12),
			Further:  "/company/activity?before=01JC0000000000000000000000&q=maria",
		}},
		{Name: "company/activity/wrong", Status: 422, Page: storyWrongActivity()},
	}
	return stories
}
