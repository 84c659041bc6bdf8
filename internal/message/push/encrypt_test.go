package push

import (
	"crypto/ecdh"
	"encoding/base64"
	"net/netip"
	"strings"
	"testing"
)

func raw(t *testing.T, s string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestRFC8291_AppendixA: every byte is that of the example.
func TestRFC8291_AppendixA(t *testing.T) {
	private, err := ecdh.P256().NewPrivateKey(raw(t, "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"))
	if err != nil {
		t.Fatal(err)
	}
	s := Subscription{Endpoint: "https://push.example.net/push/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV"}
	s.Keys.P256dh = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
	s.Keys.Auth = "BTBZMqHH6r4Tts7J_aSIgg"
	got, err := encryptWith(s, []byte("When I grow up, I want to be a watermelon"), private,
		raw(t, "DGv6ra1nlYgDCS1FRnbzlw"), 0)
	const want = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
	if err != nil || base64.RawURLEncoding.EncodeToString(got) != want {
		t.Errorf("%v\n got %s\nwant %s", err, base64.RawURLEncoding.EncodeToString(got), want)
	}
}

func TestSubscriptionsThatCannotBeUsedAreRefused(t *testing.T) {
	const p256dh, auth = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
		"BTBZMqHH6r4Tts7J_aSIgg"
	text := func(endpoint, p256dh, auth string) string {
		return `{"endpoint":"` + endpoint + `","expirationTime":null,"keys":{"p256dh":"` + p256dh +
			`","auth":"` + auth + `"}}`
	}
	for _, endpoint := range []string{"https://fcm.googleapis.com/fcm/send/abc:def",
		"https://updates.push.services.mozilla.com/wpush/v2/gAAA", "https://web.push.apple.com/QD?x=1",
		"https://push.example:8443/a"} {
		if _, err := Read(text(endpoint, p256dh, auth)); err != nil {
			t.Errorf("%s: %v", endpoint, err)
		}
	}
	if _, err := Read(text("https://a.example/x", strings.NewReplacer("-", "+", "_", "/").Replace(p256dh)+"=",
		auth+"==")); err != nil {
		t.Errorf("in the other alphabet: %v", err)
	}
	for _, bad := range []string{
		"", "{}", "null", "[]", "x", text("http://a.example/x", p256dh, auth),
		text("https://127.0.0.1/x", p256dh, auth), text("https://[::1]/x", p256dh, auth),
		text("https://10.1/x", p256dh, auth), text("https://0x7f.0.0.0x1/x", p256dh, auth),
		text("https://2130706433/x", p256dh, auth), text("https://a.example./x#y", p256dh, auth),
		text("https://u:p@a.example/x", p256dh, auth), text("https:a.example", p256dh, auth),
		text("https:///x", p256dh, auth), text("ftp://a.example/x", p256dh, auth), text("//a.example/x", p256dh, auth),
		text("https://a.example/ x", p256dh, auth), text(`https://a.example\\@b.example/x`, p256dh, auth),
		text("https://a.example/"+strings.Repeat("x", 1100), p256dh, auth),
		text("https://a.example/x", "", auth), text("https://a.example/x", p256dh, ""),
		text("https://a.example/x", p256dh[:86], auth), text("https://a.example/x", "BA"+p256dh[2:], auth),
		text("https://a.example/x", p256dh, auth+"AA"),
		text("https://a.example/x", p256dh, auth) + strings.Repeat(" ", 5000),
	} {
		if s, err := Read(bad); err == nil {
			t.Errorf("%.120s: %+v", bad, s)
		}
	}
}

// TestSEC116_OnlyPublicAddressesAreReached: what a name stands for is judged as a number.
func TestSEC116_OnlyPublicAddressesAreReached(t *testing.T) {
	for _, a := range []string{"8.8.8.8", "142.250.1.95", "2607:f8b0:4004:c07::5f", "::ffff:8.8.8.8",
		"64:ff9b::808:808"} {
		if !public(netip.MustParseAddr(a)) {
			t.Errorf("%s is refused", a)
		}
	}
	for _, a := range []string{
		"127.0.0.1", "127.9.9.9", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
		"169.254.169.254", "100.64.0.1", "192.0.0.1", "192.0.2.1", "198.18.0.1",
		"198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "::ffff:127.0.0.1",
		"::ffff:169.254.169.254", "::7f00:1", "fe80::1", "fe80::1%eth0", "fc00::1",
		"fd00:ec2::254", "fec0::1", "ff02::1", "2001:db8::1", "2001::1", "2002:7f00:1::", "64:ff9b::7f00:1",
		"64:ff9b:1::1", "100::1", "3fff::1", "4000::1",
	} {
		if public(netip.MustParseAddr(a)) {
			t.Errorf("%s is reached", a)
		}
	}
}

func TestSubjectIsAnAddressOrHasMailtoOnce(t *testing.T) {
	for _, tc := range []struct {
		given []string
		want  string
	}{
		{[]string{"", "https://sign-in.example"}, "https://sign-in.example"},
		{[]string{"ops@example.com", "https://x.example"}, "mailto:ops@example.com"},
		{[]string{"mailto:ops@example.com"}, "mailto:ops@example.com"},
		{[]string{"", "http://localhost:8080", "Harbor <sign-in@example.com>"}, "mailto:sign-in@example.com"},
		{[]string{"nonsense", ""}, ""},
	} {
		if got := Subject(tc.given...); got != tc.want {
			t.Errorf("%q: %s", tc.given, got)
		}
	}
}
