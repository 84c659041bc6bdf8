package people_test

import (
	"fmt"
	"testing"
	"time"

	"countersign/internal/access"
	"countersign/internal/db"
	"countersign/internal/db/dbtest"
	"countersign/internal/gate/gatetest"
	"countersign/internal/people"
	"countersign/internal/tenant"
)

// BenchmarkImport is one batch of 500 people without passwords and invitations.
func BenchmarkImport(b *testing.B) {
	for _, dsn := range []string{dbtest.SQLiteURL(b), dbtest.PostgresURL(b)} {
		d := dbtest.Open(b, dsn, time.Now)
		b.Run(string(d.Dialect), func(b *testing.B) {
			err := d.InTx(b.Context(), db.Installation, func(tx *db.Tx) error {
				_, err := tenant.Create(b.Context(), tx, "acme", "Acme", tenant.Company)
				return err
			})
			if err != nil {
				b.Fatal(err)
			}
			i := &people.Importer{
				Service:   &people.Service{DB: d, Gate: gatetest.New(d)},
				Actor:     access.Server,
				Uninvited: true,
			}
			rows := make([]people.Row, 500)
			b.ReportAllocs()
			batch := 0
			for b.Loop() {
				for n := range rows {
					rows[n] = people.Row{Line: n + 1, Tenant: "acme", Name: "Sam",
						Email: fmt.Sprintf("p%d-%d@example.test", batch, n)}
				}
				batch++
				if done, err := i.Batch(b.Context(), rows); err != nil || done.Created != len(rows) {
					b.Fatal(done, err)
				}
			}
			b.ReportMetric(float64(batch*len(rows))/b.Elapsed().Seconds(), "people/s")
		})
	}
}
