//go:build rig

package app

import (
	"countersign/internal/authenticator/password"
	"countersign/internal/config"
)

// passwordCost is next to nothing in binaries built with -tags rig: their tests move the clock and crash the program,
// and hashes were half of what they computed. What a password costs is tested on what is released.
func passwordCost(config.Limits) password.Cost {
	return password.Cost{MemoryKiB: 64, Passes: 1, Lanes: 1}
}
