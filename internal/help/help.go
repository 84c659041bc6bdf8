// Package help draws the help inside the product: short pages for everyone who signs in, and separate ones for a
// company's administrators and supervisors. Its texts are in the catalogues, its pictures are taken from the product's
// own pages by a test. It refuses to know who reads: nothing in it is secret, and who cannot sign in needs it most.
package help

import (
	"net/http"
	"net/url"
	"strings"

	"countersign/internal/access"
	"countersign/internal/fault"
	"countersign/internal/web"
)

// Help serves the pages.
type Help struct{ Web *web.Web }

// Mount adds the routes. This list is their whole surface.
func (h *Help) Mount(mux *web.Mux) {
	mux.Popup("/help")
	mux.Get("/help", h.list(everyone))
	mux.Get("/help/company", h.list(administrators))
	mux.Get("/help/{topic}", h.show(everyone))
	mux.Get("/help/company/{topic}", h.show(administrators))
	mux.Get("/help/pictures/{name}", h.picture)
}

// audience is whom a page is for: the address that its pages begin with.
type audience string

const (
	everyone       audience = "/help"
	administrators audience = "/help/company"
)

var errNoTopic = fault.New(fault.NotFound, "error.not_found")

// listPage is all topics of an audience, or those found.
type listPage struct {
	For    audience
	Query  string
	Topics []link
}

// View says how the page is drawn.
func (listPage) View() web.View { return web.View{Template: "help/list"} }

// Company reports whether the page is for administrators.
func (p listPage) Company() bool { return p.For == administrators }

// link leads to a topic.
type link struct{ URL, Title, Intro string } // Title and Intro are catalogue keys

func (t topic) link() link { return link{t.url(), t.Title, t.Intro} }

func (t topic) url() string { return string(t.For) + "/" + t.Name }

const maxQuery = 100 // bytes; a longer search finds nothing

func (h *Help) list(of audience) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		query := strings.TrimSpace(r.URL.Query().Get("q"))
		p := listPage{For: of, Query: query}
		for _, t := range find(h.Web.Printer(r), of, query) {
			p.Topics = append(p.Topics, t.link())
		}
		return h.Web.Draw(w, r, http.StatusOK, p)
	}
}

// topicPage is one topic.
type topicPage struct {
	topic
	Related []link
	Rights  []right
	Picture string // address; empty where there is none
}

// View says how the page is drawn.
func (topicPage) View() web.View { return web.View{Template: "help/topic"} }

// Company reports whether the page is for administrators.
func (p topicPage) Company() bool { return p.For == administrators }

// All is the address of all topics.
func (p topicPage) All() string { return string(p.For) }

func (h *Help) show(of audience) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		t, ok := named(of, r.PathValue("topic"))
		if !ok {
			return errNoTopic
		}
		p := pageOf(t)
		if t.Story != "" {
			p.Picture = "/help/pictures/" + url.PathEscape(pictureFile(t, h.Web.Printer(r).Lang()))
		}
		return h.Web.Draw(w, r, http.StatusOK, p)
	}
}

func pageOf(t topic) topicPage {
	page := topicPage{topic: t}
	for _, name := range t.See {
		if other, ok := named(t.For, name); ok {
			page.Related = append(page.Related, other.link())
		}
	}
	if t.Rights {
		page.Rights = rights()
	}
	return page
}

// right is a row of the table of who may do what.
type right struct {
	What                     string // catalogue key, as are the ones below
	Owner, Admin, Supervisor string
}

// rights is the table that the program decides by, without what only the vendor's staff may do.
func rights() []right {
	var out []right
	for _, r := range access.OfCompanies() {
		out = append(out, right{
			What:       actionKeys[r.Action],
			Owner:      reachKeys[r.Owner],
			Admin:      reachKeys[r.Admin],
			Supervisor: reachKeys[r.Supervisor],
		})
	}
	return out
}
