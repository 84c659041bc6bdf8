package console

import (
	"countersign/internal/access"
	"countersign/internal/authenticator"
	"countersign/internal/company"
	"countersign/internal/people"
	"countersign/internal/policy"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

func storyRoles(required tenant.Roles) rolesChoices {
	return rolesChoices{
		Shown:     true,
		Some:      required != "",
		MayChange: true,
		All:       roleChoicesOf(required),
	}
}

func storyLeftOut() rolesPage {
	return rolesPage{
		frame:   storyFrame("security"),
		Chosen:  []string{"supervisor"},
		LeftOut: []roleLost{{"role.agent", 180}},
		Weaker:  storyWeaker(""),
		Seen:    company.MarkOf(tenant.Tenant{}, access.SetRoles),
	}
}

// storyWeaker is a change after which agents need no second step in an app.
func storyWeaker(app string) []weaker {
	before := people.Assurance{
		App:     app,
		Role:    user.Agent,
		People:  180,
		Weakest: policy.Path{Proofs: []authenticator.Kind{authenticator.Password, authenticator.Email}},
	}
	before.Weakest.Level = policy.EmailConfirmed
	after := before
	after.Weakest = policy.Path{Level: policy.PasswordOnly, Proofs: []authenticator.Kind{authenticator.Password}}
	return []weaker{{app, assuranceOf(before), assuranceOf(after)}}
}
