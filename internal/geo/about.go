package geo

import (
	"os"
	"time"

	"github.com/oschwald/geoip2-golang/v2"
)

// About is what a database says of itself.
type About struct {
	Type  string // "GeoLite2-City"
	Built time.Time
}

// Read opens the .mmdb file at path once, to see what it is.
func Read(path string) (About, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return About{}, err
	}
	r, err := geoip2.OpenBytes(text)
	if err != nil {
		return About{}, err
	}
	m := r.Metadata()
	return About{Type: m.DatabaseType, Built: time.Unix(int64(m.BuildEpoch), 0).UTC()}, r.Close()
}
