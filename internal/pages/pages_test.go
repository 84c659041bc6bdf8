package pages_test

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"countersign/internal/client"
	"countersign/internal/fault"
	"countersign/internal/grant"
	"countersign/internal/pages"
	"countersign/internal/pages/pagestest"
	"countersign/internal/tenant"
)

var templates = map[string]fs.FS{"pages": pages.Templates}

func page(http.ResponseWriter, *http.Request) error { return nil }

func each(t *testing.T, fn func(t *testing.T, r *pagestest.Rig)) {
	t.Helper()
	pagestest.Each(t, tenant.DefaultOff, templates, func(t *testing.T, r *pagestest.Rig) {
		for _, path := range []string{"/profile", "/profile/email", "/profile/add/{kind}", "/signin"} {
			r.Web.Mux().Get(path, page)
		}
		fn(t, r)
	})
}

// TestSEC118_OnlyOurPagesAreReturnedTo: a return address that leads elsewhere is the first page.
func TestSEC118_OnlyOurPagesAreReturnedTo(t *testing.T) {
	each(t, func(t *testing.T, r *pagestest.Rig) {
		for path, want := range map[string]string{
			"/profile":                  "/profile",
			"/profile/email":            "/profile/email",
			"/profile/email?typed=x":    "/profile/email?typed=x",
			"/profile/add/totp":         "/profile/add/totp",
			"/signin":                   "/",
			"/profiles":                 "/",
			"//evil.test/profile":       "/",
			"https://evil.test/profile": "/",
			"/\\evil.test/profile":      "/",
			"/profile/../signin":        "/",
			"/profile/./../signin":      "/",
			"/profile/%2e%2E/signin":    "/",
			"":                          "/",
		} {
			if got := r.ReturnPath(path); got != want {
				t.Errorf("%q returns to %q instead of %q", path, got, want)
			}
		}
	})
}

func TestAFinishedSignInGoesOnToItsTarget(t *testing.T) {
	each(t, func(t *testing.T, r *pagestest.Rig) {
		seal := func(req grant.Request) string {
			req.IssuedAt = r.DB.Now()
			return grant.Seal(r.Keys, req)
		}
		app := seal(grant.Request{ClientID: "dashboard", RedirectURI: "https://dashboard.test/cb"})
		own := seal(grant.Request{ClientID: client.PortalID, ReturnTo: "/profile/email"})
		away := seal(grant.Request{ClientID: client.PortalID, ReturnTo: "https://evil.test/"})
		for sealed, want := range map[string]string{
			"": "/", app: pages.Resumption(app), own: "/profile/email", away: "/", "forged": pages.Resumption("forged"),
		} {
			if got := r.Onward(sealed); got != want {
				t.Errorf("goes on to %q instead of %q", got, want)
			}
		}
		if got := r.OriginsOf(app); len(got) != 1 || got[0] != "https://dashboard.test" {
			t.Errorf("a form may lead to %v", got)
		}
		if got := r.OriginsOf("forged"); got != nil {
			t.Errorf("a forged request opens %v", got)
		}
	})
}

// TestWhatWasTypedOpensForItsPersonOnly: a link that someone else made fills in nothing.
func TestWhatWasTypedOpensForItsPersonOnly(t *testing.T) {
	each(t, func(t *testing.T, r *pagestest.Rig) {
		form := url.Values{"email": {"new@company.test"}, "password": {"secret"}, "number": {strings.Repeat("1", 300)}}
		path := r.KeepTyped("/profile/email", form, "maria")
		if strings.Contains(path, "company.test") {
			t.Errorf("%s shows what was typed", path)
		}
		asked := httptest.NewRequest(http.MethodGet, path, nil)
		if got := r.Typed(asked, "maria"); got.Get("email") != "new@company.test" || got.Has("password") ||
			got.Has("number") {
			t.Errorf("kept %v", got)
		}
		if got := r.Typed(asked, "owner"); got != nil {
			t.Errorf("someone else reads %v", got)
		}
		if got := r.KeepTyped("/profile/email", form, ""); got != "/profile/email" {
			t.Errorf("kept for no one: %s", got)
		}
	})
}

func TestAStepUpComesBackToItsPage(t *testing.T) {
	each(t, func(t *testing.T, r *pagestest.Rig) {
		got := r.CurrentPage(httptest.NewRequest(http.MethodGet, "/profile/add/totp?again", nil), "maria")
		if got != "/profile/add/totp?again" {
			t.Errorf("comes back to %s", got)
		}
		posted := httptest.NewRequest(http.MethodPost, "/profile/email", nil)
		posted.PostForm = url.Values{"email": {"new@company.test"}}
		if got := r.CurrentPage(posted, "maria"); !strings.HasPrefix(got, "/profile/email?typed=") {
			t.Errorf("comes back to %s", got)
		}
		posted = httptest.NewRequest(http.MethodPost, "/signout", nil)
		if got := r.CurrentPage(posted, "maria"); got != "/profile" {
			t.Errorf("comes back to %s", got)
		}
	})
}

func TestOnlyWhatPassesIsWaitedFor(t *testing.T) {
	for kind, want := range map[fault.Kind]bool{
		fault.RateLimited: true, fault.Unavailable: true, fault.Invalid: false, fault.NotFound: false,
		fault.Denied: false,
	} {
		if got := pages.Waiting(fault.New(kind, "x")) != nil; got != want {
			t.Errorf("%v waits: %v", kind, got)
		}
	}
	if pages.Waiting(nil) != nil {
		t.Error("nothing went wrong, and something waits")
	}
}

func TestRetryAfterIsNeverTooEarly(t *testing.T) {
	for wait, want := range map[time.Duration]string{0: "", time.Millisecond: "1", time.Second: "1",
		1500 * time.Millisecond: "2", time.Minute: "60"} {
		rec := httptest.NewRecorder()
		pages.SetRetryAfter(rec, wait)
		if got := rec.Header().Get("Retry-After"); got != want {
			t.Errorf("%v: %q instead of %q", wait, got, want)
		}
	}
}

func TestAFlowIsNamedInItsAddresses(t *testing.T) {
	named, none := pages.FlowRef{Flow: "a b"}, pages.FlowRef{}
	if named.CodeURL() != "/signin/code?flow=a+b" || none.CodeURL() != "/signin/code" {
		t.Errorf("%s, %s", named.CodeURL(), none.CodeURL())
	}
	if pages.SignInPath("a&b") != "/signin?to=a%26b" || pages.SignInPath("") != "/signin" {
		t.Error(pages.SignInPath("a&b"))
	}
}
