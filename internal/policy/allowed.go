package policy

import (
	"slices"

	"countersign/internal/authenticator"
	"countersign/internal/tenant"
)

// Allowed is what vendor and company allow as a second step.
type Allowed struct{ Vendor, Company tenant.Methods }

// AllowedIn is what the vendor and a company allow its people.
func AllowedIn(t tenant.Tenant, i tenant.Installation) Allowed {
	return Allowed{Vendor: t.VendorMethods(i), Company: t.Methods}
}

// Allows reports whether both allow a kind. Backup codes go with the methods that they stand in
// for.
func (a Allowed) Allows(k authenticator.Kind) bool {
	if k == authenticator.Backup {
		return slices.ContainsFunc(authenticator.SecondSteps, func(s authenticator.Kind) bool {
			return s != authenticator.Backup && s != authenticator.Email && a.Allows(s)
		})
	}
	return a.Vendor.Allow(string(k)) && a.Company.Allow(string(k))
}

// Usable returns, in the same order, the kinds that a sign-in may ask for of those that someone
// has: the allowed ones, without the mailbox where an allowed second factor is among them.
func (a Allowed) Usable(has []authenticator.Kind) (out []authenticator.Kind) {
	stronger := a.Factor(has)
	for _, k := range has {
		if a.Allows(k) && k != authenticator.Password && !(stronger && k == authenticator.Email) {
			out = append(out, k)
		}
	}
	return out
}

// Enrollable are those of the bindable kinds that someone may set up, in the same order. Backup
// codes stand in for a second factor, so they come after one that is allowed.
func (a Allowed) Enrollable(has, bindable []authenticator.Kind) (out []authenticator.Kind) {
	factor := a.Factor(has)
	for _, k := range bindable {
		if a.Allows(k) && (k != authenticator.Backup || factor) {
			out = append(out, k)
		}
	}
	return out
}

// Factor reports whether a second factor that is allowed is among the kinds.
func (a Allowed) Factor(kinds []authenticator.Kind) bool {
	return slices.ContainsFunc(kinds, func(k authenticator.Kind) bool { return Factor(k) && a.Allows(k) })
}

// Factors are the second factors among what is allowed, strongest first.
func (a Allowed) Factors() (out []authenticator.Kind) {
	for _, k := range authenticator.SecondSteps {
		if Factor(k) && a.Allows(k) {
			out = append(out, k)
		}
	}
	return out
}

// Reachable is the strongest level that kinds reach together with the password.
func Reachable(kinds []authenticator.Kind) Level {
	highest := PasswordOnly
	for _, k := range kinds {
		if l := Reached([]authenticator.Proof{{Kind: authenticator.Password}, best(k)}); l.AtLeast(highest) {
			highest = l
		}
	}
	return highest
}

// best is the strongest proof that a kind can be: a passkey with the person verified.
func best(k authenticator.Kind) authenticator.Proof {
	if k == authenticator.Passkey {
		k += authenticator.UserVerified
	}
	return authenticator.Proof{Kind: k}
}
