package web

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"countersign/internal/locale"
)

const ours = "https://sign-in.harbor.example"

// house is a Web whose log can be read.
type house struct {
	*Web
	log *bytes.Buffer
}

func open(t testing.TB, origin string, trusted ...string) house {
	t.Helper()
	catalog, err := locale.New()
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(origin)
	if err != nil {
		t.Fatal(err)
	}
	log := &bytes.Buffer{}
	o := Options{PublicURL: u, Catalog: catalog, Log: slog.New(slog.NewJSONHandler(log, nil)), Now: func() time.Time {
		return time.Date(2026, 11, 22, 10, 42, 0, 0, time.UTC)
	}}
	for _, p := range trusted {
		o.TrustedProxies = append(o.TrustedProxies, netip.MustParsePrefix(p))
	}
	w, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return house{w, log}
}

func ok(rw http.ResponseWriter, _ *http.Request) error {
	_, err := io.WriteString(rw, "ok")
	return err
}

// ask sends one request through the whole chain. header is alternating names and values.
func (h house) ask(method, target, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if r.Host == "example.com" { // what httptest writes where the target names none
		r.Host = h.PublicURL.Host
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	h.Mux().ServeHTTP(rec, r)
	return rec
}

const formType = "application/x-www-form-urlencoded"

// post sends a form as our own pages send it.
func (h house) post(target, body string, header ...string) *httptest.ResponseRecorder {
	return h.ask(http.MethodPost, target, body,
		append([]string{"Content-Type", formType, "Sec-Fetch-Site", "same-origin"}, header...)...)
}

// lines are the log, one map for each line.
func (h house) lines(t testing.TB) []map[string]any {
	t.Helper()
	var out []map[string]any
	for d := json.NewDecoder(bytes.NewReader(h.log.Bytes())); d.More(); {
		line := map[string]any{}
		if err := d.Decode(&line); err != nil {
			t.Fatal(err)
		}
		out = append(out, line)
	}
	return out
}
