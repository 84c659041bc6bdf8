package locale

import (
	"testing"
	"time"
)

func TestTimesNameTheZoneOfThePlace(t *testing.T) {
	c, err := New()
	if err != nil {
		t.Fatal(err)
	}
	p := c.In("en")
	at := time.Date(2026, 7, 1, 22, 42, 0, 0, time.UTC)
	for zone, want := range map[string]string{
		"Europe/Berlin":     "2 Jul 2026, 00:42 CEST (UTC+2)",
		"Europe/London":     "1 Jul 2026, 23:42 BST (UTC+1)",
		"Asia/Kolkata":      "2 Jul 2026, 04:12 IST (UTC+5:30)",
		"America/Sao_Paulo": "1 Jul 2026, 19:42 (UTC-3)",
		"America/St_Johns":  "1 Jul 2026, 20:12 NDT (UTC-2:30)",
		"Africa/Abidjan":    "1 Jul 2026, 22:42 GMT (UTC)",
		"":                  "1 Jul 2026, 22:42 UTC",
	} {
		var place *time.Location
		if zone != "" {
			if place, err = time.LoadLocation(zone); err != nil {
				t.Fatal(err)
			}
		}
		if got := p.TimeIn(at, place); got != want {
			t.Errorf("%s: %q, want %q", zone, got, want)
		}
	}
}
