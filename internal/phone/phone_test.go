package phone_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"countersign/internal/phone"
)

var allowed = []string{"DE", "ES", "US", "GB", "CH"}

// TestATK119_OneFormForEachNumber: however a number is written, it is one number or none.
func TestATK119_OneFormForEachNumber(t *testing.T) {
	for _, c := range []struct {
		country, typed, want string
		err                  error
	}{
		{"DE", "0151 12345678", "+4915112345678", nil},
		{"DE", "151 12345678", "+4915112345678", nil},
		{"DE", "+49 151 12345678", "+4915112345678", nil},
		{"DE", "+49 (0)151 12345678", "+4915112345678", nil},
		{"DE", "0049 151 12345678", "+4915112345678", nil},
		{"DE", " 0151/12345678 ", "+4915112345678", nil},
		{"de", "0151-12345678", "+4915112345678", nil},
		{"ES", "612 345 678", "+34612345678", nil},
		{"US", "(202) 555-0143", "+12025550143", nil},
		{"GB", "07400 123456", "+447400123456", nil},

		{"US", "+1 (900) 555-0100", "", phone.ErrBlocked},
		{"DE", "0900 1 234567", "", phone.ErrBlocked},
		{"GB", "070 1234 5678", "", phone.ErrBlocked},
		{"DE", "+881 6 1234 5678", "", phone.ErrBlocked},
		{"DE", "+870 773 123456", "", phone.ErrBlocked},
		{"DE", "+882 16 12345678", "", phone.ErrBlocked},
		{"DE", "030 12345678", "", phone.ErrLandline},
		{"GB", "020 7946 0958", "", phone.ErrLandline},
		{"US", "800 555 0100", "", phone.ErrLandline},
		{"DE", "+34 612 345 678", "", phone.ErrElsewhere},
		{"US", "+1 876 555 0123", "", phone.ErrNotAllowed}, // Jamaica shares the calling code
		{"FR", "06 12 34 56 78", "", phone.ErrNotAllowed},
		{"XX", "0151 12345678", "", phone.ErrCountry},
		{"", "0151 12345678", "", phone.ErrCountry},
		{"001", "0151 12345678", "", phone.ErrCountry},
		{"DE", "112", "", phone.ErrShort},
		{"DE", "22", "", phone.ErrShort},
		{"DE", "0151 1234567890123", "", phone.ErrLong},
		{"DE", "", "", phone.ErrInvalid},
		{"DE", "+", "", phone.ErrInvalid},
		{"DE", "0151 12345678;ext=4", "", phone.ErrInvalid},
		{"DE", "0151 12345678 ext. 4", "", phone.ErrInvalid},
		{"DE", "0151 12345678x4", "", phone.ErrInvalid},
		{"DE", "0151 12345678abc", "", phone.ErrInvalid},
		{"DE", "٠١٥١ ١٢٣٤٥٦٧٨", "+4915112345678", nil},
		{"DE", "０１５１１２３４５６７８", "+4915112345678", nil},
		{"DE", "0151 12345678, 0151 12345679", "", phone.ErrInvalid},
		{"DE", "0151 12345678\n0151 12345679", "", phone.ErrInvalid},
		{"DE", "0151 12345678\x00", "", phone.ErrInvalid},
		{"DE", "tel:+4915112345678;phone-context=evil", "", phone.ErrInvalid},
		{"US", "1-800-FLOWERS", "", phone.ErrInvalid},
		{"DE", strings.Repeat("1", 10_000), "", phone.ErrInvalid},
	} {
		got, err := phone.Parse(c.country, c.typed, allowed)
		if got.E164 != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s %.40q: %q, %v; want %q, %v", c.country, c.typed, got.E164, err, c.want, c.err)
		}
	}
	if _, err := phone.Parse("DE", "0151 12345678", nil); !errors.Is(err, phone.ErrNotAllowed) {
		t.Errorf("without a list: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("DE", "0151 12345678")
	f.Add("US", "+1 (202) 555-0143")
	f.Fuzz(func(t *testing.T, country, typed string) {
		n, err := phone.Parse(country, typed, allowed)
		if err != nil {
			return
		}
		if again, err := phone.Parse(n.Region, n.E164, allowed); err != nil || again != n {
			t.Errorf("%q is %v, and that is %v, %v", typed, n, again, err)
		}
		if !slices.Contains(allowed, n.Region) || len(n.E164) > 16 || strings.Trim(n.E164[1:], "0123456789") != "" {
			t.Errorf("%q is %v", typed, n)
		}
	})
}

func TestMaskTellsNoLength(t *testing.T) {
	for number, want := range map[string]string{
		"+4915112345667": "+49 ••• ••67", "+491511234567": "+49 ••• ••67", "+12025550143": "+1 ••• ••43",
		"+34612345678": "+34 ••• ••78", "nonsense": "•••", "": "•••",
	} {
		if got := phone.Mask(number); got != want {
			t.Errorf("%s is %s, want %s", number, got, want)
		}
	}
}

func TestCountriesSpeakTheLanguage(t *testing.T) {
	es := phone.Countries("es", []string{"DE", "GB", "ES", "XX", "DE"})
	var names []string
	for _, c := range es {
		names = append(names, c.Name+" "+c.Calling)
	}
	if want := []string{"Alemania +49", "España +34", "Reino Unido +44"}; !slices.Equal(names, want) {
		t.Errorf("%q", names)
	}
	for _, word := range []string{"alemania", "germany", "de", "+49"} {
		if !strings.Contains(es[0].Search, word) {
			t.Errorf("%s does not find %v", word, es[0])
		}
	}
	if n := len(phone.Countries("en", nil)); n != 0 {
		t.Errorf("%d countries allowed by no one", n)
	}
}
