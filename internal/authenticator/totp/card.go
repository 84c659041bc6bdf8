package totp

import (
	"encoding/base32"
	"fmt"
	"html"
	"log/slog"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"rsc.io/qr"

	"countersign/internal/authenticator"
	"countersign/internal/locale"
)

// Card is what a set-up page shows of a secret, to be read by an app in any of three ways.
type Card struct {
	Issuer, Account string   // as the app will list it
	Groups          []string // the secret to type, four characters each (RFC 4648 base32)
	URI             string   // otpauth://, for an app on the same device
	size            int      // modules on a side, with the quiet zone
	path            string
}

// Show returns the card of a set-up that waits for its first code.
func Show(d authenticator.PendingEnrollment) (Card, error) {
	made, err := draftOf(d.State)
	if err != nil {
		return Card{}, err
	}
	text := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(made.Secret)
	c := Card{Issuer: made.Issuer, Account: made.Account, URI: uri(made.Issuer, made.Account, text)}
	for ; text != ""; text = text[min(4, len(text)):] {
		c.Groups = append(c.Groups, text[:min(4, len(text))])
	}
	code, err := qr.Encode(c.URI, qr.M)
	if err != nil {
		return Card{}, fmt.Errorf("draw totp card: %w", err)
	}
	c.size, c.path = code.Size+2*quiet, svgPath(code)
	return c, nil
}

// Secret is the secret without gaps, to copy.
func (c Card) Secret() string { return strings.Join(c.Groups, "") }

// String keeps a card out of logs.
func (Card) String() string { return "[hidden]" }

// LogValue keeps a card out of logs.
func (Card) LogValue() slog.Value { return slog.StringValue("[hidden]") }

// quiet is the white border that a reader needs, in modules (ISO/IEC 18004 §5.3.8).
const quiet = 4

// SVG is the URI as a QR code with a name for those who do not see it. It is dark on white
// on any page, because many cameras do not read it the other way round. What it holds is
// safe to stand in HTML.
func (c Card) SVG(title string) string {
	return fmt.Sprintf(
		`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" shape-rendering="crispEdges"><title>%s</title>`+
			`<rect width="100%%" height="100%%" fill="#fff"/><path fill="#000" d="%s"/></svg>`, c.size, c.size,
		html.EscapeString(title), c.path)
}

// svgPath is one path of all dark modules, a rectangle for each run in a row.
func svgPath(code *qr.Code) string {
	var b strings.Builder
	for y := range code.Size {
		for x := 0; x < code.Size; x++ {
			from := x
			for x < code.Size && code.Black(x, y) {
				x++
			}
			if x > from {
				fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", from+quiet, y+quiet, x-from, x-from)
			}
		}
	}
	return b.String()
}

// maxURI is the longest URI, in bytes, that is drawn: what a version 10 code holds at level M
// (ISO/IEC 18004 table 7). Its 57 modules on a side stay above four pixels each on a phone's
// page; a longer name would make a code that cameras cannot resolve.
const maxURI = 213

// names are what the app lists: the vendor, whose sign-in page it is, and the address with the
// company where that is another name. Where the sign-in page has the company's own name, it is the
// other way round. With the bare address some apps take the entry of another site for ours and
// overwrite it. Letters outside ASCII take six to twelve bytes of
// the URI each, so what counts is the encoded length: first the company is left out, then the
// vendor and the address are shortened.
func names(who authenticator.Subject) (issuer, account string) {
	issuer, account = plain(who.Vendor), plain(who.Email)
	c := plain(who.Company)
	if brand := plain(who.Brand); brand != "" {
		issuer, c = brand, issuer
	}
	if full := account + " (" + c + ")"; c != "" && c != issuer && fits(issuer, full) {
		return issuer, full
	}
	if fits(issuer, account) {
		return issuer, account
	}
	room := maxURI - len(uri("-", "", blank)) + 2*len("-")
	if 2*len(escape(issuer)) > room-len(escape(account)) { // the issuer is written twice
		issuer = cutEscaped(issuer, max(room/3, (room-len(escape(account)))/2))
	}
	return issuer, cutEscaped(account, room-2*len(escape(issuer)))
}

// blank is as long as every secret.
var blank = strings.Repeat("A", base32.StdEncoding.WithPadding(base32.NoPadding).EncodedLen(secretBytes))

func fits(issuer, account string) bool { return len(uri(issuer, account, blank)) <= maxURI }

// cutEscaped is the longest beginning of s that takes at most limit bytes when it is escaped. A
// letter is never separated from the marks that follow it.
func cutEscaped(s string, limit int) string {
	n := 0
	for at, r := range s {
		if n += len(escape(string(r))); n > limit {
			for unicode.Is(unicode.M, r) && at > 0 {
				var size int
				r, size = utf8.DecodeLastRuneInString(s[:at])
				at -= size
			}
			return strings.TrimSpace(s[:at])
		}
	}
	return s
}

// plain makes a name fit for a label: one line, and no colon, which ends the issuer there.
func plain(s string) string {
	return locale.Line(strings.ReplaceAll(norm.NFC.String(s), ":", " "), maxURI)
}

// uri is the text that apps read. The issuer stands before the account and as a parameter of
// its own, because apps read one or the other. SHA-1, six digits and 30 seconds are what apps
// assume, and stating them only makes the picture denser.
func uri(issuer, account, secret string) string {
	label := escape(account)
	if issuer != "" {
		label = escape(issuer) + ":" + label
	}
	text := "otpauth://totp/" + label + "?secret=" + secret
	if issuer != "" {
		text += "&issuer=" + escape(issuer)
	}
	return text
}

// escape writes everything but what RFC 3986 §2.3 leaves alone, and the @ of an address, as
// %XX: a space as + would be shown as one.
func escape(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if strings.IndexByte("-._~@", c) >= 0 || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' {
			b.WriteByte(c)
			continue
		}
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}
