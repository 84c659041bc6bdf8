package company

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"countersign/internal/phone"
	"countersign/internal/tenant"
)

// ParseCountries reads a list such as "DE,ES", or "all". installation is the list that a company can narrow; empty
// means all countries.
func ParseCountries(text string, installation []string) (tenant.Countries, error) {
	if text == "all" {
		return "", nil
	}
	codes := strings.FieldsFunc(strings.ToUpper(text), func(r rune) bool { return r == ',' || r == ' ' })
	if len(codes) == 0 {
		return "", errors.New(
			"name countries such as DE,ES, or all; to send no text messages, leave sms out of --methods")
	}
	c := tenant.MakeCountries(codes)
	return c, within(c, installation)
}

// within fails where a list has what is no country with phones, or what the installation does not take: it would
// never be used, so it is a mistake.
func within(c tenant.Countries, installation []string) error {
	for _, code := range strings.Fields(string(c)) {
		if !phone.Known(code) {
			return fmt.Errorf("%s is not a country with telephones", code)
		}
		if len(installation) > 0 && !slices.Contains(installation, code) {
			return fmt.Errorf("%s is not in sms.countries of the configuration: "+
				"a company can narrow that list and not widen it", code)
		}
	}
	return nil
}
