//go:build rig

package main

import (
	"os"
	"strings"
	"time"
)

// now is shifted by the duration in the file that COUNTERSIGN_RIG_CLOCK names, so that
// tests can make hours pass. It exists only in binaries built with -tags rig.
func now() time.Time {
	text, err := os.ReadFile(os.Getenv("COUNTERSIGN_RIG_CLOCK"))
	if err != nil {
		return time.Now()
	}
	shift, err := time.ParseDuration(strings.TrimSpace(string(text)))
	if err != nil {
		return time.Now()
	}
	return time.Now().Add(shift)
}
