package pages

import (
	"net/url"
)

// FlowRef is the name of the sign-in that a page is about. It proves nothing.
type FlowRef struct{ Flow string }

// CodeURL is the page that shows where the sign-in stands.
func (f FlowRef) CodeURL() string { return "/signin/code" + f.Query() }

// OtherURL offers the other methods.
func (f FlowRef) OtherURL() string { return "/signin/other" + f.Query() }

// DeliveryURL tells what became of the newest message.
func (f FlowRef) DeliveryURL() string { return "/signin/delivery" + f.Query() }

// Query names the sign-in in an address; empty for a page that is about none.
func (f FlowRef) Query() string {
	if f.Flow == "" {
		return ""
	}
	return "?flow=" + url.QueryEscape(f.Flow)
}
