package portal

import (
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/methodtext"
	"countersign/internal/pages"
	"countersign/internal/tenant"
	"countersign/internal/web"
)

// The pages of the portal: one struct per page, holding what its template draws. Problem
// and Because hold catalogue keys and sentences; instants are drawn in UTC and, where the
// browser can, in the person's own time.

// signInPage asks who the person is and for the password.
type signInPage struct {
	To        string // the sealed authorization request; "" = sign in to the portal itself
	AppName   string
	Email     string
	Problem   string        // catalogue key, "" = none
	Wait      time.Duration // how long to wait before the next try; 0 = not at all
	Announce  *announcement
	Admission *admissionOffer // where others' failures make it wait
	Told      string          // catalogue key of what has just happened; "" = nothing
	Again     bool            // someone signed in wants to change something, and their proofs are old
	Passkey   *passkeyOffer
	Targets   []string // origins that the form may lead to
}

func (p signInPage) View() web.View {
	return web.View{Template: "portal/signin", ReturnTo: pages.SignInPath(p.To), FormTargets: p.Targets}
}
func (p signInPage) FocusEmail() bool { return p.Email == "" }

// stepUpPage offers the missing second step to a browser that is signed in already.
type stepUpPage struct {
	To      string
	AppName string
	Email   string
	Because []string
	Change  bool // it is about a change on our own pages
	Targets []string
}

func (p stepUpPage) View() web.View {
	return web.View{Template: "portal/step_up", ReturnTo: pages.SignInPath(p.To), FormTargets: p.Targets}
}

// OtherURL is where someone else signs in.
func (p stepUpPage) OtherURL() string {
	if p.To == "" {
		return "/signin?other"
	}
	return pages.SignInPath(p.To) + "&other"
}

// announcement tells of a second step that will be needed from an instant on.
type announcement struct {
	By       string // the vendor's or the company's name
	From     time.Time
	DaysLeft int
}

// codePage asks for the second step: a code that was sent or that a device shows, one from a
// sheet of paper, or a passkey. Kinds that send nothing leave the fields of messages empty.
type codePage struct {
	pages.FlowRef
	Kind         authenticator.Kind
	ForSetUp     bool   // the answer only opens the set-up of a method
	Confirm      bool   // someone who is signed in confirms that it is them
	Others       bool   // there are other ways
	Codes        bool   // backup codes are among them
	Options      string // of a passkey
	AppName      string
	SentTo       string // masked
	Reference    string
	ExpiresAt    time.Time
	NewCodeAt    time.Time // when a new code may be asked for
	Now          time.Time
	Length       int // digits
	TriesLeft    int
	NewCodesLeft int
	Problem      string
	Admission    *admissionOffer // where others' wrong answers make it wait
	Delivery     pages.Delivery
	RememberDays int  // 0 = may not be remembered
	Adaptive     bool // the company asks only where a sign-in is unusual
	Remember     bool
	Why          string   // the vendor's own words; "" = ours
	Because      []string // sentences
	Unusual      []string // those of them that say what is unusual about the sign-in
	SetUpBy      time.Time
	Limited      bool // only so many sign-ins may finish before a method is set up, by SetUpBy
	Laters       int  // with Limited: how many, this one included
	Targets      []string
}

// CountsTries reports whether the problem cost a try.
func (p codePage) CountsTries() bool {
	return p.Problem == "code.problem.wrong" || p.Problem == "code.problem.older"
}

// Left is the time until the code expires.
func (p codePage) Left() time.Duration { return max(p.ExpiresAt.Sub(p.Now), 0) }

// MustWait reports whether a new code cannot be asked for yet.
func (p codePage) MustWait() bool { return p.NewCodeAt.After(p.Now) }

// CoolDown is the time until a new code can be asked for.
func (p codePage) CoolDown() time.Duration { return max(p.NewCodeAt.Sub(p.Now), 0) }

// spentPage says that this code is dead after too many wrong answers.
type spentPage struct {
	pages.FlowRef
	AppName, SentTo string
	NewCodesLeft    int
	Expired         bool            // its time is over; otherwise there were too many wrong answers
	Unsent          bool            // there is no code at all
	Why             string          // why not
	Admission       *admissionOffer // where others have used up the messages
	RestartURL      string
}

// Text says why the code is dead.
func (p spentPage) Text() string {
	switch {
	case p.Unsent && p.Why != "":
		return p.Why
	case p.Unsent:
		return "code.problem.sending"
	case p.Expired:
		return "spent.expired"
	}
	return "spent.text"
}

// Title is the heading.
func (p spentPage) Title() string {
	if p.Unsent {
		return "spent.unsent.title"
	}
	return "spent.title"
}

func (p spentPage) View() web.View {
	return web.View{Template: "portal/spent", ReturnTo: p.CodeURL()}
}

// endedPage says that the sign-in is over, and why.
type endedPage struct {
	AppName string
	// Reason is expired, cancelled, not_me, changed, restart, unmet, outside, needs_admin or set_up_later; done: it was
	// finished elsewhere, or its answer was lost; signed_in: over, and this browser holds a session;
	// replaced: this browser has begun newer ones and no longer holds it.
	Reason      string
	RestartURL  string
	HomeURL     string
	ContinueURL string    // to the app, with the session that there is
	NewerURL    string    // the sign-in that took its place
	From        time.Time // with set_up_later: when a method may be set up
}

func (endedPage) View() web.View { return web.View{Template: "portal/ended"} }

// NeedsHelp reports whether starting again by oneself will not do.
func (p endedPage) NeedsHelp() bool {
	return p.Reason == "restart" || p.Reason == "unmet" || p.Reason == "needs_admin" ||
		p.Reason == "set_up_later" || p.Reason == "outside"
}

// SignedIn reports whether there is somewhere to go without signing in again.
func (p endedPage) SignedIn() bool { return p.Reason == "signed_in" }

// Title is the heading for the reason.
func (p endedPage) Title() string {
	switch p.Reason {
	case "cancelled":
		return "ended.cancelled.title"
	case "not_me":
		return "ended.not_me.title"
	case "changed":
		return "ended.changed.title"
	case "restart":
		return "ended.restart.title"
	case "unmet":
		return "ended.unmet.title"
	case "outside":
		return "ended.outside.title"
	case "needs_admin":
		return "ended.needs_admin.title"
	case "set_up_later":
		return "reset_wait.title"
	case "done":
		return "ended.done.title"
	case "replaced":
		return "ended.replaced.title"
	case "signed_in":
		return "ended.signed_in.title"
	}
	return "ended.expired.title"
}

// Text explains the reason.
func (p endedPage) Text() string {
	switch p.Reason {
	case "cancelled":
		return "ended.cancelled.text"
	case "not_me":
		return "ended.not_me.text"
	case "changed":
		return "ended.changed.text"
	case "restart":
		return "ended.restart.text"
	case "unmet":
		return "ended.unmet.text"
	case "outside":
		return "ended.outside.text"
	case "needs_admin":
		return "ended.needs_admin.text"
	case "set_up_later":
		return "reset_wait.text"
	case "done":
		return "ended.done.text"
	case "replaced":
		return "ended.replaced.text"
	case "signed_in":
		return "ended.signed_in.text"
	}
	return "ended.expired.text"
}

// linkPage is where the link in the mail leads. Only the browser that began gets a button.
type linkPage struct {
	State        string // ready, elsewhere, replaced, used, expired, unknown
	ID           string // names the link
	AppName      string
	Account      string // masked email address
	Code         string // only when State is elsewhere
	Reference    string
	IP           string
	Place        string
	Browser      string
	At           time.Time
	RememberDays int
	NotMeURL     string
	Targets      []string
}

func (p linkPage) View() web.View {
	return web.View{Template: "portal/link", ReturnTo: signInLink.page(p.ID), FormTargets: p.Targets}
}

// Title is the heading for the state.
func (p linkPage) Title() string {
	switch p.State {
	case "ready":
		return "link.ready.title"
	case "elsewhere":
		return "link.elsewhere.title"
	case "replaced":
		return "link.replaced.title"
	case "used":
		return "link.used.title"
	case "expired":
		return "link.expired.title"
	}
	return "link.unknown.title"
}

// Text explains a link that does nothing any more.
func (p linkPage) Text() string {
	switch p.State {
	case "replaced":
		return "link.replaced.text"
	case "used":
		return "link.used.text"
	case "expired":
		return "link.expired.text"
	}
	return "link.unknown.text"
}

// notMePage asks whether the person did not ask for the code.
type notMePage struct{ wordPage }

func (p notMePage) View() web.View {
	return web.View{Template: "portal/not_me", ReturnTo: reportLink.page(p.ID)}
}

// notMeDonePage reveals nothing about the account: the link may be in anyone's hands.
type notMeDonePage struct{}

func (notMeDonePage) View() web.View { return web.View{Template: "portal/not_me_done"} }

// noticePage lets the person in, and says that from a date a second step will be needed, or
// that a method must be set up until then.
type noticePage struct {
	SetUp       bool
	AppName     string
	By          string
	From        time.Time
	DaysLeft    int
	Limited     bool // with SetUp: only so many more sign-ins may finish before that
	Laters      int  // with Limited: how many
	SentTo      string
	ContinueURL string
}

func (noticePage) View() web.View { return web.View{Template: "portal/notice"} }

// newPasswordPage follows a password that was reported as known to someone else.
type newPasswordPage struct {
	pages.FlowRef
	Email     string
	Problem   string
	MinLength int
	Targets   []string
}

func (p newPasswordPage) View() web.View {
	return web.View{Template: "portal/new_password", FormTargets: p.Targets}
}

// whyPage says why a second step is asked for.
type whyPage struct {
	Kind authenticator.Kind // which one; "" = any
	Text string             // the vendor's own words, paragraphs apart by an empty line; "" = ours
	Back string
}

func (whyPage) View() web.View { return web.View{Template: "portal/why"} }

// What says what a second step of the kind shows.
func (p whyPage) What() string { return methodtext.Of(p.Kind).WhatItShows }

// Limits says what it does not protect from, and what to do about that.
func (p whyPage) Limits() string { return methodtext.Of(p.Kind).Limits }

// Paragraphs are the vendor's words, or none.
func (p whyPage) Paragraphs() []string { return tenant.Paragraphs(p.Text) }

// setupPage creates the first operator.
type setupPage struct{ Problem, Company, Name, Email string }

func (setupPage) View() web.View { return web.View{Template: "portal/setup"} }

// setupDonePage says that the installation is ready.
type setupDonePage struct{ SignInURL string }

func (setupDonePage) View() web.View { return web.View{Template: "portal/setup_done"} }
