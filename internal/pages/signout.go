package pages

import (
	"net/http"

	"countersign/internal/secret"
	"countersign/internal/web"
)

// SignedOut says that the session is over.
type SignedOut struct{ HomeURL, AppName string }

// View names the template.
func (SignedOut) View() web.View { return web.View{Template: "pages/signedout"} }

// SignOut ends the session of this browser and says so.
func (b *Base) SignOut(w http.ResponseWriter, r *http.Request) error {
	if ref, err := secret.ParseReference(b.Web.Cookie(r, "session")); err == nil {
		if err := b.Gate.SignOut(r.Context(), ref, b.Visitor(r)); err != nil {
			return err
		}
	}
	b.Web.ClearCookie(w, "session")
	return b.Web.Draw(w, r, http.StatusOK, SignedOut{HomeURL: "/signin"})
}
