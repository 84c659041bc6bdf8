package console

import (
	"net/http"

	"countersign/internal/tenant"
	"countersign/internal/web"
)

func brandingStories() []web.Story {
	vendors := brandingPage{
		frame:   storyFrame("branding"),
		Vendor:  "Harbor",
		Preview: web.Site{Name: "Harbor"},
	}
	own := vendors
	own.Typed = tenant.Brand{
		Name:         "Ortiz & Sons",
		Accent:       "#ffb000",
		SupportEmail: "it@ortiz.example",
		SupportURL:   "https://ortiz.example/help",
		SupportPhone: "+34 900 555 020",
	}
	own.Own, own.Preview.Name, own.Preview.Vendor = true, own.Typed.Name, vendors.Vendor
	own.Tones, _ = web.TonesOf(own.Typed.Accent)
	own.Preview.Brand, _ = web.CompanyBrand(own.Typed.Accent, "ortiz", "", 0, 0)
	saved := own
	saved.Done = doneKeys["branding"]
	wrong := own
	wrong.Typed.SupportURL, wrong.Problem = "javascript:alert(1)", "brand.bad_url"
	tooLarge := own
	tooLarge.Problem = "brand.logo_too_large"
	return []web.Story{
		{Name: "company/branding", Status: http.StatusOK, Page: vendors},
		{Name: "company/branding/own", Status: http.StatusOK, Page: saved},
		{Name: "company/branding/wrong", Status: http.StatusUnprocessableEntity, Page: wrong},
		{Name: "company/branding/logo-too-large", Status: http.StatusUnprocessableEntity, Page: tooLarge},
	}
}
