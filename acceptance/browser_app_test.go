package acceptance

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"countersign/acceptance/rig"
)

// browserApp serves docs/integrate/example/browser with its library, as a vendor would: static
// files at an origin of its own.
func browserApp(t *testing.T, w *rig.World) (*rig.Browser, *rig.App) {
	t.Helper()
	id := w.Unique("spa")
	app := w.NewApp(t, id, "public")
	files := map[string][2]string{
		"/":           {"text/html", "../docs/integrate/example/browser/index.html"},
		"/callback":   {"text/html", "../docs/integrate/example/browser/index.html"},
		"/signed-out": {"text/html", "../docs/integrate/example/browser/index.html"},
		"/app.js":     {"text/javascript", "../docs/integrate/example/browser/app.js"},
		"/oidc-client-ts.min.js": {"text/javascript",
			"node/node_modules/oidc-client-ts/dist/browser/oidc-client-ts.min.js"},
	}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/config.js" {
			w.Header().Set("Content-Type", "text/javascript")
			_, _ = fmt.Fprintf(w, "export const authority = %q, clientID = %q, afterSignOut = '/signed-out'\n",
				rig.PublicURL, id)
			return
		}
		file, ok := files[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", file[0])
		http.ServeFile(w, r, file[1])
	}))
	t.Cleanup(server.Close)
	chromium := rig.Browse(t, fmt.Sprintf("MAP %s %s, MAP *.example.test %s", rig.Host, w.A.Addr,
		server.Listener.Addr()))
	b := chromium.Tab(t)
	b.Go(app.Home)
	b.Await("Signed out")
	return b, app
}

// The example of docs/integrate signs in by a redirect, reads userinfo and renews from another
// origin, signs out, and signs in anew in a window.
func TestClients_BrowserAppWithOIDCClientTS(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		b, app := browserApp(t, w)
		u := w.Covered(t).User(t)
		b.Click("#sign-in")
		signInAt(t, w, b, u)
		b.Await("Signed in as " + u.Name)
		if text := b.Text(); !strings.Contains(text, rig.Level1e) || !strings.Contains(text, u.Email) {
			t.Errorf("after the redirect: %s", text)
		}
		b.Click("#who-am-i")
		b.Await("Userinfo: " + u.Name)
		b.Click("#renew")
		b.Await("Renewed (1)")
		b.Click("#renew") // the token of the first renewal is the one that counts now
		b.Await("Renewed (2)")
		b.Click("#sign-out")
		b.AwaitAt(app.Home + "signed-out")
		b.Await("Signed out")

		popup := b.Opens(func() { b.Click("#sign-in-popup") })
		signInAt(t, w, popup, u)
		b.Await("Signed in as " + u.Name)
		b.Click("#renew")
		b.Await("Renewed (1)") // a new page, which counts anew
	})
}

// signInAt signs a person in with a password and a code, whatever brought the browser there.
func signInAt(t *testing.T, w *rig.World, b *rig.Browser, u *rig.User) {
	t.Helper()
	n := len(w.Sink.Codes(u.Email))
	b.Type(emailField, u.Email)
	b.Type(passwordField, u.Password)
	b.Click(signIn)
	b.See(codeField)
	b.Type(codeField, w.Sink.Code(t, u.Email, n+1).Code)
	b.Click(submitCode)
}
