package portal

import (
	"net/http"

	"countersign/internal/authenticator/outofband"
	"countersign/internal/fault"
	"countersign/internal/signin"
	"countersign/internal/web"
)

// statusOfLink: a link that does nothing is a page that is not there any more.
var statusOfLink = map[outofband.LinkState]int{
	outofband.LinkReady: http.StatusOK, outofband.LinkElsewhere: http.StatusOK,
	outofband.LinkReplaced: http.StatusGone, outofband.LinkUsed: http.StatusGone,
	outofband.LinkExpired: http.StatusGone,
	outofband.LinkUnknown: http.StatusNotFound,
}

func (p *Portal) showLink(w http.ResponseWriter, r *http.Request) error {
	ref, id, held := p.linkOf(r, signInLink)
	if !held {
		return p.drawOpenAgain(w, r)
	}
	l, err := p.SignIn.OpenLink(r.Context(), ref, p.flowsOf(r)...)
	if err != nil {
		return err
	}
	if l.State == outofband.LinkReady || l.State == outofband.LinkElsewhere {
		web.ForCompany(r.Context(), ref.Tenant)
	}
	return p.drawLink(w, r, id, l)
}

func (p *Portal) drawLink(w http.ResponseWriter, r *http.Request, id string, l signin.Link) error {
	return p.Web.Draw(w, r, statusOfLink[l.State], linkPage{
		State:        string(l.State),
		ID:           id,
		AppName:      l.AppName,
		Account:      l.Account,
		Code:         l.Code,
		Reference:    l.Reference,
		IP:           l.IP,
		Place:        l.Place,
		Browser:      l.Browser,
		At:           l.At,
		RememberDays: l.RememberDays,
		NotMeURL:     l.NotMePath,
		Targets:      p.OriginsOf(l.ContinueTo),
	})
}

// pressLink finishes the sign-in in the browser that began it; anywhere else it draws what
// the link is good for, and signs no one in.
func (p *Portal) pressLink(w http.ResponseWriter, r *http.Request) error {
	ref, id, held := p.linkOf(r, signInLink)
	if !held {
		return p.drawOpenAgain(w, r)
	}
	mine, step, err := p.SignIn.PressLink(r.Context(), ref, p.flowsOf(r),
		r.PostForm.Get("remember") == "on", p.Visitor(r))
	if fault.Is(err, fault.NotFound) {
		return p.showLink(w, r)
	}
	if fault.Is(err, fault.RateLimited) {
		return err
	}
	if err == nil {
		p.dropLink(w, r, signInLink, id)
	}
	return p.drawAnswer(w, r, mine, step, err)
}

// why tells the vendor's reasons, and leads back to a page of ours only.
func (p *Portal) why(w http.ResponseWriter, r *http.Request) error {
	text, err := p.whyText(r)
	if err != nil {
		return err
	}
	back, ok := p.Web.Mux().Local(r.URL.Query().Get("back"))
	if !ok {
		back = "/signin"
	}
	return p.Web.Draw(w, r, http.StatusOK, whyPage{
		Kind: preferredMethod(r.URL.Query().Get("method")),
		Text: text,
		Back: back,
	})
}
