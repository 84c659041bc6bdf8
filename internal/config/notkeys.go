//go:build !rig

package config

// notKeys are variables with our prefix that do not set a key.
var notKeys = []string{"COUNTERSIGN_CONFIG"}
