package acceptance

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

// env is a world's options with more of an environment.
func env(lines ...string) rig.Options { return rig.Options{Env: lines} }

// says fails unless text holds every sentence.
func says(t *testing.T, text string, sentences ...string) {
	t.Helper()
	for _, s := range sentences {
		if !strings.Contains(text, s) {
			t.Errorf("it does not say %q:\n%s", s, text)
		}
	}
}

// written makes a file in the world's folder.
func written(t *testing.T, w *rig.World, name, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(w.Dir, name)
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

const foreignKey = "abcdefgh AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"

// guard: the canary
func TestSEC138_AKeyFileThatIsNotTheInstallations(t *testing.T) {
	rig.EachFresh(t, rig.Options{}, func(t *testing.T, w *rig.World) {
		w.A.Stop()
		foreign := written(t, w, "foreign.key", foreignKey, 0o600)
		says(t, w.Refused(t, env("COUNTERSIGN_KEY_FILE="+foreign)), "this key file does not belong to this database")
		if said, code := w.Command(t, env("COUNTERSIGN_KEY_FILE="+foreign), "tenant", "list"); code != 1 ||
			!strings.Contains(said, "does not belong") {
			t.Errorf("a command goes on with it: %d %s", code, said)
		}
		missing := filepath.Join(w.Dir, "no.key")
		says(t, w.Refused(t, env("COUNTERSIGN_KEY_FILE="+missing)),
			"the key file is missing and this database is in use")
		if _, code := w.Command(t, env("COUNTERSIGN_KEY_FILE="+missing), "tenant", "list"); code != 1 {
			t.Error("a command makes a key file")
		}
		if _, err := os.Stat(missing); err == nil {
			t.Error("a new key file lies beside a database in use")
		}
		open := written(t, w, "open.key", foreignKey, 0o644)
		says(t, w.Refused(t, env("COUNTERSIGN_KEY_FILE="+open)),
			"has mode 0644: others may read it; run chmod 600 on it")
		w.Starts(t, rig.Options{})
	})
}

// guard: a replica weaker than the others does not start
func TestREL24_AConfigurationWeakerThanBefore(t *testing.T) {
	rig.EachFresh(t, rig.Options{}, func(t *testing.T, w *rig.World) {
		w.A.Stop()
		weak := env("COUNTERSIGN_LIMITS_WRONG_ANSWERS=6", "COUNTERSIGN_LIMITS_PASSWORD_SLOW_FROM=9",
			"COUNTERSIGN_LIMITS_CODE_LENGTH=8")
		said := w.Refused(t, weak)
		says(t, said,
			"- limits.wrong_answers is 6 here and was 5: set it back, or run countersign configminimum accept",
			"- limits.password_slow_from is 9 here and was 5")
		if strings.Contains(said, "code_length") {
			t.Error("a stricter setting is refused")
		}
		w.Starts(t, env("COUNTERSIGN_LIMITS_CODE_TTL=9m"))
		says(t, w.Refused(t, rig.Options{}), "limits.code_ttl is 10m here and was 9m")
		shown, _ := w.Command(t, rig.Options{}, "configminimum", "show")
		says(t, shown, "weaker: serve refuses to start")
		accepted, code := w.Command(t, weak, "configminimum", "accept")
		says(t, accepted, "Accepted: limits.code_ttl 9m to 10m", "Accepted: limits.wrong_answers 5 to 6",
			"Accepted: limits.password_slow_from 5 to 9")
		if code != 0 {
			t.Error(code)
		}
		w.Starts(t, weak)
		if n := w.Number(t, `SELECT count(*) FROM audit_events
			WHERE tenant_id = 'installation' AND action = 'configminimum.accepted'
				AND actor_id = 'command-line'`); n != 3 {
			t.Errorf("%d acceptances on record", n)
		}
		if out := w.CLI(t, "audit", "verify"); !strings.Contains(out, "intact") {
			t.Error(out)
		}
	})
}

// guard: the clock is measured at the start and while the program runs
func TestREL14_AClockThatIsWrong(t *testing.T) {
	t.Parallel()
	w := rig.New(t, "postgres", rig.Options{Flavour: rig.Rigged, Env: []string{"COUNTERSIGN_DATABASE_CLOCK_SKEW=5s"}})
	t.Cleanup(w.Close)
	healthy := func() bool { return w.Person(t).Get("/healthz").Status == http.StatusOK }
	for _, off := range []time.Duration{10 * time.Minute, -8 * time.Second} {
		w.SetClock(t, off)
		rig.Within(t, 15*time.Second, "not healthy", func() bool { return !healthy() })
		says(t, w.Refused(t, env("COUNTERSIGN_DATABASE_CLOCK_SKEW=5s")), "this machine's clock and the database's are",
			"set the clocks (NTP)")
		w.SetClock(t, 0)
		rig.Within(t, 15*time.Second, "healthy again", healthy)
	}
	says(t, w.A.Log(), "not ready for requests", "ready for requests again")
	w.SetClock(t, 10*time.Minute)
	w.Starts(t, env("COUNTERSIGN_DATABASE_CLOCK_SKEW=11m"))
}

// guard: one program serves from a file
func TestREL9_ASecondProgramOnOneFile(t *testing.T) {
	w := rig.New(t, "sqlite", rig.Options{})
	t.Cleanup(w.Close)
	says(t, w.Refused(t, rig.Options{}), "another countersign serves from this database file")
	w.CLI(t, "tenant", "list")
	w.A.Kill()
	w.Starts(t, rig.Options{}) // a power cut leaves no mark
}

// guard: commits last
func TestREL10_ADatabaseThatForgets(t *testing.T) {
	w := rig.New(t, "postgres", rig.Options{})
	t.Cleanup(w.Close)
	u, err := url.Parse(w.DSN())
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("synchronous_commit", "off")
	u.RawQuery = q.Encode()
	says(t, w.Refused(t, env("COUNTERSIGN_DATABASE_URL="+u.String())), "set synchronous_commit = on")
	w.Starts(t, env("COUNTERSIGN_DATABASE_URL="+u.String(), "COUNTERSIGN_DATABASE_DURABILITY=ignore"))

	server := ownPostgres(t, "fsync=off", "full_page_writes=off")
	said := w.Refused(t, env("COUNTERSIGN_DATABASE_URL="+server.url,
		"COUNTERSIGN_KEY_FILE="+filepath.Join(w.Dir, "other.key")))
	says(t, said, "set fsync = on", "set full_page_writes = on")
	server.stop(t)
	server.becomeStandby(t)
	says(t, w.Refused(t, env("COUNTERSIGN_DATABASE_URL="+server.url, "COUNTERSIGN_DATABASE_DURABILITY=ignore")),
		"this PostgreSQL is a standby")
}

// guard: whatever is wrong is said at once, before anything listens
func TestREL24_EverythingAtOnce(t *testing.T) {
	rig.EachFresh(t, rig.Options{}, func(t *testing.T, w *rig.World) {
		w.A.Stop()
		foreign := written(t, w, "foreign.key", foreignKey, 0o600)
		rsa1024 := written(t, w, "dkim.pem", weakRSA(t), 0o644)
		said := w.Refused(t, env("COUNTERSIGN_KEY_FILE="+foreign, "COUNTERSIGN_LIMITS_CODE_LENGTH=6",
			"COUNTERSIGN_LIMITS_NEW_CODES=9",
			"COUNTERSIGN_SMTP_DKIM_DOMAIN=example.test", "COUNTERSIGN_SMTP_DKIM_SELECTOR=s1",
			"COUNTERSIGN_SMTP_DKIM_KEY_FILE="+rsa1024,
			"COUNTERSIGN_TLS_CERT_FILE="+foreign, "COUNTERSIGN_SMTP_CA_FILE="+foreign))
		says(t, said, "it does not start:", "- "+foreign+": this key file does not belong",
			"- limits.new_codes is 9 here and was 3",
			"smtp.dkim.key_file: "+rsa1024+" has mode 0644", "an RSA key of 1024 bits can be broken",
			"- tls.cert_file and tls.key_file cannot be used", "- smtp.ca_file")
		if strings.Contains(said, `"msg":"ready"`) {
			t.Error("it was ready for a moment")
		}
	})
}

// TestREL24_BadConfigurations is the table of what a start refuses by its configuration
// alone, with the program that people run.
func TestREL24_BadConfigurations(t *testing.T) {
	w := rig.New(t, "sqlite", rig.Options{})
	t.Cleanup(w.Close)
	w.A.Stop()
	for name, c := range map[string]struct {
		o    rig.Options
		want string
	}{
		"an unknown key": {rig.Options{Config: "[limits]\ncode_lenght = 6\n"},
			"limits.code_lenght is not a setting"},
		"an unknown variable": {env("COUNTERSIGN_SMTP_PASWORD=x"), "COUNTERSIGN_SMTP_PASWORD is not a setting"},
		"everyone is a proxy": {env("COUNTERSIGN_TRUSTED_PROXIES=0.0.0.0/0"), "everyone choose their address"},
		"half the world is a proxy": {env("COUNTERSIGN_TRUSTED_PROXIES=128.0.0.0/1"),
			"everyone choose their address"},
		"a proxy that is no network": {env("COUNTERSIGN_TRUSTED_PROXIES=10.0.0.1"), "is not a network"},
		"a missing secret file": {env("COUNTERSIGN_SMTP_PASSWORD_FILE=" + filepath.Join(w.Dir, "nothing")),
			"smtp.password_file cannot be read"},
		"a secret and its file": {env("COUNTERSIGN_SMTP_PASSWORD=x", "COUNTERSIGN_SMTP_PASSWORD_FILE=y"),
			"give it or the file that holds it, not both"},
		"a code that lives long": {env("COUNTERSIGN_LIMITS_CODE_TTL=11m"), "limits.code_ttl must be between"},
	} {
		if said := w.Refused(t, c.o); !strings.Contains(said, c.want) {
			t.Errorf("%s: %s", name, said)
		}
	}
	path := written(t, w, "open.toml", "[smtp]\nusername = \"u\"\npassword = \"hunter2\"\n", 0o644)
	said, code := w.Run(t, nil, "serve", "--config", path)
	says(t, said, "holds smtp.password: others may read it; run chmod 640")
	if code != 5 || strings.Contains(said, "hunter2") {
		t.Errorf("%d %s", code, said)
	}
}

// server is a PostgreSQL of a test's own.
type server struct{ dir, url string }

// ownPostgres starts a server with settings, and stops it with the test.
func ownPostgres(t *testing.T, settings ...string) *server {
	t.Helper()
	dir, err := os.MkdirTemp("", "countersign-pg")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s := &server{dir: dir}
	t.Cleanup(func() { _ = exec.Command("../scripts/postgres", "stop", dir).Run() })
	out, err := exec.Command("../scripts/postgres", "start", dir).Output()
	if err != nil {
		t.Fatal(err)
	}
	s.url = strings.TrimSpace(string(out))
	for _, setting := range settings {
		s.sql(t, "ALTER SYSTEM SET "+strings.Replace(setting, "=", " = ", 1))
	}
	s.sql(t, "SELECT pg_reload_conf()")
	return s
}

func (s *server) sql(t *testing.T, text string) {
	t.Helper()
	if out, err := exec.Command("psql", "-X", s.url, "-c", text).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v %s", text, err, out)
	}
}

// ctl runs pg_ctl as the owner of the data.
func (s *server) ctl(t *testing.T, args ...string) {
	t.Helper()
	bins, err := filepath.Glob("/usr/lib/postgresql/*/bin/pg_ctl")
	if err != nil || len(bins) == 0 {
		t.Fatal("PostgreSQL is not installed")
	}
	line := append([]string{bins[len(bins)-1], "-D", filepath.Join(s.dir, "data"), "-w"}, args...)
	if os.Getuid() == 0 {
		line = append([]string{"runuser", "-u", "postgres", "--"}, line...)
	}
	cmd := exec.Command(line[0], line[1:]...)
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %v", line, err)
	}
}

func (s *server) stop(t *testing.T) { s.ctl(t, "-m", "fast", "stop") }

// becomeStandby starts the stopped server as one that waits for a primary.
func (s *server) becomeStandby(t *testing.T) {
	t.Helper()
	signal := filepath.Join(s.dir, "data", "standby.signal")
	if err := os.WriteFile(signal, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	s.ctl(t, "-o", "-c listen_addresses=127.0.0.1 -p "+u.Port()+
		" -c unix_socket_directories='' -c hot_standby=on -c max_connections=300", "-l",
		filepath.Join(s.dir, "data", "server.log"), "start")
}

// weakRSA is a private key that can be broken.
func weakRSA(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
}
