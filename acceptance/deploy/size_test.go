package deploy

import (
	"database/sql"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"countersign/acceptance/rig"
)

var measured = flag.Int("people", 0, "measure what so many people and their sign-ins take in the database")

// TestStorage prints what a person and a sign-in cost at rest: with -people 2000, for
// docs/scale.md. Everyone signs in twice, because the second time finds rows to change.
func TestStorage(t *testing.T) {
	if *measured == 0 {
		t.Skip("a measurement: go test ./acceptance/deploy -run Storage -people 2000 -v")
	}
	for _, engine := range rig.Engines {
		t.Run(engine, func(t *testing.T) {
			w := rig.New(t, engine, rig.Options{})
			t.Cleanup(w.Close)
			app, company := w.Dashboard(t), w.Covered(t)
			empty := sizes(t, w)
			var people []*rig.User
			for range *measured / 200 {
				people = append(people, company.Crowd(t, 200)...)
			}
			there := sizes(t, w)
			report(t, "person", empty, there, len(people))
			for _, when := range []string{"first sign-in", "next sign-in"} {
				queue := make(chan *rig.User, len(people))
				for _, u := range people {
					queue <- u
				}
				close(queue)
				before := cpu(t, w)
				var all sync.WaitGroup
				for range 8 {
					all.Go(func() {
						for u := range queue {
							w.Person(t).SignIn(t, app, u)
						}
					})
				}
				all.Wait()
				t.Logf("%s: the program's processor time %.1f ms, Argon2id included", when,
					10*float64(cpu(t, w)-before)/float64(len(people)))
				now := sizes(t, w)
				report(t, when, there, now, len(people))
				there = now
			}
		})
	}
}

// cpu is the processor time of the program so far, in hundredths of a second.
func cpu(t *testing.T, w *rig.World) (ticks int64) {
	t.Helper()
	stat := read(t, fmt.Sprintf("/proc/%d/stat", w.A.PID()))
	for _, field := range strings.Fields(stat[strings.LastIndex(stat, ")")+1:])[11:13] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		ticks += n
	}
	return ticks
}

// sizes are the bytes of each table with its indexes.
func sizes(t *testing.T, w *rig.World) map[string]int64 {
	t.Helper()
	out := map[string]int64{}
	if w.Engine == "postgres" {
		for _, table := range w.Texts(t, `SELECT tablename FROM pg_tables WHERE schemaname = current_schema()`) {
			out[table] = w.Number(t, fmt.Sprintf(`SELECT pg_total_relation_size('%s')`, table))
		}
		return out
	}
	w.A.Stop() // brings the log into the file
	defer w.Restart(t, rig.Options{})
	info, err := os.Stat(w.Dir + "/house.db")
	if err != nil {
		t.Fatal(err)
	}
	out["the file"] = info.Size()
	db, err := sql.Open("sqlite", "file:"+w.Dir+"/house.db?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	rows, err := db.Query(`SELECT coalesce(m.tbl_name, s.name), sum(s.pgsize) FROM dbstat s
		LEFT JOIN sqlite_master m ON m.name = s.name GROUP BY 1`)
	if err != nil {
		t.Logf("no sizes of tables: %v", err)
		return out
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var name string
		var n int64
		if err := rows.Scan(&name, &n); err != nil {
			t.Fatal(err)
		}
		out[name] = n
	}
	return out
}

func report(t *testing.T, what string, before, after map[string]int64, n int) {
	t.Helper()
	var total int64
	for table, bytes := range after {
		if grown := bytes - before[table]; grown != 0 {
			t.Logf("%s: %-22s %6d bytes", what, table, grown/int64(n))
			if table != "the file" {
				total += grown
			}
		}
	}
	t.Logf("%s: together %d bytes", what, total/int64(n))
}
