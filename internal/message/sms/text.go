// Package sms carries codes to phones: it words them, prices them, holds a ceiling over
// what they cost, and hands them to a gateway over HTTP or to a carrier over SMPP 3.4. It
// refuses to send what was not paid for beforehand, to send anything a third time, and to
// say more than one code to one number.
package sms

import (
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"countersign/internal/locale"
)

// Channel is the name of this way in messages.
const Channel = "sms"

// Template names the only kind of text there is.
const Template = "code"

// Code is what a text says.
type Code struct {
	Vendor    string
	Code      string
	Reference string
	Domain    string // host of the page that the code belongs to
	Binding   bool   // it proves a new number rather than signing in
}

// Render words a code: who sends it, the code, the reference that the page shows, and as
// the last line the form by which browsers recognise their own (WebOTP, "Delivering
// origin-bound one-time codes over SMS"). The vendor's name gives way where one message
// would not hold everything.
func Render(p *locale.Printer, c Code) string {
	vendor := toGSM(strings.Join(strings.Fields(c.Vendor), " "))
	for {
		text := writeText(p, c, vendor)
		if vendor == "" || !gsmOnly(text) || septets(text) <= oneGSM {
			return text
		}
		_, size := utf8.DecodeLastRuneInString(vendor)
		vendor = strings.TrimSpace(vendor[:len(vendor)-size])
	}
}

func writeText(p *locale.Printer, c Code, vendor string) string {
	last := "\n\n@" + c.Domain + " #" + c.Code
	if c.Binding {
		return toGSM(p.T("sms.text_binding", "Code", c.Code, "Vendor", vendor, "Reference", c.Reference)) + last
	}
	return toGSM(p.T("sms.text", "Code", c.Code, "Vendor", vendor, "Reference", c.Reference)) + last
}

func read(data []byte) (c Code, err error) {
	if json.Unmarshal(data, &c) != nil || c.Code == "" {
		return c, errors.New("the content is not a code") // the cause may quote the data
	}
	return c, nil
}

var typography = strings.NewReplacer("’", "'", "‘", "'", "“", `"`, "”", `"`, "«", `"`, "»", `"`, "–", "-", "—", "-",
	"…", "...", "·", "-", "•", "-", "\u00a0", " ")

// toGSM writes with the letters of GSM 03.38 what can be read without others: á becomes a,
// while é and ñ, which it has, stay.
func toGSM(s string) string {
	var out strings.Builder
	for _, r := range norm.NFC.String(typography.Replace(s)) {
		switch base := rune(norm.NFD.String(string(r))[0]); {
		case gsmCode[r] != nil, r == '\n':
			out.WriteRune(r)
		case r > utf8.RuneSelf && base < utf8.RuneSelf && gsmCode[base] != nil:
			out.WriteRune(base)
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}
