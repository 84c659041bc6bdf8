//go:build rig

package config

// notKeys are variables with our prefix that do not set a key. The clock and the faults
// of the test rig are known to the rig's own build only.
var notKeys = []string{"COUNTERSIGN_CONFIG", "COUNTERSIGN_RIG_CLOCK", "COUNTERSIGN_RIG_FAULTS"}
