package rig

import (
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Front is something that stands before the programs, such as a proxy: people and apps
// are sent there with Via.
func Front(addr string) *Server { return &Server{Addr: addr} }

// FreeAddr is a loopback address with a port that no one listens on.
func FreeAddr(t testing.TB) string {
	t.Helper()
	return freeAddr(t)
}

// BuildFrom builds the program from the sources in a folder, as a flavour of that name.
func BuildFrom(t testing.TB, f Flavour, sources string) {
	t.Helper()
	builds.Lock()
	defer builds.Unlock()
	path := filepath.Join(scratch(t), "countersign-"+string(f))
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", path, "./cmd/countersign")
	cmd.Dir, cmd.Env = sources, append(cmd.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", f, err, out)
	}
	builds.made[f] = path
	reference, err := exec.Command(path, "config", "reference").Output()
	if err != nil {
		t.Fatal(err)
	}
	references.Store(f, string(reference))
}

// references says which settings a flavour of other sources knows.
var references sync.Map

// known takes the settings out of a configuration that the flavour does not know yet, as
// an operator leaves them out until the last old program is gone.
func (f Flavour) known(config string) string {
	reference, other := references.Load(f)
	if !other {
		return config
	}
	var out strings.Builder
	section := ""
	for line := range strings.Lines(config) {
		key, _, setting := strings.Cut(line, " = ")
		if strings.HasPrefix(line, "[") {
			section = strings.Trim(line, "[]\n") + "."
		}
		if !setting || strings.Contains(reference.(string), "| `"+section+key+"` |") {
			out.WriteString(line)
		}
	}
	return out.String()
}

// StartAs starts one more program, of a flavour and with an environment of its own, on the
// world's database. The caller stops it.
func (w *World) StartAs(t testing.TB, name string, f Flavour, env ...string) *Server {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	was := w.flavour
	defer func() { w.flavour = was }()
	w.flavour = f
	return w.start(t, name, Options{Env: env})
}
