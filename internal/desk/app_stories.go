package desk

import (
	"net/http"
	"net/url"
	"time"

	"countersign/internal/client"
	"countersign/internal/pages"
	"countersign/internal/web"
)

func appStories(now time.Time) []web.Story {
	rows := []appRow{
		{ID: "dashboard", Name: "Harbor Dashboard", Kind: kindKeys[client.Confidential]},
		{
			ID:     "reports",
			Name:   "Harbor Reports",
			Kind:   kindKeys[client.Public],
			Exempt: true,
			Until:  now.AddDate(0, 1, 0),
		},
		{
			ID:      "phone",
			Name:    "Harbor Phone",
			Kind:    kindKeys[client.Native],
			Exempt:  true,
			ForGood: true,
		},
	}
	app := appPage{
		frame:     storyFrame("apps"),
		appRow:    rows[0],
		Home:      "https://app.harbor.example/",
		Redirects: []string{"https://app.harbor.example/callback"},
		Algorithm: "ES256",
		HasSecret: true,
		Tomorrow:  "2026-11-23",
		MayChange: true,
	}
	exempt := app
	exempt.appRow, exempt.MayChange, exempt.PostLogout = rows[1], false, []string{"https://app.harbor.example/out"}
	refused := app
	refused.Problem = pages.Problem{Problem: "people.reason_needed"}
	clashed := exempt
	clashed.MayChange, clashed.Typed = true, appForm{Until: "2027-02-01", Reason: "Until the new version"}
	clashed.Outdated = pages.Outdated{
		Stored: exemptionSaid(true, clashed.Until),
		Yours:  exemptionSaid(true, clashed.Until.AddDate(0, 1, 0)),
	}
	empty := newAppPageOf(&http.Request{URL: &url.URL{}}, url.Values{"kind": {client.Confidential}})
	taken := empty
	taken.ID, taken.Name, taken.Problem = "dashboard", "Dashboard", pages.Problem{Problem: "client.exists"}
	return []web.Story{
		{Name: "desk/apps", Status: 200, Page: appsPage{frame: storyFrame("apps"), Apps: rows, MayCreate: true}},
		{Name: "desk/apps/empty", Status: 200, Page: appsPage{frame: storyFrame("apps")}},
		{Name: "desk/apps/new", Status: 200, Page: empty},
		{Name: "desk/apps/new-taken", Status: http.StatusConflict, Page: taken},
		{Name: "desk/app", Status: 200, Page: app},
		{Name: "desk/app/exempt", Status: 200, Page: exempt},
		{Name: "desk/app/refused", Status: http.StatusUnprocessableEntity, Page: refused},
		{Name: "desk/app/outdated", Status: http.StatusPreconditionFailed, Page: clashed},
		{Name: "desk/app/secret", Status: 200, Page: secretPage{
			frame:  storyFrame("apps"),
			ID:     "dashboard",
			Name:   "Harbor Dashboard",
			Secret: "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
		}},
	}
}
