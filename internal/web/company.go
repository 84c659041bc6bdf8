package web

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

type companyKey struct{}

// withCompany makes room for the company of a request.
func withCompany(ctx context.Context) context.Context {
	return context.WithValue(ctx, companyKey{}, new(string))
}

// ForCompany says that a request is about a company, whose brand its pages have from now on, also an error page. Call
// it when the person has proved that they belong there, and not before: the brand shows which company it is. Only the
// goroutine of the request may call it.
func ForCompany(ctx context.Context, id string) {
	if room, ok := ctx.Value(companyKey{}).(*string); ok {
		*room = id
	}
}

// CompanyOf is the company that a request is about; empty while no one has proved to belong to one.
func CompanyOf(ctx context.Context) string {
	if room, ok := ctx.Value(companyKey{}).(*string); ok {
		return *room
	}
	return ""
}

// VendorSite is the vendor's own site, whatever the request is about.
func (w *Web) VendorSite(ctx context.Context) Site { return w.Site(withCompany(ctx)) }

// CompanyBrand is the brand of a company, whose logo Options.Logo returns for its hash. An empty hash means that it has
// no logo, an empty accent that it has no colour. It fails for what is not "#rrggbb".
func CompanyBrand(accent, company, hash string, width, height int) (*Brand, error) {
	b := &Brand{}
	if hash != "" {
		b.LogoURL = "/assets/" + company + "/" + hash + "/" + logoFile
		b.fit(width, height)
	}
	if accent == "" {
		return b, nil
	}
	tones, err := TonesOf(accent)
	if err != nil {
		return nil, err
	}
	b.Tones, b.StyleURL = tones, accentURL(accent, tones)
	return b, nil
}

// Over is the brand with what it leaves to the vendor: the colour, and the logo too unless the name is the company's.
func (b *Brand) Over(vendor *Brand, ownName bool) *Brand {
	if vendor == nil {
		return b
	}
	out := *b
	if out.StyleURL == "" {
		out.StyleURL, out.Tones = vendor.StyleURL, vendor.Tones
	}
	if out.LogoURL == "" && !ownName {
		out.LogoURL, out.Width, out.Height = vendor.LogoURL, vendor.Width, vendor.Height
	}
	return &out
}

// accentURL is where the style of any accent is. It names the accent, so that nothing must be stored to serve it, and
// the hash of what is served.
func accentURL(accent string, t Tones) string {
	sum := sha256.Sum256([]byte(t.style()))
	return "/assets/" + hex.EncodeToString(sum[:6]) + "/accent-" + strings.TrimPrefix(accent, "#") + ".css"
}

// accentAsset is the style that accentURL names.
func accentAsset(url string) (asset, bool) {
	_, name, _ := strings.Cut(strings.TrimPrefix(url, "/assets/"), "/accent-")
	accent := "#" + strings.TrimSuffix(name, ".css")
	tones, err := TonesOf(accent)
	if err != nil || accentURL(accent, tones) != url {
		return asset{}, false
	}
	return asset{plain: []byte(tones.style()), kind: kinds[".css"]}, true
}

const logoFile = "logo" + ".png"

// Names in the address of a company's logo.
var (
	companyName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_-]{0,63}$`)
	logoHash    = regexp.MustCompile(`^[0-9a-f]{32}$`)
)

// companyLogo serves the logo of a company under the hash that only its own pages name.
func (w *Web) companyLogo(rw http.ResponseWriter, r *http.Request) error {
	company, hash := r.PathValue("company"), r.PathValue("hash")
	if w.Logo == nil || r.PathValue("name") != logoFile || !companyName.MatchString(company) ||
		!logoHash.MatchString(hash) {
		return errNoPage
	}
	logo, err := w.Logo(r.Context(), company, hash)
	if err != nil {
		return err
	}
	if logo == nil {
		return errNoPage
	}
	return serveAsset(rw, r, asset{plain: logo, kind: "image/png"})
}

// serveAsset writes what its address names for ever.
func serveAsset(rw http.ResponseWriter, r *http.Request, file asset) error {
	h, body := rw.Header(), file.plain
	h.Set("Content-Type", file.kind)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	if file.packed != nil && takesGzip(r) {
		h.Set("Content-Encoding", "gzip")
		body = file.packed
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, err := rw.Write(body)
	return err
}
