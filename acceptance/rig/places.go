package rig

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
)

// LisbonIP is an address (of the documentation range) that the place database knows.
const LisbonIP = "203.0.113.77"

// TokyoIP is another, far away from the first.
const TokyoIP = "198.51.100.230"

// AzoresIP is in the country of the first, and 1,400 km away from it.
const AzoresIP = "198.51.100.214"

func writePlaces(t testing.TB, dir string) string {
	t.Helper()
	tree, err := mmdbwriter.New(mmdbwriter.Options{
		DatabaseType:            "GeoLite2-City",
		RecordSize:              24,
		IncludeReservedNetworks: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	lisbon := location("Europe/Lisbon", 38.72, -9.14)
	azores := location("Atlantic/Azores", 37.74, -25.67)
	tokyo := location("Asia/Tokyo", 35.68, 139.69)
	for cidr, record := range map[string]mmdbtype.Map{
		"203.0.113.0/24":    place("Lisbon", "Portugal", "PT", lisbon),
		"198.51.100.208/28": place("Ponta Delgada", "Portugal", "PT", azores),
		"198.51.100.224/28": place("Tokyo", "Japan", "JP", tokyo),
	} {
		_, network, _ := net.ParseCIDR(cidr)
		if err := tree.Insert(network, record); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "places.mmdb")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tree.WriteTo(file); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func location(zone string, latitude, longitude float64) mmdbtype.Map {
	return mmdbtype.Map{
		"time_zone":       mmdbtype.String(zone),
		"latitude":        mmdbtype.Float64(latitude),
		"longitude":       mmdbtype.Float64(longitude),
		"accuracy_radius": mmdbtype.Uint16(20),
	}
}

func place(city, country, code string, at mmdbtype.Map) mmdbtype.Map {
	return mmdbtype.Map{
		"city":     mmdbtype.Map{"names": mmdbtype.Map{"en": mmdbtype.String(city)}},
		"location": at,
		"country": mmdbtype.Map{"iso_code": mmdbtype.String(code),
			"names": mmdbtype.Map{"en": mmdbtype.String(country)}},
	}
}
