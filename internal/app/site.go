package app

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"countersign/internal/db"
	"countersign/internal/message/email"
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
	site = web.Site{
		Name:         i.Name,
		SupportEmail: i.SupportEmail,
		SupportURL:   i.SupportURL,
		SupportPhone: i.SupportPhone,
	}
	site.Brand, err = web.NewBrand(i.Accent, logo)
	return site, err
}

// siteFor is what the pages of a request say of the company that it is about, and of the vendor otherwise.
func (a *App) siteFor(ctx context.Context) web.Site {
	site := a.site.site(ctx)
	company := web.CompanyOf(ctx)
	if company == "" {
		return site
	}
	return a.brands.of(ctx, company).over(site, company, a.Log)
}

// companyLogo reads the logo of a company.
func (a *App) companyLogo(ctx context.Context, company, hash string) (logo []byte, err error) {
	err = a.DB.View(ctx, company, func(tx *db.Tx) error {
		logo, err = tenant.PictureOf(ctx, tx, hash)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read a company's logo: %w", err)
	}
	return logo, nil
}

// mailLook is what this installation, and a company in it, make of their mails.
func (a *App) mailLook(ctx context.Context, company string) email.Look {
	site := a.site.site(ctx)
	look := email.Look{Zone: a.timeZone}
	if company != "" && company != db.Installation {
		b := a.brands.of(ctx, company)
		look.Company = b.ShownName(b.company)
		look.Support = email.Contact{Email: b.SupportEmail, URL: b.SupportURL, Phone: b.SupportPhone}
		site = b.over(site, company, a.Log)
	}
	if b := site.Brand; b != nil {
		look.Accent = email.Accent{Light: b.Tones.Light, Dark: b.Tones.Dark}
	}
	return look
}

// timeZone is the time zone of the place that an address is in; nil where it is unknown.
func (a *App) timeZone(ip string) *time.Location {
	at, err := netip.ParseAddr(ip)
	if err != nil {
		return nil
	}
	return a.places.Zone(at)
}
