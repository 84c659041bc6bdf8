package geo

import (
	"net/netip"
	"path/filepath"
	"testing"

	"github.com/maxmind/mmdbwriter/mmdbtype"
)

func TestPoints(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "city.mmdb")
	write(t, file, "GeoLite2-City", "203.0.113.0/24", mmdbtype.Map{
		"city": names("Lisbon", ""),
		"location": mmdbtype.Map{
			"latitude":        mmdbtype.Float64(38.72),
			"longitude":       mmdbtype.Float64(-9.14),
			"accuracy_radius": mmdbtype.Uint16(20),
		},
	})
	bare := filepath.Join(dir, "bare.mmdb")
	write(t, bare, "GeoLite2-City", "203.0.113.0/24", mmdbtype.Map{"city": names("Lisbon", "")})
	known, _ := open(t, file)
	without, _ := open(t, bare)
	none, _ := open(t, "")
	here := netip.MustParseAddr("203.0.113.7")
	if at, ok := known.Point(here); !ok || at != (Point{38.72, -9.14, 20}) || !known.KnowsPoints() {
		t.Errorf("%v, %v", at, ok)
	}
	for name, p := range map[string]*Places{"no coordinates": without, "no file": none, "nothing": nil} {
		if at, ok := p.Point(here); ok {
			t.Errorf("%s: %v", name, at)
		}
	}
	if at, ok := known.Point(netip.MustParseAddr("10.0.0.1")); ok {
		t.Errorf("a private address: %v", at)
	}
}

func TestDistance(t *testing.T) {
	lisbon, madrid := Point{Latitude: 38.72, Longitude: -9.14}, Point{Latitude: 40.42, Longitude: -3.70}
	fiji, samoa := Point{Latitude: -18, Longitude: 179}, Point{Latitude: -18, Longitude: -179}
	for _, c := range []struct {
		name     string
		a, b     Point
		from, to float64
	}{
		{"Lisbon and Madrid", lisbon, madrid, 495, 510},
		{"the same place", lisbon, lisbon, 0, 0},
		{"across the date line", fiji, samoa, 200, 225},
		{"pole to pole", Point{Latitude: 90}, Point{Latitude: -90}, 20000, 20030},
		{"as near as their radius allows", Point{38.72, -9.14, 300}, Point{40.42, -3.70, 300}, 0, 0},
	} {
		for _, d := range []float64{c.a.Distance(c.b), c.b.Distance(c.a)} {
			if d < c.from || d > c.to {
				t.Errorf("%s: %.0f km", c.name, d)
			}
		}
	}
}
