package audit

import (
	"slices"
	"testing"
	"time"

	"countersign/internal/db"
	"countersign/internal/db/dbtest"
)

// TestSearchFindsWhatTheWordsMean: whom it concerns, who did it, what it was and in which request; of the own company,
// and not before the time that is given.
// guard: conditions
func TestSearchFindsWhatTheWordsMean(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	dbtest.Each(t, func() time.Time { now = now.Add(time.Millisecond); return now }, func(t *testing.T, d *db.DB) {
		add := func(tenant, name string, e Event) {
			t.Helper()
			e.Result, e.Reason = OK, name
			err := d.InTx(t.Context(), tenant, func(tx *db.Tx) error { return Record(t.Context(), tx, e) })
			if err != nil {
				t.Fatal(err)
			}
		}
		add("acme", "old", Event{Action: UserRole, UserID: "ann", ActorID: "bob", Origin: Origin{RequestID: "R1"}})
		now = now.Add(time.Hour)
		since := now
		add("acme", "self", Event{Action: SignInCompleted, UserID: "ann", ActorID: "ann"})
		add("acme", "to ann", Event{Action: UserRole, UserID: "ann", ActorID: "bob", Origin: Origin{RequestID: "R1"}})
		add("acme", "by ann", Event{Action: UserDisabled, UserID: "cat", ActorID: "ann"})
		add("acme", "cat", Event{Action: UserRole, UserID: "cat", ActorID: "bob"})
		add("other", "theirs", Event{Action: UserRole, UserID: "ann", ActorID: "ann", Origin: Origin{RequestID: "R1"}})
		for name, c := range map[string]struct {
			words  Words
			filter Filter
			want   []string
		}{
			"nothing":  {Words{}, Filter{}, nil},
			"no one":   {Words{People: []string{"dan"}}, Filter{}, nil},
			"a person": {Words{People: []string{"ann"}}, Filter{}, []string{"by ann", "to ann", "self"}},
			"several": {Words{People: []string{"ann", "cat", "x", "y"}}, Filter{},
				[]string{"cat", "by ann", "to ann", "self"}},
			"an event":  {Words{Actions: []Action{UserRole, UserEnabled}}, Filter{}, []string{"cat", "to ann"}},
			"a request": {Words{RequestID: "R1"}, Filter{}, []string{"to ann"}},
			"any": {Words{Actions: []Action{UserDisabled}, RequestID: "R1"}, Filter{},
				[]string{"by ann", "to ann"}},
			"with a filter": {Words{People: []string{"ann"}}, Filter{Prefixes: []string{"user."}},
				[]string{"by ann", "to ann"}},
			"one page": {Words{People: []string{"ann", "cat"}}, Filter{Limit: 2}, []string{"cat", "by ann"}},
		} {
			c.filter.Since = since
			err := d.View(t.Context(), "acme", func(tx *db.Tx) error {
				found, err := Search(t.Context(), tx, c.filter, &c.words)
				rows, got := found.Rows, []string(nil)
				for _, r := range rows {
					got = append(got, r.Reason)
				}
				if !slices.Equal(got, c.want) {
					t.Errorf("%s: %q", name, got)
				}
				if len(rows) > 1 {
					c.filter.Before = rows[0].ID
					next, err := Search(t.Context(), tx, c.filter, &c.words)
					if err != nil || len(next.Rows) == 0 || next.Rows[0].ID != rows[1].ID {
						t.Errorf("%s: the page after: %+v, %v", name, next, err)
					}
				}
				return err
			})
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// TestASearchReadsSoManyRows at once and says where it ended; from there the next one goes on, and nothing is lost.
// guard: bound
func TestASearchReadsSoManyRows(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	dbtest.Each(t, func() time.Time { now = now.Add(time.Millisecond); return now }, func(t *testing.T, d *db.DB) {
		for i := range 10 {
			e := Event{Action: SignInPassword, Result: OK, UserID: "ann", ActorID: "ann"}
			if i == 1 {
				e.Action = SignInCompleted
			}
			err := d.InTx(t.Context(), "acme", func(tx *db.Tx) error { return Record(t.Context(), tx, e) })
			if err != nil {
				t.Fatal(err)
			}
		}
		f, words := Filter{Since: now.Add(-time.Hour)}, Words{Actions: []Action{SignInCompleted}}
		err := d.View(t.Context(), "acme", func(tx *db.Tx) error {
			for step, want := range []struct {
				rows int
				back bool
			}{{0, true}, {0, true}, {1, false}} {
				got, err := search(t.Context(), tx, f, &words, 4)
				if err != nil || len(got.Rows) != want.rows || (got.Back != "") != want.back {
					t.Errorf("step %d: %+v, %v", step, got, err)
				}
				f.Before = got.Back
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// TestWhatIsRareIsFoundAtOnce: what signing in does not write is in an index of its own, with the condition that the
// statements have, and so are failures and addresses.
func TestWhatIsRareIsFoundAtOnce(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	dbtest.Each(t, func() time.Time { now = now.Add(time.Millisecond); return now }, func(t *testing.T, d *db.DB) {
		for i := range 10 {
			e := Event{Action: SignInPassword, Result: OK, UserID: "ann", Origin: Origin{IP: "192.0.2.1"}}
			if i == 1 {
				e.Action, e.Result, e.IP = UserRole, Refused, "192.0.2.2"
			}
			err := d.InTx(t.Context(), "acme", func(tx *db.Tx) error { return Record(t.Context(), tx, e) })
			if err != nil {
				t.Fatal(err)
			}
		}
		err := d.View(t.Context(), "acme", func(tx *db.Tx) error {
			got, err := search(t.Context(), tx, Filter{}, &Words{Actions: []Action{UserRole}}, 8)
			if err != nil || len(got.Rows) != 1 || got.Back != "" {
				t.Errorf("search: %+v, %v", got, err)
			}
			for name, f := range map[string]Filter{
				"kind":    {Prefixes: []string{"user.", "tenant."}},
				"result":  {Result: Refused},
				"address": {IP: "192.0.2.2"},
				"both":    {Result: Refused, Prefixes: []string{"user."}},
			} {
				rows, err := List(t.Context(), tx, f)
				if err != nil || len(rows) != 1 || rows[0].Action != UserRole {
					t.Errorf("%s: %+v, %v", name, rows, err)
				}
			}
			rows, err := List(t.Context(), tx, Filter{Prefixes: []string{"signin.", "user."}})
			if err != nil || len(rows) != 10 {
				t.Errorf("kinds of both sorts: %d rows, %v", len(rows), err)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}
