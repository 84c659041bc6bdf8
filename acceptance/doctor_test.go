package acceptance

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"countersign/acceptance/rig"
)

// finding is one line of the doctor's.
type finding struct {
	Name, State string
	Message     string `json:"message"`
	Fix         string `json:"fix"`
}

// examined runs the doctor and returns what it found by name, the worst line of each. Names
// lead to the world's program through a proxy, since no DNS knows them.
func examined(t *testing.T, w *rig.World, lines ...string) (found map[string]finding, code int) {
	t.Helper()
	lines = append([]string{"HTTPS_PROXY=" + leadsTo(t, w.A.Addr), "SSL_CERT_FILE=" + w.CAFile()}, lines...)
	said, code := w.Command(t, env(lines...), "doctor", "--output", "json")
	found, worst := map[string]finding{}, map[string]int{"ok": 1, "warn": 2, "fail": 3}
	for _, f := range findingsIn(t, said) {
		if worst[f.State] == 0 || f.Message == "" || f.State == "fail" && f.Fix == "" {
			t.Errorf("%+v says too little", f)
		}
		if worst[f.State] > worst[found[f.Name].State] {
			found[f.Name] = f
		}
	}
	for _, secret := range []string{"canary-smtp-password-7f3a", "canary-database-word"} {
		if strings.Contains(said, secret) {
			t.Errorf("it prints %q: %s", secret, said)
		}
	}
	return found, code
}

// findingsIn reads the doctor's lines. Other lines in JSON are the log and the error.
func findingsIn(t *testing.T, said string) (all []finding) {
	t.Helper()
	for line := range strings.Lines(said) {
		var f finding
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			t.Fatalf("%v: %s", err, said)
		}
		if f.Name != "" {
			all = append(all, f)
		}
	}
	if len(all) == 0 {
		t.Fatalf("no findings: %s", said)
	}
	return all
}

// leadsTo is a proxy through which every name leads to one address.
func leadsTo(t *testing.T, addr string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		there, err := net.Dial("tcp", addr)
		if err != nil || r.Method != http.MethodConnect {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		here, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		_, _ = io.WriteString(here, "HTTP/1.1 200 Connection established\r\n\r\n")
		go func() { _, _ = io.Copy(there, here); _ = there.Close() }()
		_, _ = io.Copy(here, there)
		_ = here.Close()
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// A healthy installation has nothing to do, and a test mail arrives.
func TestDoctorFindsNothing(t *testing.T) {
	rig.EachFresh(t, rig.Options{}, func(t *testing.T, w *rig.World) {
		found, code := examined(t, w)
		for _, name := range []string{"configuration", "database", "durability", "schema", "clock", "key file",
			"settings", "signing keys",
			"public address", "public certificate", "certificate", "proxies", "mail", "dkim", "places", "disk",
			"audit", "versions"} {
			if f := found[name]; f.State != "ok" && name != "disk" { // a test machine's disk may be full
				t.Errorf("%s: %+v", name, f)
			}
		}
		if code != 0 {
			t.Errorf("it ends with %d", code)
		}
		said, _ := w.Command(t, rig.Options{}, "doctor", "--send-test", "operator@example.test")
		says(t, said, "the mail server took it")
		if m := w.Sink.Mail(t, "operator@example.test", 1); !strings.Contains(m.Subject, "A test email") {
			t.Errorf("%q arrived", m.Subject)
		}
		if n := len(w.Sink.All()); n != 1 {
			t.Errorf("%d mails were sent, and one was asked for", n)
		}
	})
}

// Each illness is found, and what can still be looked at is.
func TestDoctorFindsWhatIsWrong(t *testing.T) {
	rig.EachFresh(t, rig.Options{}, func(t *testing.T, w *rig.World) {
		foreign := written(t, w, "foreign.key", foreignKey, 0o600)
		down := map[string]string{"sqlite": "sqlite:" + foreign,
			"postgres": "postgres://house:canary-database-word@127.0.0.1:1/house"}[w.Engine]
		for name, c := range map[string]struct {
			env  []string
			part string
			want string
		}{
			"the database is down": {[]string{"COUNTERSIGN_DATABASE_URL=" + down}, "database", "cannot be reached"},
			"another key file": {[]string{"COUNTERSIGN_KEY_FILE=" + foreign}, "key file",
				"does not belong to this database"},
			"no key file": {[]string{"COUNTERSIGN_KEY_FILE=" + filepath.Join(w.Dir, "nothing")}, "key file",
				"is not there"},
			"weaker settings": {[]string{"COUNTERSIGN_LIMITS_NEW_CODES=9"}, "settings",
				"limits.new_codes is 9 here and was 3"},
			"a wrong password": {[]string{"COUNTERSIGN_SMTP_PASSWORD=canary-smtp-password-7f3a-not"}, "mail",
				"smtp auth: 535"},
			"an untrusted server": {[]string{"COUNTERSIGN_SMTP_CA_FILE=", "SSL_CERT_FILE=/nowhere"},
				"mail", "smtp tls"},
			"someone else's name": {[]string{"COUNTERSIGN_PUBLIC_URL=https://localhost.example.test"},
				"public address", "certificate"},
			"a certificate for none": {[]string{"COUNTERSIGN_PUBLIC_URL=https://other.example.test"}, "certificate",
				"is not for other.example.test"},
			"an unknown setting": {[]string{"COUNTERSIGN_CODE_LIFE=1m"}, "configuration",
				"COUNTERSIGN_CODE_LIFE is not a setting"},
		} {
			found, code := examined(t, w, c.env...)
			if f := found[c.part]; f.State != "fail" || !strings.Contains(f.Message, c.want) || code != 1 {
				t.Errorf("%s: ends with %d, %+v", name, code, f)
			}
			if c.part == "database" &&
				(found["mail"].State != "ok" || found["certificate"].State != "ok" || found["clock"].State != "warn") {
				t.Errorf("%s: the rest is not looked at: %+v", name, found)
			}
		}
		w.A.Stop()
		if found, _ := examined(t, w); found["public address"].State != "fail" {
			t.Errorf("no one serves: %+v", found["public address"])
		}
	})
}
