package oidc

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/client"
	"countersign/internal/config"
	"countersign/internal/db"
	"countersign/internal/db/dbtest"
	"countersign/internal/gate"
	"countersign/internal/keyring"
	"countersign/internal/locale"
	"countersign/internal/pages"
	"countersign/internal/secret"
	"countersign/internal/session"
	"countersign/internal/tenant"
	"countersign/internal/user"
	"countersign/internal/web"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const (
	origin   = "https://sign-in.test"
	callback = "https://app.test/cb"
	verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" // RFC 7636, appendix B
	proofOf  = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

// house is a provider with two confidential clients, a native one, and two people.
type house struct {
	*testing.T
	*Provider
	mux      *web.Mux
	tenant   string
	ada, bob user.User
	secrets  map[string]string

	mu sync.Mutex
	at time.Time
}

func (h *house) now() time.Time { h.mu.Lock(); defer h.mu.Unlock(); return h.at }

func (h *house) forward(d time.Duration) { h.mu.Lock(); defer h.mu.Unlock(); h.at = h.at.Add(d) }

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func each(t *testing.T, fn func(h *house)) {
	t.Helper()
	dbtest.Each(t, time.Now, func(t *testing.T, d *db.DB) { fn(newHouse(t, d)) })
}

// one runs fn on SQLite only, for what touches the database no more than other tests do.
func one(t *testing.T) *house {
	t.Helper()
	return newHouse(t, dbtest.Open(t, dbtest.SQLiteURL(t), time.Now))
}

func newHouse(t *testing.T, d *db.DB) *house {
	t.Helper()
	h := &house{T: t, at: start, secrets: map[string]string{}}
	d.Now = h.now
	keys, limits := secret.NewKeys(start), config.Default().Limits
	catalog, err := locale.New()
	h.must(err)
	public, err := url.Parse(origin)
	h.must(err)
	w, err := web.New(web.Options{PublicURL: public,
		Templates: map[string]fs.FS{"oidc": Templates, "pages": pages.Templates}, AnyHost: true, Catalog: catalog,
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Now: h.now})
	h.must(err)
	h.Provider = &Provider{DB: d, Keys: keys, Web: w, Limits: limits, Ring: &keyring.Keyring{DB: d, Keys: keys},
		Gate: &gate.Gate{DB: d, Limits: limits, Seen: gate.NewSeen()}}
	h.Mount(w.Mux())
	h.mux = w.Mux()
	h.must(h.Ring.Ensure(t.Context(), keyring.ES256))
	h.populate()
	return h
}

func (h *house) populate() {
	ctx := h.Context()
	h.in(db.Installation, func(tx *db.Tx) error {
		if _, err := tenant.Ensure(ctx, tx); err != nil {
			return err
		}
		made, err := tenant.Create(ctx, tx, "", "Harbor", tenant.Company)
		h.tenant = made.ID
		return err
	})
	h.in(h.tenant, func(tx *db.Tx) (err error) {
		if h.ada, err = user.Create(ctx, tx, "ada@harbor.test", "Ada", user.Agent, "en"); err != nil {
			return err
		}
		if h.bob, err = user.Create(ctx, tx, "bob@harbor.test", "Bob", user.Agent, "en"); err != nil {
			return err
		}
		for _, u := range []user.User{h.ada, h.bob} {
			if _, err := outofband.Bind(ctx, tx, u.ID, authenticator.Email, u.Email); err != nil {
				return err
			}
		}
		return nil
	})
	h.in(db.Installation, func(tx *db.Tx) error {
		for _, n := range []client.New{
			{ID: "dash", Name: "Dashboard", Kind: client.Confidential, HomeURL: "https://app.test/",
				RedirectURIs:   []string{callback, callback + "?keep=1"},
				PostLogoutURIs: []string{"https://app.test/bye"}},
			{ID: "other", Name: "Other", Kind: client.Confidential, RedirectURIs: []string{callback}},
			{ID: "phone", Name: "Phone", Kind: client.Native,
				RedirectURIs: []string{"http://127.0.0.1/cb", "test.app.phone:/cb"}},
		} {
			_, token, err := client.Create(ctx, tx, n)
			if err != nil {
				return err
			}
			h.secrets[n.ID] = token.Reveal()
		}
		return nil
	})
}

func (h *house) in(tenant string, fn func(tx *db.Tx) error) {
	h.Helper()
	h.must(h.DB.InTx(h.Context(), tenant, fn))
}

// signIn leaves a session as signin would, and returns the cookie that names it.
func (h *house) signIn(u user.User, acr string, amr ...string) (cookie string) {
	h.Helper()
	h.in(h.tenant, func(tx *db.Tx) error {
		_, ref, err := session.Issue(h.Context(), tx,
			session.Session{UserID: u.ID, ClientID: "dash", ACR: acr, AMR: amr,
				SecurityVersion: u.SecurityVersion, AuthenticatedAt: tx.Now, ExpiresAt: tx.Now.Add(24 * time.Hour),
				Idle: time.Hour})
		cookie = ref.Text().Reveal()
		return err
	})
	return cookie
}

func (h *house) byMail() string { return h.signIn(h.ada, levels[1], "pwd", "email") }

// demand makes a second step mandatory from now on.
func (h *house) demand() { h.mandate(tenant.Mandatory) }

// excuse makes it optional again.
func (h *house) excuse() { h.mandate(tenant.DefaultOff) }

func (h *house) mandate(mode tenant.Mode) {
	h.in(db.Installation, func(tx *db.Tx) error {
		i, err := tenant.LoadInstallation(h.Context(), tx)
		if err != nil {
			return err
		}
		i.Mandate = tenant.Mandate{Mode: mode}
		return tenant.SaveInstallation(h.Context(), tx, i)
	})
}

func (h *house) send(r *http.Request) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	r.RemoteAddr = "192.0.2.7:4711"
	h.mux.ServeHTTP(rec, r)
	return rec
}

func (h *house) get(path, cookie string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(h.Context(), http.MethodGet, path, nil)
	if cookie != "" {
		r.AddCookie(&http.Cookie{Name: "__Host-session", Value: cookie})
	}
	r.Header.Set("Accept", "text/html")
	return h.send(r)
}

func (h *house) post(path string, form url.Values, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(h.Context(), http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return h.send(r)
}

// ask is a good authorization request with changes; an empty value removes a parameter.
func ask(change ...string) url.Values {
	q := url.Values{"client_id": {"dash"}, "redirect_uri": {callback}, "response_type": {"code"},
		"scope": {"openid email profile offline_access"},
		"state": {"s-1"}, "nonce": {"n-1"}, "code_challenge": {proofOf}, "code_challenge_method": {"S256"}}
	for i := 0; i < len(change); i += 2 {
		q.Set(change[i], change[i+1])
		if change[i+1] == "" {
			q.Del(change[i])
		}
	}
	return q
}

func (h *house) authorizeWith(cookie string, change ...string) *httptest.ResponseRecorder {
	return h.get("/authorize?"+ask(change...).Encode(), cookie)
}

// landed is where a redirect leads, and what it says.
func landed(t *testing.T, rec *httptest.ResponseRecorder) (where string, said url.Values) {
	t.Helper()
	if rec.Code != http.StatusSeeOther {
		t.Fatalf("status %d: %s", rec.Code, rec.Body)
	}
	u, err := url.Parse(rec.Header().Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	said = u.Query()
	u.RawQuery = ""
	return u.String(), said
}

func (h *house) code(cookie string, change ...string) string {
	h.Helper()
	_, said := landed(h.T, h.authorizeWith(cookie, change...))
	if said.Get("code") == "" {
		h.Fatalf("no code: %v", said)
	}
	return said.Get("code")
}

func exchange(code string, change ...string) url.Values {
	f := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback},
		"code_verifier": {verifier}}
	for i := 0; i < len(change); i += 2 {
		f.Set(change[i], change[i+1])
		if change[i+1] == "" {
			f.Del(change[i])
		}
	}
	return f
}

func (h *house) basic(id string) []string {
	return []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+h.secrets[id]))}
}

type answered struct {
	tokens
	Error string `json:"error"`
}

func (h *house) read(rec *httptest.ResponseRecorder) (a answered) {
	h.Helper()
	if rec.Header().Get("Cache-Control") != "no-store" {
		h.Errorf("Cache-Control %q", rec.Header().Get("Cache-Control"))
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &a); err != nil {
		h.Fatalf("%d %s: %v", rec.Code, rec.Body, err)
	}
	return a
}

func (h *house) tokens(cookie string, change ...string) answered {
	h.Helper()
	a := h.read(h.post("/token", exchange(h.code(cookie, change...)), h.basic("dash")...))
	if a.Error != "" {
		h.Fatal(a.Error)
	}
	return a
}

func (h *house) refreshing(token string) answered {
	h.Helper()
	return h.read(h.post("/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}},
		h.basic("dash")...))
}

func (h *house) userinfoWith(token string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(h.Context(), http.MethodGet, "/userinfo", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	return h.send(r)
}

// payload is what a token says, unverified.
func payload(t *testing.T, token string) (claims map[string]any) {
	t.Helper()
	parts := strings.Split(token, ".")
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}
