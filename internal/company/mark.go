package company

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"countersign/internal/access"
	"countersign/internal/people"
	"countersign/internal/tenant"
)

// Marks stand for what settings were when someone saw them, by the action that changes each. They are like entity tags
// (RFC 9110 §8.8.3): equal marks mean that nothing has changed.
type Marks map[access.Action]string

// MarkOf is the mark of what a company has decided about a setting.
func MarkOf(t tenant.Tenant, action access.Action) string {
	switch action {
	case access.SetMethods:
		return mark(methodsText(t.Methods))
	case access.SetChoice:
		return mark(choiceText(t.Choice))
	case access.SetRoles:
		return mark(rolesText(t.Roles))
	case access.SetRememberDays:
		return mark(fmt.Sprint(t.RememberDays))
	case access.SetDeadline:
		return mark(fmt.Sprint(t.SetUpDays, t.SetUpLaters))
	case access.SetLock:
		return mark(lockText(t.Lock))
	case access.SetNetworks:
		return mark(string(t.Networks) + "\n" + string(t.NetworkScope))
	}
	return ""
}

// MarkOfBrand is the mark of a company's brand.
func MarkOfBrand(b tenant.Brand) string { return mark(fmt.Sprintf("%#v", b)) }

func mark(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}

// current fails where a setting is not what it was when someone saw it. Who gives no mark wants the change anyway.
func (m Marks) current(t tenant.Tenant, action access.Action) error {
	if seen := m[action]; seen != "" && seen != MarkOf(t, action) {
		return people.ErrOutdated
	}
	return nil
}
