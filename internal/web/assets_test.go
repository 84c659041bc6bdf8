package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func TestAssetsAreServedWholeUnderTheirHash(t *testing.T) {
	h := open(t, ours)
	kinds := map[string]string{"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8",
		"svg": "image/svg+xml"}
	for name, url := range h.assets.urls {
		want, err := assetFiles.ReadFile("assets/" + name)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(want)
		if url != "/assets/"+hex.EncodeToString(sum[:6])+"/"+name {
			t.Errorf("%s is at %s", name, url)
		}
		for _, coding := range []string{"", "gzip"} {
			rec := h.ask(http.MethodGet, url, "", "Accept-Encoding", coding)
			hd := rec.Header()
			if rec.Code != 200 || hd.Get("Cache-Control") != "public, max-age=31536000, immutable" ||
				hd.Get("Vary") != "Accept-Encoding" ||
				hd.Get("Content-Encoding") != coding || hd.Get("Content-Length") != strconv.Itoa(rec.Body.Len()) ||
				hd.Get("Set-Cookie") != "" ||
				hd.Get("Content-Type") != kinds[name[strings.LastIndex(name, ".")+1:]] ||
				hd.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s %q: %d %v", name, coding, rec.Code, hd)
			}
			if got := unpacked(t, coding, rec.Body.Bytes()); !bytes.Equal(got, want) {
				t.Errorf("%s %q: %d bytes, want %d", name, coding, len(got), len(want))
			}
		}
	}
}

// unpacked reads to the end, where gzip keeps its checksum.
func unpacked(t *testing.T, coding string, b []byte) []byte {
	t.Helper()
	if coding == "" {
		return b
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(z)
	if err != nil || z.Close() != nil {
		t.Fatalf("the packed form is cut: %v", err)
	}
	return out
}

func TestGzipIsSentToWhoTakesIt(t *testing.T) {
	h := open(t, ours)
	for header, want := range map[string]bool{
		"": false, "identity": false, "gzip": true, "GZIP": true, "deflate, gzip;q=0.5, br": true, "gzip ; q=1.0": true,
		"br,gzip":  true,
		"gzip;q=0": false, "gzip; q=0.000": false, "notgzip": false, "br": false, "gzip;q=0, br": false,
	} {
		got := h.ask(http.MethodGet, h.assets.urls["app.css"], "", "Accept-Encoding",
			header).Header().Get("Content-Encoding") == "gzip"
		if got != want {
			t.Errorf("%q: %v", header, got)
		}
	}
}

func TestAnotherHashIsNoAsset(t *testing.T) {
	h := open(t, ours)
	for _, path := range []string{"/assets/000000000000/app.css", "/assets/app.css", "/assets/x/../web.go",
		"/assets/0/..%2fweb.go", h.assets.urls["app.css"] + "/"} {
		rec := h.ask(http.MethodGet, path, "")
		if rec.Code == 200 || rec.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %v", path, rec.Code, rec.Header())
		}
	}
}

// Every address that the layout draws is served by us.
func TestPagesLinkToAssetsThatExist(t *testing.T) {
	h := open(t, ours)
	body := h.ask(http.MethodGet, "/nothing", "", "Accept", asPage).Body.String()
	found := regexp.MustCompile(`(?:href|src)="(/assets/[^"]+)"`).FindAllStringSubmatch(body, -1)
	if len(found) < 3 {
		t.Fatalf("%d links", len(found))
	}
	for _, link := range found {
		if rec := h.ask(http.MethodGet, link[1], ""); rec.Code != 200 {
			t.Errorf("%s: %d", link[1], rec.Code)
		}
	}
	if _, err := h.assets.url("missing.js"); err == nil {
		t.Error("a page may link to what is not there")
	}
}
