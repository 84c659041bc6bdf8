// Package phone owns phone numbers: what someone typed becomes one number in the form
// of ITU-T E.164, or a fault that says what is wrong with it. It refuses numbers that cost
// anyone who calls them more than a message does, that are no telephone, or that lie in a
// country no one has allowed. It sends nothing and stores nothing.
package phone

import (
	"errors"
	"slices"
	"strings"

	"github.com/nyaruka/phonenumbers"

	"countersign/internal/fault"
	"countersign/internal/typed"
)

// Number is one phone number.
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

// maxTyped bounds what is read, in bytes: 15 digits of another script with a mark after each are 90.
const maxTyped = 160

// Parse reads what a person typed who chose a country (ISO 3166-1 alpha-2), with or without
// the calling code and the trunk prefix. allowed are the countries whose numbers are taken;
// none are where it is empty. Every error is a Fault of the kind Invalid.
func Parse(country, text string, allowed []string) (Number, error) {
	country = strings.ToUpper(strings.TrimSpace(country))
	if !known(country) {
		return Number{}, ErrCountry
	}
	if !slices.Contains(allowed, country) {
		return Number{}, ErrNotAllowed
	}
	number, ok := readable(text)
	if !ok {
		return Number{}, ErrInvalid
	}
	if country == "MX" {
		number = withoutOldPrefix(number)
	}
	parsed, err := phonenumbers.Parse(number, country)
	if err != nil {
		return Number{}, unread(err)
	}
	return judge(usual(parsed), country, allowed)
}

// readable folds what was typed to digits as phones have them and the signs people put between them. The library
// would read letters as keys, and extensions: such a text is not clearly one number.
func readable(text string) (string, bool) {
	if len(text) > maxTyped || strings.ContainsAny(strings.TrimSpace(text), "\n\r\u2028\u2029\x00") {
		return "", false
	}
	var b strings.Builder
	for _, c := range strings.TrimPrefix(typed.Fold(text), "tel:") {
		switch {
		case c >= '0' && c <= '9', c == '+' && strings.Trim(b.String(), " ([") == "":
			b.WriteRune(c)
		case c == '[':
			b.WriteByte('(')
		case c == ']':
			b.WriteByte(')')
		case strings.ContainsRune(" -./()", c):
			b.WriteRune(c)
		case strings.ContainsRune("~\u00b7\u2022\u30fc", c): // what people put between groups of digits
			b.WriteByte(' ')
		default:
			return "", false
		}
	}
	if n := b.String(); strings.Contains(n, "+") { // "(+49) 151 …": the library reads a plus in front only
		return "+" + n[strings.Index(n, "+")+1:], true
	}
	return b.String(), true
}

// withoutOldPrefix strips what Mexico dialled before its mobiles until 2019: 01, 044 and 045, at home and after +52.
func withoutOldPrefix(number string) string {
	digits := strings.NewReplacer(" ", "", "-", "", ".", "", "/", "", "(", "", ")", "").Replace(number)
	for _, country := range []string{"+52", "0052", ""} {
		rest, ok := strings.CutPrefix(digits, country)
		for _, old := range []string{"01", "044", "045"} {
			if national, had := strings.CutPrefix(rest, old); ok && had && len(national) == 10 {
				return national
			}
		}
	}
	return number
}

// usual brings spellings of a number that its country has given up, or uses at home only, into the form that networks
// carry, by libphonenumber's FAQ: Argentine mobiles have a 9 after +54 and no 15, Mexican ones have no 1 after +52.
func usual(n *phonenumbers.PhoneNumber) *phonenumbers.PhoneNumber {
	digits := phonenumbers.GetNationalSignificantNumber(n)
	switch {
	case n.GetCountryCode() == 54 && len(digits) == 10 && digits[0] != '9':
		return withDigits(n, "9"+digits)
	case n.GetCountryCode() == 52 && len(digits) == 11 && digits[0] == '1':
		return withDigits(n, digits[1:])
	}
	return n
}

// withDigits is the number with other national digits, where that is a number, and else the number itself.
func withDigits(n *phonenumbers.PhoneNumber, digits string) *phonenumbers.PhoneNumber {
	other, err := phonenumbers.Parse("+"+itoa(int(n.GetCountryCode()))+digits, "ZZ")
	if err != nil || !phonenumbers.IsValidNumber(other) {
		return n
	}
	return other
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
	// Countries that share a calling code are told apart by the number: anyone who chose one
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

// Spaced writes a number the way people read it: +49 1512 3456789. Anything else stays as it is.
func Spaced(e164 string) string {
	n, err := phonenumbers.Parse(e164, "ZZ")
	if err != nil {
		return e164
	}
	return phonenumbers.Format(n, phonenumbers.INTERNATIONAL)
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
