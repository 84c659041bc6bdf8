package acceptance

import (
	"net/http"
	"strings"
	"testing"

	"countersign/acceptance/rig"
)

// A form under a foreign name that leads here is of the same origin to a browser. It does nothing.
//
// guard: served compares the host
func TestForeignHost_NothingIsServed(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		p := w.Person(t)
		p.Get(rig.PathSignIn).Expect(t, 200)
		for _, host := range []string{"evil.example.test", rig.Host + ".evil.example.test",
			rig.Host + ":8443", "127.0.0.1"} {
			post := p.Request(http.MethodPost, rig.PathPassword, form("email", u.Email, "password", u.Password))
			post.Host = host
			post.Header.Del("Origin") // the browser's word alone: same-origin
			pg := p.Send(post)
			if pg.Status != http.StatusMisdirectedRequest || len(pg.Given) > 0 {
				t.Errorf("a form under %s: status %d, cookies %d", host, pg.Status, len(pg.Given))
			}
			for _, path := range []string{"/", rig.PathSignIn, "/.well-known/openid-configuration", "/jwks", "/why"} {
				get := p.Request(http.MethodGet, path, nil)
				get.Host = host
				if pg := p.Send(get); pg.Status != http.StatusMisdirectedRequest ||
					strings.Contains(pg.Body, "password") {
					t.Errorf("%s under %s: status %d", path, host, pg.Status)
				}
			}
			health := p.Request(http.MethodGet, "/healthz", nil)
			health.Host = host
			p.Send(health).Expect(t, 200)
		}
		if n := len(w.Sink.Codes(u.Email)); n != 0 {
			t.Errorf("%d codes were sent", n)
		}
		own := p.Request(http.MethodGet, rig.PathSignIn, nil)
		own.Host = strings.ToUpper(rig.Host) + ".:443"
		p.Send(own).Expect(t, 200)
	})
}
