package audit

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/internal/db"
	"countersign/internal/db/dbtest"
)

var (
	somePeople  = []string{"", "ann", "bob", "cat", "server"}
	someActions = []Action{SignInPassword, SignInCompleted, TokenIssued, UserRole, UserDisabled, TenantSwitched}
	someResults = []Result{OK, OK, OK, Failed, Refused}
	someApps    = []string{"", "dashboard", "phone"}
	somePlaces  = []string{"", "Zürich, CH", "Madrid, ES", "São Paulo, BR", "50%_\\, XX"}
	someIPs     = []string{
		"", "192.0.2.7", "192.0.2.200", "192.0.3.1", "198.51.100.9", "192.0.2.0/24", "198.51.100.0/24", "2001:db8::1",
		"2001:db8:1::2", "2001:db8:1::/48", "unknown",
	}
	someRequests = []string{"R1", "R2", "R3", "R4"}
)

func oneOf[T any](r *rand.Rand, all []T) T { return all[r.IntN(len(all))] }

// recordSome records random events of two companies at the times that the clock gives.
func recordSome(t *testing.T, d *db.DB, r *rand.Rand, n int) {
	t.Helper()
	for range n {
		e := Event{
			Action:   oneOf(r, someActions),
			Result:   oneOf(r, someResults),
			ActorID:  oneOf(r, somePeople),
			UserID:   oneOf(r, somePeople),
			ClientID: oneOf(r, someApps),
			Origin: Origin{
				RequestID: oneOf(r, someRequests),
				IP:        oneOf(r, someIPs),
				Place:     oneOf(r, somePlaces),
			},
		}
		if r.IntN(3) > 0 {
			e.ActorID = e.UserID
		}
		tenant := oneOf(r, []string{"acme", "acme", "acme", "other"})
		err := d.InTx(t.Context(), tenant, func(tx *db.Tx) error { return Record(t.Context(), tx, e) })
		if err != nil {
			t.Fatal(err)
		}
	}
}

// someFilter asks for a few things of all that a filter can ask for.
func someFilter(r *rand.Rand, began time.Time, span time.Duration) Filter {
	var f Filter
	set := []func(){
		func() { f.UserID = oneOf(r, somePeople) },
		func() { f.ActorID = oneOf(r, somePeople) },
		func() { f.NotActorID = oneOf(r, somePeople) },
		func() { f.By = oneOf(r, []By{BySelf, ByOther}) },
		func() { f.Action = oneOf(r, someActions) },
		func() { f.Result = oneOf(r, someResults) },
		func() { f.Prefixes = oneOf(r, [][]string{{"user."}, {"signin.", "token."}, {"tenant.", "user."}}) },
		func() { f.IP = oneOf(r, someIPs) },
		func() {
			f.Network = netip.MustParsePrefix(oneOf(r, []string{
				"192.0.2.0/24", "192.0.2.0/25", "192.0.0.0/22", "0.0.0.0/0", "2001:db8::/32", "2001:db8:1::/48", "::/0",
			}))
		},
		func() { f.ClientID = oneOf(r, someApps) },
		func() { f.Place = oneOf(r, []string{"zÜRICH", "são", "es", "%", "_", "nowhere"}) },
		func() { f.RequestID = oneOf(r, someRequests) },
		func() { f.Since = began.Add(time.Duration(r.Int64N(int64(span)))) },
		func() { f.Until = began.Add(time.Duration(r.Int64N(int64(span)))) },
	}
	for range r.IntN(4) {
		oneOf(r, set)()
	}
	return f
}

func someWords(r *rand.Rand) *Words {
	switch r.IntN(4) {
	case 0:
		return &Words{People: []string{oneOf(r, somePeople[1:])}, Actions: []Action{oneOf(r, someActions)}}
	case 1:
		return &Words{
			People:    []string{"ann", "bob", "cat", "dan"},
			Actions:   []Action{oneOf(r, someActions), oneOf(r, someActions)},
			RequestID: oneOf(r, someRequests),
		}
	}
	return nil
}

// selects is what a filter means, in plain words. A network of an address is written out bit by bit.
func (f Filter) selects(r Row) bool {
	equal := func(want, got string) bool { return want == "" || want == got }
	by := map[By]bool{
		"":      true,
		BySelf:  r.ActorID != "" && r.ActorID == r.UserID,
		ByOther: r.ActorID != "" && r.ActorID != r.UserID,
	}
	prefixed := func(p string) bool { return strings.HasPrefix(string(r.Action), p) }
	return equal(f.UserID, r.UserID) && equal(f.ActorID, r.ActorID) && equal(f.ClientID, r.ClientID) &&
		equal(f.RequestID, r.RequestID) && equal(f.IP, r.IP) && equal(string(f.Action), string(r.Action)) &&
		equal(string(f.Result), string(r.Result)) && by[f.By] &&
		(f.NotActorID == "" || f.NotActorID != r.ActorID) &&
		(len(f.Prefixes) == 0 || slices.ContainsFunc(f.Prefixes, prefixed)) &&
		(f.Place == "" || strings.Contains(strings.ToUpper(r.Place), strings.ToUpper(f.Place))) &&
		(!f.Network.IsValid() || slices.Contains(networksOf[r.IP], f.Network.String())) &&
		(f.Since.IsZero() || !r.At.Before(f.Since)) && (f.Until.IsZero() || r.At.Before(f.Until))
}

// networksOf are the networks of someFilter that each address lies in.
var networksOf = map[string][]string{
	"192.0.2.7":       {"192.0.2.0/24", "192.0.2.0/25", "192.0.0.0/22", "0.0.0.0/0"},
	"192.0.2.200":     {"192.0.2.0/24", "192.0.0.0/22", "0.0.0.0/0"},
	"192.0.3.1":       {"192.0.0.0/22", "0.0.0.0/0"},
	"198.51.100.9":    {"0.0.0.0/0"},
	"192.0.2.0/24":    {"192.0.2.0/24", "192.0.0.0/22", "0.0.0.0/0"},
	"198.51.100.0/24": {"0.0.0.0/0"},
	"2001:db8::1":     {"2001:db8::/32", "::/0"},
	"2001:db8:1::2":   {"2001:db8::/32", "2001:db8:1::/48", "::/0"},
	"2001:db8:1::/48": {"2001:db8::/32", "2001:db8:1::/48", "::/0"},
}

func (w *Words) selects(r Row) bool {
	if w == nil {
		return true
	}
	return slices.Contains(w.Actions, r.Action) || w.RequestID != "" && w.RequestID == r.RequestID ||
		slices.Contains(w.People, r.UserID) || r.ActorID != "" && slices.Contains(w.People, r.ActorID)
}

// page is one answer: from the row Before on, and where the next one begins.
func page(t *testing.T, tx *db.Tx, f Filter, w *Words, most int) (rows []Row, next string) {
	t.Helper()
	found, err := search(t.Context(), tx, f, w, most)
	if err != nil {
		t.Fatal(err)
	}
	if len(found.Rows) == f.Limit {
		return found.Rows, found.Rows[len(found.Rows)-1].ID
	}
	return found.Rows, found.Back
}

// TestEveryFilterFindsWhatItSays: whatever is asked for together, with whatever words and however few rows are read at
// once, the pages one after the other have the rows that a plain look at all rows selects, each once and newest first.
// guard: bound
func TestEveryFilterFindsWhatItSays(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	tick := func() time.Time { now = now.Add(317 * time.Microsecond); return now }
	dbtest.Each(t, tick, func(t *testing.T, d *db.DB) {
		seed := uint64(time.Now().UnixNano())
		t.Logf("seed %d", seed)
		r := rand.New(rand.NewPCG(seed, 1))
		began := now
		recordSome(t, d, r, 250)
		span := now.Sub(began)
		err := d.View(t.Context(), "acme", func(tx *db.Tx) error {
			all, err := List(t.Context(), tx, Filter{Limit: 1000})
			if err != nil {
				return err
			}
			for range 150 {
				f, words := someFilter(r, began, span), someWords(r)
				f.Limit = 1 + r.IntN(40)
				most := oneOf(r, []int{1, 20, 60, 10_000})
				compare(t, tx, all, f, words, most)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// compare reads all pages of a search, and all rows.
func compare(t *testing.T, tx *db.Tx, all []Row, f Filter, w *Words, most int) {
	t.Helper()
	var want, got []string
	for _, row := range all {
		if f.selects(row) && w.selects(row) {
			want = append(want, row.ID)
		}
	}
	for steps := 0; ; steps++ {
		rows, next := page(t, tx, f, w, most)
		for _, row := range rows {
			got = append(got, row.ID)
		}
		if next == "" || steps > 2*len(all) {
			break
		}
		f.Before = next
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s: %d rows, want %d", said(f, w, most), len(got), len(want))
	}
}

func said(f Filter, w *Words, most int) string {
	if w == nil {
		return fmt.Sprintf("%+v, %d at once", f, most)
	}
	return fmt.Sprintf("%+v, %+v, %d at once", f, *w, most)
}

// TestAListLeavesNothingOut: what List cannot look for is an error, not a longer list.
func TestAListLeavesNothingOut(t *testing.T) {
	dbtest.Each(t, clock(), func(t *testing.T, d *db.DB) {
		for _, f := range []Filter{{Place: "Lisbon"}, {Network: netip.MustParsePrefix("192.0.2.0/24")}} {
			err := d.View(t.Context(), "acme", func(tx *db.Tx) error {
				_, err := List(t.Context(), tx, f)
				return err
			})
			if !errors.Is(err, errSearchOnly) {
				t.Errorf("%+v: %v", f, err)
			}
		}
	})
}

// TestAStepReadsItsShare: of what no index finds, a search reads so many rows and says where it ended; what someone did
// is in indexes, and is found however many others' rows are newer.
func TestAStepReadsItsShare(t *testing.T) {
	dbtest.Each(t, clock(), func(t *testing.T, d *db.DB) {
		err := d.InTx(t.Context(), "acme", func(tx *db.Tx) error {
			e := Event{Action: UserRole, Result: OK, ActorID: "bob", UserID: "ann", ClientID: "a"}
			return Record(t.Context(), tx, e)
		})
		if err != nil {
			t.Fatal(err)
		}
		record(t, d, "acme", 60)
		err = d.View(t.Context(), "acme", func(tx *db.Tx) error {
			for name, c := range map[string]struct {
				filter Filter
				rows   int
				back   bool
			}{
				"an app":               {Filter{ClientID: "a"}, 0, true},
				"an actor":             {Filter{ActorID: "bob"}, 1, false},
				"an app of a person":   {Filter{ClientID: "a", UserID: "ann"}, 1, false},
				"an app of a kind":     {Filter{ClientID: "a", Prefixes: []string{"user."}}, 1, false},
				"an app of an address": {Filter{ClientID: "a", IP: "192.0.2.7"}, 0, true},
			} {
				got, err := search(t.Context(), tx, c.filter, nil, 40)
				if err != nil || len(got.Rows) != c.rows || (got.Back != "") != c.back {
					t.Errorf("%s: %d rows, back %q, %v", name, len(got.Rows), got.Back, err)
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// TestAKindWithAResultIsFoundInSteps: no index has both, so a search reads its share of what is refused and goes on
// from there. What is asked for alone is in an index, and found at once.
func TestAKindWithAResultIsFoundInSteps(t *testing.T) {
	dbtest.Each(t, clock(), func(t *testing.T, d *db.DB) {
		add := func(a Action) {
			err := d.InTx(t.Context(), "acme", func(tx *db.Tx) error {
				return Record(t.Context(), tx, Event{Action: a, Result: Refused, UserID: "ann"})
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		add(UserRole)
		for range 12 {
			add(SignInPassword)
		}
		err := d.View(t.Context(), "acme", func(tx *db.Tx) error {
			f := Filter{Result: Refused, Prefixes: []string{"user."}}
			for step, rows := range []int{0, 1} {
				got, err := search(t.Context(), tx, f, nil, 40)
				if err != nil || len(got.Rows) != rows || (got.Back != "") != (rows == 0) {
					t.Errorf("step %d: %d rows, back %q, %v", step, len(got.Rows), got.Back, err)
				}
				f.Before = got.Back
			}
			got, err := search(t.Context(), tx, Filter{Result: Refused}, nil, 40)
			if err != nil || len(got.Rows) != 13 || got.Back != "" {
				t.Errorf("a result: %d rows, back %q, %v", len(got.Rows), got.Back, err)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}
