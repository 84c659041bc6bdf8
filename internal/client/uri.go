package client

import (
	"errors"
	"net"
	"net/url"
	"slices"
	"strings"
)

// AllowsRedirect reports whether uri is registered, character by character (RFC 9700
// 4.1.3). A native client on a loopback address may choose its port when it starts
// (RFC 8252 7.3); nothing else may differ.
func (c Client) AllowsRedirect(uri string) bool {
	if slices.Contains(c.RedirectURIs, uri) {
		return true
	}
	if c.Kind != Native {
		return false
	}
	given, ok := withoutPort(uri)
	return ok && slices.ContainsFunc(c.RedirectURIs, func(known string) bool {
		k, ok := withoutPort(known)
		return ok && k == given
	})
}

// AllowsPostLogout reports whether people may be sent to uri after signing out.
func (c Client) AllowsPostLogout(uri string) bool { return slices.Contains(c.PostLogoutURIs, uri) }

// withoutPort cuts the port out of an http URL on this computer, leaving every other
// character as it was. RFC 8252 8.3 prefers the literals to "localhost"; many libraries know
// nothing else, and PKCE makes a code that goes astray worthless.
func withoutPort(uri string) (string, bool) {
	for _, host := range []string{"http://127.0.0.1", "http://[::1]", "http://localhost"} {
		rest, ok := strings.CutPrefix(uri, host)
		if !ok {
			continue
		}
		if port, ok := strings.CutPrefix(rest, ":"); ok {
			rest = strings.TrimLeft(port, "0123456789")
			if digits := len(port) - len(rest); digits == 0 || digits > 5 {
				return "", false
			}
		}
		return host + rest, true
	}
	return "", false
}

// checkRedirect says what is wrong with an address that people would be sent back to.
func checkRedirect(kind, uri string) error {
	u, err := checkShape(uri)
	if err != nil {
		return err
	}
	switch {
	case u.Scheme == "https" && u.Host != "":
		return nil
	case u.Scheme == "http" && loopback(u.Hostname()):
		return nil
	case kind == Native && ownScheme(u.Scheme):
		return nil // RFC 8252 7.1 prefers the app's own domain, reversed; many apps have a plain word
	}
	return errors.New("must be https, or http on this computer only (127.0.0.1, [::1], localhost), " +
		"or for a native client a scheme of its own")
}

// taken are schemes that a browser or a system gives a meaning of its own.
var taken = strings.Fields(`
	about blob cid chrome chrome-extension content data dav edge facetime feed file filesystem ftp ftps geo
	git gopher http https imap intent irc itms itms-apps jar javascript ldap mailto market mid moz-extension
	news nfs resource rtsp safari-web-extension sftp sip sips smb sms smsto ssh steam tel telnet urn vbscript
	view-source wais webcal ws wss x-apple.systempreferences xmpp search-ms shell android-app ios-app`)

// ownScheme reports whether a scheme can be an app's: letters, digits and + . - (RFC 3986
// 3.1), at least three, and none that someone else owns.
func ownScheme(scheme string) bool {
	return len(scheme) >= 3 && !slices.Contains(taken, scheme) && !strings.HasPrefix(scheme, "ms-")
}

func checkShape(uri string) (*url.URL, error) {
	if len(uri) > 1000 || strings.ContainsFunc(uri, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '\\' }) {
		return nil, errors.New("must be at most 1000 plain ASCII characters without spaces or backslashes")
	}
	u, err := url.Parse(uri)
	switch {
	case err != nil:
		return nil, errors.New("is not a URL")
	case !u.IsAbs() || u.Opaque != "":
		return nil, errors.New("must be absolute")
	case u.User != nil:
		return nil, errors.New("must not hold a user name")
	case strings.Contains(uri, "#"):
		return nil, errors.New("must not hold a fragment")
	}
	return u, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// checkHome is for the link "back to the app", which is followed and never given a code.
func checkHome(uri string) error {
	if uri == "" {
		return nil
	}
	return checkRedirect(Confidential, uri)
}
