package portal

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"countersign/internal/authenticator/outofband"
	"countersign/internal/passwordlink"
	"countersign/internal/secret"
	"countersign/internal/session"
	"countersign/internal/signin"
	"countersign/internal/typed"
	"countersign/internal/web"
)

// A mailed link carries a token in its path. Opening it moves the token into a cookie and leads to
// an address that only names the link, so that the token stays neither in the address bar nor in
// the history. Nothing is spent by that: mail scanners open links, too.

// mailedLink is one kind of link: the page that it opens, and the cookie that holds its tokens.
type mailedLink struct {
	path, cookie string
	word         string // catalogue key of the word to type before its page does anything; "" = none
}

var (
	signInLink = mailedLink{"/l", "link", ""} // a scanner's browser did not begin the sign-in
	reportLink = mailedLink{"/not-me", "not-me", "not_me.word"}
	undoLink   = mailedLink{"/undo", "undo", "undo.word"}
	// A new password must be typed, which no scanner does.
	passwordLink = mailedLink{"/password", "password-link", ""}
	// It lets a browser try, and can be asked for again once it was used.
	admissionLink = mailedLink{"/continue", "continue", ""}
)

const (
	heldFor      = 10 * time.Minute // how long a browser keeps the token of a link that it opened
	maxHeldLinks = 4                // of one kind, in one browser
)

// heldLink is a link that this browser has opened.
type heldLink struct {
	secret.Reference
	until time.Time
}

// mountMailed adds the pages of one kind of link.
func (p *Portal) mountMailed(mux *web.Mux, l mailedLink, show, act web.Handler) {
	mux.Get(l.path+"/{token}", func(w http.ResponseWriter, r *http.Request) error {
		ref, err := secret.ParseReference(r.PathValue("token"))
		if err != nil { // it was cut off: there is nothing to keep
			return p.drawUnknown(w, r, l)
		}
		return p.takeLink(w, r, l, ref)
	})
	mux.Get(l.path, show)
	mux.Post(l.path, act)
}

func (p *Portal) drawUnknown(w http.ResponseWriter, r *http.Request, l mailedLink) error {
	if l == admissionLink {
		return p.drawAdmission(w, r, admissionPage{}, outofband.LinkUnknown)
	}
	if l == passwordLink {
		unknown := passwordlink.Link{State: outofband.LinkUnknown}
		return p.drawPasswordLink(w, r, http.StatusNotFound, unknown, passwordLinkPage{})
	}
	return p.drawLink(w, r, "", signin.Link{State: outofband.LinkUnknown})
}

// takeLink moves the token of a link from the address into the cookie.
func (p *Portal) takeLink(w http.ResponseWriter, r *http.Request, l mailedLink, ref secret.Reference) error {
	held := []heldLink{{ref, p.DB.Now().Add(heldFor)}}
	for _, other := range p.heldLinks(r, l) {
		if other.ID != ref.ID && len(held) < maxHeldLinks {
			held = append(held, other)
		}
	}
	p.keepLinks(w, l, held)
	return p.Web.Redirect(w, l.page(ref.ID))
}

// page is the address of a link's page, which names the link and proves nothing.
func (l mailedLink) page(id string) string {
	if id == "" {
		return l.path
	}
	return l.path + "?id=" + url.QueryEscape(id)
}

// heldLinks are the links of a kind that this browser opened a short time ago, newest first.
func (p *Portal) heldLinks(r *http.Request, l mailedLink) (out []heldLink) {
	for text := range strings.SplitSeq(p.Web.Cookie(r, l.cookie), "~") {
		token, until, _ := strings.Cut(text, ":")
		ref, err := secret.ParseReference(token)
		seconds, wrong := strconv.ParseInt(until, 10, 64)
		if err != nil || wrong != nil || len(out) == maxHeldLinks {
			continue
		}
		if end := time.Unix(seconds, 0); p.DB.Now().Before(end) {
			out = append(out, heldLink{ref, end})
		}
	}
	return out
}

func (p *Portal) keepLinks(w http.ResponseWriter, l mailedLink, held []heldLink) {
	var texts []string
	for _, one := range held {
		texts = append(texts, one.Text().Reveal()+":"+strconv.FormatInt(one.until.Unix(), 10))
	}
	p.Web.SetCookie(w, l.cookie, strings.Join(texts, "~"), heldFor)
}

// linkOf is the link that a request is about: the one that it names, if this browser opened it.
func (p *Portal) linkOf(r *http.Request, l mailedLink) (ref secret.Reference, id string, held bool) {
	values := r.PostForm
	if r.Method != http.MethodPost {
		values = r.URL.Query()
	}
	id = values.Get("id")
	all := p.heldLinks(r, l)
	i := slices.IndexFunc(all, func(one heldLink) bool { return one.ID == id })
	if i < 0 {
		return ref, id, false
	}
	return all[i].Reference, id, true
}

// dropLink forgets a link that has done its work.
func (p *Portal) dropLink(w http.ResponseWriter, r *http.Request, l mailedLink, id string) {
	left := slices.DeleteFunc(p.heldLinks(r, l), func(one heldLink) bool { return one.ID == id })
	if len(left) == 0 {
		p.Web.ClearCookie(w, l.cookie)
		return
	}
	p.keepLinks(w, l, left)
}

// wordPage asks for a word before it does what cannot be taken back. Some mail scanners open links in a
// browser and press every button that they find; none types a word that it was asked for.
type wordPage struct {
	ID      string // names the link
	Word    string // catalogue key
	Problem string
}

// mountWord adds the pages of a link that acts once its word was typed. The answer is the same for
// every token, and reveals nothing.
func (p *Portal) mountWord(
	mux *web.Mux, l mailedLink, page func(wordPage) web.Page, done web.Page,
	act func(context.Context, secret.Reference, session.Visitor) error,
) {
	show := func(w http.ResponseWriter, r *http.Request) error {
		_, id, held := p.linkOf(r, l)
		if !held {
			return p.drawOpenAgain(w, r)
		}
		return p.Web.Draw(w, r, http.StatusOK, page(wordPage{ID: id, Word: l.word}))
	}
	p.mountMailed(mux, l, show, func(w http.ResponseWriter, r *http.Request) error {
		ref, id, held := p.linkOf(r, l)
		if !held {
			return p.drawOpenAgain(w, r)
		}
		if !p.typedTheWord(r, l) {
			again := wordPage{ID: id, Word: l.word, Problem: "confirm.problem"}
			return p.Web.Draw(w, r, http.StatusUnprocessableEntity, page(again))
		}
		if err := act(r.Context(), ref, p.Visitor(r)); err != nil {
			return err
		}
		p.dropLink(w, r, l, id)
		return p.Web.Draw(w, r, http.StatusOK, done)
	})
}

// typedTheWord reports whether the word was typed, in any of our languages.
func (p *Portal) typedTheWord(r *http.Request, l mailedLink) bool {
	given := plainWord(r.PostForm.Get("word"))
	return slices.ContainsFunc(p.Web.Catalog.Languages(), func(lang string) bool {
		return given == plainWord(p.Web.Catalog.In(lang).T(l.word))
	})
}

// plainWord forgives what phones and people add to a word.
func plainWord(s string) string {
	return strings.ToLower(strings.Trim(typed.Compact(s), `"'“”‘’«».,!`))
}

// openAgainPage asks for the link once more: the browser does not hold its token, or no longer.
type openAgainPage struct{}

func (openAgainPage) View() web.View { return web.View{Template: "portal/open_again"} }

func (p *Portal) drawOpenAgain(w http.ResponseWriter, r *http.Request) error {
	return p.Web.Draw(w, r, http.StatusGone, openAgainPage{})
}
