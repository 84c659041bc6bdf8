package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of /proc/*/stat (USER_HZ). Linux derives the sums from the scheduler's
// own nanoseconds, so only the last tick is uncertain.
const tick = 10 * time.Millisecond

// stat is what one line of /proc/PID/stat says of a process.
type stat struct {
	parent      int
	own, reaped time.Duration // processor time, and that of children that have ended
}

// parseStat reads the line. The name stands in brackets and may contain anything.
func parseStat(line string) (s stat, err error) {
	i := strings.LastIndexByte(line, ')')
	if i < 0 {
		return s, errors.New("no name in brackets")
	}
	f := strings.Fields(line[i+1:])
	if len(f) < 15 {
		return s, fmt.Errorf("%d fields", len(f))
	}
	var v [5]int64
	for n, at := range []int{1, 11, 12, 13, 14} { // ppid, utime, stime, cutime, cstime
		if v[n], err = strconv.ParseInt(f[at], 10, 64); err != nil {
			return s, err
		}
	}
	return stat{parent: int(v[0]), own: time.Duration(v[1]+v[2]) * tick, reaped: time.Duration(v[3]+v[4]) * tick}, nil
}

// processes reads every process there is.
func processes() map[int]stat {
	out := map[int]stat{}
	paths, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, p := range paths {
		text, err := os.ReadFile(p)
		if err != nil {
			continue // it has just ended
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(p)))
		if s, err := parseStat(string(text)); err == nil {
			out[pid] = s
		}
	}
	return out
}

// family is the processor time of a process and its children, ended ones too.
func family(all map[int]stat, pid int) (d time.Duration) {
	for p, s := range all {
		if p == pid || s.parent == pid {
			d += s.own + s.reaped
		}
	}
	return d
}

// kernelThreads hang below process 2; they flush disks and move packets for us.
func kernelThreads(all map[int]stat) (d time.Duration) {
	for _, s := range all {
		if s.parent == 2 {
			d += s.own
		}
	}
	return d
}

// system is the first line of /proc/stat.
type system struct{ busy, steal, total time.Duration }

func parseSystem(text string) (s system, err error) {
	line, _, _ := strings.Cut(text, "\n")
	f := strings.Fields(line)
	if len(f) < 9 || f[0] != "cpu" {
		return s, errors.New("no line for all processors")
	}
	for i, word := range f[1:9] { // user nice system idle iowait irq softirq steal
		n, err := strconv.ParseInt(word, 10, 64)
		if err != nil {
			return s, err
		}
		d := time.Duration(n) * tick
		s.total += d
		switch i {
		case 0, 1, 2:
			s.busy += d
		case 7:
			s.steal = d
		}
	}
	return s, nil
}

// usage is what everyone has used up to an instant.
type usage struct {
	at                        time.Time
	ours, base, driver, other time.Duration
	system
}

// snapshot reads all counters. base is the database's first process, 0 where there is none.
func snapshot(ours []int, base int) usage {
	text, _ := os.ReadFile("/proc/stat")
	all := processes()
	u := usage{at: time.Now()}
	u.system, _ = parseSystem(string(text))
	for _, pid := range ours {
		u.ours += family(all, pid)
	}
	if base > 0 {
		u.base = family(all, base)
	}
	u.driver = all[os.Getpid()].own
	u.other = u.busy - u.ours - u.base - u.driver - kernelThreads(all)
	return u
}

func (u usage) since(v usage) usage {
	return usage{
		at:     u.at,
		ours:   u.ours - v.ours,
		base:   u.base - v.base,
		driver: u.driver - v.driver,
		other:  u.other - v.other,
		system: system{busy: u.busy - v.busy, steal: u.steal - v.steal, total: u.total - v.total},
	}
}

// disturbed is the share of the machine that someone else took, in percent.
func (u usage) disturbed() float64 {
	if u.total <= 0 {
		return 0
	}
	return 100 * float64(max(u.other, 0)+u.steal) / float64(u.total)
}

// memory reads a line of /proc/PID/status such as VmRSS or VmHWM, in MiB.
func memory(pid int, name string) float64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			kb, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kb / 1024
		}
	}
	return 0
}
