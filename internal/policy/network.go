package policy

import (
	"countersign/internal/tenant"
)

// Origin is where a sign-in comes from.
type Origin struct {
	Judged bool   // false: the question is about someone and not about a sign-in at some place
	IP     string // what is no address is in no network
}

// outside reports whether the company allows no sign-in from where this one comes from.
func (in Input) outside() bool {
	if !in.Origin.Judged || in.Tenant.Networks == "" {
		return false
	}
	switch in.Tenant.NetworkScope {
	case tenant.AdministratorsOnly:
		if !in.Administers {
			return false
		}
	case tenant.AppsOnly:
		if in.OwnPages {
			return false
		}
	}
	return !in.Tenant.Networks.Contains(in.Origin.IP)
}
