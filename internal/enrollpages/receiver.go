package enrollpages

import (
	"fmt"
	"html/template"
	"net/http"
	"strings"

	"rsc.io/qr"
)

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
	return template.HTML(fmt.Sprintf(
		`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" shape-rendering="crispEdges"><title>%s</title><rect width="100%%" height="100%%" fill="#fff"/><path fill="#000" d="%s"/></svg>`,
		size, size, template.HTMLEscapeString(title), path.String())), nil
}

// receiverBegin is what the page needs on which a browser becomes a receiver.
type receiverBegin struct {
	Key     string        // ours, for the browser's subscription
	Address string        // of this page, to open it on a phone; empty where that is of no use
	Picture template.HTML // the same as a QR code
}

func (p *Pages) beginReceiver(r *http.Request, page *beginPage) (err error) {
	if page.Key, err = p.Push.Public(r.Context()); err != nil {
		return err
	}
	if page.Base != InSession { // a sign-in in its middle stays in its browser
		return nil
	}
	page.Address = p.Web.PublicAddress() + InSession + "/push"
	page.Picture, err = picture(page.Address, p.Web.Printer(r).T("bind.push.picture"))
	return err
}
