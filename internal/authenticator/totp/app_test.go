package totp

import (
	"testing"
	"time"
)

// The secret of RFC 6238 appendix B, in base32.
const appendixB = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

func TestAnAppReadsWhatSetUpShows(t *testing.T) {
	for name, text := range map[string]string{
		"key": appendixB, "grouped, small": "gezd gnbv-gy3t qojq gezd gnbv gy3t qojq==",
		"address": "otpauth://totp/Harbor:ann%40a.example%20(Acme)?secret=" + appendixB +
			"&algorithm=SHA1&digits=6&period=30&issuer=Harbor",
		"brief": " otpauth://totp/ann?secret=" + appendixB,
	} {
		t.Run(name, func(t *testing.T) {
			a, err := ReadApp(text)
			if err != nil {
				t.Fatal(err)
			}
			if code, left := a.Code(time.Unix(1111111109, 0)); code != "081804" || left != time.Second {
				t.Errorf("%s for %v", code, left)
			}
			if name == "address" && (a.Issuer != "Harbor" || a.Account != "ann@a.example (Acme)") {
				t.Errorf("%q %q", a.Issuer, a.Account)
			}
		})
	}
	for name, text := range map[string]string{
		"nothing": "", "no base32": "GEZD0189", "short": "GEZDGNBV", "counter": "otpauth://hotp/a?secret=" + appendixB,
		"eight digits": "otpauth://totp/a?secret=" + appendixB + "&digits=8",
		"SHA-256":      "otpauth://totp/a?secret=" + appendixB + "&algorithm=SHA256",
		"no secret":    "otpauth://totp/a", "a broken address": "otpauth://totp/%zz?secret=" + appendixB,
	} {
		if _, err := ReadApp(text); err == nil {
			t.Errorf("%s was read", name)
		}
	}
}
