package portal

import (
	"fmt"
	"net/http"
	"slices"

	"countersign/internal/authenticator"
	"countersign/internal/client"
	"countersign/internal/db"
	"countersign/internal/enrollpages"
	"countersign/internal/flow"
	"countersign/internal/gate"
	"countersign/internal/pages"
	"countersign/internal/signin"
	"countersign/internal/tenant"
	"countersign/internal/web"
)

// follow keeps what the browser must keep and sends it to the page of the step, so that a
// reload repeats nothing.
func (p *Portal) follow(w http.ResponseWriter, r *http.Request, step signin.Step) error {
	at := pages.FlowRef{}
	switch s := step.(type) {
	case signin.AnswerCode:
		if s.Problem != "" { // a redirect would lose it
			pages.SetRetryAfter(w, s.Wait)
			return p.drawCode(w, r, http.StatusTooManyRequests, s)
		}
		at.Flow = s.FlowID
		p.keepFlow(w, r, s.Flow)
	case signin.CodeSpent:
		at.Flow = s.FlowID
		p.keepFlow(w, r, s.Flow)
		if s.Unsent { // a redirect would lose why
			return p.draw(w, r, http.StatusTooManyRequests, s)
		}
	case signin.ReplacePassword:
		at.Flow = s.FlowID
		p.keepFlow(w, r, s.Flow)
	case signin.SetUpMethod:
		p.keepFlow(w, r, s.Flow)
		return p.Web.Redirect(w, enrollpages.InFlow+pages.FlowRef{Flow: s.FlowID}.Query())
	case signin.Done:
		return p.done(w, r, s)
	case signin.Over:
		return p.drawOver(w, r, s)
	}
	return p.Web.Redirect(w, at.CodeURL())
}

// done gives the browser its session and sends it on, by way of what must be told.
func (p *Portal) done(w http.ResponseWriter, r *http.Request, s signin.Done) error {
	if err := p.keepSession(w, r, s); err != nil {
		return err
	}
	if s.Notice != nil {
		n := s.Notice
		return p.Web.Draw(w, r, http.StatusOK, noticePage{
			AppName:     n.AppName,
			By:          n.By,
			From:        n.From,
			DaysLeft:    n.DaysLeft,
			SetUp:       n.SetUp,
			Limited:     n.Limited,
			Laters:      n.Laters,
			SentTo:      n.SentTo,
			ContinueURL: p.Onward(s.ContinueTo),
		})
	}
	if len(s.Said) > 0 {
		return p.Web.Draw(w, r, http.StatusOK, toldPage{
			Said:        p.Sentences(r, s.Said),
			Codes:       s.Method == authenticator.Backup,
			ContinueURL: p.Onward(s.ContinueTo),
		})
	}
	return p.Web.Redirect(w, p.Onward(s.ContinueTo))
}

// keepSession gives the browser what it keeps of a finished sign-in.
func (p *Portal) keepSession(w http.ResponseWriter, r *http.Request, s signin.Done) error {
	if err := p.Gate.TakeOver(r.Context(), p.Web.Cookie(r, "session"), s.Session, p.Visitor(r)); err != nil {
		return err
	}
	web.ForCompany(r.Context(), s.Session.Tenant)
	p.Web.SetCookie(w, "session", s.Session.Text().Reveal(), s.Life)
	p.dropFlow(w, r, s.FlowID)
	if p.Web.Cookie(r, "admission") != "" {
		p.Web.ClearCookie(w, "admission")
	}
	if s.Device.ID != "" {
		p.Web.SetCookie(w, "device", pages.WithReference(p.Web.Cookie(r, "device"), s.Device), pages.DeviceLife)
	}
	if s.Remembered != nil {
		value := pages.WithReference(p.Web.Cookie(r, "browser"), *s.Remembered)
		p.Web.SetCookie(w, "browser", value, s.RememberTo.Sub(p.DB.Now()))
	}
	if s.Method != "" && s.Method != authenticator.Backup {
		p.Web.SetCookie(w, "method", string(s.Method), pages.DeviceLife)
	}
	return nil
}

// draw shows a step in place.
func (p *Portal) draw(w http.ResponseWriter, r *http.Request, status int, step signin.Step) error {
	switch s := step.(type) {
	case signin.AnswerCode:
		return p.drawCode(w, r, status, s)
	case signin.CodeSpent:
		if s.Unsent {
			pages.SetRetryAfter(w, s.Wait)
			status = http.StatusTooManyRequests
		}
		return p.Web.Draw(w, r, status, spentPage{
			FlowRef:      pages.FlowRef{Flow: s.FlowID},
			AppName:      s.AppName,
			SentTo:       s.SentTo,
			NewCodesLeft: s.NewCodesLeft,
			Expired:      s.Expired,
			Unsent:       s.Unsent,
			Why:          s.Why,
			Admission:    offerTo(s.Email, s.ContinueTo),
			RestartURL:   pages.SignInPath(s.ContinueTo),
		})
	case signin.ReplacePassword:
		return p.Web.Draw(w, r, status, p.newPasswordPage(s))
	case signin.SetUpMethod:
		return p.Web.Redirect(w, enrollpages.InFlow+pages.FlowRef{Flow: s.FlowID}.Query())
	case signin.Over:
		return p.drawOver(w, r, s)
	case signin.Done:
		return p.done(w, r, s)
	case signin.AskPassword:
		return p.Web.Redirect(w, "/signin")
	}
	return fmt.Errorf("portal cannot draw %T", step)
}

func (p *Portal) drawCode(w http.ResponseWriter, r *http.Request, status int, s signin.AnswerCode) error {
	why, err := p.whyText(r)
	if err != nil {
		return err
	}
	confirm, days := s.Confirms || p.isForChange(s.ContinueTo), s.RememberDays
	if confirm {
		days = 0
	}
	return p.Web.Draw(w, r, status, codePage{
		FlowRef:      pages.FlowRef{Flow: s.FlowID},
		Admission:    offerWhenSlowed(s),
		Kind:         s.Kind,
		ForSetUp:     s.ForSetUp,
		Confirm:      confirm,
		Others:       len(s.Others) > 0,
		Codes:        slices.Contains(s.Others, authenticator.Backup),
		Options:      string(s.Present),
		AppName:      s.AppName,
		SentTo:       s.SentTo,
		Reference:    s.Reference,
		ExpiresAt:    s.ExpiresAt,
		NewCodeAt:    s.NewCodeAt,
		Now:          s.Now,
		Length:       s.Length,
		TriesLeft:    s.TriesLeft,
		NewCodesLeft: s.NewCodesLeft,
		Problem:      s.Problem,
		Delivery:     pages.DeliveryOf(s.Kind, s.Delivery),
		RememberDays: days,
		Adaptive:     s.Adaptive,
		Remember:     s.Adaptive && !r.PostForm.Has("code") || r.PostForm.Get("remember") == "on",
		Why:          why,
		Because:      p.Sentences(r, s.Because),
		Unusual:      p.Sentences(r, s.Unusual),
		SetUpBy:      s.SetUpBy,
		Limited:      s.Limited,
		Laters:       s.Laters,
		Targets:      p.OriginsOf(s.ContinueTo),
	})
}

// isForChange reports whether someone who is signed in was asked to show again who they are,
// for a change on our own pages.
func (p *Portal) isForChange(sealed string) bool {
	t, err := p.TargetOf(sealed)
	return err == nil && t.Ours() && t.Request.MaxAge != nil
}

// drawOver ends a flow on the page: its secret leaves the cookie, except where the person was
// not told of the end and may ask again.
func (p *Portal) drawOver(w http.ResponseWriter, r *http.Request, s signin.Over) error {
	if s.Tenant != "" {
		web.ForCompany(r.Context(), s.Tenant)
	}
	if s.Reason != flow.Finished {
		p.dropFlow(w, r, s.FlowID)
	}
	if s.Reason == flow.Finished || s.Reason == flow.Expired || s.Reason == replacedHere {
		here, err := p.isSignedIn(r)
		switch {
		case err != nil:
			return err
		case here && s.Reason != flow.Finished: // a tab that was left open while another one went on
			return p.drawSignedIn(w, r, s)
		case here: // a second tab, or a reload after the end
			p.dropFlow(w, r, s.FlowID)
			return p.Web.Redirect(w, p.Onward(s.ContinueTo))
		}
	}
	status := http.StatusGone
	if s.Reason == flow.Cancelled {
		status = http.StatusOK
	}
	page := endedPage{
		AppName:    s.AppName,
		Reason:     s.Reason,
		RestartURL: pages.SignInPath(""),
		HomeURL:    s.HomeURL,
		From:       s.SetUpFrom,
	}
	if s.Reason == replacedHere {
		page.NewerURL = pages.FlowRef{}.CodeURL()
	}
	if t, err := p.TargetOf(s.ContinueTo); err == nil {
		page.RestartURL = pages.SignInPath(s.ContinueTo)
		unmet := s.Reason == flow.Unmet || s.Reason == flow.NeedsAdmin || s.Reason == flow.SetUpLater ||
			s.Reason == flow.Outside
		if unmet && !t.Ours() { // the app hears of it in its own protocol
			page.RestartURL, page.HomeURL = "", pages.Resumption(s.ContinueTo)+"&unmet=1"
		}
	}
	return p.Web.Draw(w, r, status, page)
}

// drawSignedIn ends a flow in a browser that holds a session, which may be enough for the app.
func (p *Portal) drawSignedIn(w http.ResponseWriter, r *http.Request, s signin.Over) error {
	page := endedPage{
		AppName:     s.AppName,
		Reason:      "signed_in",
		RestartURL:  pages.SignInPath(""),
		ContinueURL: s.HomeURL,
	}
	if t, err := p.TargetOf(s.ContinueTo); err == nil {
		page.RestartURL = pages.SignInPath(s.ContinueTo)
		if !t.Ours() {
			page.ContinueURL = p.Onward(s.ContinueTo)
		}
	}
	return p.Web.Draw(w, r, http.StatusOK, page)
}

// isSignedIn reports whether this browser holds a session at all.
func (p *Portal) isSignedIn(r *http.Request) (bool, error) {
	st, err := p.Gate.CheckSession(r.Context(), p.Web.Cookie(r, "session"), gate.Ask{ClientID: client.PortalID})
	return st.Session != nil, err
}

func (p *Portal) whyText(r *http.Request) (text string, err error) {
	err = p.DB.View(r.Context(), db.Installation, func(tx *db.Tx) error {
		text, err = tenant.Why(r.Context(), tx, p.Web.Printer(r).Lang())
		return err
	})
	return text, err
}
