package people_test

import (
	"fmt"
	"testing"

	"countersign/internal/fault"
	"countersign/internal/people"
	"countersign/internal/user"
)

// TestManyAreAddedAfterALook: the look keeps nothing, a row that fails keeps no other back, and an admin adds no one
// above themselves.
func TestManyAreAddedAfterALook(t *testing.T) {
	each(t, func(r *rig) {
		owner := r.add("acme", "owner", user.Owner)
		rows := []people.Row{
			{Line: 1, Name: "One", Email: "one@many.example"},
			{Line: 2, Name: "Two", Email: "not an address"},
			{Line: 3, Name: "Three", Email: "three@many.example", Role: "operator"},
			{Line: 4, Name: "Four", Email: "four@many.example", Role: "admin"},
		}
		for _, dryRun := range []bool{true, true, false} {
			done, err := r.AddMany(r.t.Context(), owner, "acme", rows, dryRun)
			if err != nil || done.Created != 2 || len(done.Failed) != 2 || done.Failed[1].Line != 3 {
				r.t.Fatalf("dry %v: %+v, %v", dryRun, done, err)
			}
		}
		done, err := r.AddMany(r.t.Context(), owner, "acme", rows, true)
		if err != nil || done.Exists != 2 || done.Created != 0 {
			r.t.Errorf("again: %+v, %v", done, err)
		}
		if _, err := r.AddMany(r.t.Context(), r.add("acme", "agent", user.Agent), "acme", rows, true); !fault.Is(err,
			fault.Denied) {
			r.t.Errorf("an agent: %v", err)
		}
		if _, err := r.AddMany(r.t.Context(), owner, "other", rows, true); err == nil {
			r.t.Error("to another company")
		}
	})
}

// TestManyRowsTryFewAddresses: rows are no way to learn who uses the vendor's products elsewhere.
// guard: RecordTaken
func TestManyRowsTryFewAddresses(t *testing.T) {
	each(t, func(r *rig) {
		owner := r.add("acme", "owner", user.Owner)
		var rows []people.Row
		for i := range 30 {
			name := fmt.Sprintf("p%02d", i)
			r.add("other", name, user.Agent)
			rows = append(rows, people.Row{Line: i + 1, Name: "Someone", Email: name + "@x.example"})
		}
		done, err := r.AddMany(r.t.Context(), owner, "acme", rows[:5], true)
		if err != nil || len(done.Failed) != 5 {
			r.t.Fatalf("five: %+v, %v", done, err)
		}
		done, err = r.AddMany(r.t.Context(), owner, "acme", rows, true)
		if !fault.Is(err, fault.RateLimited) || len(done.Failed) > 0 {
			r.t.Errorf("thirty: %+v, %v", done, err)
		}
		if _, err := r.AddMany(r.t.Context(), owner, "acme", rows[:1], true); !fault.Is(err, fault.RateLimited) {
			r.t.Errorf("after that: %v", err)
		}
	})
}
