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
	_, network, _ := net.ParseCIDR("203.0.113.0/24")
	if err := tree.Insert(network, place("Lisbon", "Portugal", "PT", "Europe/Lisbon")); err != nil {
		t.Fatal(err)
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

func place(city, country, code, zone string) mmdbtype.Map {
	return mmdbtype.Map{
		"city":     mmdbtype.Map{"names": mmdbtype.Map{"en": mmdbtype.String(city)}},
		"location": mmdbtype.Map{"time_zone": mmdbtype.String(zone)},
		"country": mmdbtype.Map{"iso_code": mmdbtype.String(code),
			"names": mmdbtype.Map{"en": mmdbtype.String(country)}},
	}
}
