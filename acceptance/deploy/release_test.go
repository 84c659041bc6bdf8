package deploy

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

const version = "0.0.1-test.1"

var releases = struct {
	sync.Mutex
	dir string
}{}

// release makes a release of the commit that is checked out, once per test run.
func release(t *testing.T) string {
	t.Helper()
	releases.Lock()
	defer releases.Unlock()
	if releases.dir != "" {
		return releases.dir
	}
	if out, err := try(nil, "git", "rev-parse", "HEAD"); err != nil {
		t.Skipf("no git repository to release from: %s", out)
	}
	need(t, "dpkg-deb")
	dir := rig.Folder(t)
	run(t, []string{"REUSE_CACHE=1", "ARCHES=amd64"}, "scripts/release", version, dir)
	releases.dir = dir
	return dir
}

const name = "countersign-" + version + "-linux-amd64"

// The script itself compares two builds; the package is compared here.
func TestReleaseIsSmallStaticAndTheSameAgain(t *testing.T) {
	dir := release(t)
	program := filepath.Join(dir, name)
	info, err := os.Stat(program)
	if err != nil || info.Size() > 40_000_000 {
		t.Errorf("%v: %d bytes; at most 40 MB", err, info.Size())
	}
	t.Logf("%d bytes", info.Size())
	said := run(t, nil, program, "version")
	if !strings.HasPrefix(said, "countersign "+version+" ") ||
		!regexp.MustCompile(` [0-9a-f]{40} go1\.`).MatchString(said) {
		t.Errorf("version says %q", said)
	}
	if out, err := try(nil, "ldd", program); err == nil && !strings.Contains(out, "not a dynamic") {
		t.Errorf("not static: %s", out)
	}
	again := rig.Folder(t)
	run(t, []string{"REUSE_CACHE=1", "ARCHES=amd64"}, "scripts/release", version, again)
	if a, b := read(t, dir+"/SHA256SUMS"), read(t, again+"/SHA256SUMS"); a != b || strings.Count(a, "\n") != 3 {
		t.Errorf("a second release differs:\n%s%s", a, b)
	}
}

// guard: the list is read from the binary
func TestSEC125_TheListOfPartsIsTheBinarys(t *testing.T) {
	dir := release(t)
	var list struct {
		Format   string `json:"bomFormat"`
		Version  string `json:"specVersion"`
		Metadata struct {
			Component struct {
				Version string
				Hashes  []struct{ Content string }
			}
		}
		Components []struct{ Type, Name, Version, PURL string }
	}
	if err := json.Unmarshal([]byte(read(t, filepath.Join(dir, name+".cdx.json"))), &list); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(read(t, filepath.Join(dir, name))))
	if c := list.Metadata.Component; list.Format != "CycloneDX" || list.Version != "1.5" || c.Version != version ||
		c.Hashes[0].Content != hex.EncodeToString(sum[:]) {
		t.Errorf("%+v", list.Metadata)
	}
	want := map[string]string{}
	for line := range strings.Lines(run(t, nil, "go", "version", "-m", filepath.Join(dir, name))) {
		if f := strings.Fields(line); len(f) >= 3 && f[0] == "dep" {
			want[f[1]] = f[2]
		}
	}
	for _, c := range list.Components {
		if c.Name == "stdlib" {
			continue
		}
		if c.Version == "" || want[c.Name] != c.Version || c.PURL != "pkg:golang/"+c.Name+"@"+c.Version {
			t.Errorf("%+v is not in the binary", c)
		}
		delete(want, c.Name)
	}
	if len(want) > 0 || len(list.Components) < 10 {
		t.Errorf("not listed: %v", want)
	}
}

// installed lays out the package in a folder as dpkg would on an empty machine, maintainer
// scripts included.
func installed(t *testing.T) string {
	t.Helper()
	dir := release(t)
	if os.Getuid() != 0 {
		t.Skip("dpkg --root needs root")
	}
	need(t, "systemd-sysusers")
	target := rig.Folder(t)
	for _, d := range []string{"etc", "var/lib/dpkg/info", "var/lib/dpkg/updates", "var/lib/dpkg/triggers"} {
		if err := os.MkdirAll(filepath.Join(target, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write(t, target+"/var/lib/dpkg/status", "")
	out := run(t, nil, "dpkg", "--root="+target, "--force-script-chrootless", "--force-depends",
		"--log=/dev/null", "-i",
		filepath.Join(dir, "countersign_"+strings.ReplaceAll(version, "-", "~")+"_amd64.deb"))
	if !strings.Contains(out, "installed and not started") {
		t.Errorf("the package does not say what to do next:\n%s", out)
	}
	return target
}

func TestDebianPackage(t *testing.T) {
	target := installed(t)
	account := regexp.MustCompile(`(?m)^countersign:x:(\d+):(\d+):`).FindStringSubmatch(read(t, target+"/etc/passwd"))
	if account == nil {
		t.Fatal("no account was made")
	}
	for path, want := range map[string]string{
		"usr/bin/countersign": "755 0 0", "etc/countersign": "750 0 " + account[2],
		"etc/countersign/countersign.toml":           "640 0 " + account[2],
		"etc/countersign/secrets":                    "750 0 " + account[2],
		"var/lib/countersign":                        "700 " + account[1] + " " + account[2],
		"usr/lib/systemd/system/countersign.service": "644 0 0",
	} {
		if got := strings.TrimSpace(run(t, nil, "stat", "-c", "%a %u %g", filepath.Join(target, path))); got != want {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
	program := target + "/usr/bin/countersign"
	conf := target + "/etc/countersign/countersign.toml"
	if out, err := try(nil, program, "config", "show", "--config", conf); err == nil ||
		!strings.Contains(out, "public_url is missing") || !strings.Contains(out, "smtp.host is missing") {
		t.Errorf("the unedited file is taken, or not explained: %v\n%s", err, out)
	}
	edited := read(t, conf)
	for _, line := range []string{`public_url = "`, `host = "`, `from = "`} {
		edited = replaced(t, edited, "# "+line, line)
	}
	if err := os.WriteFile(conf, []byte(replaced(t, edited, "/var/lib/countersign", target+"/var/lib/countersign")),
		0o640); err != nil {
		t.Fatal(err)
	}
	if out := run(t, nil, program, "config", "show", "--config", conf); !strings.Contains(out, "sign-in.example.com") {
		t.Errorf("config show: %s", out)
	}
	write(t, target+"/var/lib/countersign/countersign.key", "kept")
	out := run(t, nil, "dpkg", "--root="+target, "--force-script-chrootless", "--log=/dev/null",
		"--purge", "countersign")
	if !strings.Contains(out, "/var/lib/countersign stays") ||
		read(t, target+"/var/lib/countersign/countersign.key") != "kept" {
		t.Errorf("a purge takes the key file, or does not say that it stays:\n%s", out)
	}
	if _, err := os.Stat(conf); err == nil {
		t.Error("a purge leaves the configuration")
	}
}

func TestDebianPackageLint(t *testing.T) {
	lintian := need(t, "lintian")
	// Static by design; who releases says whom to write to.
	out, err := try(nil, lintian, "--allow-root", "--fail-on", "error", "--suppress-tags",
		"statically-linked-binary,bogus-mail-host,bogus-mail-host-in-debian-changelog",
		filepath.Join(release(t), "countersign_"+strings.ReplaceAll(version, "-", "~")+"_amd64.deb"))
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

var exposure = regexp.MustCompile(`Overall exposure level for \S+: ([0-9.]+)`)

// guard: the sandbox in the unit
func TestUnit(t *testing.T) {
	analyze := need(t, "systemd-analyze")
	dir := rig.Folder(t)
	unit := replaced(t, text(t, "deploy/systemd/countersign.service"), "ExecStart=/usr/bin/countersign",
		"ExecStart="+rig.Binary(t, rig.Release))
	for _, drop := range []string{"", "credentials.conf", "port-443.conf"} {
		path := filepath.Join(dir, strings.TrimSuffix("with-"+drop, ".conf"), "countersign.service")
		if err := os.MkdirAll(path+".d", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(unit), 0o644); err != nil {
			t.Fatal(err)
		}
		if drop != "" {
			if err := os.WriteFile(filepath.Join(path+".d", drop), []byte(text(t, "deploy/systemd/"+drop)),
				0o644); err != nil {
				t.Fatal(err)
			}
		}
		out, err := try(nil, analyze, "verify", "--man=no", path)
		if err != nil || strings.Contains(out, filepath.Dir(path)) {
			t.Errorf("%q: %v\n%s", drop, err, out)
		}
		score := exposure.FindStringSubmatch(run(t, nil, analyze, "security", "--offline=true", path))
		if score == nil || score[1] > "1.5" {
			t.Errorf("%q: exposure %v; at most 1.5", drop, score)
		}
		t.Logf("%q: exposure %s", drop, score[1])
	}
}

// guard: notify in cmd/countersign
func TestUnitIsTold(t *testing.T) {
	dir, err := os.MkdirTemp("", "n") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: dir + "/notify", Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = manager.Close() })
	told := func() string {
		buf := make([]byte, 256)
		_ = manager.SetReadDeadline(time.Now().Add(10 * time.Second))
		n, err := manager.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		return string(buf[:n])
	}
	w := rig.New(t, "sqlite", rig.Options{Env: []string{"NOTIFY_SOCKET=" + dir + "/notify", "WATCHDOG_USEC=200000"}})
	t.Cleanup(w.Close)
	for _, want := range []string{"READY=1", "WATCHDOG=1", "WATCHDOG=1"} {
		if got := told(); got != want {
			t.Fatalf("told %q, want %q", got, want)
		}
	}
	go w.A.Stop()
	for got := told(); got != "STOPPING=1"; got = told() {
		if got != "WATCHDOG=1" {
			t.Fatalf("told %q", got)
		}
	}
	if out, err := w.TryCLI("", "healthcheck", "--timeout", "1s"); err == nil {
		rig.Within(t, 10*time.Second, "a stopped program is not well: "+out,
			func() bool { _, err := w.TryCLI("", "healthcheck"); return err != nil })
	}
}

// The unit's filter lets through what the program asks of the kernel from its start through
// a whole sign-in to its end. This is compared and not enforced: no systemd runs here.
func TestUnitLetsEverySystemCallThrough(t *testing.T) {
	tracer, analyze := need(t, "strace"), need(t, "systemd-analyze")
	w := rig.New(t, "sqlite", rig.Options{})
	t.Cleanup(w.Close)
	stop := traced(t, w.Dir+"/calls",
		exec.Command(tracer, "-f", "-c", "-U", "name", "-o", w.Dir+"/calls", "-p", fmt.Sprint(w.A.PID())))
	rig.Within(t, 10*time.Second, "the tracer holds the program", func() bool {
		return !strings.Contains(read(t, fmt.Sprintf("/proc/%d/status", w.A.PID())), "TracerPid:\t0\n")
	})
	w.Person(t).SignIn(t, w.Dashboard(t), w.Covered(t).User(t))
	w.A.Stop()
	calls := stop()
	dir, addr := rig.Folder(t), rig.FreeAddr(t)
	start := exec.Command(tracer, "-f", "-c", "-U", "name", "-o", dir+"/calls", "-I", "2", rig.Binary(t, rig.Release),
		"serve", "--config", small(t, dir, addr))
	stop = traced(t, dir+"/calls", start)
	awaitHealthy(t, addr)
	child := strings.Fields(read(t, fmt.Sprintf("/proc/%d/task/%d/children", start.Process.Pid, start.Process.Pid)))
	if len(child) != 1 {
		t.Fatalf("the tracer has the children %v", child)
	}
	run(t, nil, "kill", "-TERM", child[0])
	calls += stop()
	allowed := expanded(t, analyze, "@system-service")
	for _, set := range []string{"@privileged", "@resources"} {
		for call := range expanded(t, analyze, set) {
			delete(allowed, call)
		}
	}
	// Refused without harm: Go wants to raise its own limit of files, which the unit has raised
	// already; only root gives files away.
	for _, call := range []string{"prlimit64", "setrlimit", "fchown"} {
		allowed[call] = true
	}
	seen := 0
	for line := range strings.Lines(calls) {
		call := strings.TrimSpace(line)
		if strings.Contains(call, "???") { // the tracer came too late to see which call it was
			continue
		}
		if call == "" || strings.HasPrefix(call, "-") || call == "syscall" || call == "total" {
			continue
		}
		if seen++; !allowed[call] {
			t.Errorf("the unit forbids %s, which the program calls", call)
		}
	}
	if seen < 60 {
		t.Errorf("only %d system calls were seen:\n%s", seen, calls)
	}
}

// traced starts a tracer. What it returns waits for its end and reads what it wrote.
func traced(t *testing.T, file string, cmd *exec.Cmd) func() string {
	t.Helper()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return func() string { _ = cmd.Wait(); return read(t, file) }
}

// expanded are the system calls of a set, and of the sets in it.
func expanded(t *testing.T, analyze, set string) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	sets := []string{set}
	for i := 0; i < len(sets); i++ {
		for line := range strings.Lines(run(t, nil, analyze, "syscall-filter", "--no-pager", sets[i])) {
			name, listed := strings.CutPrefix(line, "    ")
			switch name = strings.TrimSpace(name); {
			case !listed || strings.HasPrefix(name, "#"):
			case strings.HasPrefix(name, "@"):
				sets = append(sets, name)
			default:
				out[name] = true
			}
		}
	}
	return out
}
