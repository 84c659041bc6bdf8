package account

import (
	"slices"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/policy"
	"countersign/internal/session"
	"countersign/internal/web"
)

// profilePage is what a person sees of their account, and can change.
type profilePage struct {
	Name, Email, Company string
	Summary              string // catalogue key: how well it is protected, truthfully
	Asked                bool   // a second step is asked at sign-in
	OwnChoice, On        bool   // it is the person's own decision, and what they decided
	SetUpBy              time.Time
	DaysLeft             int
	Limited              bool // only so many more sign-ins may finish before that
	Laters               int  // with Limited: how many
	Methods              []methodView
	MayAdd               bool
	HasCodes             bool
	MayHaveCodes         bool
	CodesLeft            int
	SuspendedCodes       string // the id of a suspended set; empty = none is
	Browsers             []session.RememberedFor
	Sessions             []sessionView
	Activity             []eventView
	Speaks               string
	Languages            []string
	Administers          bool   // they see the pages of their company
	Staff                bool   // they see the pages of the vendor's staff
	Done                 string // catalogue key of what was just done
}

func (profilePage) View() web.View { return web.View{Template: "account/profile"} }

// Others reports whether there are sessions beside this one.
func (p profilePage) Others() bool { return len(p.Sessions) > 1 }

// FewCodes reports whether a fresh set of backup codes is due.
func (p profilePage) FewCodes() bool { return p.HasCodes && p.CodesLeft <= 2 }

// methodView is one method that is set up.
type methodView struct {
	ID, Kind, Title, Label string
	Added, Used            time.Time
	Idle                   bool      // no sign-in asks for it: it is not allowed, or there is something stronger
	Disabled               bool      // too many wrong answers in a row
	Suspended              bool      // set up in a sign-in that was reported
	Gone                   time.Time // its push service does not know it any more; zero: it does
	Mine                   bool      // it has a name that can be changed, and can be removed
	Warned                 bool
	Facts                  []string
}

// sessionView is one place where the account is signed in.
type sessionView struct {
	ID, AppName, Browser, Place string
	Since, Seen                 time.Time
	This                        bool
}

func sessionViews(open []session.Open, this, vendor string) (out []sessionView) {
	for _, o := range open {
		v := sessionView{
			ID:      o.ID,
			AppName: o.AppName,
			Browser: o.Browser,
			Place:   o.Place,
			Since:   o.CreatedAt,
			Seen:    o.LastSeenAt,
			This:    o.ID == this,
		}
		if v.AppName == "" {
			v.AppName = vendor
		}
		out = append(out, v)
	}
	return out
}

// notices reports whether a method is a mailbox that no sign-in asks for.
func (v methodView) notices() bool { return v.Kind == string(authenticator.Email) && v.Idle }

// Asks are the methods that the list of sign-in methods shows: without backup codes, which have
// a section of their own, and without a mailbox that only gets notifications.
func (p profilePage) Asks() (out []methodView) {
	for _, v := range p.Methods {
		if v.Kind != string(authenticator.Backup) && !v.notices() {
			out = append(out, v)
		}
	}
	return out
}

// NoticesOnly reports whether the mailbox gets notifications and no codes.
func (p profilePage) NoticesOnly() bool { return slices.ContainsFunc(p.Methods, methodView.notices) }

// summaryOf says how well an account is protected, no better than it is (SEC-1).
func summaryOf(l policy.Level) string {
	switch l {
	case policy.PhishingResistant:
		return "profile.summary.passkey"
	case policy.TwoFactor:
		return "profile.summary.device"
	case policy.EmailConfirmed:
		return "profile.summary.email"
	case policy.None, policy.PasswordOnly:
		return "profile.summary.password"
	}
	return "profile.summary.password"
}

// protectedPage ends a set-up.
type protectedPage struct {
	Summary     string
	Methods     []methodView
	CodesLeft   int
	ContinueURL string
}

func (protectedPage) View() web.View { return web.View{Template: "account/protected"} }

// methodPage is one method, with its name.
type methodPage struct {
	Method  methodView
	Problem string
}

func (p methodPage) View() web.View {
	return web.View{Template: "account/method", ReturnTo: p.URL()}
}
func (p methodPage) URL() string { return "/profile/methods/" + p.Method.ID }

// removePage asks whether a method may go.
type removePage struct {
	Method  methodView
	Left    []methodView // what a sign-in can ask for afterwards
	Problem string
}

func (p removePage) View() web.View {
	return web.View{Template: "account/remove", ReturnTo: p.URL()}
}
func (p removePage) URL() string { return "/profile/methods/" + p.Method.ID }

// passwordPage changes the password.
type passwordPage struct {
	Email, Problem string
	Wrong          bool // it is about the present password
	Wait           time.Duration
	MinLength      int
}

func (passwordPage) View() web.View {
	return web.View{Template: "account/password", ReturnTo: "/profile/password"}
}

// secondStepPage switches one's own second step.
type secondStepPage struct {
	Company string
	Mine    bool // the company leaves it to each person
	On      bool
	Ready   bool // there is a method to ask for
	MayAdd  bool
	Problem string
	Because []string
}

func (secondStepPage) View() web.View {
	return web.View{Template: "account/second_step", ReturnTo: "/profile/second-step"}
}
