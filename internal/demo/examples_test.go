package demo

import (
	"context"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"countersign/internal/client"
	"countersign/internal/db"
	"countersign/internal/secret"
)

// The apps of docs/integrate sign in, step up and sign out as that page says.

func TestTheGoExampleWorks(t *testing.T) {
	program := filepath.Join(t.TempDir(), "example")
	build := exec.Command("go", "build", "-o", program, "countersign/docs/integrate/example")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // as everything else that is built: it has been compiled already
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	driveExample(t, exec.Command(program))
}

func TestTheNodeExampleWorks(t *testing.T) {
	modules, err := filepath.Abs("../../acceptance/node/node_modules")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(modules, "openid-client")); err != nil {
		t.Fatal("openid-client is not installed: ./test installs it")
	}
	text, err := os.ReadFile("../../docs/integrate/example/dashboard.mjs")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "dashboard.mjs"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	driveExample(t, exec.Command("node", filepath.Join(dir, "dashboard.mjs")))
}

// driveExample registers an app, runs it and signs in to it.
func driveExample(t *testing.T, app *exec.Cmd) {
	d := start(t)
	home := "http://localhost:" + freePort(t)
	key := d.registerBoard(t, home)
	app.Env = append(os.Environ(), "COUNTERSIGN_URL="+d.at.SignIn, "CLIENT_ID=board", "CLIENT_SECRET="+key.Reveal(),
		"HOME_URL="+home)
	run(t, app, home)

	v, sam, fennel := newVisitor(t), companies[1].People[3], companies[1].ID
	v.post(d.at.Demo+"/decide/switch", "company", fennel, "switch", "off")
	v.get(home+"/").says(t, "My board", "/sign-in")
	v.signInAt(d, home, sam).says(t, "Sam Doyle of Fennel Street Clinic, urn:countersign:acr:1<")

	v.post(d.at.Demo+"/decide/switch", "company", fennel, "switch", "on")
	page := v.stepUp(d, v.get(home+"/"))
	if page.at.Path != "/signin/code" {
		t.Fatalf("stepping up leads to %s\n%s", page.at, page.body)
	}
	v.post(d.at.SignIn+"/signin/code", "code", d.code(t, sam.Email, 1)).says(t,
		"Sam Doyle of Fennel Street Clinic, urn:countersign:acr:1e")

	v.post(home+"/sign-out").says(t, "My board", "/sign-in")
	if page := v.get(home + "/sign-in"); page.at.Path != "/signin" {
		t.Errorf("after signing out, a sign-in leads to %s", page.at)
	}
}

// registerBoard makes the app of docs/integrate.
func (d *Demo) registerBoard(t *testing.T, home string) (key secret.Text) {
	t.Helper()
	err := d.house.DB.InTx(t.Context(), db.Installation, func(tx *db.Tx) (err error) {
		_, key, err = client.Create(t.Context(), tx, client.New{
			ID: "board", Name: "My board", Kind: client.Confidential, RedirectURIs: []string{home + "/callback"},
			PostLogoutURIs: []string{home + "/"},
		})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// run starts a program, waits until it answers and ends it with the test.
func run(t *testing.T, app *exec.Cmd, home string) {
	t.Helper()
	var said output
	app.Stdout, app.Stderr = &said, &said
	if err := app.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = app.Process.Kill()
		_ = app.Wait()
		if t.Failed() {
			t.Logf("the app said:\n%s", said.String())
		}
	})
	tr := &http.Transport{DisableKeepAlives: true}
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		ctx, stop := context.WithTimeout(t.Context(), time.Second)
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, home+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := tr.RoundTrip(req)
		stop()
		if err == nil {
			_ = res.Body.Close()
			return
		}
	}
	t.Fatal("the app does not answer")
}

// freePort is below the ports that systems lend to outgoing connections, so that no one
// takes it before the app listens there.
func freePort(t *testing.T) string {
	t.Helper()
	for range 1000 {
		port := strconv.Itoa(20000 + rand.IntN(12000))
		if l, err := net.Listen("tcp", "localhost:"+port); err == nil {
			_ = l.Close()
			return port
		}
	}
	t.Fatal("no port is free")
	return ""
}
