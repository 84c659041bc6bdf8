package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"countersign/internal/audit"
	"countersign/internal/db"
	"countersign/internal/phone"
	"countersign/internal/tenant"
)

// applyCountries records whose telephone numbers a company takes.
func (d decisions) applyCountries(ctx context.Context, tx *db.Tx, installation []string) error {
	if d.SMSCountries == nil {
		return nil
	}
	c, err := countriesIn(*d.SMSCountries, installation)
	if err != nil {
		return err
	}
	return note(ctx, tx, tenant.SetCountries(ctx, tx, c), audit.TenantSMSCountries, shownCountries(c))
}

// countriesIn reads a list such as "DE,ES", or "all". A company can narrow the installation's
// list and not widen it: what is not in there would never be used, so it is a mistake.
func countriesIn(text string, installation []string) (tenant.Countries, error) {
	if text == "all" {
		return "", nil
	}
	codes := strings.FieldsFunc(strings.ToUpper(text), func(r rune) bool { return r == ',' || r == ' ' })
	if len(codes) == 0 {
		return "", fmt.Errorf("name countries such as DE,ES, or all; to send no text messages, leave sms out of --methods")
	}
	for _, code := range codes {
		if !phone.Known(code) {
			return "", fmt.Errorf("%s is not a country with telephones", code)
		}
		if len(installation) > 0 && !slices.Contains(installation, code) {
			return "", fmt.Errorf("%s is not in sms.countries of the configuration: a company can narrow that list and not widen it", code)
		}
	}
	return tenant.MakeCountries(codes), nil
}

func shownCountries(c tenant.Countries) string {
	if c == "" {
		return "as the installation says"
	}
	return string(c)
}
