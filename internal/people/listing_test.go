package people_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/internal/access"
	"countersign/internal/db"
	"countersign/internal/people"
	"countersign/internal/policy"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// scatter gives a company people whose methods and marks differ at random.
func (r *rig) scatter(random *rand.Rand, n int) {
	r.t.Helper()
	for i := range n {
		role := []user.Role{user.Owner, user.Admin, user.Supervisor, user.Agent}[random.IntN(4)]
		a := r.add("acme", fmt.Sprintf("person-%03d", i), role)
		r.in("acme", func(ctx context.Context, tx *db.Tx) error {
			mark := func() int64 { return int64(random.IntN(2)) * 1000 }
			_, err := tx.Exec(ctx, `
				UPDATE users SET disabled_at = $1, password_flagged_at = $2, second_step_at = $3, first_factor_at = $4,
					released_at = $5, signed_in_at = $6
				WHERE tenant_id = $7 AND id = $8`,
				mark()*mark()/1000, mark(), mark(), mark(), mark(), mark(), tx.Tenant, a.UserID)
			if err != nil {
				return err
			}
			if mark() == 0 {
				if _, err := tx.Exec(ctx, `DELETE FROM sessions
					WHERE tenant_id = $1 AND user_id = $2`, tx.Tenant, a.UserID); err != nil {
					return err
				}
			}
			for _, kind := range []string{"sms", "totp", "passkey", "push", "backup"} {
				if random.IntN(3) > 0 {
					continue
				}
				_, err := tx.Exec(ctx, `
					INSERT INTO authenticators (tenant_id, id, user_id, kind, label, failures, bound_at, last_used_at,
						disabled_at)
					VALUES ($1, $2, $3, $4, '', 0, $5, $6, $7)`,
					tx.Tenant, tx.NewID(), a.UserID, kind, tx.Now, mark(), mark())
				if err != nil {
					return err
				}
			}
			_, err = tx.Exec(ctx, `UPDATE authenticators SET disabled_at = $1
				WHERE tenant_id = $2 AND user_id = $3 AND kind = 'email'`, mark()*mark()/1000, tx.Tenant, a.UserID)
			return err
		})
	}
}

func (r *rig) search(q people.Search) []people.Listed {
	r.t.Helper()
	q.Limit = 500
	p, err := r.Search(r.t.Context(), access.Server, "acme", q)
	if err != nil {
		r.t.Fatal(err)
	}
	return p.People
}

func addresses(all []people.Listed, keep func(people.Listed) bool) (out []string) {
	for _, l := range all {
		if keep(l) {
			out = append(out, l.User.Email)
		}
	}
	return out
}

// TestSearchFindsStatuses: what the database selects by status is what policy decides for each person.
func TestSearchFindsStatuses(t *testing.T) {
	seed := rand.Uint64()
	t.Log("seed", seed)
	each(t, func(r *rig) {
		random := rand.New(rand.NewPCG(seed, 1))
		r.scatter(random, 60)
		rules := map[policy.Rule]bool{}
		for range 24 {
			r.in("acme", func(ctx context.Context, tx *db.Tx) error { return rearrange(ctx, tx, random) })
			everyone := slices.Concat(r.search(people.Search{}), r.search(people.Search{View: people.DisabledAccounts}))
			if len(everyone) != 60 {
				r.t.Fatalf("%d people", len(everyone))
			}
			for _, status := range []policy.Status{policy.Pending, policy.Activated, policy.Disabled} {
				got := addresses(slices.Concat(r.search(people.Search{Status: status}),
					r.search(people.Search{Status: status, View: people.DisabledAccounts})), everyListed)
				want := addresses(everyone, func(l people.Listed) bool { return l.Status.Status == status })
				slices.Sort(got)
				slices.Sort(want)
				if !slices.Equal(got, want) {
					r.t.Errorf("%s: %v, and policy says %v", status, got, want)
				}
			}
			p, err := r.Search(r.t.Context(), access.Server, "acme", people.Search{Limit: 1})
			if err != nil {
				r.t.Fatal(err)
			}
			rules[p.Rule] = true
		}
		if len(rules) != 3 {
			r.t.Errorf("only the rules %v were met", rules)
		}
	})
}

func everyListed(people.Listed) bool { return true }

// rearrange gives the company other rules.
func rearrange(ctx context.Context, tx *db.Tx, random *rand.Rand) error {
	methods := []tenant.Methods{"", "totp passkey", "email", "email sms", "push sms", "passkey backup"}
	if err := tenant.SetMethods(ctx, tx, methods[random.IntN(len(methods))]); err != nil {
		return err
	}
	choice := []tenant.Choice{tenant.Required, tenant.Optional}[random.IntN(2)]
	if err := tenant.SetChoice(ctx, tx, choice); err != nil {
		return err
	}
	if err := tenant.SetRoles(ctx, tx, someRoles(random)); err != nil {
		return err
	}
	if random.IntN(3) == 0 {
		return tenant.SwitchOff(ctx, tx)
	}
	days := time.Duration(random.IntN(9)) * 24 * time.Hour
	if err := tenant.SwitchOnFrom(ctx, tx, tx.Now.Add(-days)); err != nil {
		return err
	}
	if err := tenant.SetStepDays(ctx, tx, random.IntN(4)); err != nil {
		return err
	}
	deadline := []time.Time{{}, tx.Now.Add(time.Hour)}[random.IntN(2)]
	if err := tenant.SetDeadline(ctx, tx, deadline); err != nil {
		return err
	}
	mode := []tenant.Mode{tenant.DefaultOff, tenant.DefaultOff, tenant.Mandatory}[random.IntN(3)]
	return tenant.SetMandate(ctx, tx, tenant.Mandate{Mode: mode})
}

// someRoles is one of the lists of roles that there are.
func someRoles(random *rand.Rand) tenant.Roles {
	return []tenant.Roles{"", "owner admin", "owner admin agent", "owner admin supervisor"}[random.IntN(4)]
}

// TestSearchPages: pages of any size hold everyone once, in order.
func TestSearchPages(t *testing.T) {
	each(t, func(r *rig) {
		r.scatter(rand.New(rand.NewPCG(1, 2)), 20)
		all := addresses(r.search(people.Search{}), everyListed)
		var paged []string
		for after := ""; ; {
			p, err := r.Search(r.t.Context(), access.Server, "acme", people.Search{After: after, Limit: 3})
			if err != nil {
				t.Fatal(err)
			}
			paged = append(paged, addresses(p.People, everyListed)...)
			if !p.More {
				break
			}
			after = p.People[len(p.People)-1].User.ID
		}
		if !slices.Equal(all, paged) || !slices.IsSorted(all) {
			t.Errorf("%v in pages, %v at once", paged, all)
		}
	})
}

// TestSearchByText: a part of the name or address finds a person, and signs that mean something to LIKE do not.
func TestSearchByText(t *testing.T) {
	each(t, func(r *rig) {
		r.add("acme", "zoe", user.Agent)
		r.add("acme", "yan_ni", user.Agent)
		for text, want := range map[string]int{
			"ZO": 1, "x.example": 2, "_": 1, "%": 0, `\`: 0, "o%": 0, " yan ": 1, "'": 0,
		} {
			if got := len(r.search(people.Search{Text: text})); got != want {
				t.Errorf("%q finds %d people, not %d", text, got, want)
			}
		}
	})
}

// TestAWholeAddressFindsItsPerson alone and at once, however many people are looked at.
func TestAWholeAddressFindsItsPerson(t *testing.T) {
	each(t, func(r *rig) {
		for _, name := range []string{"ann", "bert", "joann"} {
			r.add("acme", name, user.Agent)
		}
		for text, want := range map[string][]string{
			"joann@x.example":   {"joann@x.example"},
			" Ann@X.example ":   {"ann@x.example"},
			"nn@x.example":      {"ann@x.example", "joann@x.example"},
			"nobody@x.example":  nil,
			"joann@y.example":   nil,
			"bert@x.example.de": nil,
		} {
			got := addresses(r.search(people.Search{Text: text}), everyListed)
			if !slices.Equal(got, want) {
				t.Errorf("%q finds %v, not %v", text, got, want)
			}
		}
		one := r.search(people.Search{Text: "joann@x.example", Within: 1})
		if len(one) != 1 {
			t.Errorf("%d people are found who are not the first", len(one))
		}
	})
}

// TestChosenPeopleAreReadInParts: a plan has all of them, by address.
func TestChosenPeopleAreReadInParts(t *testing.T) {
	each(t, func(r *rig) {
		ids := r.several("acme", "p", 45)
		slices.Reverse(ids)
		plan, err := r.PlanBulk(t.Context(), access.Server, "acme", people.Bulk{Kind: people.BulkSignOut, IDs: ids})
		if err != nil || plan.Matched != len(ids) {
			t.Fatalf("%d of %d, %v", plan.Matched, len(ids), err)
		}
		byAddress := func(a, b user.User) int { return strings.Compare(a.Email, b.Email) }
		if !slices.IsSortedFunc(plan.First, byAddress) || plan.First[0].Email != "p0@x.example" {
			t.Errorf("%+v", plan.First)
		}
	})
}

// TestSearchViews: each saved view finds whom it names.
func TestSearchViews(t *testing.T) {
	each(t, func(r *rig) {
		r.scatter(rand.New(rand.NewPCG(3, 4)), 40)
		all := r.search(people.Search{})
		works := func(l people.Listed, kinds ...string) (n int) {
			for _, m := range l.Methods {
				if !m.OutOfOrder && slices.Contains(kinds, string(m.Kind)) {
					n++
				}
			}
			return n
		}
		for view, keep := range map[people.SavedView]func(people.Listed) bool{
			people.OneMethodOwners: func(l people.Listed) bool {
				return l.User.Role == user.Owner && works(l, "sms", "totp", "passkey", "push") < 2
			},
			people.WeakMethods:   func(l people.Listed) bool { return works(l, "totp", "passkey", "push") == 0 },
			people.NeverSignedIn: func(l people.Listed) bool { return l.SignedInAt.IsZero() },
			people.Invited:       func(l people.Listed) bool { return l.Invited },
		} {
			got, want := addresses(r.search(people.Search{View: view}), everyListed), addresses(all, keep)
			if !slices.Equal(got, want) || len(want) == 0 {
				t.Errorf("%s: %v, not %v", view, got, want)
			}
		}
	})
}

// TestASearchGoesOnAfterWhomItLookedAt: in steps it finds the same people, and none of them twice.
func TestASearchGoesOnAfterWhomItLookedAt(t *testing.T) {
	each(t, func(r *rig) {
		random := rand.New(rand.NewPCG(1, 2))
		r.scatter(random, 60)
		for _, q := range []people.Search{{}, {Status: policy.Pending}, {Status: policy.Disabled}, {Text: "person-00"},
			{Text: "no one"}, {Role: user.Agent}, {View: people.NoWayIn}, {View: people.DisabledAccounts},
			{View: people.WeakMethods},
			{View: people.NeverSignedIn, Role: user.Agent}, {View: people.OneMethodOwners, Role: user.Owner}} {
			want := addresses(r.search(q), everyListed)
			for _, within := range []int{1, 7, 59, 60, 61, 1000} {
				q.Within, q.Limit, q.After = within, 4, ""
				var got []string
				for {
					p, err := r.Search(r.t.Context(), access.Server, "acme", q)
					if err != nil {
						r.t.Fatal(err)
					}
					got = append(got, addresses(p.People, everyListed)...)
					if q.After = p.LookedTo.ID; p.More {
						q.After = p.People[len(p.People)-1].User.ID
					}
					if q.After == "" {
						break
					}
				}
				if !slices.Equal(got, want) {
					r.t.Errorf("%+v: %v, want %v", q, got, want)
				}
			}
		}
	})
}
