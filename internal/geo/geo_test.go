package geo

import (
	"bytes"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
	"go.uber.org/goleak"
)

func names(en, es string) mmdbtype.Map {
	m := mmdbtype.Map{"en": mmdbtype.String(en)}
	if es != "" {
		m["es"] = mmdbtype.String(es)
	}
	return mmdbtype.Map{"names": m}
}

// write makes an .mmdb file of a kind that places one network.
func write(t testing.TB, path, kind, network string, record mmdbtype.Map) {
	t.Helper()
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: kind, IncludeReservedNetworks: true})
	if err != nil {
		t.Fatal(err)
	}
	_, n, err := net.ParseCIDR(network)
	if err != nil {
		t.Fatal(err)
	}
	if err := tree.Insert(n, record); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := tree.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, path string) (*Places, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	p, err := Open(path, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p, &log
}

func (p *Places) at(ip, lang string) string {
	a, _ := netip.ParseAddr(ip)
	return p.Place(a, lang)
}

func TestPlaces(t *testing.T) {
	dir := t.TempDir()
	city, country := filepath.Join(dir, "city.mmdb"), filepath.Join(dir, "country.mmdb")
	write(t, city, "GeoLite2-City", "203.0.113.0/24",
		mmdbtype.Map{"city": names("Lisbon", "Lisboa"), "country": names("Spain", "España")})
	write(t, country, "DBIP-Country-Lite", "2001:db8:7::/48", mmdbtype.Map{"country": names("Portugal", "")})
	cities, _ := open(t, city)
	countries, _ := open(t, country)
	none, _ := open(t, "")
	for _, c := range []struct {
		p              *Places
		ip, lang, want string
	}{
		{cities, "203.0.113.7", "en", "Lisbon, Spain"},
		{cities, "203.0.113.7", "es", "Lisboa, España"},
		{cities, "203.0.113.7", "de", "Lisbon, Spain"},
		{cities, "::ffff:203.0.113.7", "en", "Lisbon, Spain"},
		{cities, "198.51.100.1", "en", ""},
		{cities, "not an address", "en", ""},
		{countries, "2001:db8:7::1", "es", "Portugal"},
		{none, "203.0.113.7", "en", ""},
		{none, "127.0.0.1", "en", Local},
		{none, "10.1.2.3", "en", Local},
		{none, "::ffff:192.168.1.1", "en", Local},
		{none, "fe80::1%eth0", "en", Local},
		{none, "fd00::1", "en", Local},
		{none, "100.64.0.1", "en", Local},
	} {
		if got := c.p.at(c.ip, c.lang); got != c.want {
			t.Errorf("%s in %s: %q, want %q", c.ip, c.lang, got, c.want)
		}
	}
}

func TestREL22_ABadFileIsUnknownAndSaidOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "geo.mmdb")
	p, log := open(t, path)
	expect := func(what, place string, warnings int) {
		t.Helper()
		p.look()
		p.look()
		if got := p.at("203.0.113.7", "en"); got != place || strings.Count(log.String(), "level=WARN") != warnings {
			t.Errorf("%s: %q, log %s", what, got, log)
		}
	}
	expect("missing", "", 1)
	if err := os.WriteFile(path, []byte("not an mmdb"), 0o600); err != nil {
		t.Fatal(err)
	}
	expect("corrupt", "", 2)
	write(t, path, "GeoLite2-City", "203.0.113.0/24", mmdbtype.Map{"country": names("Portugal", "")})
	expect("mended", "Portugal", 2)
	write(t, path, "GeoLite2-City", "203.0.113.0/24", mmdbtype.Map{"country": names("Spain", "España")})
	if err := os.Chtimes(path, time.Time{}, time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
	expect("replaced", "Spain", 2)
	whole, _ := os.ReadFile(path)
	for n := range len(whole) { // every truncation, in memory that a mapping would have lost
		if err := os.WriteFile(path, whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		p.look()
		if got := p.at("203.0.113.7", "en"); got != "Spain" && got != "" {
			t.Fatalf("cut at %d: %q", n, got)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	p.look()
	_ = p.at("203.0.113.7", "en")
}

func TestClosingEndsTheWatch(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	p, _ := open(t, filepath.Join(t.TempDir(), "none.mmdb"))
	_ = p.Close()
	_ = p.Close()
}

func BenchmarkPlace(b *testing.B) {
	path := filepath.Join(b.TempDir(), "geo.mmdb")
	write(b, path, "GeoLite2-City", "203.0.113.0/24",
		mmdbtype.Map{"city": names("Lisbon", ""), "country": names("Portugal", "")})
	p, _ := open(b, path)
	ip := netip.MustParseAddr("203.0.113.7")
	b.ReportAllocs()
	for b.Loop() {
		_ = p.Place(ip, "en")
	}
}
