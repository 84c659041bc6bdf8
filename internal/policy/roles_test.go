package policy

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"countersign/internal/fault"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

var allRoles = []user.Role{user.Owner, user.Admin, user.Supervisor, user.Agent, user.Operator, user.Support}

// TestRolesAreThoseOfPeople: each role of a company may stand in a list, and no other word.
func TestRolesAreThoseOfPeople(t *testing.T) {
	for given, want := range map[tenant.Roles]tenant.Roles{
		"": "", "owner admin": "owner admin", " agent  admin owner agent ": "owner admin agent",
		"supervisor owner admin": "owner admin supervisor", "agent supervisor admin owner": "",
	} {
		if clean, err := given.Clean(); err != nil || clean != want {
			t.Errorf("%q: %q, %v", given, clean, err)
		}
	}
	for given, want := range map[tenant.Roles]string{
		" ": "tenant.roles_without_admins", "\t": "tenant.roles_without_admins", "owner": "tenant.roles_without_admins",
		"admin agent": "tenant.roles_without_admins", "owner agent supervisor": "tenant.roles_without_admins",
		"owner admin other": "tenant.unknown_required_role", "owner,admin": "tenant.unknown_required_role",
		"Owner admin": "tenant.unknown_required_role", "owner admin operator": "tenant.unknown_required_role",
	} {
		if clean, err := given.Clean(); !fault.Is(err, fault.Invalid) || fault.Of(err).Message != want {
			t.Errorf("%q: %q, %v", given, clean, err)
		}
		for _, role := range append(allRoles, "", "other") {
			if !given.Include(string(role)) {
				t.Errorf("%q, which no one understands, leaves out %q", given, role)
			}
		}
	}
	for _, role := range append(allRoles, "", "other", "Agent", " agent") {
		left := !tenant.Roles("owner admin").Include(string(role))
		if want := role == user.Agent || role == user.Supervisor; left != want {
			t.Errorf("%q is left out: %v", role, left)
		}
	}
	for typed, want := range map[string]tenant.Roles{
		"all": "", "owner,admin": "owner admin", "agent, admin,owner": "owner admin agent",
	} {
		if got, err := tenant.ParseRoles(typed); err != nil || got != want {
			t.Errorf("typed %q: %q, %v", typed, got, err)
		}
	}
	for _, typed := range []string{"", ",", "owner", "all,owner,admin", "everyone"} {
		if got, err := tenant.ParseRoles(typed); err == nil {
			t.Errorf("typed %q: %q", typed, got)
		}
	}
}

// sameButReasons reports whether two decisions differ in their words only.
func sameButReasons(a, b Decision) bool {
	a.Because, b.Because = nil, nil
	return reflect.DeepEqual(a, b)
}

// TestARoleThatIsLeftOutDecidesForItself: someone whose role is left out is treated exactly as where each person
// decides; everyone else, and everyone under the vendor's mandate, as without a list.
//
// guard: Input.decidesThemself
func TestARoleThatIsLeftOutDecidesForItself(t *testing.T) {
	left, kept, locked := 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		in := randomInput(t)
		choices := []tenant.Choice{tenant.Required, tenant.Adaptive, "newer"}
		in.Tenant.Choice = rapid.SampledFrom(choices).Draw(t, "a choice")
		optional, plain := in, in
		optional.Tenant.Choice, optional.Tenant.Roles, plain.Tenant.Roles = tenant.Optional, "", ""
		got, asOptional, asPlain := Evaluate(in), Evaluate(optional), Evaluate(plain)
		switch {
		case in.mandated():
			locked++
			if !reflect.DeepEqual(got, asPlain) {
				t.Fatalf("a mandate looks at the list: %+v and %+v", got, asPlain)
			}
		case in.Tenant.Roles.Include(in.Role):
			kept++
			if !reflect.DeepEqual(got, asPlain) {
				t.Fatalf("%q in %q: %+v and %+v", in.Role, in.Tenant.Roles, got, asPlain)
			}
		default:
			left++
			if !sameButReasons(got, asOptional) || !reflect.DeepEqual(StatusOf(in), StatusOf(optional)) {
				t.Fatalf("%q left out of %q: %+v and %+v", in.Role, in.Tenant.Roles, got, asOptional)
			}
			if in.mustSetUp() {
				t.Fatalf("%q decides for themself and must set up a method", in.Role)
			}
			if got.Need.AtLeast(EmailConfirmed) && got.Required && !got.Need.AtLeast(in.Protection()) {
				t.Fatalf("%q needs less than the account's level: %+v", in.Role, got)
			}
		}
	})
	if left < 5 || kept < 5 || locked < 5 {
		t.Errorf("%d left out, %d not, %d under a mandate", left, kept, locked)
	}
}

// TestLeftOutAreThoseWhoDecide: the roles that lists and reports name are those of whom policy requires nothing.
func TestLeftOutAreThoseWhoDecide(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := randomInput(t)
		i := tenant.Installation{Mandate: in.Installation, Methods: in.Methods}
		left := map[string]bool{}
		for _, role := range LeftOut(in.Tenant, i, in.Now) {
			left[role] = true
		}
		for _, role := range allRoles {
			person := Input{
				Now:          in.Now,
				Installation: in.Installation,
				Methods:      in.Methods,
				Tenant:       in.Tenant,
				Role:         string(role),
			}
			required := StatusOf(person).Must
			want := RuleOf(in.Tenant, i, in.Now) == Everyone && !left[string(role)]
			if required != want {
				t.Fatalf("%s of %+v: required %v, and %v are left out", role, in.Tenant, required, left)
			}
		}
	})
}
