package pages

import (
	"fmt"

	"countersign/internal/tenant"
	"countersign/internal/web"
)

// BrandedSite is the vendor's site with what a company has decided for itself. The company's name never stands next to
// the vendor's logo or ours, and its support contact is never mixed with the vendor's.
func BrandedSite(site web.Site, id, company string, b tenant.Brand) (web.Site, error) {
	name := b.ShownName(company)
	if name != "" {
		site.Vendor, site.Name = site.Name, name
	}
	if b.Supported() {
		site.SupportEmail, site.SupportURL, site.SupportPhone = b.SupportEmail, b.SupportURL, b.SupportPhone
	}
	if name == "" && b.Accent == "" {
		return site, nil
	}
	own, err := web.CompanyBrand(b.Accent, id, b.Logo.Hash, b.Logo.Width, b.Logo.Height)
	if err != nil {
		return site, fmt.Errorf("draw a company's brand: %w", err)
	}
	site.Brand = own.Over(site.Brand, name != "")
	return site, nil
}
