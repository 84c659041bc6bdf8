package acceptance

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

// visitor is a person's browser at an app that is a program of its own.
type visitor struct {
	t      *testing.T
	client *http.Client
}

func newVisitor(t *testing.T) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &visitor{t, &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), rig.PublicURL) { // the rest of the way is the person's
			return http.ErrUseLastResponse
		}
		return nil
	}}}
}

// get follows an app's redirects as far as Countersign, and returns where it is sent there, or
// what the app shows.
func (v *visitor) get(address string) (away string, status int, body string) {
	v.t.Helper()
	req, err := http.NewRequestWithContext(v.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	req.Header.Set("Accept", "text/html")
	res, err := v.client.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return res.Header.Get("Location"), res.StatusCode, string(text)
}

// signedIn goes to a page of an app, through the sign-in, and back.
func (v *visitor) signedIn(w *rig.World, page string, u *rig.User) string {
	v.t.Helper()
	away, _, body := v.get(page)
	if !strings.HasPrefix(away, rig.PublicURL+"/authorize?") {
		v.t.Fatalf("not sent to sign in: %q %s", away, body)
	}
	p, n := w.Person(v.t), len(w.Sink.Codes(u.Email))
	p.Get(away)
	p.Password(u.Email, u.Password)
	pg := p.Code(w.Sink.Code(v.t, u.Email, n+1).Code)
	if pg.Left == nil {
		v.t.Fatalf("not sent back: status %d %s", pg.Status, rig.Quietly(pg.Text()))
	}
	away, status, body := v.get(pg.Left.String())
	if away != "" || status != http.StatusOK {
		v.t.Fatalf("after the sign-in: %d %s %s", status, away, body)
	}
	return body
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// express-openid-connect expects RS256: it signs in with ES256 as the recipe says, and with what
// it expects where the app is registered for RS256.
func TestClients_ExpressOpenIDConnect(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		for _, alg := range []string{"ES256", ""} {
			base := "http://localhost:" + freePort(t)
			app := w.NewAppAt(t, w.Unique("express"), "confidential", base+"/callback")
			if alg == "" {
				w.CLI(t, "client", "set", app.ID, "--signing-alg", "RS256")
			}
			w.CLI(t, "client", "set", app.ID, "--add-post-logout-uri", base)
			runNode(t, "node/express.mjs", "ISSUER="+rig.PublicURL, "ADDRESS="+w.A.Addr, "CLIENT_ID="+app.ID,
				"CLIENT_SECRET="+app.Secret,
				"BASE_URL="+base, "ALG="+alg, "NODE_EXTRA_CA_CERTS="+w.CAFile())
			u, v := w.Covered(t).User(t), newVisitor(t)
			var shown struct {
				User, Info map[string]any
				Renewed    bool
			}
			if err := json.Unmarshal([]byte(v.signedIn(w, base+"/", u)), &shown); err != nil {
				t.Fatal(err)
			}
			if shown.User["email"] != u.Email || shown.User["acr"] != rig.Level1e ||
				shown.Info["sub"] != shown.User["sub"] || !shown.Renewed {
				t.Errorf("%q: %+v", alg, shown)
			}
			away, _, body := v.get(base + "/logout")
			if to, err := url.Parse(away); err != nil || to.Path != "/logout" ||
				to.Query().Get("post_logout_redirect_uri") != base || to.Query().Get("id_token_hint") == "" {
				t.Errorf("%q: signs out at %s %s", alg, away, body)
			}
		}
	})
}

// runNode starts an app and waits until it listens. It ends with the test.
func runNode(t *testing.T, script string, env ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "node", script)
	cmd.Env, cmd.Stderr = append(os.Environ(), env...), os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close(); _ = cmd.Process.Kill(); _ = cmd.Wait() })
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("%s did not start: %q %v", script, line, err)
	}
}

// Debian's mod_auth_openidc guards a page of Apache, with the settings of the recipe.
func TestClients_ModAuthOpenIDC(t *testing.T) {
	const module = "/usr/lib/apache2/modules/mod_auth_openidc.so"
	if _, err := os.Stat(module); err != nil {
		t.Fatal("Apache's module is not installed: run ./test, or apt-get install apache2 libapache2-mod-auth-openidc")
	}
	each(t, func(t *testing.T, w *rig.World) {
		site := "http://localhost:" + freePort(t)
		app := w.NewAppAt(t, w.Unique("apache"), "confidential", site+"/callback")
		w.CLI(t, "client", "set", app.ID, "--add-post-logout-uri", site+"/bye")
		apache(t, w, site, app)
		u, v := w.Covered(t).User(t), newVisitor(t)
		if body := v.signedIn(w, site+"/page", u); !strings.Contains(body, "email="+u.Email+"\n") ||
			!strings.Contains(body, "acr="+rig.Level1e+"\n") {
			t.Errorf("behind Apache: %s", body)
		}
		away, _, body := v.get(site + "/callback?logout=" + url.QueryEscape(site+"/bye"))
		if to, err := url.Parse(away); err != nil || to.Path != "/logout" || to.Query().Get("id_token_hint") == "" {
			t.Errorf("signs out at %s %s", away, body)
		}
	})
}

// apache starts Apache in front of an app that shows what it is told of the person.
func apache(t *testing.T, w *rig.World, site string, app *rig.App) {
	t.Helper()
	behind := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "email=%s\nacr=%s\n", r.Header.Get("OIDC_CLAIM_email"), r.Header.Get("OIDC_CLAIM_acr"))
	}))
	t.Cleanup(behind.Close)
	dir, ca := readable(t, w)
	user := ""
	if os.Geteuid() == 0 {
		user = "User www-data\nGroup www-data"
	}
	var modules strings.Builder
	for _, m := range []string{"mpm_event", "authn_core", "authz_core", "authz_user", "proxy", "proxy_http",
		"auth_openidc"} {
		_, _ = fmt.Fprintf(&modules, "LoadModule %s_module /usr/lib/apache2/modules/mod_%s.so\n", m, m)
	}
	text := fmt.Sprintf(`ServerRoot %[1]s
DefaultRuntimeDir %[1]s
PidFile %[1]s/pid
ErrorLog %[1]s/error.log
Listen 127.0.0.1:%[2]s
ServerName localhost
%[3]s
%[4]s
OIDCProviderMetadataURL %[5]s/.well-known/openid-configuration
OIDCClientID %[6]s
OIDCClientSecret %[7]s
OIDCRedirectURI %[8]s/callback
OIDCCryptoPassphrase a-long-random-passphrase
OIDCScope "openid profile email offline_access"
OIDCPKCEMethod S256
OIDCOutgoingProxy %[9]s
OIDCCABundlePath %[10]s
ProxyPass / %[11]s/
<Location />
  AuthType openid-connect
  Require valid-user
</Location>
`, dir, site[strings.LastIndex(site, ":")+1:], user, modules.String(), rig.PublicURL, app.ID, app.Secret, site,
		tunnel(t, w), ca, behind.URL)
	file := filepath.Join(dir, "httpd.conf")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "/usr/sbin/apache2", "-f", file, "-D", "FOREGROUND")
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
		if t.Failed() {
			log, _ := os.ReadFile(filepath.Join(dir, "error.log"))
			t.Logf("%s", log)
		}
	})
	rig.Within(t, 20*time.Second, "Apache listens", func() bool {
		c, err := net.Dial("tcp", "127.0.0.1"+site[strings.LastIndex(site, ":"):])
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
}

// readable is a folder that Apache's own account may read, with the certificate of the servers.
func readable(t *testing.T, w *rig.World) (dir, ca string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "countersign-apache-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	text, err := os.ReadFile(w.CAFile())
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if ca = filepath.Join(dir, "ca.pem"); err == nil {
		err = os.WriteFile(ca, text, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir, ca
}

// tunnel is a proxy for CONNECT that finds the issuer's host, whose name is in no name server.
func tunnel(t *testing.T, w *rig.World) string {
	t.Helper()
	proxy := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect || r.Host != rig.Host+":443" {
			http.Error(rw, "only the issuer", http.StatusForbidden)
			return
		}
		out, err := net.Dial("tcp", w.A.Addr)
		if err != nil {
			http.Error(rw, err.Error(), http.StatusBadGateway)
			return
		}
		in, _, err := http.NewResponseController(rw).Hijack()
		if err != nil {
			_ = out.Close()
			return
		}
		_, _ = io.WriteString(in, "HTTP/1.1 200 OK\r\n\r\n")
		go func() { _, _ = io.Copy(out, in); _ = out.Close() }()
		_, _ = io.Copy(in, out)
		_ = in.Close()
	}))
	t.Cleanup(proxy.Close)
	return strings.TrimPrefix(proxy.URL, "http://")
}
