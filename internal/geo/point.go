package geo

import (
	"math"
	"net/netip"
	"time"
)

// Point is where an address is on the earth, in degrees.
type Point struct {
	Latitude, Longitude float64
	Radius              float64 // how far away it may be, in kilometres
}

// Point finds where ip is. It is false where that is unknown, for example without a file of cities.
func (p *Places) Point(ip netip.Addr) (Point, bool) {
	if p == nil {
		return Point{}, false
	}
	r := p.now.Load()
	ip = ip.Unmap().WithZone("")
	if r == nil || !ip.IsValid() {
		return Point{}, false
	}
	c, err := r.City(ip)
	if err != nil || c.Location.Latitude == nil || c.Location.Longitude == nil {
		return Point{}, false
	}
	at := Point{
		Latitude:  *c.Location.Latitude,
		Longitude: *c.Location.Longitude,
		Radius:    float64(c.Location.AccuracyRadius),
	}
	return at, true
}

// KnowsPoints reports whether there is a usable file, so that points can be known.
func (p *Places) KnowsPoints() bool { return p != nil && p.now.Load() != nil }

const (
	// farApart is in kilometres. Below it, the place of an address is often that of the provider's nearest exchange.
	farApart = 500
	// fastest is how far people travel in an hour, in kilometres: airliners fly at 900.
	fastest = 1000
)

// FarFrom is how far two points are apart at least, in kilometres; 0 where that is less than 500.
func (p Point) FarFrom(q Point) int {
	if d := p.Distance(q); d >= farApart {
		return int(d)
	}
	return 0
}

// TooFar reports whether no one travels from one point to the other in a time.
func (p Point) TooFar(q Point, in time.Duration) bool {
	return float64(p.FarFrom(q)) > fastest*in.Hours()
}

// earthRadius is in kilometres.
const earthRadius = 6371

// Distance is how far two points are apart at least, in kilometres along the earth's surface.
func (p Point) Distance(q Point) float64 {
	const degree = math.Pi / 180
	sinLat := math.Sin((q.Latitude - p.Latitude) * degree / 2)
	sinLon := math.Sin((q.Longitude - p.Longitude) * degree / 2)
	h := sinLat*sinLat + math.Cos(p.Latitude*degree)*math.Cos(q.Latitude*degree)*sinLon*sinLon
	between := 2 * earthRadius * math.Asin(math.Sqrt(min(1, h)))
	return max(0, between-p.Radius-q.Radius)
}
