package oidc

import (
	"context"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"countersign/internal/client"
	"countersign/internal/db"
	"countersign/internal/pages"
	"countersign/internal/web"
)

// TestFormPostInABrowser proves that the page sends itself to the app under our own
// content policy, and that the button does the same where scripts are off.
func TestFormPostInABrowser(t *testing.T) {
	h := one(t)
	came := make(chan url.Values, 4)
	app := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.ParseForm() == nil && r.Method == http.MethodPost {
			came <- r.PostForm
		}
	}))
	defer app.Close()
	h.in(db.Installation, func(tx *db.Tx) error {
		return client.AddURI(t.Context(), tx, &client.Client{ID: "dash", Kind: client.Confidential},
			client.Redirect, app.URL+"/cb")
	})
	for _, scripts := range []bool{true, false} {
		start := serve(h)
		defer start.Close()
		ctx, cancel := browser(t, scripts)
		defer cancel()
		h.must(chromedp.Do(ctx,
			chromedp.Navigate(start.URL+"/authorize?"+ask("redirect_uri", app.URL+"/cb", "response_mode", "form_post",
				"prompt", "none").Encode())))
		if !scripts {
			h.must(chromedp.Do(ctx, chromedp.Click("main button")))
		}
		select {
		case form := <-came:
			if form.Get("error") != "login_required" || form.Get("state") != "s-1" || form.Get("iss") != start.URL {
				t.Errorf("scripts %v: %v", scripts, form)
			}
		case <-time.After(10 * time.Second):
			t.Errorf("scripts %v: nothing came", scripts)
		}
	}
}

// serve puts the same provider behind a listener that a browser can reach.
func serve(h *house) *httptest.Server {
	s := httptest.NewServer(nil)
	public, err := url.Parse(s.URL)
	h.must(err)
	p := *h.Provider
	p.Web, err = web.New(web.Options{PublicURL: public,
		Templates: map[string]fs.FS{"oidc": Templates, "pages": pages.Templates}, Catalog: h.Web.Catalog,
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Now: h.now})
	h.must(err)
	p.Mount(p.Web.Mux())
	s.Config.Handler = p.Web.Mux()
	return s
}

func browser(t *testing.T, scripts bool) (context.Context, context.CancelFunc) {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox,
		chromedp.Flag("blink-settings",
			map[bool]string{true: "scriptEnabled=true", false: "scriptEnabled=false"}[scripts]))
	ctx, stop := chromedp.NewExecAllocator(t.Context(), options...)
	ctx, cancel := chromedp.NewContext(ctx)
	ctx, expire := context.WithTimeout(ctx, 30*time.Second)
	return ctx, func() { expire(); cancel(); stop() }
}
