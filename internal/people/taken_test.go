package people_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/internal/access"
	"countersign/internal/audit"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/gate/gatetest"
	"countersign/internal/people"
	"countersign/internal/user"
)

// TestNoOneTriesManyAddressesUnseen: whether an address is taken in another company shows when someone adds it. Each
// try is recorded, without the address, and more than 20 an hour are refused before anything is learnt.
// guard: RecordTaken
// guard: mayTryAddress
func TestNoOneTriesManyAddressesUnseen(t *testing.T) {
	each(t, func(r *rig) {
		admin, second := from(r.add("acme", "ada", user.Admin)), r.add("acme", "second", user.Admin)
		r.add("other", "stranger", user.Agent)
		add := func(by access.Actor, address string) error {
			_, err := r.Add(t.Context(), by, "acme", people.New{
				Email:    address,
				Name:     "N",
				Role:     user.Agent,
				Language: "en",
			})
			return err
		}
		for n := range 20 {
			if err := add(admin, "stranger@x.example"); fault.Of(err).Message != user.AddressTaken {
				t.Fatal(n, err)
			}
		}
		for _, address := range []string{"stranger@x.example", "free@x.example"} {
			if err := add(admin, address); !fault.Is(err, fault.RateLimited) {
				t.Errorf("%s after 20 taken ones: %v", address, err)
			}
		}
		var rows []audit.Row
		r.in("acme", func(ctx context.Context, tx *db.Tx) (err error) {
			rows, err = audit.List(ctx, tx, audit.Filter{Action: audit.UserCreated, Result: audit.Failed, Limit: 50})
			return err
		})
		if len(rows) != 20 {
			t.Fatalf("%d tries are recorded", len(rows))
		}
		if row := rows[0]; row.Reason != "address_taken" || row.ActorID != admin.UserID || row.IP != "192.0.2.7" ||
			slices.ContainsFunc([]string{row.SubjectID, row.UserID, row.Reason},
				func(s string) bool { return strings.Contains(s, "stranger") }) {
			t.Errorf("%+v", row)
		}
		if err := add(second, "free@x.example"); err != nil {
			t.Errorf("another administrator: %v", err)
		}
		r.at = r.at.Add(time.Hour)
		if err := add(gatetest.SignIn(t, r.DB, "acme", admin.UserID), "later@x.example"); err != nil {
			t.Errorf("an hour later: %v", err)
		}
		if err := add(access.Server, "stranger@x.example"); fault.Of(err).Message != user.AddressTaken {
			t.Errorf("the command line: %v", err)
		}
	})
}

// TestAnAddressThatIsTakenIsRecordedWhereItIsChanged, too, from the same budget.
func TestAnAddressThatIsTakenIsRecordedWhereItIsChanged(t *testing.T) {
	each(t, func(r *rig) {
		admin, mia := r.add("acme", "ada", user.Admin), r.add("acme", "mia", user.Agent)
		r.add("other", "stranger", user.Agent)
		change := func(address string) error {
			return r.Change(t.Context(), admin, ref(mia), people.Changes{Email: &address})
		}
		for n := range 20 {
			if err := change("stranger@x.example"); fault.Of(err).Message != user.AddressTaken {
				t.Fatal(n, err)
			}
		}
		for _, address := range []string{"stranger@x.example", "free@x.example"} {
			if err := change(address); fault.Of(err).Message != "people.taken_often" {
				t.Errorf("%s after 20 taken ones: %v", address, err)
			}
		}
		if n := r.number(`SELECT count(*) FROM audit_events WHERE tenant_id = 'acme' AND action = 'user.address'
			AND result = 'failed' AND reason = 'address_taken'`); n != 20 {
			t.Errorf("%d tries are recorded", n)
		}
	})
}
