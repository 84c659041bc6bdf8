package db_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"countersign/internal/db"
)

// guard: a pooler in transaction mode is named when the program starts
func TestOPS_ATransactionPoolerIsNamed(t *testing.T) {
	opens := func(dsn string) error {
		d, err := db.Open(t.Context(), dsn, time.Now)
		if err == nil {
			err = d.Close()
		}
		return err
	}
	for _, pool := range []int{1, 20} {
		if err := opens(pgbouncer(t, "transaction", pool)); !errors.Is(err, db.ErrTransactionPooler) {
			t.Errorf("transaction mode, %d: %v", pool, err)
		}
	}
	if err := opens(pgbouncer(t, "session", 20)); err != nil {
		t.Errorf("session mode: %v", err)
	}
	if err := opens(os.Getenv("TEST_POSTGRES_URL")); err != nil {
		t.Errorf("directly: %v", err)
	}
	if err := opens(pgbouncer(t, "transaction", 20) + "&default_query_exec_mode=exec"); err != nil {
		t.Errorf("without prepared statements: %v", err)
	}
}

// pgbouncer starts Debian's before the tests' PostgreSQL and returns its address.
func pgbouncer(t *testing.T, mode string, pool int) string {
	t.Helper()
	server, err := url.Parse(os.Getenv("TEST_POSTGRES_URL"))
	if err != nil || server.Host == "" {
		t.Fatalf("TEST_POSTGRES_URL: %v", err)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := free.Addr().(*net.TCPAddr).Port
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "pgbouncer-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	target := fmt.Sprintf("host=%s port=%s user=%s", server.Hostname(), server.Port(), server.User.Username())
	if password, ok := server.User.Password(); ok {
		target += " password=" + password
	}
	config := fmt.Sprintf(
		"[databases]\n%s = %s\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = %d\nunix_socket_dir =\n"+
			"auth_type = any\npool_mode = %s\ndefault_pool_size = %d\n",
		server.Path[1:],
		target,
		port,
		mode,
		pool,
	)
	file := filepath.Join(dir, "pgbouncer.ini")
	if err := errors.Join(os.WriteFile(file, []byte(config), 0o644), os.Chmod(dir, 0o755)); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	args := []string{"-q", file}
	if os.Getuid() == 0 { // it refuses to be root
		args = append([]string{"-u", "nobody"}, args...)
	}
	cmd := exec.CommandContext(ctx, "/usr/sbin/pgbouncer", args...)
	if err := cmd.Start(); err != nil {
		t.Fatalf("pgbouncer (scripts/needs installs it): %v", err)
	}
	t.Cleanup(func() { stop(); _ = cmd.Wait() })
	address := fmt.Sprintf("127.0.0.1:%d", port)
	for {
		c, err := net.Dial("tcp", address)
		if err == nil {
			_ = c.Close()
			break
		}
		if cmd.ProcessState != nil {
			t.Fatal("pgbouncer ended")
		}
		time.Sleep(20 * time.Millisecond)
	}
	server.Host = address
	server.RawQuery = "sslmode=disable"
	return server.String()
}
