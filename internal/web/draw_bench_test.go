package web_test

import (
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"
	"time"

	"countersign/internal/account"
	"countersign/internal/locale"
	"countersign/internal/pages"
	"countersign/internal/portal"
	"countersign/internal/web"
)

// BenchmarkDraw draws the pages that a sign-in consists of, without a network.
func BenchmarkDraw(b *testing.B) {
	catalog, err := locale.New()
	if err != nil {
		b.Fatal(err)
	}
	at := time.Date(2026, 11, 22, 10, 42, 0, 0, time.UTC)
	w, err := web.New(web.Options{
		AnyHost:   true,
		Templates: map[string]fs.FS{"account": account.Templates, "pages": pages.Templates, "portal": portal.Templates},
		PublicURL: &url.URL{Scheme: "https", Host: "sign-in.harbor.example"}, Catalog: catalog,
		Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return at },
	})
	if err != nil {
		b.Fatal(err)
	}
	for _, s := range slices.Concat(portal.Stories(at), account.Stories(at)) {
		if s.Name != "code" && s.Name != "code/wrong" && s.Name != "home" && s.Name != "signin" {
			continue
		}
		for _, lang := range catalog.Languages() {
			b.Run(s.Name+"/"+lang, func(b *testing.B) { draw(b, w, lang, s) })
		}
	}
}

func draw(b *testing.B, w *web.Web, lang string, s web.Story) {
	r := httptest.NewRequest(http.MethodGet, "/signin", nil)
	r.Header.Set("Accept-Language", lang)
	b.ReportAllocs()
	for b.Loop() {
		rec := httptest.NewRecorder()
		if err := w.Draw(rec, r, s.Status, s.Page); err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(rec.Body.Len()))
	}
}
