package portal

import (
	"net/http"

	"countersign/internal/pages"
)

// delivery answers the live view of the code page. It is no activity of the person.
func (p *Portal) delivery(w http.ResponseWriter, r *http.Request) error {
	ref, err := p.flowOf(r)
	if err != nil {
		return err
	}
	kind, status, err := p.SignIn.Delivery(r.Context(), ref)
	if err != nil {
		return err
	}
	view := pages.DeliveryOf(kind, status)
	return p.Web.JSON(w, http.StatusOK,
		map[string]any{"state": view.State, "text": view.Text(p.Web.Printer(r)), "settled": view.Settled()})
}
