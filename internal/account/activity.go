package account

import (
	"context"
	"net/http"
	"slices"
	"time"

	"countersign/internal/audit"
	"countersign/internal/authenticator"
	"countersign/internal/binding"
	"countersign/internal/client"
	"countersign/internal/db"
	"countersign/internal/locale"
	"countersign/internal/methodtext"
	"countersign/internal/web"
)

// activityPage tells what happened to an account, in plain words.
type activityPage struct {
	Events []eventView
	More   string // address of older events; "" = there are none
}

func (activityPage) View() web.View { return web.View{Template: "account/activity"} }

// eventView is one thing that happened.
type eventView struct {
	Text           string
	At             time.Time
	Browser, Place string
	Alarming       bool
}

// pageOf is how many things one page tells; rowsFor how many rows are looked through.
const (
	pageOf  = 20
	rowsFor = 200
)

func (a *Account) showActivity(w http.ResponseWriter, r *http.Request) error {
	m, err := a.signedIn(w, r, false)
	if err != nil || m == nil {
		return err
	}
	var rows []audit.Row
	var methods []binding.Method
	err = a.DB.View(r.Context(), m.owner.User.TenantID, func(tx *db.Tx) (err error) {
		if methods, err = binding.Methods(r.Context(), tx, m.owner.User.ID); err != nil {
			return err
		}
		rows, err = audit.List(r.Context(), tx, audit.Filter{
			UserID: m.owner.User.ID,
			Before: r.URL.Query().Get("before"),
			Limit:  rowsFor,
		})
		return err
	})
	if err != nil {
		return err
	}
	names, err := a.appNames(r.Context(), m.standing.Vendor)
	if err != nil {
		return err
	}
	page, last := activityPage{}, ""
	page.Events, last = a.describeRows(r, rows, methods, names, pageOf)
	if last != "" {
		page.More = "/profile/activity?before=" + last
	}
	return a.Web.Draw(w, r, http.StatusOK, page)
}

// activity is the newest of what there is to tell.
func (a *Account) activity(r *http.Request, rows []audit.Row, methods []binding.Method, names map[string]string,
	most int) []eventView {
	events, _ := a.describeRows(r, rows, methods, names, most)
	return events
}

// describeRows describes at most that many rows in words. The next page begins after last, which is
// empty where there is no next page.
func (a *Account) describeRows(r *http.Request, rows []audit.Row, methods []binding.Method, names map[string]string,
	most int) (out []eventView, last string) {
	teller := eventText{Printer: a.Web.Printer(r), methods: methods, apps: names}
	for _, row := range rows {
		if len(out) == most {
			return out, last
		}
		last = row.ID
		text, alarming := teller.describe(row)
		if text != "" {
			out = append(out, eventView{
				Text:     text,
				At:       row.At,
				Browser:  row.Browser,
				Place:    row.Place,
				Alarming: alarming,
			})
		}
	}
	if len(rows) < rowsFor {
		last = ""
	}
	return out, last
}

// appNames are what people call the apps, our own pages by the vendor's name.
func (a *Account) appNames(ctx context.Context, vendor string) (names map[string]string, err error) {
	err = a.DB.View(ctx, db.Installation, func(tx *db.Tx) error {
		names, err = client.Names(ctx, tx, vendor)
		return err
	})
	return names, err
}

// eventText says what happened in one language.
type eventText struct {
	*locale.Printer
	methods []binding.Method
	apps    map[string]string
}

func (t eventText) app(id string) string {
	if name := t.apps[id]; name != "" {
		return name
	}
	return t.T("word.unknown")
}

// method names what was used: the kind, and the person's own name for it where it is known.
func (t eventText) method(row audit.Row, label string) string {
	kind := t.T(methodtext.Of(authenticator.Kind(row.Method)).Name)
	if i := slices.IndexFunc(t.methods, func(m binding.Method) bool { return m.ID == row.SubjectID }); i >= 0 {
		label = t.methods[i].Label
	}
	if label == "" {
		return kind
	}
	return t.T("method.named", "Method", kind, "Name", label)
}

// describe is empty for events that people need not see.
func (t eventText) describe(row audit.Row) (text string, alarming bool) {
	ok := row.Result == audit.OK
	switch row.Action {
	case audit.SignInCompleted:
		return t.T("activity.signed_in", "App", t.app(row.ClientID)), false
	case audit.SignInPassword:
		if !ok {
			return t.T("activity.password_failed", "App", t.app(row.ClientID)), true
		}
	case audit.SignInSecondFactor:
		if ok {
			return t.T("activity.code", "Method", t.method(row, "")), false
		}
		return t.T("activity.code_failed", "Method", t.T(methodtext.Of(authenticator.Kind(row.Method)).Name)), true
	case audit.SignInPasskey:
		if ok {
			return t.T("activity.code", "Method", t.method(row, "")), false
		}
		return t.T("activity.code_failed", "Method", t.T("method.passkey")), true
	case audit.SignInDenied:
		return t.T("activity.denied", "App", t.app(row.ClientID)), false
	case audit.MethodAdded:
		if ok {
			return t.T("activity.method_added", "Method", t.method(row, row.Reason)), false
		}
	case audit.MethodSuspended:
		return t.T("activity.method_suspended", "Method", t.method(row, "")), true
	case audit.MethodRestored:
		if ok {
			return t.T("activity.method_restored", "Method", t.method(row, removedLabel(row))), false
		}
	case audit.MethodRemoved:
		return t.T("activity.method_removed", "Method", t.method(row, removedLabel(row))), false
	default:
		return t.describeChange(row, ok)
	}
	return "", false
}

// removedLabel is the name of what is gone; a report takes away without one.
func removedLabel(row audit.Row) string {
	if row.Reason == "not_me" {
		return ""
	}
	return row.Reason
}

// describeChange describes events other than sign-ins.
func (t eventText) describeChange(row audit.Row, ok bool) (text string, alarming bool) {
	switch row.Action {
	case audit.SignInDisowned:
		return t.T("activity.disowned"), true
	case audit.PasskeyCopied:
		return t.T("activity.passkey_copied"), true
	case audit.BrowserReplayed:
		return t.T("activity.browser_copied"), true
	case audit.BrowserRemembered:
		return t.T("activity.browser_remembered"), false
	case audit.BrowserForgotten:
		return t.T("activity.browser_forgotten"), false
	case audit.AdmissionSent:
		return t.T("activity.admission_sent"), false
	case audit.AdmissionUsed:
		return t.T("activity.admission_used"), false
	case audit.SessionEnded:
		return t.T("activity.session_ended"), false
	case audit.SecondStepOn:
		return t.T("activity.second_step_on"), false
	case audit.SecondStepOff:
		return t.T("activity.second_step_off"), true
	case audit.AddressAsked, audit.AddressChanged, audit.AddressWithdrawn, audit.AddressRestored:
		return t.address(row, ok)
	case audit.PasswordAsked:
		return t.T("activity.password_asked"), ok
	case audit.UserInvited:
		if ok {
			return t.T("activity.invited"), false
		}
	case audit.InvitationWithdrawn:
		return t.T("activity.invitation_withdrawn"), false
	case audit.PasswordReplaced:
		if ok {
			return t.T(passwordSet(row.Reason)), row.Reason == "reset"
		}
		return t.T("activity.password_failed", "App", t.app(client.PortalID)), true
	}
	return "", false
}

// passwordSet says how a password came about.
func passwordSet(how string) string {
	switch how {
	case "reset":
		return "activity.password_reset"
	case "invitation":
		return "activity.password_first"
	}
	return "activity.password_changed"
}

// address tells of changes of the email address.
func (t eventText) address(row audit.Row, ok bool) (text string, alarming bool) {
	switch row.Action {
	case audit.AddressAsked:
		return t.T("activity.address_asked"), false
	case audit.AddressWithdrawn:
		return t.T("activity.address_withdrawn"), false
	case audit.AddressRestored:
		return t.T("activity.address_restored"), true
	}
	if ok {
		return t.T("activity.address_changed"), false
	}
	return t.T("activity.address_failed"), true
}
