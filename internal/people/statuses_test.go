package people_test

import (
	"context"
	"math/rand/v2"
	"testing"

	"countersign/internal/db"
	"countersign/internal/people"
	"countersign/internal/policy"
	"countersign/internal/tenant"
)

// TestCountsAreThoseOfTheList: the numbers of a company are those of its list of people, where policy says of each
// person what their status is.
func TestCountsAreThoseOfTheList(t *testing.T) {
	seed := rand.Uint64()
	t.Log("seed", seed)
	each(t, func(r *rig) {
		random := rand.New(rand.NewPCG(seed, 3))
		r.scatter(random, 60)
		met := map[policy.Status]bool{}
		for range 24 {
			r.in("acme", func(ctx context.Context, tx *db.Tx) error { return rearrange(ctx, tx, random) })
			var got, want people.StatusCounts
			r.in("acme", func(ctx context.Context, tx *db.Tx) error {
				company, err := tenant.ByID(ctx, tx, "acme")
				if err != nil {
					return err
				}
				i, err := tenant.LoadInstallation(ctx, tx)
				if err != nil {
					return err
				}
				got, err = people.CountStatuses(ctx, tx, company, i)
				return err
			})
			for _, l := range r.search(people.Search{}) {
				want.People++
				met[l.Status.Status] = true
				switch l.Status.Status {
				case policy.Pending:
					want.Pending++
				case policy.Activated:
					want.Activated++
				case policy.Disabled:
					want.Disabled++
				}
			}
			if got != want {
				t.Errorf("counted %+v, and the list has %+v", got, want)
			}
		}
		if len(met) != 3 {
			t.Errorf("only the statuses %v were met", met)
		}
	})
}
