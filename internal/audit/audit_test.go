package audit

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/internal/db"
	"countersign/internal/db/dbtest"
	"countersign/internal/secret"
)

// clock moves by itself, so that ids sort in the order of recording.
func clock() func() time.Time {
	var mu sync.Mutex
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	return func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(time.Millisecond)
		return now
	}
}

func record(t testing.TB, d *db.DB, tenant string, n int) {
	t.Helper()
	for i := range n {
		err := d.InTx(t.Context(), tenant, func(tx *db.Tx) error {
			return Record(t.Context(), tx,
				Event{Action: "signin.second_factor", Result: Result(fmt.Sprint(i)), UserID: "u1",
					Origin: Origin{IP: "192.0.2.7", Place: "Lisbon, Portugal", Browser: "Firefox on Linux"}})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// newHouse makes keys and begins the installation's chain, as the first start does.
func newHouse(t testing.TB, d *db.DB) *secret.Keys {
	t.Helper()
	keys := secret.NewKeys(time.Now())
	err := d.InTx(t.Context(), db.Installation, func(tx *db.Tx) error { return Begin(t.Context(), tx, keys) })
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func seal(t testing.TB, d *db.DB, keys *secret.Keys) int {
	t.Helper()
	n, err := (&Sealer{DB: d, Keys: keys}).Seal(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func verify(t testing.TB, d *db.DB, keys *secret.Keys, tenant string) Report {
	t.Helper()
	r, err := Verify(t.Context(), d, keys, tenant)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func exec(t testing.TB, d *db.DB, query string, args ...any) int64 {
	t.Helper()
	var n int64
	err := d.InTx(t.Context(), "t1",
		func(tx *db.Tx) (err error) { n, err = tx.Exec(t.Context(), query, args...); return err })
	if err != nil {
		t.Fatal(query, err)
	}
	return n
}

// ids lists the rows of t1 in the order of their chain.
func ids(t testing.TB, d *db.DB) (out []string) {
	t.Helper()
	err := d.View(t.Context(), "t1", func(tx *db.Tx) error {
		rows, err := List(t.Context(), tx, Filter{Limit: 1000})
		out = make([]string, len(rows))
		for _, r := range rows {
			out[r.Seq-1] = r.ID
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestTamperingIsFoundAndTheRowNamed(t *testing.T) {
	const row = ` WHERE tenant_id = 't1' AND id = $1`
	for name, c := range map[string]struct {
		tamper func(t *testing.T, d *db.DB, id []string)
		first  int // index of the row to be named; -1 = the head
		why    string
	}{
		"changed result": {func(t *testing.T, d *db.DB, id []string) {
			exec(t, d, `UPDATE audit_events SET result = 'ok'`+row, id[6])
		}, 6, "changed"},
		"changed time": {func(t *testing.T, d *db.DB, id []string) {
			exec(t, d, `UPDATE audit_events SET at = at + 1`+row, id[0])
		}, 0, "changed"},
		"changed place": {func(t *testing.T, d *db.DB, id []string) {
			exec(t, d, `UPDATE audit_events
			SET place = ''`+row, id[3])
		}, 3, "place"},
		"new salt and hash": {func(t *testing.T, d *db.DB, id []string) {
			exec(t, d, `UPDATE audit_events
				SET ip = '', personal_salt = $2,
					personal_hash = $3`+row, id[3], []byte("s"),
				Event{Origin: Origin{Place: "Lisbon, Portugal", Browser: "Firefox on Linux"}}.personalHash([]byte("s")))
		}, 3, "changed"},
		"deleted": {func(t *testing.T, d *db.DB, id []string) {
			exec(t, d, `DELETE
			FROM audit_events`+row, id[4])
		}, 5, "1 row(s) before"},
		"deleted first": {func(t *testing.T, d *db.DB, id []string) {
			exec(t, d, `DELETE
			FROM audit_events`+row, id[0])
		}, 1, "1 row(s) before"},
		"shortened tail": {func(t *testing.T, d *db.DB, id []string) {
			exec(t, d, `DELETE FROM audit_events WHERE tenant_id = 't1' AND seq > 10`)
		}, 9, "10 row(s) after"},
		"all deleted": {func(t *testing.T, d *db.DB, id []string) {
			exec(t, d, `DELETE FROM audit_events WHERE tenant_id = 't1'`)
		}, -1, "20 row(s) after"},
		"shortened tail and head": {func(t *testing.T, d *db.DB, id []string) {
			exec(t, d, `DELETE FROM audit_events WHERE tenant_id = 't1' AND seq > 10`)
			exec(t, d, `UPDATE audit_heads SET seq = 10, chain = (SELECT chain FROM audit_events
				WHERE tenant_id = 't1' AND seq = 10) WHERE tenant_id = 't1'`)
		}, -1, "not sealed with this key file"},
		"swapped places": {func(t *testing.T, d *db.DB, id []string) {
			exec(t, d, `UPDATE audit_events SET seq = 1000`+row, id[2])
			exec(t, d, `UPDATE audit_events SET seq = 3`+row, id[7])
			exec(t, d, `UPDATE audit_events SET seq = 8`+row, id[2])
		}, 7, "changed"},
		"swapped content": {func(t *testing.T, d *db.DB, id []string) {
			exec(t, d, `UPDATE audit_events SET result = '7'`+row, id[2])
			exec(t, d, `UPDATE audit_events SET result = '2'`+row, id[7])
		}, 2, "changed"},
		"inserted behind the head": {func(t *testing.T, d *db.DB, id []string) { insertCopy(t, d, "x", 21) }, -2,
			"outside"},
		"inserted before the chain": {func(t *testing.T, d *db.DB, id []string) { insertCopy(t, d, "x", -1) }, -2,
			"outside"},
		"head deleted": {func(t *testing.T, d *db.DB, id []string) {
			exec(t, d, `DELETE FROM audit_heads WHERE tenant_id = 't1'`)
		}, -1, "end of the chain is gone"},
		"everything computed anew": {rewrite, -1, "end of the chain is gone"},
		"head forged": {func(t *testing.T, d *db.DB, id []string) {
			forged := head{seq: 20, chain: []byte("x")}.sealed(secret.NewKeys(time.Now()), "t1")
			exec(t, d, `UPDATE audit_heads SET seal = $1 WHERE tenant_id = 't1'`, forged.seal)
		}, -1, "not sealed with this key file"},
		"erased, with another address in its place": {func(t *testing.T, d *db.DB, id []string) {
			exec(t, d, `UPDATE audit_events
				SET ip = '6.6.6.6', place = '', browser = '', personal_salt = NULL`+row, id[5])
		}, 5, "erased"},
	} {
		t.Run(name, func(t *testing.T) {
			dbtest.Each(t, clock(), func(t *testing.T, d *db.DB) {
				keys := newHouse(t, d)
				record(t, d, "t1", 20)
				seal(t, d, keys)
				id := ids(t, d)
				if r := verify(t, d, keys, "t1"); !r.Intact() || r.Checked != 20 {
					t.Fatalf("before: %+v", r)
				}
				c.tamper(t, d, id)
				want := "x"
				if c.first >= 0 {
					want = id[c.first]
				} else if c.first == -1 {
					want = ""
				}
				if r := verify(t, d, keys, "t1"); r.FirstBad != want || !strings.Contains(r.Why, c.why) {
					t.Errorf("%+v, want row %q because %q", r, want, c.why)
				}
			})
		})
	}
}

func insertCopy(t *testing.T, d *db.DB, id string, seq int) {
	exec(t, d, `INSERT INTO audit_events (tenant_id, `+columns+`)
		SELECT tenant_id, $1, at, action, result, actor_id, user_id, client_id, method, level, subject_id,
			request_id, reason, ip, place, browser, personal_salt, personal_hash, $2, chain
		FROM audit_events WHERE tenant_id = 't1' AND seq = 20`, id, seq)
}

// rewrite is what someone does who knows this code and has the database, but not the key.
func rewrite(t *testing.T, d *db.DB, id []string) {
	exec(t, d, `UPDATE audit_events SET result = 'forged' WHERE tenant_id = 't1' AND id = $1`, id[5])
	exec(t, d, `UPDATE audit_events SET seq = 0 WHERE tenant_id = 't1'`)
	exec(t, d, `DELETE FROM audit_heads WHERE tenant_id = 't1'`)
	_, _ = (&Sealer{DB: d, Keys: secret.NewKeys(time.Now())}).Seal(t.Context())
}

// TestTheSealerMakesNoSecondHead: with the database alone, someone takes the head away,
// unlinks the rows, changes one, and waits for the program's own sealer to link them anew.
func TestTheSealerMakesNoSecondHead(t *testing.T) {
	dbtest.Each(t, clock(), func(t *testing.T, d *db.DB) {
		keys := newHouse(t, d)
		record(t, d, "t1", 5)
		seal(t, d, keys)
		seal(t, d, keys) // the installation's own row that t1 began
		for _, tenant := range []string{"t1", db.Installation} {
			exec(t, d, `DELETE FROM audit_heads WHERE tenant_id = $1`, tenant)
			exec(t, d, `UPDATE audit_events SET seq = 0, reason = 'forged', personal_salt = NULL
				WHERE tenant_id = $1`, tenant)
			if _, err := (&Sealer{DB: d, Keys: keys}).Seal(t.Context()); !errors.Is(err, ErrHead) {
				t.Errorf("%s: sealed again: %v", tenant, err)
			}
			if r := verify(t, d, keys, tenant); r.Intact() {
				t.Errorf("%s is called intact: %+v", tenant, r)
			}
		}
	})
}

func TestTheSealerRefusesAForgedHead(t *testing.T) {
	dbtest.Each(t, clock(), func(t *testing.T, d *db.DB) {
		keys := newHouse(t, d)
		record(t, d, "t1", 3)
		record(t, d, "t2", 3)
		seal(t, d, keys)
		exec(t, d, `UPDATE audit_heads SET chain = $1 WHERE tenant_id = 't1'`, []byte("forged"))
		record(t, d, "t1", 1)
		record(t, d, "t2", 1)
		n, err := (&Sealer{DB: d, Keys: keys}).Seal(t.Context())
		if !errors.Is(err, ErrHead) || n != 3 {
			t.Errorf("sealed %d, %v: want the other tenant's and the two that say which tenants began", n, err)
		}
	})
}

func TestErasingPersonalFieldsKeepsTheChain(t *testing.T) {
	dbtest.Each(t, clock(), func(t *testing.T, d *db.DB) {
		keys := newHouse(t, d)
		record(t, d, "t1", 10)
		seal(t, d, keys)
		exec(t, d, `UPDATE audit_events SET ip = '192.0.2.0/24', place = '', browser = '', personal_salt = NULL
			WHERE tenant_id = 't1' AND seq <= 4`)
		if r := verify(t, d, keys, "t1"); !r.Intact() || r.Checked != 10 || r.Erased != 4 {
			t.Errorf("%+v", r)
		}
	})
}

func TestRacingSealersAndRecordersMakeOneChain(t *testing.T) {
	dbtest.Each(t, clock(), func(t *testing.T, d *db.DB) {
		keys := newHouse(t, d)
		var recorders, sealers sync.WaitGroup
		done := make(chan struct{})
		for range 4 {
			recorders.Go(func() { record(t, d, "t1", 150) })
			sealers.Go(func() {
				for more := true; more; {
					select {
					case <-done:
						more = false
					default:
					}
					if _, err := (&Sealer{DB: d, Keys: keys}).Seal(context.Background()); err != nil {
						t.Error(err)
					}
					if r := verify(t, d, keys, "t1"); !r.Intact() {
						t.Errorf("meanwhile: %+v", r)
					}
				}
			})
		}
		recorders.Wait()
		close(done)
		sealers.Wait()
		seal(t, d, keys)
		if r := verify(t, d, keys, "t1"); !r.Intact() || r.Checked != 600 || r.Unsealed != 0 {
			t.Errorf("%+v", r)
		}
	})
}

func TestTenantsHaveTheirOwnChains(t *testing.T) {
	dbtest.Each(t, clock(), func(t *testing.T, d *db.DB) {
		keys := newHouse(t, d)
		record(t, d, "t1", 3)
		record(t, d, "t2", 2)
		if n := seal(t, d, keys); n != 5 {
			t.Errorf("%d sealed", n)
		}
		record(t, d, db.Installation, 1) // not sealed yet
		if all, err := Tenants(t.Context(), d); err != nil || strings.Join(all, " ") != "installation t1 t2" {
			t.Error(all, err)
		}
		record(t, d, "t2", 1)
		for tenant, want := range map[string]Report{"t1": {Tenant: "t1", Checked: 3},
			"t2": {Tenant: "t2", Checked: 2, Unsealed: 1}, "none": {Tenant: "none"}} {
			if r := verify(t, d, keys, tenant); r != want {
				t.Errorf("%+v, want %+v", r, want)
			}
		}
	})
}

func TestSEC129_ValuesCannotForgeALine(t *testing.T) {
	long := strings.Repeat("ü", 10_000)
	dbtest.Each(t, clock(), func(t *testing.T, d *db.DB) {
		err := d.InTx(t.Context(), "t1", func(tx *db.Tx) error {
			browser := "Chrome\r\n\x1b[31mroot\u202e\u200b ok\x00\xff"
			return Record(t.Context(), tx,
				Event{Action: "a", Reason: long, Origin: Origin{Place: long, Browser: browser}})
		})
		if err != nil {
			t.Fatal(err)
		}
		_ = d.View(t.Context(), "t1", func(tx *db.Tx) error {
			rows, err := List(t.Context(), tx, Filter{})
			if err != nil || len(rows) != 1 {
				t.Fatal(rows, err)
			}
			if r := rows[0]; r.Browser != "Chrome[31mroot ok" || len(r.Reason) != longestText ||
				len(r.Place) != longestWord {
				t.Errorf("%q %d %d", r.Browser, len(r.Reason), len(r.Place))
			}
			return nil
		})
	})
}

func TestListFiltersAndPages(t *testing.T) {
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	dbtest.Each(t, clock(), func(t *testing.T, d *db.DB) {
		record(t, d, "t1", 5)
		record(t, d, "t2", 5)
		_ = d.View(t.Context(), "t1", func(tx *db.Tx) error {
			list := func(f Filter) []Row {
				rows, err := List(t.Context(), tx, f)
				if err != nil {
					t.Fatal(err)
				}
				return rows
			}
			all := list(Filter{UserID: "u1", Action: "signin.second_factor", Since: start, Until: start.Add(time.Hour)})
			if len(all) != 5 || all[0].Result != "4" || all[0].IP != "192.0.2.7" {
				t.Fatalf("%+v", all)
			}
			page := list(Filter{Limit: 2})
			next := list(Filter{Limit: 2, Before: page[1].ID})
			if next[0].ID != all[2].ID || next[1].ID != all[3].ID {
				t.Error("the second page does not follow the first")
			}
			if n := len(list(Filter{Result: "3"})) + len(list(Filter{Until: start})) +
				len(list(Filter{UserID: "u2"})); n != 1 {
				t.Errorf("%d rows", n)
			}
			return nil
		})
	})
}

func BenchmarkTenThousandRows(b *testing.B) {
	for name, url := range map[string]func(testing.TB) string{"sqlite": dbtest.SQLiteURL,
		"postgres": dbtest.PostgresURL} {
		b.Run(name, func(b *testing.B) {
			const rows = 10_000
			d := dbtest.Open(b, url(b), clock())
			keys := newHouse(b, d)
			var sealing, verifying time.Duration
			for n := range b.N {
				tenant := fmt.Sprint("t", n)
				b.StopTimer()
				err := d.InTx(b.Context(), tenant, func(tx *db.Tx) error {
					for range rows {
						if err := Record(b.Context(), tx,
							Event{Action: "signin.second_factor", Result: "ok", UserID: "u1",
								Origin: Origin{IP: "192.0.2.7"}}); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				before := b.Elapsed()
				if n := seal(b, d, keys); n != rows {
					b.Fatal(n)
				}
				sealing += b.Elapsed() - before
				before = b.Elapsed()
				if r := verify(b, d, keys, tenant); !r.Intact() || r.Checked != rows {
					b.Fatalf("%+v", r)
				}
				verifying += b.Elapsed() - before
			}
			b.ReportMetric(float64(sealing.Microseconds())/float64(b.N*rows), "µs/row-sealed")
			b.ReportMetric(float64(verifying.Microseconds())/float64(b.N*rows), "µs/row-verified")
		})
	}
}
