// Package phone owns telephone numbers: what somebody typed becomes one number in the form
// of ITU-T E.164, or a fault that says what is wrong with it. It refuses numbers that cost
// whoever calls them more than a message does, that are no telephone, or that lie in a
// country nobody has allowed. It sends nothing and stores nothing.
package phone

import (
	"errors"
	"slices"
	"strings"

	"github.com/nyaruka/phonenumbers"

	"countersign/internal/fault"
)

// Number is one telephone number.
type Number struct {
	E164   string // "+4915112345678"
	Region string // ISO 3166-1 alpha-2, by the number itself and not by what was chosen
}

// What may be wrong with a number.
var (
	ErrInvalid    = fault.New(fault.Invalid, "phone.invalid")
	ErrShort      = fault.New(fault.Invalid, "phone.too_short")
	ErrLong       = fault.New(fault.Invalid, "phone.too_long")
	ErrCountry    = fault.New(fault.Invalid, "phone.unknown_country")
	ErrElsewhere  = fault.New(fault.Invalid, "phone.other_country")
	ErrNotAllowed = fault.New(fault.Invalid, "phone.not_allowed")
	ErrLandline   = fault.New(fault.Invalid, "phone.landline")
	ErrBlocked    = fault.New(fault.Invalid, "phone.blocked")
)

// maxTyped bounds what is read, in bytes: 15 digits with a space after each are 30.
const maxTyped = 40

// Parse reads what a person typed who chose a country (ISO 3166-1 alpha-2), with or without
// the calling code and the trunk prefix. allowed are the countries whose numbers are taken;
// none are where it is empty. Every error is a Fault of the kind Invalid.
func Parse(country, typed string, allowed []string) (Number, error) {
	country = strings.ToUpper(strings.TrimSpace(country))
	if !known(country) {
		return Number{}, ErrCountry
	}
	if !slices.Contains(allowed, country) {
		return Number{}, ErrNotAllowed
	}
	if !plain(typed) {
		return Number{}, ErrInvalid
	}
	parsed, err := phonenumbers.Parse(typed, country)
	if err != nil {
		return Number{}, unread(err)
	}
	return judge(parsed, country, allowed)
}

// plain holds for digits as telephones have them and the signs people put between them. The
// library would read letters as keys, other scripts' digits, and extensions: such a text is
// not clearly one number.
func plain(typed string) bool {
	if len(typed) > maxTyped {
		return false
	}
	for i, c := range strings.TrimSpace(typed) {
		switch {
		case c >= '0' && c <= '9', strings.ContainsRune(" -./()", c), c == '\u00a0', c == '+' && i == 0:
		default:
			return false
		}
	}
	return true
}

func unread(err error) error {
	switch {
	case errors.Is(err, phonenumbers.ErrTooShortNSN), errors.Is(err, phonenumbers.ErrTooShortAfterIDD):
		return ErrShort
	case errors.Is(err, phonenumbers.ErrNumTooLong):
		return ErrLong
	}
	return ErrInvalid
}

func judge(n *phonenumbers.PhoneNumber, country string, allowed []string) (Number, error) {
	if n.GetExtension() != "" {
		return Number{}, ErrInvalid
	}
	code := int(n.GetCountryCode())
	if phonenumbers.GetRegionCodeForCountryCode(code) == world { // satellites and networks of no country
		return Number{}, ErrBlocked
	}
	if code != phonenumbers.GetCountryCodeForRegion(country) {
		return Number{}, ErrElsewhere
	}
	switch phonenumbers.IsPossibleNumberWithReason(n) {
	case phonenumbers.TOO_SHORT, phonenumbers.IS_POSSIBLE_LOCAL_ONLY:
		return Number{}, ErrShort
	case phonenumbers.TOO_LONG:
		return Number{}, ErrLong
	}
	region := phonenumbers.GetRegionCodeForNumber(n)
	if !phonenumbers.IsValidNumber(n) || region == "" {
		return Number{}, ErrInvalid
	}
	// Countries that share a calling code are told apart by the number: whoever chose one
	// may not reach another that costs more.
	if !slices.Contains(allowed, region) {
		return Number{}, ErrNotAllowed
	}
	if err := receives(phonenumbers.GetNumberType(n)); err != nil {
		return Number{}, err
	}
	return Number{E164: phonenumbers.Format(n, phonenumbers.E164), Region: region}, nil
}

// receives says which types of number a message may be sent to. A type that libphonenumber
// does not know is none: it is where money is made.
func receives(t phonenumbers.PhoneNumberType) error {
	switch t {
	case phonenumbers.MOBILE, phonenumbers.FIXED_LINE_OR_MOBILE:
		return nil
	case phonenumbers.FIXED_LINE, phonenumbers.VOIP, phonenumbers.TOLL_FREE, phonenumbers.VOICEMAIL:
		return ErrLandline
	}
	return ErrBlocked // premium rate, shared cost, pager, personal (forwarded at a cost), unknown
}

// Of reads a number that Parse has made, for what is stored.
func Of(e164 string) (Number, error) {
	n, err := phonenumbers.Parse(e164, "ZZ")
	if err != nil || phonenumbers.Format(n, phonenumbers.E164) != e164 {
		return Number{}, ErrInvalid
	}
	return Number{E164: e164, Region: phonenumbers.GetRegionCodeForNumber(n)}, nil
}

// Mask shows the calling code and the last two digits, and the same number of dots for
// every length: +49 ••• ••67.
func Mask(e164 string) string {
	n, err := Of(e164)
	if err != nil || len(e164) < 6 {
		return "•••"
	}
	code := phonenumbers.GetCountryCodeForRegion(n.Region)
	if code == 0 {
		return "•••"
	}
	return "+" + itoa(code) + " ••• ••" + e164[len(e164)-2:]
}
