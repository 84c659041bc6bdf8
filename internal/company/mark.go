package company

import (
	"fmt"

	"countersign/internal/access"
	"countersign/internal/people"
	"countersign/internal/tenant"
)

// Marks stand for what settings were when someone saw them, by the action that changes each.
type Marks map[access.Action]string

// MarkOf is the mark of what a company has decided about a setting.
func MarkOf(t tenant.Tenant, action access.Action) string {
	switch action {
	case access.SetMethods:
		return people.Mark(methodsText(t.Methods))
	case access.SwitchOn:
		return people.Mark(stepsText(t.Steps))
	case access.SetChoice:
		return people.Mark(choiceText(t.Choice))
	case access.SetRoles:
		return people.Mark(rolesText(t.Roles))
	case access.SetApps:
		return people.Mark(appsText(t.Apps))
	case access.SetRememberDays:
		return people.Mark(fmt.Sprint(t.RememberDays))
	case access.SetDeadline:
		return people.Mark(fmt.Sprint(t.SetUpDays, t.SetUpLaters))
	case access.SetLock:
		return people.Mark(lockText(t.Lock))
	case access.SetNetworks:
		return people.Mark(string(t.Networks) + "\n" + string(t.NetworkScope))
	}
	return ""
}

// MarkOfBrand is the mark of a company's brand.
func MarkOfBrand(b tenant.Brand) string { return people.Mark(fmt.Sprintf("%#v", b)) }

// MarkOfDecision is the mark of what the vendor has decided for a company, or for all.
func MarkOfDecision(d Decision) string {
	return people.Mark(mandateText(d.Mandate) + "\n" + methodsText(d.Methods) + "\n" + fmt.Sprint(d.RememberDays))
}

// current fails where a setting is not what it was when someone saw it. Who gives no mark wants the change anyway.
func (m Marks) current(t tenant.Tenant, action access.Action) error {
	if seen := m[action]; seen != "" && seen != MarkOf(t, action) {
		return people.ErrOutdated
	}
	return nil
}
