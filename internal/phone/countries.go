package phone

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
	"golang.org/x/text/unicode/norm"
)

// world is libphonenumber's region for numbers of no country.
const world = "001"

// Country is one entry of a picker.
type Country struct {
	Code    string // ISO 3166-1 alpha-2
	Name    string // in the language asked for
	Calling string // "+49"
	Search  string // what someone may type to find it, in small letters
}

// Known reports whether code is a country that has phone numbers.
func Known(code string) bool { return known(code) }

// Calling is the calling code of a country, without its plus: "49"; "0" for what is none.
func Calling(code string) string { return itoa(phonenumbers.GetCountryCodeForRegion(code)) }

func known(code string) bool {
	return len(code) == 2 && phonenumbers.GetCountryCodeForRegion(code) != 0
}

// Countries lists the allowed countries by their names in lang (BCP 47), in the order of
// those names. Codes that are no country are left out.
func Countries(lang string, allowed []string) []Country {
	tag := language.Make(lang)
	names, english := display.Regions(tag), display.Regions(language.English)
	if names == nil {
		names = english
	}
	var out []Country
	for _, code := range slices.Compact(slices.Sorted(slices.Values(allowed))) {
		region, err := language.ParseRegion(code)
		if err != nil || !known(code) {
			continue
		}
		c := Country{
			Code:    code,
			Name:    names.Name(region),
			Calling: "+" + itoa(phonenumbers.GetCountryCodeForRegion(code)),
		}
		own := display.Self.Name(language.Make("und-" + code))
		c.Search = strings.ToLower(strings.Join([]string{c.Name, english.Name(region), own, code, c.Calling}, " "))
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b Country) int {
		return cmp.Or(cmp.Compare(plain(a.Name), plain(b.Name)), cmp.Compare(a.Name, b.Name))
	})
	return out
}

// plain is a name as it is sorted: letters without their accents, in small. That is the order of the names of countries
// in every language that we speak; the tables of all languages' orders would be a thirtieth of the program.
func plain(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFD.String(name))
}

func itoa(n int) string { return strconv.Itoa(n) }
