package access_test

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"countersign/internal/access"
	"countersign/internal/audit"
	"countersign/internal/fault"
	"countersign/internal/user"
)

var update = flag.Bool("update", false, "write docs/access.md anew")

// TestDocumentedTable keeps docs/access.md equal to the code.
func TestDocumentedTable(t *testing.T) {
	const path = "../../docs/access.md"
	if *update {
		if err := os.WriteFile(path, []byte(access.Markdown()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	stored, err := os.ReadFile(path)
	if err != nil || string(stored) != access.Markdown() {
		t.Errorf("docs/access.md differs from the code (%v): run go test ./internal/access -update", err)
	}
}

var roles = []user.Role{user.Agent, user.Supervisor, user.Admin, user.Owner, user.Support, user.Operator, "janitor", ""}

// one is one combination of actor, action and target.
type one struct {
	actor  access.Actor
	action access.Action
	target access.Target
}

func (o one) allowed() bool { return access.Check(o.actor, o.action, o.target) == nil }

func (o one) self() bool {
	return o.target.UserID != "" && o.target.UserID == o.actor.UserID && o.target.TenantID == o.actor.TenantID
}

func (o one) concernsPeople() bool { return strings.HasPrefix(string(o.action), "people.") }

func (o one) looks() bool {
	return slices.Contains([]access.Action{
		access.ListPeople, access.ListMethods, access.ViewCompany, access.ListCompanies, access.ViewActivity,
		access.ViewInstallation, access.ViewApps, access.ViewSharing, access.ViewDelivery,
	}, o.action)
}

// everyone goes through all actors, in a company and in the vendor's tenant, all actions and all targets: no one in
// particular, the actor, someone else, in the same tenant and in another.
func everyone(fn func(one)) {
	actions := append(access.Actions(), "people.everything", "")
	for _, role := range roles {
		for _, vendor := range []bool{false, true} {
			actor := actorWith(access.Person, role, vendor)
			for _, action := range actions {
				for _, target := range targets() {
					fn(one{actor, action, target})
				}
			}
		}
	}
}

func actorWith(kind access.Kind, role user.Role, vendor bool) access.Actor {
	return access.Actor{
		Kind:     kind,
		TenantID: "here",
		UserID:   "me",
		Role:     role,
		Vendor:   vendor,
	}
}

func targets() (out []access.Target) {
	for _, tenant := range []string{"here", "elsewhere", ""} {
		for _, id := range []string{"", "me", "you"} {
			for _, role := range roles {
				out = append(out, access.Target{TenantID: tenant, UserID: id, Role: role})
			}
		}
	}
	return out
}

// height is the order of roles as the product describes it, written apart from the table.
var height = map[user.Role]int{"agent": 1, "supervisor": 2, "admin": 3, "owner": 4, "support": 5, "operator": 6}

func TestRules(t *testing.T) {
	staff := func(o one) bool { return o.actor.Vendor && (o.actor.Role == "operator" || o.actor.Role == "support") }
	operator := func(o one) bool { return staff(o) && o.actor.Role == "operator" }
	// Each rule says what must never be allowed.
	never := map[string]func(o one) bool{
		"an unknown action":    func(o one) bool { return !slices.Contains(access.Actions(), o.action) },
		"an unknown role acts": func(o one) bool { return height[o.actor.Role] == 0 },
		"an agent acts":        func(o one) bool { return o.actor.Role == "agent" },
		"a vendor's role acts in a company": func(o one) bool {
			return !o.actor.Vendor && (o.actor.Role == "operator" || o.actor.Role == "support")
		},
		"a company's role acts in the vendor's tenant": func(o one) bool { return o.actor.Vendor && !staff(o) },
		"a company reaches another": func(o one) bool {
			return !staff(o) &&
				o.target.TenantID != "here"
		},
		"support changes something": func(o one) bool {
			return o.actor.Role == "support" &&
				!o.looks()
		},
		"a supervisor does more than look and remind": func(o one) bool {
			return o.actor.Role == "supervisor" && !o.looks() && o.action != access.RemindPerson
		},
		"a supervisor looks at settings": func(o one) bool {
			return o.actor.Role == "supervisor" &&
				!o.concernsPeople()
		},
		"someone changes themselves": func(o one) bool { return o.concernsPeople() && o.self() && !o.looks() },
		"someone acts on a higher role": func(o one) bool {
			return o.concernsPeople() && !o.looks() && height[o.target.Role] > height[o.actor.Role]
		},
		"someone but owners and operators acts on their own role": func(o one) bool {
			return o.concernsPeople() && !o.looks() && o.target.Role == o.actor.Role &&
				o.actor.Role != "owner" && o.actor.Role != "operator"
		},
		"a change gives or meets an unknown role": func(o one) bool {
			return o.concernsPeople() && !o.looks() && height[o.target.Role] == 0
		},
		"a role of the vendor's staff outside its tenant": func(o one) bool {
			vendors := height[o.target.Role] > height["owner"] && o.target.TenantID != ""
			return vendors && (o.target.TenantID != "here" || !staff(o))
		},
		"an owner recovers another owner": func(o one) bool {
			recovers := []access.Action{access.ResetMethods, access.RestoreMethod, access.ChangeAddress,
				access.Demote}
			return o.actor.Role == "owner" && o.target.Role == "owner" && slices.Contains(recovers, o.action)
		},
		"an operator takes over an owner or an operator": func(o one) bool {
			return takesOver(o.action) && slices.Contains([]user.Role{"owner", "operator"}, o.target.Role)
		},
		"an operator lets another use a suspended method": func(o one) bool {
			return o.action == access.RestoreMethod && o.target.Role == "operator"
		},
		"a person gives an owner another role": func(o one) bool { return o.action == access.Demote },
		"a company sets a password":            func(o one) bool { return !staff(o) && o.action == access.SetPassword },
		"someone but an owner or operator weakens a company": func(o one) bool {
			weakens := []access.Action{access.SwitchOff, access.SetChoice, access.SetApps, access.LeaveToEmail}
			return slices.Contains(weakens, o.action) &&
				o.actor.Role != "owner" && !operator(o)
		},
		"a company does what is the vendor's": func(o one) bool {
			vendors := []access.Action{
				access.CreateCompany, access.ListCompanies, access.SuspendCompany, access.SetMandate,
				access.OverrideMandate,
			}
			return !staff(o) && (slices.Contains(vendors, o.action) ||
				strings.HasPrefix(string(o.action), "installation.") || strings.HasPrefix(string(o.action), "apps."))
		},
		"a company is left without an owner": func(o one) bool { return o.action == access.RemoveLastOwner },
	}
	allowed := 0
	everyone(func(o one) {
		if !o.allowed() {
			return
		}
		allowed++
		for rule, broken := range never {
			if broken(o) {
				t.Errorf("%s: %+v", rule, o)
			}
		}
	})
	if allowed < 200 {
		t.Errorf("only %d combinations are allowed", allowed)
	}
}

// takesOver is whether an action opens someone's account to the person who does it.
func takesOver(a access.Action) bool {
	return a == access.SetPassword || a == access.ChangeAddress || a == access.ResetMethods || a == access.LeaveToEmail
}

// TestRulesThatAllow holds what each role can do.
func TestRulesThatAllow(t *testing.T) {
	everyone(func(o one) {
		inCompany := o.target.TenantID == "elsewhere" && height[o.target.Role] < height["support"]
		changesPeople := o.concernsPeople() && !o.looks() && height[o.target.Role] > 0
		below := !o.actor.Vendor && o.target.TenantID == "here" && o.target.UserID == "you" && o.target.Role != "" &&
			height[o.target.Role] < height[o.actor.Role] && height[o.target.Role] > 0
		var must bool
		switch {
		case !slices.Contains(access.Actions(), o.action):
		case o.actor.Vendor && o.actor.Role == "operator" && inCompany && o.action != access.RemoveLastOwner:
			mine := o.action != access.Demote && !(takesOver(o.action) && o.target.Role == "owner")
			must = changesPeople && mine || strings.HasPrefix(string(o.action), "company.") ||
				o.looks() && o.concernsPeople()
		case o.actor.Role == "owner" || o.actor.Role == "admin":
			must = below && height[o.actor.Role] < height["support"] && changesPeople &&
				o.action != access.SetPassword && o.action != access.Demote &&
				!(o.action == access.LeaveToEmail && o.actor.Role == "admin")
		case o.actor.Role == "supervisor":
			must = below && o.action == access.RemindPerson
		}
		if must && !o.allowed() {
			t.Errorf("refused: %+v", o)
		}
	})
}

func TestOwnersActOnOtherOwners(t *testing.T) {
	owner := actorWith(access.Person, user.Owner, false)
	other := access.Target{TenantID: "here", UserID: "you", Role: user.Owner}
	actions := []access.Action{access.ChangeRole, access.DisablePerson, access.EnablePerson, access.InvitePerson}
	for _, action := range actions {
		if err := access.Check(owner, action, other); err != nil {
			t.Errorf("%s: %v", action, err)
		}
	}
}

func TestOtherKindsOfActor(t *testing.T) {
	for _, action := range access.Actions() {
		for _, target := range targets() {
			if err := access.Check(access.Server, action, target); err != nil {
				t.Errorf("the command line: %s %+v: %v", action, target, err)
			}
			for _, kind := range []access.Kind{access.APIKey, access.SCIM, "other", ""} {
				a := actorWith(kind, user.Operator, true)
				if err := access.Check(a, action, target); !fault.Is(err, fault.Denied) {
					t.Errorf("%q: %s %+v: %v", kind, action, target, err)
				}
			}
		}
	}
	if err := access.Check(access.Server, "other", access.Target{}); !fault.Is(err, fault.Denied) {
		t.Errorf("an unknown action of the command line: %v", err)
	}
}

func TestActorID(t *testing.T) {
	person := access.Actor{Kind: access.Person, UserID: "me"}
	if person.ID() != "me" || access.Server.ID() != "command-line" {
		t.Errorf("%q, %q", person.ID(), access.Server.ID())
	}
}

// TestEveryChangeHasAnEventOfItsOwn, also where it is refused. What only looks shares one.
func TestEveryChangeHasAnEventOfItsOwn(t *testing.T) {
	for _, action := range access.Actions() {
		r := &access.Refusal{Action: action, Cause: access.ErrFreshProofNeeded}
		shared := r.Event().Action == audit.AdministrationRefused
		exception := action == access.RemoveLastOwner
		if looks := (one{action: action}).looks(); shared != looks && !exception {
			t.Errorf("%s: %s", action, r.Event().Action)
		}
	}
}
