package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"path"
	"strings"
)

//go:embed assets
var assetFiles embed.FS

// kinds are fixed, because the tables of the machine that serves may say otherwise, and a
// browser that must not sniff would then leave the page without its style.
var kinds = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
}

type asset struct {
	plain, packed []byte
	kind          string
}

// assets are served under the hash of their content, so they may be cached for ever.
type assets struct {
	byPath map[string]asset
	urls   map[string]string
}

func loadAssets() (*assets, error) {
	entries, err := assetFiles.ReadDir("assets")
	if err != nil {
		return nil, err
	}
	a := &assets{byPath: map[string]asset{}, urls: map[string]string{}}
	for _, e := range entries {
		if err := a.add(e.Name()); err != nil {
			return nil, fmt.Errorf("asset %s: %w", e.Name(), err)
		}
	}
	return a, nil
}

func (a *assets) add(name string) error {
	kind := kinds[path.Ext(name)]
	if kind == "" {
		return errors.New("no media type for this ending")
	}
	plain, err := assetFiles.ReadFile("assets/" + name)
	if err != nil {
		return err
	}
	packed, err := pack(plain)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(plain)
	url := "/assets/" + hex.EncodeToString(sum[:6]) + "/" + name
	a.urls[name] = url
	a.byPath[url] = asset{plain, packed, kind}
	return nil
}

func pack(plain []byte) ([]byte, error) {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(plain); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil { // what is packed is whole only now
		return nil, err
	}
	return b.Bytes(), nil
}

func (a *assets) url(name string) (string, error) {
	if u, ok := a.urls[name]; ok {
		return u, nil
	}
	return "", fmt.Errorf("no asset %q", name)
}

func (w *Web) asset(rw http.ResponseWriter, r *http.Request) error {
	file, ok := w.assets.byPath[r.URL.Path]
	if b := w.Site(r.Context()).Brand; !ok && b != nil {
		file, ok = b.files[r.URL.Path]
	}
	if !ok {
		file, ok = accentAsset(r.URL.Path)
	}
	if !ok {
		return errNoPage
	}
	return serveAsset(rw, r, file)
}

// takesGzip: a weight of 0 is a refusal (RFC 9110 12.5.3).
func takesGzip(r *http.Request) bool {
	for coding := range strings.SplitSeq(strings.Join(r.Header.Values("Accept-Encoding"), ","), ",") {
		name, weight, _ := strings.Cut(coding, ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			_, q, _ := strings.Cut(weight, "=")
			return strings.Trim(q, " 0.") != "" || q == ""
		}
	}
	return false
}
