package portal

// undoPage asks whether a change of address is to be undone. It looks the same for every link.
type undoPage struct{ wordPage }

func (undoPage) Template() string { return "portal/undo" }
func (p undoPage) Here() string   { return undoLink.page(p.ID) }

// undoDonePage is the answer to every link.
type undoDonePage struct{}

func (undoDonePage) Template() string { return "portal/undo_done" }
