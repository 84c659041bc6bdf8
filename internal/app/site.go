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

// mailLook is what this installation makes of its mails.
func (a *App) mailLook(ctx context.Context) email.Look {
	look := email.Look{Zone: a.timeZone}
	if b := a.site.site(ctx).Brand; b != nil {
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
