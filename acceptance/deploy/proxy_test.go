package deploy

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
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

// proxy is a real proxy with our example, in front of two replicas on one PostgreSQL.
type proxy struct {
	*rig.Server
	world *rig.World
	b     *rig.Server
	ops   [2]string // of the replicas
	plain string    // its address without TLS
	logs  func() string
}

// behind runs fn behind each proxy, with replicas that drain for that long.
func behind(t *testing.T, drain string, fn func(t *testing.T, p *proxy)) {
	t.Helper()
	for name, start := range map[string]func(*testing.T, *proxy){"nginx": nginx, "haproxy": haproxy} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			need(t, name)
			p := &proxy{Server: rig.Front(rig.FreeAddr(t)), plain: rig.FreeAddr(t),
				ops: [2]string{rig.FreeAddr(t), rig.FreeAddr(t)}}
			env := func(ops string) []string {
				return []string{"COUNTERSIGN_OPS_LISTEN=" + ops, "COUNTERSIGN_OPS_DRAIN=" + drain}
			}
			p.world = rig.New(t, "postgres", rig.Options{Env: env(p.ops[0])})
			t.Cleanup(p.world.Close)
			p.b = p.world.StartAs(t, "b", rig.Release, env(p.ops[1])...)
			t.Cleanup(p.b.Kill)
			start(t, p)
			fn(t, p)
		})
	}
}

func nginx(t *testing.T, p *proxy) {
	t.Helper()
	w := p.world
	site := replaced(t, text(t, "deploy/nginx/countersign.conf"),
		"10.0.0.11:8443", w.A.Addr, "10.0.0.12:8443", p.b.Addr,
		"listen 80;", "listen "+p.plain+";", "listen 443 ", "listen "+p.Addr+" ", "sign-in.example.com", rig.Host,
		"/etc/nginx/countersign/fullchain.pem", w.Dir+"/server.pem", "/etc/nginx/countersign/privkey.pem",
		w.Dir+"/server.key",
		"/etc/nginx/countersign/replicas-ca.pem", w.CAFile(), "/var/log/nginx/", w.Dir+"/nginx-",
		"proxy_pass https://countersign;", "proxy_bind "+rig.TrustedProxy+"; proxy_pass https://countersign;")
	who := ""
	if os.Getuid() == 0 {
		who = "user root;\n" // the workers read the test's folder
	}
	var temps strings.Builder
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		_, _ = fmt.Fprintf(&temps, "%s_temp_path %s/nginx-%s;\n", kind, w.Dir, kind)
	}
	whole := fmt.Sprintf("%spid %s/nginx.pid;\ndaemon off;\nerror_log %s/nginx-main.log;\nevents {}\nhttp {\n%s%s}\n",
		who, w.Dir, w.Dir, temps.String(), site)
	p.start(t, "nginx", whole, "-c")
	p.logs = func() string {
		return read(t, w.Dir+"/nginx-countersign.log") + read(t, w.Dir+"/nginx-countersign-error.log")
	}
}

func haproxy(t *testing.T, p *proxy) {
	t.Helper()
	w := p.world
	pair := w.Dir + "/pair.pem"
	write(t, pair, read(t, w.Dir+"/server.pem")+read(t, w.Dir+"/server.key"))
	whole := replaced(t, text(t, "deploy/haproxy/haproxy.cfg"),
		"10.0.0.11:8443 check port 9090", w.A.Addr+" check port "+port(p.ops[0]), "10.0.0.12:8443 check port 9090",
		p.b.Addr+" check port "+port(p.ops[1]), "bind :80", "bind "+p.plain, "bind :443", "bind "+p.Addr,
		"sign-in.example.com", rig.Host, "/etc/haproxy/countersign.pem", pair,
		"/etc/haproxy/replicas-ca.pem", w.CAFile(),
		"log /dev/log local0", "log stdout format raw local0", "    user haproxy\n    group haproxy\n", "",
		"default-server inter", "default-server source "+rig.TrustedProxy+" inter")
	out := p.start(t, "haproxy", whole, "-db", "-f")
	p.logs = func() string { return read(t, out) }
}

// start runs the proxy until the test ends and waits until it listens. It returns the file
// with what the proxy prints.
func (p *proxy) start(t *testing.T, name, config string, flags ...string) string {
	t.Helper()
	file, said := filepath.Join(p.world.Dir, name+".conf"), filepath.Join(p.world.Dir, name+".out")
	write(t, file, config)
	out, err := os.Create(said)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(need(t, name), append(flags, file)...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Signal(syscall.SIGTERM); _ = cmd.Wait(); _ = out.Close() })
	for end := time.Now().Add(rig.Slack * 10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if c, err := net.Dial("tcp", p.Addr); err == nil {
			_ = c.Close()
			return said
		}
	}
	t.Fatalf("%s does not listen:\n%s", name, read(t, said))
	return ""
}

func port(addr string) string { return addr[strings.LastIndex(addr, ":")+1:] }

func read(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// addresses are the addresses that the audit record has of someone.
func addresses(t *testing.T, w *rig.World, u *rig.User) string {
	t.Helper()
	return strings.Join(w.Texts(t, `SELECT DISTINCT e.ip FROM audit_events e
		JOIN users u ON u.tenant_id = e.tenant_id AND u.id = e.user_id
		WHERE u.email = $1 AND e.actor_id <> 'command-line' AND e.ip <> '' ORDER BY 1`, u.Email), " ")
}

// guard: X-Forwarded-For is set and not appended to; the log formats leave out the address
func TestATK011_BehindAProxy(t *testing.T) {
	t.Parallel()
	behind(t, "0s", func(t *testing.T, px *proxy) {
		w := px.world
		u, app := w.Covered(t).User(t), w.Dashboard(t)
		p := w.Person(t).Via(px.Server)
		p.Extra.Set("X-Forwarded-For", "203.0.113.9")
		p.Extra.Set("X-Forwarded-Host", "evil.example")
		p.Extra.Set("Forwarded", "for=203.0.113.9;host=evil.example")
		p.Extra.Set("Referer", "https://"+rig.Host+"/secret-referer")
		visit := app.Visit()
		p.Visit(visit)
		p.Password(u.Email, u.Password)
		mail := w.Sink.Code(t, u.Email, 1)
		p.Twin().Get(mail.NotMe).Expect(t, 200)
		back := p.Code(mail.Code)
		code := app.Callback(t, visit, back).Get("code")
		tokens := app.Via(px.Server).Finish(t, visit, back)
		if tokens.Claims.ACR != rig.Level1e || p.Cookie("session") == "" {
			t.Errorf("signed in as %q with the session cookie %q", tokens.Claims.ACR, p.Cookie("session"))
		}
		if got := addresses(t, w, u); got != "127.0.0.1 "+p.IP { // the app redeems from 127.0.0.1
			t.Errorf("the record has %q, the person came from %s", got, p.IP)
		}
		rig.Within(t, 5*time.Second, "the proxy has logged",
			func() bool { return strings.Count(px.logs(), "POST") >= 3 })
		for _, secret := range []string{code, last(mail.Link), last(mail.NotMe), mail.Code + " ", u.Email, "?",
			"/signin", "/authorize", "secret-referer", visit.State} {
			if strings.Contains(px.logs(), secret) {
				t.Errorf("the proxy's log holds %q:\n%s", secret, px.logs())
			}
		}
		if !strings.Contains(px.logs(), p.IP) {
			t.Errorf("the proxy's log does not hold the client:\n%s", px.logs())
		}
	})
}

func last(link string) string { return link[strings.LastIndexAny(link, "/.")+1:] }

// What the examples say about TLS, names and methods.
func TestProxyEdges(t *testing.T) {
	t.Parallel()
	behind(t, "0s", func(t *testing.T, px *proxy) {
		client := func(conf *tls.Config) *http.Client {
			conf.RootCAs = rig.TheCA(t)
			return &http.Client{Timeout: 10 * time.Second,
				CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
				Transport:     &http.Transport{TLSClientConfig: conf, ForceAttemptHTTP2: true, DisableKeepAlives: true}}
		}
		ask := func(c *http.Client, address, host string) (*http.Response, error) {
			req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
			req.Host = host
			res, err := c.Do(req)
			if err == nil {
				_ = res.Body.Close()
			}
			return res, err
		}
		ours := &tls.Config{ServerName: rig.Host}
		res, err := ask(client(ours), "https://"+px.Addr+"/healthz", rig.Host)
		if err != nil || res.StatusCode != 200 || res.ProtoMajor != 2 || res.TLS.Version != tls.VersionTLS13 {
			t.Fatalf("%v %v", res, err)
		}
		if res, err = ask(client(&tls.Config{ServerName: rig.Host, MaxVersion: tls.VersionTLS12}),
			"https://"+px.Addr+"/signin", rig.Host); err != nil || res.Header.Get("Strict-Transport-Security") == "" {
			t.Errorf("TLS 1.2: %v %v", res, err)
		}
		if _, err = ask(client(&tls.Config{ServerName: rig.Host, MinVersion: tls.VersionTLS10,
			MaxVersion: tls.VersionTLS11}), "https://"+px.Addr+"/", rig.Host); err == nil {
			t.Error("TLS 1.1 is spoken")
		}
		if _, err = ask(client(&tls.Config{ServerName: "other.example.test"}), "https://"+px.Addr+"/",
			"other.example.test"); err == nil {
			t.Error("another name gets an answer")
		}
		if res, err = ask(client(ours), "http://"+px.plain+"/signin?to=x", "evil.example"); err != nil ||
			res.StatusCode != 308 || res.Header.Get("Location") != rig.PublicURL+"/signin?to=x" {
			t.Errorf("without TLS: %v %v", res, err)
		}
		big, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+px.Addr+rig.PathPassword,
			strings.NewReader(strings.Repeat("x", 70_000)))
		big.Host = rig.Host
		if res, err := client(ours).Do(big); err == nil && res.StatusCode != 413 {
			t.Errorf("70 kB are taken: %s", res.Status)
		}
	})
}

// guard: state lives in the database, so any replica finishes what another began; what
// could not be sent is sent to the other replica
func TestREL_OneReplicaDies(t *testing.T) {
	t.Parallel()
	behind(t, "0s", func(t *testing.T, px *proxy) {
		w, app := px.world, px.world.Dashboard(t)
		var people []*rig.Person
		var users []*rig.User
		for range 3 {
			u := w.Covered(t).User(t)
			p := w.Person(t).Via(px.Server)
			p.ToCode(t, app, u)
			people, users = append(people, p), append(users, u)
		}
		w.A.Kill()
		for i, p := range people {
			pg := p.Code(w.Sink.Code(t, users[i].Email, 1).Code)
			if pg.Left == nil || !p.SignedIn() {
				t.Errorf("not signed in after a replica died (status %d): %s", pg.Status, rig.Quietly(pg.Text()))
			}
		}
		u, p := w.Covered(t).User(t), w.Person(t).Via(px.Server)
		p.SignIn(t, app.Via(px.Server), u) // and anyone who comes now does not notice
	})
}

func count(lines string, words ...string) (n int) {
	for line := range strings.Lines(lines) {
		has := true
		for _, w := range words {
			has = has && strings.Contains(line, w)
		}
		if has {
			n++
		}
	}
	return n
}

// answered counts the forms whose answer from the first replica came through, in the log
// from that place on.
func (p *proxy) answered(from int) int {
	lines := p.logs()[from:]
	return count(lines, "POST", " 303 ", "replicas/one") + count(lines, "POST", " 303 ", "upstream="+p.world.A.Addr+" ")
}

// guard: a graceful stop answers what it has begun, and says no at /readyz before it refuses
func TestREL27_AGracefulStopLosesNoAnswer(t *testing.T) {
	t.Parallel()
	const drain = 12 * time.Second // HAProxy needs two to notice, on a quiet machine
	behind(t, drain.String(), func(t *testing.T, px *proxy) {
		w, app := px.world, px.world.Dashboard(t)
		const crowd = 16
		people, mails, users := make([]*rig.Person, crowd), make([]rig.Mail, crowd), make([]*rig.User, crowd)
		for i := range crowd {
			users[i], people[i] = w.Covered(t).User(t), w.Person(t).Via(px.Server)
			mails[i] = people[i].ToCode(t, app, users[i])
		}
		answers := make([]*rig.Page, crowd)
		taken, passed := len(w.A.Log()), len(px.logs())
		var all sync.WaitGroup
		for i, p := range people { // some before the stop, some while it drains, some as it ends and after
			all.Go(func() {
				time.Sleep(time.Duration(i/4)*drain*35/100 + time.Duration(i%4)*time.Millisecond)
				answers[i] = p.Code(mails[i].Code)
			})
		}
		all.Go(func() { time.Sleep(2 * time.Millisecond); w.A.Stop() })
		all.Wait()
		if took, gave := count(w.A.Log()[taken:], `"method":"POST"`), px.answered(passed); took > gave {
			t.Errorf("the replica took %d forms and %d answers came through", took, gave)
		}
		again := 0
		for i, p := range people {
			made := w.Number(t, `SELECT count(*) FROM sessions s
				JOIN users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id WHERE u.email = $1`, users[i].Email)
			if answers[i].Left == nil && made != 0 {
				t.Errorf("a sign-in was decided and its answer lost (status %d)", answers[i].Status)
			}
			if answers[i].Left == nil {
				again++
				if p.Code(mails[i].Code).Left == nil {
					t.Errorf("the second press does not sign in: %s", rig.Quietly(p.Page.Text()))
				}
			}
		}
		if again > 0 && strings.Contains(px.logs(), "replicas/") {
			t.Errorf("HAProxy asks for readiness, and %d of %d had to press again", again, crowd)
		}
		t.Logf("%d of %d had to press again", again, crowd)
	})
}
