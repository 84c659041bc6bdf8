package main

import (
	"cmp"
	"fmt"
	"runtime/debug"
	"strings"
)

// version and commit are stamped into releases by the linker (scripts/release). Other
// builds leave them empty and say what Go knows about them.
var version, commit string

// VersionCmd prints the version.
type VersionCmd struct{}

// Run prints version, revision and the Go that built it, on one line.
func (VersionCmd) Run(env *Env) error {
	env.say(versionOf(built()), "countersign %s\n", built())
	return nil
}

func built() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return cmp.Or(version, "(unknown build)")
	}
	var revision string
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			revision = s.Value
		}
	}
	return fmt.Sprint(cmp.Or(version, info.Main.Version), " ", cmp.Or(commit, revision, "unknown revision"),
		" ", info.GoVersion)
}

type versionDocument struct {
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Go      string `json:"go"`
}

func versionOf(built string) versionDocument {
	version, rest, _ := strings.Cut(built, " ")
	i := max(strings.LastIndexByte(rest, ' '), 0)
	return versionDocument{version, rest[:i], strings.TrimSpace(rest[i:])}
}
