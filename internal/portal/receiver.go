package portal

import (
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"strings"

	"rsc.io/qr"

	"countersign/internal/web"
)

// receiverPath is the page that shows codes; it can be installed on a phone.
const receiverPath = "/receiver"

// receiverPage shows the newest code that this browser has received. It holds nothing of
// anybody: the code never was on the server's side of this page, and whoever is to sign in
// with it need not be signed in to read it. It has no button that lets anybody in (SEC-9).
type receiverPage struct{ SetUpURL string }

func (receiverPage) Template() string { return "portal/receiver" }
func (receiverPage) Here() string     { return receiverPath }

// mountReceiver adds what a code receiver needs, where there are any.
func (p *Portal) mountReceiver(mux *web.Mux) {
	if p.Push == nil {
		return
	}
	mux.Get(receiverPath, p.showReceiver)
	mux.Get("/receiver-sw.js", p.Web.Worker("receiver-sw.js"))
	mux.Get("/receiver.webmanifest", p.manifest)
}

func (p *Portal) showReceiver(w http.ResponseWriter, r *http.Request) error {
	h := w.Header()
	h.Set("Content-Security-Policy", h.Get("Content-Security-Policy")+"; manifest-src 'self'")
	return p.Web.Draw(w, r, http.StatusOK, receiverPage{SetUpURL: profileSetUp + "/push"})
}

// manifest lets a phone put the page among its apps, which some want before they take pushes
// (W3C Web Application Manifest).
func (p *Portal) manifest(w http.ResponseWriter, r *http.Request) error {
	icon, err := p.Web.Asset("mark.svg")
	if err != nil {
		return err
	}
	printer, name := p.Web.Printer(r), p.Web.Site(r.Context()).Name
	text, err := json.Marshal(map[string]any{
		"id": p.Web.Outside(receiverPath), "name": printer.T("receiver.app", "Site", name), "short_name": printer.T("receiver.app_short"), "lang": printer.Lang(),
		"start_url": p.Web.Outside(receiverPath), "scope": p.Web.Outside("/"), "display": "standalone", "background_color": "#ffffff", "theme_color": "#ffffff",
		"icons": []map[string]string{{"src": p.Web.Outside(icon), "sizes": "any", "type": "image/svg+xml", "purpose": "any"}},
	})
	if err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	w.Header().Set("Content-Type", "application/manifest+json")
	_, err = w.Write(text)
	return err
}

// picture is an address as a QR code, dark on white on any page, with a name for those who
// do not see it.
func picture(address, title string) (template.HTML, error) {
	code, err := qr.Encode(address, qr.M)
	if err != nil {
		return "", fmt.Errorf("draw an address: %w", err)
	}
	const quiet = 4 // modules (ISO/IEC 18004 section 5.3.8)
	var path strings.Builder
	for y := range code.Size {
		for x := range code.Size {
			if code.Black(x, y) {
				fmt.Fprintf(&path, "M%d %dh1v1h-1z", x+quiet, y+quiet)
			}
		}
	}
	size := code.Size + 2*quiet
	//nolint:gosec // numbers, and a title that is escaped
	return template.HTML(fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" shape-rendering="crispEdges"><title>%s</title><rect width="100%%" height="100%%" fill="#fff"/><path fill="#000" d="%s"/></svg>`,
		size, size, template.HTMLEscapeString(title), path.String())), nil
}

// receiverBegin is what the page needs on which a browser becomes a receiver.
type receiverBegin struct {
	Key     string        // ours, for the browser's subscription
	Address string        // of this page, to open it on a phone; empty where that is of no use
	Picture template.HTML // the same as a QR code
}

func (p *Portal) beginReceiver(r *http.Request, page *beginPage) (err error) {
	if page.Key, err = p.Push.Public(r.Context()); err != nil {
		return err
	}
	if page.Base != profileSetUp { // a sign-in in its middle stays in its browser
		return nil
	}
	page.Address = p.Web.PublicAddress() + profileSetUp + "/push"
	page.Picture, err = picture(page.Address, p.Web.Printer(r).T("bind.push.picture"))
	return err
}
