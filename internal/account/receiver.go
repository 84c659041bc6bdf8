package account

import (
	"encoding/json"
	"fmt"
	"net/http"

	"countersign/internal/enrollpages"
	"countersign/internal/web"
)

// receiverPath is the page that shows codes; it can be installed on a phone.
const receiverPath = "/receiver"

// receiverPage shows the newest code that this browser has received. It holds nothing of
// anyone: the code never was on the server's side of this page, and anyone who is to sign in
// with it need not be signed in to read it. It has no button that lets anyone in (SEC-9).
type receiverPage struct{ SetUpURL string }

func (receiverPage) View() web.View {
	return web.View{Template: "account/receiver", ReturnTo: receiverPath}
}

// mountReceiver adds what a code receiver needs, where there are any.
func (a *Account) mountReceiver(mux *web.Mux) {
	if a.Push == nil {
		return
	}
	mux.Get(receiverPath, a.showReceiver)
	mux.Get("/receiver-sw.js", a.Web.Worker("receiver-sw.js"))
	mux.Get("/receiver.webmanifest", a.manifest)
}

func (a *Account) showReceiver(w http.ResponseWriter, r *http.Request) error {
	h := w.Header()
	h.Set("Content-Security-Policy", h.Get("Content-Security-Policy")+"; manifest-src 'self'")
	return a.Web.Draw(w, r, http.StatusOK, receiverPage{SetUpURL: enrollpages.InSession + "/push"})
}

// manifest lets a phone put the page among its apps, which some want before they take pushes
// (W3C Web Application Manifest).
func (a *Account) manifest(w http.ResponseWriter, r *http.Request) error {
	icon, err := a.Web.Asset("mark.svg")
	if err != nil {
		return err
	}
	printer, name := a.Web.Printer(r), a.Web.Site(r.Context()).Name
	text, err := json.Marshal(map[string]any{
		"id": a.Web.Outside(receiverPath), "name": printer.T("receiver.app", "Site", name),
		"short_name": printer.T("receiver.app_short"), "lang": printer.Lang(),
		"start_url": a.Web.Outside(receiverPath), "scope": a.Web.Outside("/"), "display": "standalone",
		"background_color": "#ffffff", "theme_color": "#ffffff",
		"icons": []map[string]string{{"src": a.Web.Outside(icon), "sizes": "any", "type": "image/svg+xml",
			"purpose": "any"}},
	})
	if err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	w.Header().Set("Content-Type", "application/manifest+json")
	_, err = w.Write(text)
	return err
}
