package console

import (
	"net/http"
	"net/url"
	"strings"

	"countersign/internal/access"
	"countersign/internal/company"
	"countersign/internal/fault"
	"countersign/internal/pages"
	"countersign/internal/tenant"
	"countersign/internal/web"
)

func (c *Console) mountBranding(mux *web.Mux) {
	mux.Get("/company/branding", c.withRecentProof(c.showBranding))
	mux.PostFile("/company/branding", c.withRecentProof(c.setBranding))
	mux.Post("/company/branding/logo", c.withRecentProof(c.removeLogo))
	mux.Post("/company/branding/defaults", c.withRecentProof(c.resetBranding))
}

// brandingPage asks how the sign-in pages look for the people of a company, and shows how they look.
type brandingPage struct {
	frame
	problem
	Typed   tenant.Brand
	Vendor  string
	Logo    bool      // there is one to remove
	Own     bool      // something differs from the vendor's
	Tones   web.Tones // of the accent; zero: the vendor's colours
	Preview web.Site

	Seen     string // the mark of what is stored
	Outdated outdated
	stored   tenant.Brand
}

func (brandingPage) View() web.View {
	return web.View{Template: "console/branding", ReturnTo: "/company/branding"}
}

// Themes are those that the preview shows, with the catalogue key of each.
func (brandingPage) Themes() []option {
	return []option{{Value: "light", Label: "console.branding.light"}, {Value: "dark", Label: "console.branding.dark"}}
}

// Darker is the tone for light pages, where it is another one than the accent.
func (p brandingPage) Darker() string { return otherTone(p.Typed.Accent, p.Tones.Light) }

// Lighter is the tone for dark pages, if it differs from the accent.
func (p brandingPage) Lighter() string { return otherTone(p.Typed.Accent, p.Tones.Dark) }

func otherTone(accent, tone string) string {
	if strings.EqualFold(accent, tone) {
		return ""
	}
	return tone
}

// brandFields are the fields that a problem is about.
var brandFields = map[string]string{
	"name.invalid":         "name",
	"text.unseen":          "name",
	"tenant.bad_accent":    "accent",
	"brand.bad_email":      "support_email",
	"brand.bad_url":        "support_url",
	"brand.bad_phone":      "support_phone",
	"brand.logo_too_large": "logo",
	"brand.logo_kind":      "logo",
	"brand.logo_side":      "logo",
	"brand.logo_broken":    "logo",
}

// Wrong reports whether the problem is about a field.
func (p brandingPage) Wrong(field string) bool {
	return p.Problem != "" && brandFields[p.Problem] == field
}

func (c *Console) showBranding(w http.ResponseWriter, r *http.Request, a *administrator) error {
	page, err := c.brandingPage(r, a, nil)
	if err != nil {
		return err
	}
	return c.Web.Draw(w, r, http.StatusOK, page)
}

// brandingPage shows what is stored, or what was typed in its place.
func (c *Console) brandingPage(r *http.Request, a *administrator, typed *tenant.Brand) (p brandingPage, err error) {
	b, err := c.Company.Branding(r.Context(), a.Actor, a.company())
	if err != nil {
		return p, err
	}
	p = brandingPage{
		frame:  a.frame(r, "branding"),
		Typed:  b.Brand,
		Vendor: b.Vendor,
		Logo:   b.Brand.Logo.Hash != "",
		Own:    b.Brand != tenant.Brand{},
		Seen:   company.MarkOfBrand(b.Brand),
		stored: b.Brand,
	}
	shown := b.Brand
	if typed != nil {
		p.Typed = *typed
		if good, err := typed.Clean(); err == nil {
			good.Logo = shown.Logo
			shown = good
		}
	}
	if shown.Accent != "" && (typed == nil || typed.Accent == shown.Accent) {
		p.Tones, _ = web.TonesOf(shown.Accent) // it is stored, or was checked
	}
	p.Preview, err = pages.BrandedSite(c.Web.VendorSite(r.Context()), b.Tenant.ID, b.Tenant.Name, shown)
	return p, err
}

// setBranding reads the form only for someone who may send it: a file is longer than any other form.
func (c *Console) setBranding(w http.ResponseWriter, r *http.Request, a *administrator) error {
	if err := c.Check(r, a.Administrator, access.SetBranding, a.own()); err != nil {
		return err
	}
	file, err := web.ReadFile(w, r, "logo", tenant.MaxPictureBytes)
	if err != nil {
		return err
	}
	typed := typedBrand(r.PostForm)
	changes := company.BrandChanges{
		Name:         &typed.Name,
		Accent:       &typed.Accent,
		SupportEmail: &typed.SupportEmail,
		SupportURL:   &typed.SupportURL,
		SupportPhone: &typed.SupportPhone,
		Seen:         r.PostForm.Get(seenField),
	}
	if file.Data != nil {
		changes.Logo = &file.Data
	}
	err = tenant.ErrPictureSize
	if !file.TooLong {
		err = c.Company.ChangeBranding(r.Context(), a.Actor, a.company(), changes)
	}
	if err == nil {
		return c.Web.Redirect(w, "/company/branding?done=branding")
	}
	page, failed := c.brandingPage(r, a, &typed)
	if failed != nil {
		return failed
	}
	if fault.Is(err, fault.Outdated) {
		page.Outdated = outdated{Stored: brandSaid(page.stored), Yours: brandSaid(typed)}
		return c.Web.Draw(w, r, http.StatusPreconditionFailed, page)
	}
	page.Seen = changes.Seen
	return c.DrawProblem(w, r, err, func(p problem) web.Page {
		page.problem = p
		return page
	})
}

func typedBrand(form url.Values) tenant.Brand {
	return tenant.Brand{
		Name:         form.Get("name"),
		Accent:       form.Get("accent"),
		SupportEmail: form.Get("support_email"),
		SupportURL:   form.Get("support_url"),
		SupportPhone: form.Get("support_phone"),
	}
}

func (c *Console) removeLogo(w http.ResponseWriter, r *http.Request, a *administrator) error {
	changes := company.BrandChanges{Logo: new([]byte)}
	if err := c.Company.ChangeBranding(r.Context(), a.Actor, a.company(), changes); err != nil {
		return err
	}
	return c.Web.Redirect(w, "/company/branding?done=no_logo")
}

func (c *Console) resetBranding(w http.ResponseWriter, r *http.Request, a *administrator) error {
	if err := c.Company.ChangeBranding(r.Context(), a.Actor, a.company(), company.VendorsBrand()); err != nil {
		return err
	}
	return c.Web.Redirect(w, "/company/branding?done=defaults")
}
