package account

import (
	"context"
	"io/fs"
	"net/http"
	"strings"
	"testing"
	"time"

	"countersign/internal/client"
	"countersign/internal/db"
	"countersign/internal/enrollpages"
	"countersign/internal/grant"
	"countersign/internal/pages"
	"countersign/internal/pages/pagestest"
	"countersign/internal/policy"
	"countersign/internal/session"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

var templates = map[string]fs.FS{"account": Templates, "enrollpages": enrollpages.Templates, "pages": pages.Templates}

// each runs fn with the pages of a company that asks for no second step.
func each(t *testing.T, fn func(t *testing.T, r *pagestest.Rig)) {
	t.Helper()
	pagestest.Each(t, tenant.DefaultOff, templates, func(t *testing.T, r *pagestest.Rig) {
		(&Account{Base: r.Base, Profile: r.Profile, Binding: r.Binding, Enroll: r.Enroll}).Mount(r.Web.Mux())
		fn(t, r)
	})
}

// signedIn is a browser with a session of the person, who has just shown a password and a code.
func signedIn(t *testing.T, r *pagestest.Rig) *pagestest.Browser {
	t.Helper()
	b := r.NewBrowser()
	r.In(pagestest.Company, func(ctx context.Context, tx *db.Tx) error {
		u, err := user.ByEmail(ctx, tx, pagestest.Email)
		if err != nil {
			return err
		}
		_, ref, err := session.Issue(ctx, tx, session.Session{
			UserID:          u.ID,
			ClientID:        client.PortalID,
			FlowID:          tx.NewID(),
			ACR:             string(policy.EmailConfirmed),
			AMR:             []string{"pwd", "email"},
			SecurityVersion: u.SecurityVersion,
			AuthenticatedAt: tx.Now,
			FreshAt:         tx.Now,
			ExpiresAt:       tx.Now.Add(time.Hour),
		})
		b.Cookies["__Host-session"] = ref.Text().Reveal()
		return err
	})
	return b
}

var ownPages = []string{
	"/profile", "/profile/activity", "/profile/protected", "/profile/password", "/profile/second-step",
	"/profile/email",
	"/profile/add", "/profile/add/totp",
}

// TestPeopleWhoSignInReturnToThePage: the sign-in page leads back to the page that was wished.
func TestPeopleWhoSignInReturnToThePage(t *testing.T) {
	each(t, func(t *testing.T, r *pagestest.Rig) {
		for _, path := range ownPages {
			rec := r.NewBrowser().Get(path)
			_, sealed, found := strings.Cut(rec.Header().Get("Location"), "/signin?to=")
			if rec.Code != http.StatusSeeOther || !found {
				t.Errorf("%s: %d, to %q", path, rec.Code, rec.Header().Get("Location"))
				continue
			}
			req, err := grant.Open(r.Keys, sealed, r.DB.Now())
			if err != nil || req.ReturnTo != path || req.ClientID != client.PortalID {
				t.Errorf("%s: comes back to %q, %v", path, req.ReturnTo, err)
			}
		}
		if rec := r.NewBrowser().Get("/"); rec.Header().Get("Location") != "/signin" {
			t.Errorf("the first page leads to %q", rec.Header().Get("Location"))
		}
	})
}

func TestEveryPageOfAnAccountIsDrawn(t *testing.T) {
	each(t, func(t *testing.T, r *pagestest.Rig) {
		b := signedIn(t, r)
		for _, path := range append([]string{"/"}, ownPages...) {
			if rec := b.Get(path); rec.Code != http.StatusOK {
				t.Errorf("%s: %d, to %q", path, rec.Code, rec.Header().Get("Location"))
			}
		}
		if rec := b.Get("/profile/methods/none"); rec.Code != http.StatusNotFound {
			t.Errorf("a method that there is not: %d", rec.Code)
		}
	})
}

func TestFormsOfAnAccountSayWhatIsWrong(t *testing.T) {
	each(t, func(t *testing.T, r *pagestest.Rig) {
		b := signedIn(t, r)
		for _, c := range []struct {
			path   string
			fields []string
			status int
			says   string
		}{
			{"/profile/password", []string{"current", "wrong", "password", "another long password of mine"}, 422,
				"profile.problem.password"},
			{"/profile/email", []string{"email", "no address"}, 422, "user.bad_address"},
			{"/profile/email", []string{"email", pagestest.Email}, 422, "email.problem.same"},
			{"/profile/second-step", []string{"on", "on"}, 409, "profile.problem.not_yours"},
			{"/profile/email/confirm", []string{"code", "123456"}, 410, "email.over"},
		} {
			rec := b.Post(c.path, c.fields...)
			if rec.Code != c.status || !strings.Contains(rec.Body.String(), r.Says(c.says)) {
				t.Errorf("%s %v: %d, and %s is not said", c.path, c.fields, rec.Code, c.says)
			}
		}
		if rec := b.Post("/profile/language", "lang", "tlh"); rec.Code != http.StatusUnprocessableEntity {
			t.Errorf("a language that we do not speak: %d", rec.Code)
		}
	})
}

func TestASetUpInASession(t *testing.T) {
	each(t, func(t *testing.T, r *pagestest.Rig) {
		b := signedIn(t, r)
		rec := b.Post("/profile/add/totp")
		if rec.Code != http.StatusSeeOther || rec.Header().Get("Location") != "/profile/add/totp" ||
			b.Cookies["__Host-set-up"] == "" {
			t.Fatalf("begun: %d, to %q", rec.Code, rec.Header().Get("Location"))
		}
		page := b.Get("/profile/add/totp").Body.String()
		_, rest, found := strings.Cut(page, `name="draft" value="`)
		draft, _, _ := strings.Cut(rest, `"`)
		if !found {
			t.Fatal("the page names no set-up")
		}
		rec = b.Post("/profile/add/totp/confirm", "draft", draft, "code", "000000")
		if rec.Code != http.StatusUnprocessableEntity ||
			!strings.Contains(rec.Body.String(), r.Says("code.problem.wrong_app")) {
			t.Errorf("a wrong first code: %d", rec.Code)
		}
		rec = b.Post("/profile/add/totp/confirm", "draft", "older", "code", "000000")
		if rec.Code != http.StatusConflict || !strings.Contains(rec.Body.String(), r.Says("binding.newer")) {
			t.Errorf("a page that is older: %d", rec.Code)
		}
		delete(b.Cookies, "__Host-set-up") // anyone who has copied the session before
		if rec = b.Post("/profile/add/totp/confirm", "draft", draft, "code", "000000"); rec.Code != http.StatusGone {
			t.Errorf("another browser: %d", rec.Code)
		}
		if rec = b.Get("/profile/add/backup"); rec.Code != http.StatusNotFound {
			t.Errorf("backup codes without a method: %d", rec.Code)
		}
	})
}

func TestSignedOutEverywhereElse(t *testing.T) {
	each(t, func(t *testing.T, r *pagestest.Rig) {
		here, there := signedIn(t, r), signedIn(t, r)
		if rec := here.Post("/profile/sessions"); rec.Header().Get("Location") != "/profile?done=ended" {
			t.Errorf("%d, to %q", rec.Code, rec.Header().Get("Location"))
		}
		if rec := here.Get("/profile"); rec.Code != http.StatusOK {
			t.Errorf("this session: %d", rec.Code)
		}
		if rec := there.Get("/profile"); rec.Code != http.StatusSeeOther {
			t.Errorf("the other session: %d", rec.Code)
		}
	})
}
