package console

import (
	"net/http"

	"countersign/internal/authenticator"
	"countersign/internal/people"
	"countersign/internal/policy"
	"countersign/internal/user"
	"countersign/internal/web"
)

// assuranceStories are the pages about the weakest way to a session.
func assuranceStories() []web.Story {
	app := people.Assurance{
		App:    "Dashboard",
		Role:   user.Owner,
		People: 2,
		Weak:   1,
		Weakest: policy.Path{
			Proofs: []authenticator.Kind{authenticator.Password, authenticator.TOTP},
			Level:  policy.TwoFactor,
		},
	}
	mailbox := app
	mailbox.Role, mailbox.People, mailbox.Weak, mailbox.Closed = user.Agent, 210, 31, 1
	mailbox.Weakest = policy.Path{
		Proofs: []authenticator.Kind{authenticator.Password, authenticator.Email},
		Level:  policy.EmailConfirmed,
	}
	remembered := app
	remembered.App, remembered.Role = "", user.Admin
	remembered.New = app.Weakest
	remembered.Weakest = policy.Path{
		Proofs:     []authenticator.Kind{authenticator.Password},
		Remembered: true,
		Level:      policy.PasswordOnly,
	}
	weak := []weaker{
		{"Dashboard", assuranceOf(app), assuranceOf(mailbox)},
		{"", assuranceOf(app), assuranceOf(remembered)},
	}
	page := assurancePage{frame: storyFrame("security"), Apps: byApp([]people.Assurance{remembered, app, mailbox})}
	return []web.Story{
		{Name: "company/security/assurance", Status: http.StatusOK, Page: page},
		{Name: "company/security/assurance-empty", Status: http.StatusOK, Page: assurancePage{
			frame: storyFrame("security"),
		}},
		{Name: "company/security/methods-weaker", Status: http.StatusOK, Page: methodsPage{
			frame:   storyFrame("security"),
			Methods: []methodChoice{{"email", "method.email", "console.method.email", true, false}},
			Asked:   true,
			Weaker:  weak[:1],
		}},
		{Name: "company/security/days-weaker", Status: http.StatusOK, Page: daysPage{
			frame:  storyFrame("security"),
			Days:   30,
			Weaker: weak[1:],
		}},
	}
}
