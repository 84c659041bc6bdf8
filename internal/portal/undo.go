package portal

import "countersign/internal/web"

// undoPage asks whether a change of address is to be undone. It looks the same for every link.
type undoPage struct{ wordPage }

func (p undoPage) View() web.View {
	return web.View{Template: "portal/undo", ReturnTo: undoLink.page(p.ID)}
}

// undoDonePage is the answer to every link.
type undoDonePage struct{}

func (undoDonePage) View() web.View { return web.View{Template: "portal/undo_done"} }
