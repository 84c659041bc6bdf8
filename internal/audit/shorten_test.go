package audit

import (
	"testing"
	"time"

	"countersign/internal/db"
	"countersign/internal/db/dbtest"
)

// TestSEC130AddressesAreShortened: after 90 days a row tells the network and no more, the
// chain is whole, a second run finds nothing, and a day that was skipped is caught up.
func TestSEC130AddressesAreShortened(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	dbtest.Each(t, func() time.Time { now = now.Add(time.Millisecond); return now }, func(t *testing.T, d *db.DB) {
		began := now
		defer func() { now = began }()
		keys := newHouse(t, d)
		record(t, d, "t1", 3)
		record(t, d, "t2", batch+40)
		seal(t, d, keys)
		now = now.Add(KeepPersonal - time.Hour)
		record(t, d, "t1", 2)
		seal(t, d, keys)
		if n, err := Shorten(t.Context(), d); n != 0 || err != nil {
			t.Fatalf("too early: %d, %v", n, err)
		}
		now = now.Add(25 * time.Hour)                                           // a day late
		if n, err := Shorten(t.Context(), d); n != 3+batch+40+2 || err != nil { // and the rows that began two chains
			t.Fatalf("%d shortened, %v", n, err)
		}
		if n, err := Shorten(t.Context(), d); n != 0 || err != nil {
			t.Fatalf("shortened twice: %d, %v", n, err)
		}
		if r := verify(t, d, keys, "t1"); !r.Intact() || r.Checked != 5 || r.Erased != 3 {
			t.Errorf("%+v", r)
		}
		err := d.View(t.Context(), "t1", func(tx *db.Tx) error {
			rows, err := List(t.Context(), tx, Filter{Limit: 10})
			for _, r := range rows {
				old := r.At.Before(began.Add(24 * time.Hour))
				if old && (r.IP != "192.0.2.0/24" || r.Place != "" || r.Browser != "") || !old && r.IP != "192.0.2.7" {
					t.Errorf("%+v", r)
				}
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestNetwork(t *testing.T) {
	for ip, want := range map[string]string{
		"192.0.2.7": "192.0.2.0/24", "::ffff:192.0.2.7": "192.0.2.0/24", "2001:db8:1:2::3": "2001:db8:1::/48",
		"fe80::1%eth0": "fe80::/48", "": "", "unknown": "", "192.0.2.0/24": "",
	} {
		if got := shortenAddress(ip); got != want {
			t.Errorf("%s is shortened to %q, want %q", ip, got, want)
		}
	}
}
