package portal

import (
	"io/fs"
	"net/http"
	"strings"
	"testing"

	"countersign/internal/enrollpages"
	"countersign/internal/pages"
	"countersign/internal/pages/pagestest"
	"countersign/internal/tenant"
)

var templates = map[string]fs.FS{"enrollpages": enrollpages.Templates, "pages": pages.Templates, "portal": Templates}

// each runs fn with the sign-in pages of a company that asks for a second step.
func each(t *testing.T, fn func(t *testing.T, r *pagestest.Rig)) {
	t.Helper()
	pagestest.Each(t, tenant.Mandatory, templates, func(t *testing.T, r *pagestest.Rig) {
		p := &Portal{Base: r.Base, SetUp: r.SetUp, Binding: r.Binding, Incident: r.Incident, Enroll: r.Enroll,
			PasswordLinks: r.PasswordLinks}
		p.Mount(r.Web.Mux())
		fn(t, r)
	})
}

func TestFormsSayWhatIsWrong(t *testing.T) {
	each(t, func(t *testing.T, r *pagestest.Rig) {
		for _, c := range []struct {
			path   string
			fields []string
			status int
			says   string
		}{
			{"/signin/password", []string{"email", pagestest.Email}, 422, "signin.problem.missing"},
			{"/signin/password", []string{"password", "x"}, 422, "signin.problem.missing"},
			{"/signin/password", []string{"email", pagestest.Email, "password", strings.Repeat("x", maxPassword+1)},
				422, "signin.problem.missing"},
			{"/signin/password", []string{"email", pagestest.Email, "password", "wrong"}, 401, "signin.problem.wrong"},
			{"/signin/password", []string{"email", "nobody@company.test", "password", "wrong"}, 401,
				"signin.problem.wrong"},
			{"/signin/link", nil, 422, "signin.problem.missing"},
			{"/signin/forgot", []string{"send", "1", "email", "no address"}, 422, "user.bad_address"},
			{"/setup", []string{"company", "Harbor"}, 422, "setup.problem.missing"},
			{"/not-me", nil, 410, "open_again.title"},
		} {
			rec := r.NewBrowser().Post(c.path, c.fields...)
			if rec.Code != c.status || !strings.Contains(rec.Body.String(), r.Says(c.says)) {
				t.Errorf("%s %v: %d, and %s is not said", c.path, c.fields, rec.Code, c.says)
			}
		}
	})
}

// TestASignInThatThisBrowserLacksHasEnded: every page and form of a sign-in says so in one way.
func TestASignInThatThisBrowserLacksHasEnded(t *testing.T) {
	each(t, func(t *testing.T, r *pagestest.Rig) {
		gone := r.Says("ended.expired.title")
		for _, path := range []string{"/signin/code", "/signin/other", "/signin/set-up", "/signin/set-up/totp",
			"/signin/set-up/backup/codes.txt"} {
			rec := r.NewBrowser().Get(path + "?flow=elsewhere")
			if rec.Code != http.StatusGone || !strings.Contains(rec.Body.String(), gone) {
				t.Errorf("GET %s: %d", path, rec.Code)
			}
		}
		for _, path := range []string{
			"/signin/code", "/signin/code/new", "/signin/cancel", "/signin/new-password", "/signin/other",
			"/signin/set-up/totp",
			"/signin/set-up/totp/confirm",
		} {
			rec := r.NewBrowser().Post(path, "flow", "elsewhere")
			if rec.Code != http.StatusGone || !strings.Contains(rec.Body.String(), gone) {
				t.Errorf("POST %s: %d", path, rec.Code)
			}
		}
	})
}

func TestASignInFromItsPasswordToItsEnd(t *testing.T) {
	each(t, func(t *testing.T, r *pagestest.Rig) {
		b := r.NewBrowser()
		rec := b.Post("/signin/password", "email", pagestest.Email, "password", pagestest.Password)
		at := rec.Header().Get("Location")
		if rec.Code != http.StatusSeeOther || !strings.HasPrefix(at, "/signin/code?flow=") {
			t.Fatalf("%d, to %q", rec.Code, at)
		}
		if rec = b.Get(at); rec.Code != http.StatusOK || !strings.Contains(rec.Body.String(), r.Says("code.title")) {
			t.Errorf("the page of the code: %d", rec.Code)
		}
		_, id, _ := strings.Cut(at, "flow=")
		if rec = b.Post("/signin/code", "flow", id, "code", "000000"); rec.Code != http.StatusUnauthorized {
			t.Errorf("a wrong code: %d", rec.Code)
		}
		if rec = b.Post("/signin/code/new", "flow", id); rec.Code != http.StatusTooManyRequests ||
			rec.Header().Get("Retry-After") == "" {
			t.Errorf("a new code at once: %d, after %q", rec.Code, rec.Header().Get("Retry-After"))
		}
		if rec = r.NewBrowser().Get(at); rec.Code != http.StatusGone {
			t.Errorf("another browser sees the sign-in: %d", rec.Code)
		}
		if rec = b.Post("/signin/cancel", "flow", id); rec.Code != http.StatusOK ||
			!strings.Contains(rec.Body.String(), r.Says("ended.cancelled.title")) {
			t.Errorf("cancelled: %d", rec.Code)
		}
		if rec = b.Get(at); rec.Code != http.StatusGone {
			t.Errorf("after its end: %d", rec.Code)
		}
	})
}

// TestALinkLeavesItsTokenInACookie: neither the address nor the history keeps it, and a browser
// that did not open the link is asked to open it again.
func TestALinkLeavesItsTokenInACookie(t *testing.T) {
	each(t, func(t *testing.T, r *pagestest.Rig) {
		token := "company.0abc." + strings.Repeat("A", 43)
		for _, l := range []mailedLink{signInLink, reportLink, undoLink, passwordLink, admissionLink} {
			b := r.NewBrowser()
			rec := b.Get(l.path + "/" + token)
			if to := rec.Header().Get("Location"); rec.Code != http.StatusSeeOther || to != l.path+"?id=0abc" {
				t.Errorf("%s: %d, to %q", l.path, rec.Code, to)
			}
			if got := b.Cookies["__Host-"+l.cookie]; !strings.HasPrefix(got, token) {
				t.Errorf("%s: the cookie holds %q", l.path, got)
			}
			if rec = b.Get(l.path + "?id=0abc"); rec.Code == http.StatusGone {
				t.Errorf("%s: the browser that opened it is asked again", l.path)
			}
			if rec = r.NewBrowser().Get(l.path + "?id=0abc"); rec.Code != http.StatusGone {
				t.Errorf("%s: another browser gets %d", l.path, rec.Code)
			}
			if rec = r.NewBrowser().Get(l.path + "/cut"); rec.Code != http.StatusNotFound {
				t.Errorf("%s: a link that was cut off gives %d", l.path, rec.Code)
			}
		}
	})
}

func TestTheReasonsLeadBackToOurPagesOnly(t *testing.T) {
	each(t, func(t *testing.T, r *pagestest.Rig) {
		for back, want := range map[string]string{"/signin?to=x": "/signin?to=x", "https://evil.test/": "/signin",
			"//evil.test": "/signin", "": "/signin"} {
			if rec := r.NewBrowser().Get("/why?back=" + back); !strings.Contains(rec.Body.String(), `href="`+want+`"`) {
				t.Errorf("back to %q does not lead to %q", back, want)
			}
		}
	})
}
