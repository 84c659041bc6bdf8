package web

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

var proxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:1::/48")}

// ATK-011, ATK-123: what a stranger writes into a header is not an address.
func TestATK011_ATK123_ClientAddress(t *testing.T) {
	for _, tc := range []struct {
		name, peer string
		forwarded  []string
		want       string
	}{
		{"no header", "198.51.100.9", nil, "198.51.100.9"},
		{"a stranger's header", "198.51.100.9", []string{"203.0.113.1"}, "198.51.100.9"},
		{"a stranger names a proxy", "198.51.100.9", []string{"203.0.113.1, 10.0.0.1"}, "198.51.100.9"},
		{"one proxy", "10.0.0.1", []string{"198.51.100.9"}, "198.51.100.9"},
		{"spoofed before the proxy's word", "10.0.0.1", []string{"203.0.113.1, 198.51.100.9"}, "198.51.100.9"},
		{"spoofed in a header of its own", "10.0.0.1", []string{"203.0.113.1", "198.51.100.9"}, "198.51.100.9"},
		{"two proxies", "10.0.0.1", []string{"203.0.113.1, 198.51.100.9, 10.0.0.2"}, "198.51.100.9"},
		{"proxies all the way", "10.0.0.1", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		{"a proxy without a header", "10.0.0.1", nil, "10.0.0.1"},
		{"an empty header", "10.0.0.1", []string{""}, "10.0.0.1"},
		{"a space", "10.0.0.1", []string{" "}, "10.0.0.1"},
		{"an unreadable hop", "10.0.0.1", []string{"198.51.100.9, a"}, "10.0.0.1"},
		{"an unreadable hop behind a good one", "10.0.0.1", []string{"unknown, 10.0.0.2"}, "10.0.0.2"},
		{"a trailing comma", "10.0.0.1", []string{"198.51.100.9,"}, "10.0.0.1"},
		{"leading zeros", "10.0.0.1", []string{"198.51.100.009"}, "10.0.0.1"},
		{"a number", "10.0.0.1", []string{"3325256713"}, "10.0.0.1"},
		{"a bad port", "10.0.0.1", []string{"198.51.100.9:99999"}, "10.0.0.1"},
		{"with a port", "10.0.0.1", []string{"198.51.100.9:4711"}, "198.51.100.9"},
		{"IPv6", "10.0.0.1", []string{"2001:db8::9"}, "2001:db8::9"},
		{"IPv6 with a port", "10.0.0.1", []string{"[2001:db8::9]:4711"}, "2001:db8::9"},
		{"IPv6 in brackets", "10.0.0.1", []string{"[2001:db8::9]"}, "2001:db8::9"},
		{"IPv6 spelled out", "10.0.0.1", []string{"2001:0DB8:0:0:0:0:0:9"}, "2001:db8::9"},
		{"IPv4 inside IPv6", "10.0.0.1", []string{"::ffff:198.51.100.9"}, "198.51.100.9"},
		{"a proxy written as IPv6", "::ffff:10.0.0.1", []string{"198.51.100.9"}, "198.51.100.9"},
		{"a proxy's hop written as IPv6", "10.0.0.1", []string{"198.51.100.9, ::ffff:10.0.0.2"}, "198.51.100.9"},
		{"an IPv6 proxy", "2001:db8:1::1", []string{"198.51.100.9"}, "198.51.100.9"},
		{"a neighbour of the IPv6 proxies", "2001:db8:2::1", []string{"198.51.100.9"}, "2001:db8:2::1"},
		{"a zone", "10.0.0.1", []string{"fe80::1%eth0"}, "fe80::1"},
	} {
		if got := clientIP(netip.MustParseAddr(tc.peer), tc.forwarded, proxies).String(); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
}

func TestATK011_OtherHeadersAreNotRead(t *testing.T) {
	h := open(t, ours, "192.0.2.0/24")
	var seen netip.Addr
	h.Mux().Get("/ip", func(_ http.ResponseWriter, r *http.Request) error { seen = From(r.Context()).IP; return nil })
	for _, name := range []string{"X-Real-IP", "Forwarded", "True-Client-IP", "CF-Connecting-IP", "X-Client-IP",
		"X-Cluster-Client-IP", "X_Forwarded_For"} {
		h.ask(http.MethodGet, "/ip", "", name, "203.0.113.1", "X-Forwarded-For", "198.51.100.9")
		if seen.String() != "198.51.100.9" { // the recorder's peer is 192.0.2.1, a proxy here
			t.Errorf("%s was believed: %s", name, seen)
		}
	}
}

func TestAnUnreadablePeerHasNoAddress(t *testing.T) {
	h := open(t, ours)
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr = "@"
	r.Header.Set("X-Forwarded-For", "203.0.113.1")
	if a := h.address(r); a.IsValid() {
		t.Error(a)
	}
}

// Whatever stands before what our own proxy wrote changes nothing.
func FuzzATK011_ClientAddress(f *testing.F) {
	for _, s := range []string{"", "203.0.113.1", "10.0.0.1, 10.0.0.2", "a,,b", "[::1]:1", "::ffff:10.0.0.1", "\x00",
		"10.0.0.1,", "%", "[[::1]]"} {
		f.Add(s)
	}
	stranger, proxy, client := netip.MustParseAddr("203.0.113.77"), netip.MustParseAddr("10.0.0.1"),
		netip.MustParseAddr("198.51.100.9")
	f.Fuzz(func(t *testing.T, spoof string) {
		if got := clientIP(stranger, []string{spoof}, proxies); got != stranger {
			t.Fatalf("a stranger is %s by writing %q", got, spoof)
		}
		for _, forwarded := range [][]string{{spoof + ", 198.51.100.9"}, {spoof, "198.51.100.9"},
			{spoof + ",198.51.100.9:1, 10.0.0.2"}} {
			if got := clientIP(proxy, forwarded, proxies); got != client {
				t.Fatalf("a client is %s by writing %q", got, spoof)
			}
		}
		if got := clientIP(proxy, []string{spoof}, proxies); !got.IsValid() || got.Is4In6() || got.Zone() != "" {
			t.Fatalf("%q makes %v", spoof, got)
		}
	})
}

func TestBrowserIsSaidInAFewWords(t *testing.T) {
	const chrome = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
	if got := browser(chrome); got != "Chrome, macOS" {
		t.Errorf("%q", got)
	}
	for header, want := range map[string]string{
		"":                                   "",
		"curl/8.0":                           "",
		"PAY-AT-evil/1.0 (Call +1 555 0100)": "",
		"Mozilla/5.0 (Call us at evil.example now) Gecko/20100101 Firefox/140.0":                                                                       "Firefox",
		"Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko":                                                                        "Internet Explorer, Windows",
		"Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)":                                                    "",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1":      "Safari, iOS",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Instagram 330.0.0.0 (iPhone15)": "Instagram, iOS",
	} {
		if got := browser(header); got != want {
			t.Errorf("%q is read as %q, want %q", header, got, want)
		}
	}
}

func FuzzBrowser(f *testing.F) {
	for _, s := range []string{"", "curl/8", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
		"<script>\r\n\u202e", "\xff(\x00;)/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, header string) {
		got := browser(header)
		if name, system, both := strings.Cut(got, ", "); got != "" && (!known(name) || both && !known(system)) {
			t.Fatalf("browser(%q) = %q", header, got)
		}
	})
}

// known reports whether a word is on one of the closed lists.
func known(word string) bool {
	for _, list := range []map[string]string{browsers, systems} {
		for _, name := range list {
			if name == word {
				return true
			}
		}
	}
	return false
}

func TestAMemoryOfHeadersIsBounded(t *testing.T) {
	var m memory[int]
	found := 0
	find := func(h string) int { found++; return len(h) }
	for i := range 3 * mostHeaders {
		h := strings.Repeat("x", i%200) + fmt.Sprint(i)
		if n := m.of(h, find); n != len(h) {
			t.Fatalf("%d", n)
		}
	}
	if len(m.all) > mostHeaders || found != 3*mostHeaders {
		t.Errorf("%d kept, %d found", len(m.all), found)
	}
	before := found
	m.of("again", find)
	m.of("again", find)
	long := strings.Repeat("y", longestHeader+1)
	m.of(long, find)
	m.of(long, find)
	if found != before+3 {
		t.Errorf("found %d times", found-before)
	}
}
