package web

import (
	"context"
	"net/http"
	"net/netip"
	"strings"

	"github.com/mileusna/useragent"
)

// Visitor is who sent a request, as far as it can be known without believing them.
type Visitor struct {
	IP        netip.Addr // the right-most hop that no trusted proxy vouches for
	Browser   string     // in words, for example "Chrome, macOS"; "" when unknown
	RequestID string
	Lang      string // the language they read
}

type visitorKey struct{}

// From returns the visitor of a request's context.
func From(ctx context.Context) Visitor {
	v, _ := ctx.Value(visitorKey{}).(Visitor)
	return v
}

// With returns a context that carries v; for tests and for the storybook.
func With(ctx context.Context, v Visitor) context.Context {
	return context.WithValue(ctx, visitorKey{}, v)
}

// clientIP walks from the peer towards the client and stops at the first address that is
// not a trusted proxy, or at the last good one before a hop that cannot be read. Headers
// from a peer that is not trusted are never looked at.
func clientIP(peer netip.Addr, forwarded []string, trusted []netip.Prefix) netip.Addr {
	current := peer.Unmap().WithZone("")
	hops := strings.Split(strings.Join(forwarded, ","), ",")
	for i := len(hops) - 1; i >= 0 && contains(trusted, current); i-- {
		hop, ok := parseHop(hops[i])
		if !ok {
			return current
		}
		current = hop
	}
	return current
}

func contains(prefixes []netip.Prefix, a netip.Addr) bool {
	for _, p := range prefixes {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// parseHop reads "192.0.2.1", "192.0.2.1:443", "2001:db8::1" and "[2001:db8::1]:443".
func parseHop(s string) (netip.Addr, bool) {
	s = strings.TrimSpace(s)
	if a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]")); err == nil {
		return a.Unmap().WithZone(""), true
	}
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone(""), true
	}
	return netip.Addr{}, false
}

func (w *Web) address(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return clientIP(peer.Addr(), r.Header.Values("X-Forwarded-For"), w.TrustedProxies)
}

// What a User-Agent may be shown as. The header is the sender's to choose and goes into mails
// and the audit, so nothing of its own words is ever shown.
var (
	browsers = map[string]string{
		useragent.Chrome:           "Chrome",
		useragent.HeadlessChrome:   "Chrome",
		useragent.Firefox:          "Firefox",
		useragent.Safari:           "Safari",
		useragent.MobileSafari:     "Safari",
		useragent.Edge:             "Edge",
		useragent.Opera:            "Opera",
		useragent.OperaMini:        "Opera Mini",
		useragent.OperaTouch:       "Opera",
		useragent.Vivaldi:          "Vivaldi",
		useragent.SamsungBrowser:   "Samsung Browser",
		useragent.InternetExplorer: "Internet Explorer",
		useragent.Msie:             "Internet Explorer",
		useragent.FacebookApp:      "Facebook",
		useragent.InstagramApp:     "Instagram",
		useragent.TiktokApp:        "TikTok",
	}
	systems = map[string]string{
		useragent.Windows:   "Windows",
		useragent.WindowsNT: "Windows",
		useragent.MacOS:     "macOS",
		useragent.IOS:       "iOS",
		useragent.Android:   "Android",
		useragent.Linux:     "Linux",
		useragent.FreeBSD:   "FreeBSD",
		useragent.ChromeOS:  "ChromeOS",
		useragent.CrOS:      "ChromeOS",
		useragent.Harmony:   "HarmonyOS",
	}
)

// browser names the browser and system of a User-Agent, each from a closed list; empty where
// neither is known. Programs that fetch pictures for a mail reader pretend to be a browser.
func browser(header string) string {
	if len(header) > 512 {
		header = header[:512]
	}
	if strings.Contains(header, "ImageProxy") || strings.Contains(header, "YahooMailProxy") {
		return ""
	}
	ua := useragent.Parse(header)
	name, system := browsers[ua.Name], systems[ua.OS]
	if strings.Contains(header, "Trident/7.0") {
		name = "Internet Explorer"
	}
	if name == "" || system == "" {
		return name + system
	}
	return name + ", " + system // no word between them: this is kept, and read in every language
}
