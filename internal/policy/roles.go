package policy

import (
	"time"

	"countersign/internal/tenant"
)

// decidesThemself reports whether the person decides for themself whether a second step is asked: their company leaves
// it to everyone, requires it of other roles only, or starts with others. Where the vendor requires it by now, no one
// decides.
func (in Input) decidesThemself() bool {
	return !in.mandated() && (!in.ofCompany() || in.waitsForStep())
}

// ofCompany reports whether the company requires a second step of the person's role, once two-factor authentication is
// on.
func (in Input) ofCompany() bool {
	return in.Tenant.Choice != tenant.Optional && in.Tenant.Roles.Include(in.Role)
}

// AsksUnusual reports whether the company asks the person for a second step where a sign-in is unusual, once one is
// required of them.
func (in Input) AsksUnusual() bool {
	return in.Tenant.Choice == tenant.Adaptive && !in.decidesThemself()
}

// becauseOfOwnChoice says who decided, where each person decides for themself.
func (d *Decision) becauseOfOwnChoice(in Input) {
	switch {
	case in.OwnChoice:
		d.because("policy.own_choice")
	case in.Tenant.Choice == tenant.Optional:
		d.because("policy.optional", "Company", in.Tenant.Name)
	case in.ofCompany():
		d.becauseOfStep(in)
	default:
		d.because("policy.role_optional", "Company", in.Tenant.Name)
	}
}

// RequiredOf reports whether a company leaves people of a role no choice, once two-factor authentication is on.
func RequiredOf(role string, t tenant.Tenant, i tenant.Installation, now time.Time) bool {
	return !Input{
		Now:          now,
		Installation: i.Mandate,
		Tenant:       t,
		Role:         role,
	}.decidesThemself()
}

// LeftOut are the roles whose people decide for themselves, where a second step is required of everyone else.
func LeftOut(t tenant.Tenant, i tenant.Installation, now time.Time) (out []string) {
	if t.Choice == tenant.Optional {
		return nil
	}
	for _, role := range tenant.OptionalRoles() {
		if !RequiredOf(role, t, i, now) {
			out = append(out, role)
		}
	}
	return out
}
