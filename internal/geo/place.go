package geo

import (
	"cmp"
	"net/netip"
	"time"
	_ "time/tzdata" // machines and images without zones of their own

	"github.com/oschwald/geoip2-golang/v2"
)

// shared is what lies between a customer and their provider (RFC 6598).
var shared = netip.MustParsePrefix("100.64.0.0/10")

// Place names the city and country of ip in a language ("en", "pt-BR"): "Lisbon, Portugal".
// It is Local for addresses that have no place and empty where the place is unknown.
func (p *Places) Place(ip netip.Addr, lang string) string {
	ip = ip.Unmap().WithZone("")
	if !ip.IsValid() {
		return ""
	}
	if local(ip) {
		return Local
	}
	r := p.now.Load()
	if r == nil {
		return ""
	}
	return lookUp(r, ip, lang)
}

// Country is the code of the country of ip (ISO 3166-1), Local for addresses that have no place, and empty where it is
// unknown.
func (p *Places) Country(ip netip.Addr) string {
	ip = ip.Unmap().WithZone("")
	if !ip.IsValid() || p == nil {
		return ""
	}
	if local(ip) {
		return Local
	}
	r := p.now.Load()
	if r == nil {
		return ""
	}
	if c, err := r.City(ip); err == nil {
		return c.Country.ISOCode
	}
	if c, err := r.Country(ip); err == nil {
		return c.Country.ISOCode
	}
	return ""
}

func local(ip netip.Addr) bool {
	return ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast() || shared.Contains(ip)
}

// Zone is the time zone of ip; nil where it is unknown.
func (p *Places) Zone(ip netip.Addr) *time.Location {
	r := p.now.Load()
	if r == nil || !ip.IsValid() {
		return nil
	}
	c, err := r.City(ip.Unmap().WithZone(""))
	if err != nil || c.Location.TimeZone == "" {
		return nil
	}
	zone, err := time.LoadLocation(c.Location.TimeZone)
	if err != nil {
		return nil
	}
	return zone
}

// lookUp tries cities first: a file of countries answers that with an error.
func lookUp(r *geoip2.Reader, ip netip.Addr, lang string) string {
	if c, err := r.City(ip); err == nil {
		return join(name(c.City.Names, lang), name(c.Country.Names, lang))
	}
	if c, err := r.Country(ip); err == nil {
		return name(c.Country.Names, lang)
	}
	return ""
}

func join(city, country string) string {
	if city == "" || country == "" {
		return city + country
	}
	return city + ", " + country
}

// name falls back to English: a foreign name is better than none.
func name(n geoip2.Names, lang string) string {
	return cmp.Or(map[string]string{
		"de":    n.German,
		"es":    n.Spanish,
		"fr":    n.French,
		"pt-BR": n.BrazilianPortuguese,
	}[lang], n.English)
}
