//go:build !rig

package main

import "time"

func now() time.Time { return time.Now() }
