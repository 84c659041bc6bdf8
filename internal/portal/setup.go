package portal

import (
	"net/http"

	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/pages"
	"countersign/internal/secret"
	"countersign/internal/setup"
	"countersign/internal/tenant"
	"countersign/internal/web"
)

func (p *Portal) showSetUp(w http.ResponseWriter, r *http.Request) error {
	open, err := p.setUpOpen(r)
	if err != nil {
		return err
	}
	if !open {
		return errNoSetUp
	}
	return p.Web.Draw(w, r, http.StatusOK, setupPage{})
}

var errNoSetUp = fault.New(fault.NotFound, "error.not_found")

func (p *Portal) setUpOpen(r *http.Request) (open bool, err error) {
	err = p.DB.View(r.Context(), db.Installation, func(tx *db.Tx) error {
		i, err := tenant.LoadInstallation(r.Context(), tx)
		open = i.SetUpAt.IsZero()
		return err
	})
	return open, err
}

// setUp makes the first operator, once, for the holder of the token from the console.
func (p *Portal) setUp(w http.ResponseWriter, r *http.Request) error {
	open, err := p.setUpOpen(r)
	if err != nil {
		return err
	}
	if !open {
		return errNoSetUp
	}
	form := r.PostForm
	page := setupPage{Company: form.Get("company"), Name: form.Get("name"), Email: form.Get("email")}
	if form.Get("token") == "" || page.Company == "" || page.Name == "" || page.Email == "" ||
		form.Get("password") == "" {
		page.Problem = "setup.problem.missing"
		return p.Web.Draw(w, r, http.StatusUnprocessableEntity, page)
	}
	err = p.SetUp.Run(r.Context(), setup.First{
		Token:    form.Get("token"),
		Company:  page.Company,
		Name:     page.Name,
		Email:    page.Email,
		Password: secret.Text(form.Get("password")),
		Language: p.Web.Printer(r).Lang(),
		Visitor:  p.Visitor(r),
	})
	if f := pages.Waiting(err); f != nil {
		page.Problem = f.Message
		pages.SetRetryAfter(w, f.RetryAfter)
		return p.Web.Draw(w, r, web.Status(f.Kind), page)
	}
	if fault.Is(err, fault.Invalid) || fault.Is(err, fault.Denied) {
		page.Problem = fault.Of(err).Message
		return p.Web.Draw(w, r, http.StatusUnprocessableEntity, page)
	}
	if err != nil {
		return err
	}
	return p.Web.Draw(w, r, http.StatusOK, setupDonePage{SignInURL: "/signin"})
}
