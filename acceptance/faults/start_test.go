package faults

import (
	"bytes"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

// cradle is an installation that was never started.
type cradle struct {
	dir, dsn string
	w        *world
}

// cradle makes an empty database and an empty folder.
func (w *world) cradle(t *testing.T) *cradle {
	t.Helper()
	b := &cradle{dir: rig.Folder(t), w: w}
	if w.Engine == "sqlite" {
		b.dsn = "sqlite:" + filepath.Join(b.dir, "new.db")
		return b
	}
	schema := strings.ToLower(w.Unique("cradle_")) + fmt.Sprintf("_%d", time.Now().UnixNano())
	if _, err := w.Rows().Exec("CREATE SCHEMA " + schema); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Tamper(t, "DROP SCHEMA "+schema+" CASCADE") })
	u, err := url.Parse(os.Getenv("TEST_POSTGRES_URL"))
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	b.dsn = u.String()
	return b
}

// said collects what a program says.
type said struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// start starts the program and waits until it serves, or is dead.
func (b *cradle) start(t *testing.T) (serves bool, log string) {
	t.Helper()
	out := &said{}
	cmd := exec.Command(rig.Binary(t, rig.Rigged), "serve", "--config", filepath.Join(b.w.Dir, "a.toml"))
	cmd.Dir, cmd.Stdout, cmd.Stderr = b.dir, out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + b.dir, "COUNTERSIGN_RIG_FAULTS=" + b.w.FaultsFile(),
		"COUNTERSIGN_DATABASE_URL=" + b.dsn,
		"COUNTERSIGN_KEY_FILE=" + filepath.Join(b.dir, "new.key"), "COUNTERSIGN_LISTEN=" + rig.FreeAddr(t),
		"COUNTERSIGN_SMTP_BOUNCES_LISTEN=127.0.0.1:0"}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	defer func() { _ = cmd.Process.Kill(); <-ended }()
	for end := time.Now().Add(rig.Slack * 20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		select {
		case <-ended:
			return false, out.String()
		default:
		}
		if strings.Contains(out.String(), `"msg":"ready"`) {
			return true, out.String()
		}
	}
	return false, out.String()
}

// TestREL004_KilledAtTheFirstStart kills the program at each point of its very first start,
// and starts it again: the schema, the installation, its audit chain and its keys are made
// once and whole.
func TestREL004_KilledAtTheFirstStart(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.A.Kill()
		w.dead(t)
		n, hits := 1, 0
		for ; n < 40; n++ {
			b := w.cradle(t)
			w.order(t, "kill", n, "")
			serves, log := b.start(t)
			hit, _ := w.done(t)
			if serves {
				break // what comes later is no start
			}
			if !hit {
				t.Fatalf("it does not start: %s", log)
			}
			hits++
			if serves, log := b.start(t); !serves {
				t.Fatalf("killed at point %d, it does not start again: %s", n, log)
			}
		}
		if hits < 6 || n == 40 {
			t.Errorf("killed %d times", hits)
		}
		t.Logf("killed at %d points of the first start", hits)
	})
}
