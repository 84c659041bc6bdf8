package app

import (
	"context"
	"fmt"

	"countersign/internal/db"
	"countersign/internal/tenant"
	"countersign/internal/web"
)

// siteOf reads what every page says of the vendor.
func siteOf(ctx context.Context, d *db.DB) (site web.Site, err error) {
	var i tenant.Installation
	var logo []byte
	err = d.View(ctx, db.Installation, func(tx *db.Tx) (err error) {
		if i, err = tenant.LoadInstallation(ctx, tx); err != nil || i.LogoHash == "" {
			return err
		}
		logo, err = tenant.Logo(ctx, tx)
		return err
	})
	if err != nil {
		return site, fmt.Errorf("read the vendor's settings: %w", err)
	}
	site = web.Site{Name: i.Name, SupportEmail: i.SupportEmail, SupportURL: i.SupportURL, SupportPhone: i.SupportPhone}
	site.Brand, err = web.NewBrand(i.Accent, logo)
	return site, err
}
