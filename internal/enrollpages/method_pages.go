package enrollpages

import (
	"context"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/authenticator/lookup"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/authenticator/totp"
	"countersign/internal/binding"
	"countersign/internal/db"
	"countersign/internal/methodtext"
	"countersign/internal/pages"
	"countersign/internal/phone"
	"countersign/internal/web"
)

// choosePage offers what can be set up.
type choosePage struct {
	pages.FlowRef
	Base      string
	InFlow    bool
	OnlyCodes bool // everything is there but backup codes
	AppName   string
	Because   []string
	Kinds     []kindView
	Targets   []string
}

// kindView is one kind that can be set up.
type kindView struct {
	Kind        string
	Title, Text string // catalogue keys
	Asks        bool   // something must be typed before it can begin
	Warned      bool   // restricted: there is a warning
}

func (p choosePage) View() web.View {
	return web.View{Template: "enrollpages/choose", FormTargets: p.Targets}
}

// Warned reports whether one of them deserves the notice of restricted methods.
func (p choosePage) Warned() bool {
	return slices.ContainsFunc(p.Kinds, func(k kindView) bool { return k.Warned })
}

func offerOf(k authenticator.Kind) kindView {
	row := methodtext.Of(k)
	return kindView{
		Kind:   string(k),
		Title:  row.Name,
		Text:   row.Benefit,
		Asks:   row.AsksFirst,
		Warned: authenticator.TraitsOf[k].Restricted,
	}
}

// Progress is how far a sign-in has come in the set-up that it waits for.
func (p choosePage) Progress() progress {
	if p.OnlyCodes {
		return progress{3, 3}
	}
	return progress{1, 3}
}

// progress is how far a set-up has come; the zero value is not drawn.
type progress struct{ Step, Of int }

// beginPage comes before a set-up, where something must be typed or the set-up that was
// begun is over.
type beginPage struct {
	pages.FlowRef
	Base            string
	Kind            authenticator.Kind
	Country, Number string
	Problem         string
	Wait            time.Duration
	Countries       []phone.Country
	More            bool // it follows a method that was just set up
	Renews          bool // it replaces what is there
	Progress        progress
	Targets         []string
	receiverBegin
}

func (p beginPage) View() web.View {
	return web.View{Template: methodtext.Of(p.Kind).BeginTemplate, ReturnTo: p.URL(), FormTargets: p.Targets}
}

// URL is the address of the page.
func (p beginPage) URL() string { return p.Action() + p.Query() }

// Action is where its form leads.
func (p beginPage) Action() string { return p.Base + "/" + string(p.Kind) }

// Options, Draft, Name and TriesLeft are empty: the page of a passkey begins its set-up itself.
func (beginPage) Options() string { return "" }

// Draft is empty: nothing is begun.
func (beginPage) Draft() string { return "" }

// Name is empty: there is nothing that could have one.
func (beginPage) Name() string { return "" }

// TriesLeft is not said: nothing was answered.
func (beginPage) TriesLeft() int { return 0 }

// Many reports whether there are enough countries that searching beats looking.
func (p beginPage) Many() bool { return len(p.Countries) >= 10 }

// Title is the heading.
func (p beginPage) Title() string { return methodtext.Of(p.Kind).EnrollTitle }

// Text says what it is good for.
func (p beginPage) Text() string { return methodtext.Of(p.Kind).Benefit }

// cardPage shows what is being set up and asks for its first proof.
type cardPage struct {
	pages.FlowRef
	Base      string
	Kind      authenticator.Kind
	Draft     string
	Name      string
	Problem   string
	TriesLeft int // after a wrong answer; 0 = not said
	Progress  progress
	Targets   []string

	Card      totp.Card     // of an authenticator app
	Picture   template.HTML // its secret as a picture
	URI       template.URL  // its secret for an app on this device
	Options   string        // of a passkey
	Sheet     lookup.Sheet  // of backup codes
	SentTo    string        // of a telephone, masked
	Reference string
	Length    int // digits of its code
	Ends      time.Time
	Delivery  pages.Delivery // of the message with the first code; the zero value where none is sent
	message   string         // its id
}

func (p cardPage) View() web.View {
	return web.View{Template: methodtext.Of(p.Kind).EnrollTemplate, ReturnTo: p.URL(), FormTargets: p.Targets}
}
func (p cardPage) URL() string { return p.Action() + p.Query() }

// Action is where its form leads, without the last word.
func (p cardPage) Action() string { return p.Base + "/" + string(p.Kind) }

// AgainURL begins the same once more.
func (p cardPage) AgainURL() string {
	if p.Flow == "" {
		return p.Action() + "?again"
	}
	return p.URL() + "&again"
}

func (p *Pages) drawBegin(w http.ResponseWriter, r *http.Request, status int, s *Enrollment, page beginPage) error {
	page.FlowRef, page.Base, page.Targets, page.Progress = s.FlowRef, s.Base, s.Targets, s.progress(page.Kind)
	if page.Kind == authenticator.SMS {
		codes, err := p.countries(r.Context(), s.Holder.Tenant)
		if err != nil {
			return err
		}
		page.Countries = phone.Countries(p.Web.Printer(r).Lang(), codes)
	}
	if page.Kind == authenticator.Push {
		if err := p.beginReceiver(r, &page); err != nil {
			return err
		}
	}
	if page.Kind == authenticator.Backup {
		page.Renews = slices.Contains(s.Has, authenticator.Backup)
		page.More = !page.Renews
	}
	return p.Web.Draw(w, r, status, page)
}

// countries are those whose numbers people of a company may use.
func (p *Pages) countries(ctx context.Context, tenantID string) (codes []string, err error) {
	err = p.DB.View(ctx, tenantID, func(tx *db.Tx) error {
		codes, err = outofband.CountriesOf(ctx, tx, p.Phones)
		return err
	})
	return codes, err
}

func (p *Pages) drawDraft(w http.ResponseWriter, r *http.Request, status int, s *Enrollment,
	d binding.PendingEnrollment, page cardPage) error {
	page.FlowRef = s.FlowRef
	page.Base, page.Kind, page.Draft, page.Targets, page.Progress, page.Ends = s.Base, d.Kind, d.ID, s.Targets,
		s.progress(d.Kind), d.Ends
	if page.Name == "" {
		page.Name = d.Label
	}
	if err := page.fill(d.Kind, d.PendingEnrollment, p.Web.Printer(r)); err != nil {
		return fmt.Errorf("show what is set up: %w", err)
	}
	if page.message != "" {
		var err error
		if page.Delivery, err = p.MessageStatus(r.Context(), s.Holder.Tenant, d.Kind, page.message); err != nil {
			return err
		}
	}
	return p.Web.Draw(w, r, status, page)
}

// draw makes the picture. The card writes nothing but numbers and its escaped title, and its
// address is one that we made: html/template knows neither.
func (p *cardPage) draw(title string) {
	p.Picture, p.URI = template.HTML(p.Card.SVG(title)), template.URL(p.Card.URI) //nolint:gosec // see above
}

// progress counts: choose, set up, backup codes.
func (s *Enrollment) progress(k authenticator.Kind) progress {
	codes := slices.Contains(s.Has, authenticator.Backup)
	switch {
	case k == authenticator.Backup && codes:
		return progress{}
	case k == authenticator.Backup:
		return progress{3, 3}
	case codes:
		return progress{2, 2}
	}
	return progress{2, 3}
}
