package acceptance

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"countersign/acceptance/rig"
)

// scriptSite serves pages with the script for passkeys and nothing of the program behind
// it, and judges what the script sends with the library alone.
type scriptSite struct {
	t      testing.TB
	server *httptest.Server
	rp     *webauthn.WebAuthn

	mu      sync.Mutex
	known   []webauthn.Credential
	session webauthn.SessionData
	fresh   int // offers that were fetched
}

func (s *scriptSite) WebAuthnID() []byte                         { return []byte("someone") }
func (s *scriptSite) WebAuthnName() string                       { return "maria@company.test" }
func (s *scriptSite) WebAuthnDisplayName() string                { return "Maria" }
func (s *scriptSite) WebAuthnCredentials() []webauthn.Credential { return s.known }

func newScriptSite(t testing.TB) *scriptSite {
	t.Helper()
	s := &scriptSite{t: t}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{mode}", s.page)
	mux.HandleFunc("GET /options", s.offer)
	mux.HandleFunc("GET /passkey.js", func(w http.ResponseWriter, r *http.Request) {
		text, err := os.ReadFile("../internal/web/assets/passkey.js")
		if err != nil {
			t.Error(err)
		}
		if r.URL.Query().Has("old") { // a browser, or a password manager, without JSON
			text = append([]byte(
				"delete PublicKeyCredential.parseRequestOptionsFromJSON; delete PublicKeyCredential.parseCreationOptionsFromJSON; delete PublicKeyCredential.prototype.toJSON;\n"),
				text...)
		}
		w.Header().Set("Content-Type", "text/javascript")
		_, _ = w.Write(text)
	})
	mux.HandleFunc("GET /app.js",
		func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, "../internal/web/assets/app.js") })
	mux.HandleFunc("POST /{mode}", s.judge)
	s.server = httptest.NewServer(mux)
	t.Cleanup(s.server.Close)
	var err error
	s.rp, err = webauthn.New(&webauthn.Config{RPID: "localhost", RPDisplayName: "Test", RPOrigins: []string{s.url("")}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *scriptSite) url(path string) string {
	return strings.Replace(s.server.URL, "127.0.0.1", "localhost", 1) + path
}

// options begins a ceremony and returns what the browser is asked.
func (s *scriptSite) options(mode string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ask any
	var session *webauthn.SessionData
	var err error
	switch mode {
	case "create":
		var c *protocol.CredentialCreation
		c, session, err = s.rp.BeginRegistration(s,
			webauthn.WithExclusions(webauthn.Credentials(s.known).CredentialDescriptors()),
			webauthn.WithResidentKeyRequirement(protocol.ResidentKeyRequirementPreferred))
		ask = c.Response
	case "get":
		var c *protocol.CredentialAssertion
		c, session, err = s.rp.BeginLogin(s)
		ask = c.Response
	default:
		var c *protocol.CredentialAssertion
		c, session, err = s.rp.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
		ask = c.Response
	}
	if err != nil {
		s.t.Error(err)
		return nil
	}
	s.session = *session
	text, _ := json.Marshal(ask)
	return text
}

func (s *scriptSite) page(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy",
		"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	mode := r.PathValue("mode")
	script := "/passkey.js"
	if r.URL.Query().Has("old") {
		script += "?old"
	}
	_, _ = fmt.Fprintf(w, `<!doctype html><html lang="en"><title>t</title><link rel="icon" href="data:,"><h1>%s</h1>
<form method="post" data-passkey="%s" data-options="%s" data-refresh="/options" data-waiting="Waiting"
	data-cancelled="Cancelled" data-exists="Exists" data-insecure="Insecure" data-unsupported="Unsupported"
	data-failed="Failed">
<input name="email" autocomplete="username webauthn">
<input type="hidden" name="assertion"><input type="hidden" name="token" value="first">
<button type="button" data-start hidden>Passkey</button><p data-say role="status"></p></form>
<script src="/app.js" defer></script>
<script src="%s" defer></script>`,
		mode, mode, html.EscapeString(string(s.options(mode))), script)
}

func (s *scriptSite) offer(w http.ResponseWriter, _ *http.Request) {
	text := s.options("conditional")
	s.mu.Lock()
	s.fresh++
	n := s.fresh
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(w, `{"options":%s,"token":"fresh %d"}`, text, n)
}

// judge says on the page what the library thinks of the answer.
func (s *scriptSite) judge(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	answer := []byte(r.PostFormValue("assertion"))
	verdict, err := "right", error(nil)
	if r.PathValue("mode") == "create" {
		err = s.created(answer)
	} else {
		err = s.proved(answer)
	}
	if err != nil {
		verdict = "wrong: " + err.Error()
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = fmt.Fprintf(w, `<!doctype html><title>t</title><h1 id="verdict">%s, token %s</h1>`,
		html.EscapeString(verdict), html.EscapeString(r.PostFormValue("token")))
}

func (s *scriptSite) created(answer []byte) error {
	p, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return err
	}
	c, err := s.rp.CreateCredential(s, s.session, p)
	if err == nil {
		s.known = append(s.known, *c)
	}
	return err
}

func (s *scriptSite) proved(answer []byte) error {
	p, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return err
	}
	if len(s.session.UserID) == 0 {
		_, err = s.rp.ValidateDiscoverableLogin(func(_, _ []byte) (webauthn.User, error) { return s, nil }, s.session,
			p)
		return err
	}
	_, err = s.rp.ValidateLogin(s, s.session, p)
	return err
}

const (
	passkeyButton = `[data-start]`
	passkeySays   = `[data-say]`
)

func (s *scriptSite) right(b *rig.Browser) string {
	s.t.Helper()
	b.See("#verdict")
	text := b.Text()
	if !strings.HasPrefix(text, "right") {
		s.t.Errorf("the answer is %s", text)
	}
	return text
}

// TestAIR17_TheScriptMakesAndUsesPasskeys in a real browser, with and without the browser's
// own reading and writing of JSON.
func TestAIR17_TheScriptMakesAndUsesPasskeys(t *testing.T) {
	t.Parallel()
	chromium := rig.Browse(t, "")
	for _, device := range []rig.Device{rig.Phone, rig.Laptop, rig.SecurityKey} {
		for _, query := range []string{"", "?old"} {
			s := newScriptSite(t)
			b := chromium.Tab(t)
			a := b.Plug(t, device)
			b.Go(s.url("/create" + query))
			b.Click(passkeyButton)
			s.right(b)
			if n := len(a.Credentials()); n != 1 {
				t.Fatalf("%d credentials", n)
			}
			if f := s.known[0].Flags; f.BackupEligible != device.Copyable || f.BackupState != device.Copied ||
				f.UserVerified != device.Checks {
				t.Errorf("%+v: %+v", device, f)
			}
			b.Go(s.url("/get" + query))
			b.Click(passkeyButton)
			s.right(b)
			if device.Lists {
				b.Go(s.url("/modal" + query))
				b.Click(passkeyButton)
				s.right(b)
			}
			b.Go(s.url("/create" + query))
			b.Click(passkeyButton)
			b.Await("Exists")
			a.Unplug()
		}
	}
}

// TestAIR17_PasskeysInAutofill: the field offers them, the device answers without a button,
// and an offer that is old is renewed first.
func TestAIR17_PasskeysInAutofill(t *testing.T) {
	t.Parallel()
	chromium := rig.Browse(t, "")
	s := newScriptSite(t)
	b := chromium.Tab(t)
	a := b.Plug(t, rig.Phone)
	b.Go(s.url("/create"))
	b.Click(passkeyButton)
	s.right(b)
	b.Go(s.url("/conditional")) // the device answers as if the person chose it in the field
	if text := s.right(b); !strings.Contains(text, "token first") {
		t.Errorf("%s", text)
	}
	a.Answers(false)
	b.Go(s.url("/conditional"))
	b.See(passkeyButton)
	a.Answers(true)
	rig.Eval[bool](b,
		`(() => { const real = performance.now.bind(performance); performance.now = () => real() + 241000; document.dispatchEvent(new Event('visibilitychange')); return true })()`)
	if text := s.right(b); !strings.Contains(text, "token fresh 1") {
		t.Errorf("%s", text)
	}
}

// TestTheScriptSaysWhatWentWrong, and can be tried again.
func TestTheScriptSaysWhatWentWrong(t *testing.T) {
	t.Parallel()
	chromium := rig.Browse(t, "")
	s := newScriptSite(t)
	b := chromium.Tab(t)
	a := b.Plug(t, rig.Phone)
	b.Go(s.url("/create"))
	a.Recognises(false)
	b.Go(s.url("/modal"))
	b.Click(passkeyButton)
	b.Await("Cancelled")
	a.Recognises(true)
	b.Go(s.url("/create"))
	b.Click(passkeyButton)
	s.right(b)
	b.Go(s.url("/modal"))
	b.Click(passkeyButton)
	s.right(b)
	b.Go(s.url("/modal"))
	b.Type("input[name=email]", "maria\r") // Enter means the button
	s.right(b)
	b.Go(strings.Replace(s.url("/get"), "localhost", "127.0.0.1", 1))
	b.Click(passkeyButton)
	b.Await("Insecure") // an address is no host name
}
