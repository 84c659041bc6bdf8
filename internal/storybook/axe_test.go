package storybook

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"
)

const (
	nodeTools   = "../../acceptance/node"
	installIt   = "run ./test, which installs it"
	firstWeight = 50_000 // bytes of HTML, style and script, unpacked
)

// serve starts the storybook for a browser.
func serve(t *testing.T) (*Book, string) {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	origin := "http://" + server.Listener.Addr().String()
	b := open(t, origin)
	server.Config.Handler = b
	server.Start()
	t.Cleanup(server.Close)
	return b, origin
}

func browser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{
		os.Getenv("CHROMIUM"), "chromium-headless-shell", "chromium", "chromium-browser", "google-chrome",
	} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("no Chromium: " + installIt)
	return ""
}

// TestPagesAreAccessible draws every story in Chromium: see acceptance/node/axe.mjs.
func TestPagesAreAccessible(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Fatal("no Node: " + installIt)
	}
	for _, module := range []string{"playwright-core", "axe-core"} {
		if _, err := os.Stat(filepath.Join(nodeTools, "node_modules", module, "package.json")); err != nil {
			t.Fatalf("no %s: %s", module, installIt)
		}
	}
	chromium := browser(t)
	b, origin := serve(t)
	names := make([]string, len(b.Stories))
	for i, s := range b.Stories {
		names[i] = s.Name
	}
	task, err := json.Marshal(map[string]any{"origin": origin, "langs": b.Langs, "stories": names})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	if end, limited := t.Deadline(); limited { // a busy machine may take as long as go test lets it
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, end.Add(-20*time.Second))
		defer cancel()
	}
	cmd := exec.CommandContext(ctx, node, "axe.mjs")
	cmd.Dir = nodeTools
	cmd.Env = append(os.Environ(), "CHROMIUM="+chromium)
	cmd.Stdin = bytes.NewReader(task)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // so that the browser goes too
	cmd.WaitDelay = 5 * time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v:\n%s", err, out)
	}
}

var assetURL = regexp.MustCompile(`(?:href|src)="(/assets/[^"]+\.(?:css|js))"`)

func TestFirstPageIsLight(t *testing.T) {
	_, origin := serve(t)
	page := fetch(t, origin+"/page/en/signin")
	total, assets := len(page), assetURL.FindAllSubmatch(page, -1)
	if len(assets) < 2 {
		t.Fatalf("%d assets found; the reader is broken", len(assets))
	}
	for _, m := range assets {
		total += len(fetch(t, origin+string(m[1])))
	}
	if total > firstWeight {
		t.Errorf("the first page weighs %d bytes", total)
	}
}

// fetch reads a body; Go's client unpacks it.
func fetch(t *testing.T, address string) []byte {
	t.Helper()
	r, err := http.Get(address) //nolint:noctx // a test's own server
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	if r.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", address, r.Status)
	}
	return body
}
