package deploy

import (
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"countersign/acceptance/rig"
	"countersign/internal/db/dbtest"
)

// small writes the least that a configuration holds, without TLS and with a mail server
// that is not there.
func small(t *testing.T, dir, listen string) string {
	t.Helper()
	path := filepath.Join(dir, "small.toml")
	write(t, path, fmt.Sprintf(
		"public_url = \"https://%s\"\nlisten = %q\nkey_file = %q\n[database]\nurl = %q\n[smtp]\nhost = \"127.0.0.1\"\nport = 9\nfrom = \"sign-in@example.test\"\n",
		rig.Host, listen, dir+"/countersign.key", "sqlite:"+dir+"/countersign.db"))
	return path
}

func awaitHealthy(t *testing.T, addr string) {
	t.Helper()
	rig.Within(t, 20*time.Second, "the program answers at "+addr, func() bool {
		res, err := http.Get("http://" + addr + "/healthz")
		if err != nil {
			return false
		}
		_ = res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
}

// image lays out the root file system of the image with the script that the Containerfile runs.
func image(t *testing.T) (rootfs, data string) {
	t.Helper()
	dir := rig.Folder(t)
	rootfs, data = dir+"/root", dir+"/root/data"
	if _, err := os.Stat("/etc/ssl/certs/ca-certificates.crt"); err != nil {
		t.Skip("no certificate authorities on this machine (apt-get install ca-certificates)")
	}
	run(t, nil, "deploy/container/rootfs", rig.Binary(t, rig.Release), rootfs, data)
	return rootfs, data
}

var copied = regexp.MustCompile(`(?m)^COPY (.+)$`)

// The sources that the Containerfile copies exist, and the last stage takes what the
// script laid out and nothing else.
func TestContainerfileCopiesWhatExists(t *testing.T) {
	build, final, ok := strings.Cut(text(t, "deploy/container/Containerfile"), "\nFROM scratch\n")
	if !ok {
		t.Fatal("the image does not begin from nothing")
	}
	for _, c := range copied.FindAllStringSubmatch(build, -1) {
		parts := strings.Fields(c[1])
		for _, source := range parts[:len(parts)-1] {
			if _, err := os.Stat(filepath.Join(root, source)); err != nil {
				t.Errorf("COPY %s: %v", c[1], err)
			}
		}
	}
	var took []string
	for _, c := range copied.FindAllStringSubmatch(final, -1) {
		took = append(took, c[1])
	}
	if got := strings.Join(took,
		"; "); got != "--from=build /out/root/ /; --from=build --chown=10001:10001 /out/data /data" {
		t.Errorf("the image takes %s", got)
	}
	for _, line := range []string{"USER 10001:10001", `CMD ["/countersign", "healthcheck"]`,
		"deploy/container/rootfs /out/countersign /out/root /out/data", "VOLUME /data"} {
		if !strings.Contains(build+final, line) {
			t.Errorf("the Containerfile lacks %s", line)
		}
	}
}

func TestImageHoldsFourFiles(t *testing.T) {
	rootfs, _ := image(t)
	var files []string
	_ = filepath.WalkDir(rootfs, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, strings.TrimPrefix(path, rootfs))
		}
		return err
	})
	if got := strings.Join(files,
		" "); got != "/countersign /etc/group /etc/passwd /etc/ssl/certs/ca-certificates.crt" {
		t.Errorf("the image holds %s", got)
	}
}

// contained runs the program in the image's files as the engine would: changed root, read-only
// but for /data, no privilege, and the environment that the Containerfile sets.
const contained = `set -e
mount --bind "$ROOT" "$ROOT"; mount --bind "$ROOT/data" "$ROOT/data"
mount -o remount,bind,ro "$ROOT"
exec setpriv --no-new-privs --bounding-set=-all,+sys_chroot,+setuid,+setgid \
	chroot --userspec=10001:10001 --groups= "$ROOT" /countersign "$@"`

var variable = regexp.MustCompile(`COUNTERSIGN_[A-Z_]+=\S+|SQLITE_TMPDIR=\S+`)

// guard: the image needs nothing that it does not have
func TestImageRunsWithoutPrivilege(t *testing.T) {
	runsContained(t, "COUNTERSIGN_PUBLIC_URL=https://"+rig.Host,
		"COUNTERSIGN_SMTP_HOST=127.0.0.1", "COUNTERSIGN_SMTP_PORT=9", "COUNTERSIGN_SMTP_FROM=sign-in@example.test")
}

var composed = regexp.MustCompile(`(?m)^      (COUNTERSIGN_[A-Z_]+): "?([^"\n]+)"?$`)

// The compose file gives the image what it needs to start with PostgreSQL; only the names that
// its network gives are replaced. No container engine is where the tests run.
// guard: deploy/container
func TestComposeFileRunsTheImage(t *testing.T) {
	file := text(t, "deploy/container/compose.yaml")
	var env []string
	for _, v := range composed.FindAllStringSubmatch(file, -1) {
		value := v[2]
		if v[1] == "COUNTERSIGN_DATABASE_URL" {
			if value != "postgres://countersign:countersign@postgres:5432/countersign?sslmode=disable" {
				t.Errorf("the database is %s", value)
			}
			value = dbtest.PostgresURL(t)
		}
		env = append(env, v[1]+"="+value)
	}
	if len(env) != 6 {
		t.Fatalf("the compose file sets %v", env)
	}
	for _, line := range []string{
		"dockerfile: deploy/container/Containerfile", "context: ../..", "read_only: true", "cap_drop: [ALL]",
		"- data:/data", "127.0.0.1:8080:8080",
		"POSTGRES_USER: countersign", "POSTGRES_PASSWORD: countersign", "POSTGRES_DB: countersign",
		"condition: service_healthy", "network_mode: service:countersign",
	} {
		if !strings.Contains(file, line) {
			t.Errorf("the compose file lacks %s", line)
		}
	}
	if strings.Contains(file, "\t") {
		t.Error("a tab indents a line")
	}
	runsContained(t, env...)
}

// runsContained starts the program in the files of the image, with the environment of the
// Containerfile and more, sees it well, and stops it.
func runsContained(t *testing.T, more ...string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("changing the root needs root")
	}
	rootfs, data := image(t)
	if err := os.Chown(data, 10001, 10001); err != nil {
		t.Fatal(err)
	}
	addr := rig.FreeAddr(t)
	env := variable.FindAllString(text(t, "deploy/container/Containerfile"), -1)
	env = append(append(env, more...), "ROOT="+rootfs, "PATH="+os.Getenv("PATH"), "COUNTERSIGN_LISTEN="+addr)
	inside := func(args ...string) *exec.Cmd {
		cmd := exec.Command("unshare", append([]string{"--mount", "sh", "-c", contained, "countersign"}, args...)...)
		cmd.Env, cmd.SysProcAttr = env, &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		return cmd
	}
	if out, err := inside("healthcheck").CombinedOutput(); err == nil {
		t.Fatalf("well before it runs: %s", out)
	} else if strings.Contains(string(out), "unshare failed") {
		t.Skipf("no mount namespaces here: %s", out)
	}
	serve := inside("serve")
	said, err := os.Create(filepath.Join(rig.Folder(t), "said"))
	if err != nil {
		t.Fatal(err)
	}
	serve.Stdout, serve.Stderr = said, said
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = serve.Process.Kill(); _, _ = serve.Process.Wait(); _ = said.Close() })
	rig.Within(t, 20*time.Second, "healthcheck says ok", func() bool {
		out, err := inside("healthcheck").CombinedOutput()
		return err == nil && string(out) == "ok\n"
	})
	status := read(t, fmt.Sprintf("/proc/%d/status", serve.Process.Pid))
	for _, want := range []string{"Uid:\t10001\t10001\t10001\t10001", "Gid:\t10001\t10001\t10001\t10001",
		"CapEff:\t0000000000000000", "NoNewPrivs:\t1"} {
		if !strings.Contains(status, want) {
			t.Errorf("%s is not so:\n%s", want, status)
		}
	}
	if !strings.Contains(read(t, said.Name()), "enter this token") {
		t.Errorf("no set-up token on the console:\n%s", read(t, said.Name()))
	}
	if got := strings.TrimSpace(run(t, nil, "stat", "-c", "%a %u", data+"/countersign.key")); got != "600 10001" {
		t.Errorf("the key file is %s", got)
	}
	_ = serve.Process.Signal(syscall.SIGTERM)
	if state, err := serve.Process.Wait(); err != nil || !state.Success() {
		t.Errorf("it does not stop well: %v %v\n%s", state, err, read(t, said.Name()))
	}
}
