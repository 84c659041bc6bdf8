//go:build !rig

package app

import (
	"countersign/internal/authenticator/password"
	"countersign/internal/config"
)

// passwordCost is what one password costs, as configured.
func passwordCost(l config.Limits) password.Cost {
	return password.Cost{MemoryKiB: l.Argon2.MemoryKiB, Passes: l.Argon2.Passes, Lanes: 1}
}
