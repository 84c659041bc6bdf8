package phone_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"

	"countersign/internal/phone"
)

// digitsIn writes a text with the digits of another script, whose zero is given.
func digitsIn(zero rune) func(string) string {
	return func(s string) string {
		return strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' {
				return zero + r - '0'
			}
			return r
		}, s)
	}
}

// spellings are the ways in which people write one number.
func spellings(n *phonenumbers.PhoneNumber, region string) []string {
	national, abroad := phonenumbers.Format(n, phonenumbers.NATIONAL),
		phonenumbers.Format(n, phonenumbers.INTERNATIONAL)
	if region == "AR" {
		national = "011 15-2345-6789" // the library writes its example with the trunk prefix of another city
	}
	calling, rest, _ := strings.Cut(abroad, " ")
	out := []string{
		phonenumbers.Format(n, phonenumbers.E164), abroad, national, phonenumbers.Format(n, phonenumbers.RFC3966),
		"(" + calling + ") " + rest, "[" + calling + "]" + rest, digitsIn('\uff10')(abroad),
		digitsIn('\u0660')(national), digitsIn('\u06f0')(abroad),
		strings.ReplaceAll(national, " ", "\u2013"), strings.ReplaceAll(abroad, " ", "\u2011"),
		strings.ReplaceAll(national, " ", "\u00a0"),
		"\u202a" + abroad + "\u202c", "\u200e" + national, national + "\n", " " + abroad + "\r\n",
		strings.ReplaceAll(abroad, "+", "\uff0b"),
	}
	if from := phonenumbers.FormatOutOfCountryCallingNumber(elsewhere(region), region); strings.HasPrefix(from,
		"00 ") && region != "HK" { // there a carrier's digits follow
		out = append(out, "00 "+abroad[1:], "00"+strings.ReplaceAll(abroad[1:], " ", ""))
	} else if strings.HasPrefix(from, "011 ") {
		out = append(out, "011 "+abroad[1:])
	}
	return out
}

// elsewhere is a number of another country.
func elsewhere(region string) *phonenumbers.PhoneNumber {
	if region == "DE" {
		return phonenumbers.GetExampleNumberForType("ES", phonenumbers.MOBILE)
	}
	return phonenumbers.GetExampleNumberForType("DE", phonenumbers.MOBILE)
}

// sharing are places whose numbers belong to a neighbour's plan: the library reads them as the
// neighbour's, so that people choose that country. Tristan da Cunha has no mobile numbers.
var sharing = []string{"AX", "BL", "CC", "CX", "EH", "IM", "MF", "SJ", "TA", "VA"}

// TestSpellingsOfEveryCountrysExample holds the example mobile number of each country, in every
// spelling, against its E.164 form; and refuses what may be an extension.
func TestSpellingsOfEveryCountrysExample(t *testing.T) {
	countries, read := 0, 0
	for region := range phonenumbers.GetSupportedRegions() {
		if slices.Contains(sharing, region) {
			continue
		}
		n := phonenumbers.GetExampleNumberForType(region, phonenumbers.MOBILE)
		if n == nil {
			t.Errorf("%s has no example", region)
			continue
		}
		countries++
		want := phonenumbers.Format(n, phonenumbers.E164)
		all := spellings(n, region)
		for _, text := range slices.Compact(all) {
			read++
			if got, err := phone.Parse(region, text, []string{region}); err != nil || got.E164 != want {
				t.Errorf("%s %q is %v, %v; want %s", region, text, got, err, want)
			}
		}
		for _, extension := range []string{" ext. 5", "x5", ";ext=5", "#5", " int. 5", ",,5"} {
			if got, err := phone.Parse(region, all[1]+extension, []string{region}); err == nil {
				t.Errorf("%s %q is taken for %v", region, all[1]+extension, got)
			}
		}
	}
	if countries < 200 || read < 3000 {
		t.Errorf("%d spellings of %d countries", read, countries)
	}
}

// TestNumbersThatCountriesChanged: what libphonenumber's FAQ tells of plans with a history.
func TestNumbersThatCountriesChanged(t *testing.T) {
	for _, one := range []struct{ country, text, want string }{
		{"AR", "11 2345-6789", "+5491123456789"},     // without 9 and 15: a text reaches mobiles only
		{"AR", "011 15 2345 6789", "+5491123456789"}, // at home, with 15
		{"AR", "+54 11 15 2345 6789", "+5491123456789"},
		{"AR", "+54 9 11 2345 6789", "+5491123456789"},
		{"MX", "+52 1 55 1234 5678", "+525512345678"}, // a 1 after +52 until 2019
		{"MX", "044 55 1234 5678", "+525512345678"},
		{"IT", "312 345 6789", "+393123456789"},        // mobiles have no 0
		{"IT", "06 6982 1234", ""},                     // a fixed line keeps its 0, and is none
		{"BR", "0 15 11 96123-4567", "+5511961234567"}, // with the carrier to call by
		{"BR", "0XX11 96123-4567", ""},
		{"CI", "01 23 45 67 89", "+2250123456789"}, // ten digits since 2021
		{"CI", "23 45 67 89", ""},
		{"BJ", "01 95 12 34 56", "+2290195123456"}, // ten digits since 2024
	} {
		got, err := phone.Parse(one.country, one.text, []string{one.country})
		if (err == nil) != (one.want != "") || got.E164 != one.want {
			t.Errorf("%s %q is %v, %v; want %q", one.country, one.text, got, err, one.want)
		}
	}
}
