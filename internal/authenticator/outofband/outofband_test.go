package outofband

import (
	"strings"
	"testing"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/secret"
)

func TestCanonical(t *testing.T) {
	for typed, want := range map[string]string{
		"012345": "012345", " 012345": "012345", "012 345": "012345", "012-345": "012345", "012345\n": "012345",
		"0 1 2 3 4 5": "012345", "\t012-345\r\n": "012345",
		"": "", "12345": "", "0012345": "", "+012345": "", "01234a": "", "０１２３４５": "012345", "٠١٢٣٤٥": "012345",
		"۰۱۲۳۴۵": "012345", "०१२३४५": "012345", "𝟎𝟏𝟐𝟑𝟒𝟓": "012345",
		"012345\x00": "", "012\u200b345": "012345", "\ufeff012345": "012345", "\u2066012345\u2069": "012345",
		"1.2345e4": "", "012\u00a0345": "012345", "012\u202f345": "012345",
		"012–345": "012345", "012—345": "012345", "012\u2011345": "012345", "012−345": "012345", "０１２－３４５": "012345",
		"012\xff345":                "",
		strings.Repeat("0", 10_000): "", strings.Repeat(" ", 100) + "012345": "",
	} {
		if got, ok := Canonical(typed, 6); got != want || ok != (want != "") {
			t.Errorf("%q is %q, %t", typed, got, ok)
		}
	}
}

func FuzzCanonical(f *testing.F) {
	f.Add("012-345")
	f.Fuzz(func(t *testing.T, s string) {
		code, ok := Canonical(s, 6)
		if !ok {
			return
		}
		if again, ok := Canonical(code, 6); !ok || again != code || len(code) != 6 ||
			strings.Trim(code, "0123456789") != "" {
			t.Errorf("%q is %q", s, code)
		}
	})
}

func TestMaskTellsNoLength(t *testing.T) {
	for address, want := range map[string]string{
		"maria@harbor.example": "m•••@h•••.example", "m@h.example": "m•••@h•••.example",
		"élodie@bücher.example": "é•••@b•••.example",
		"a@sub.harbor.example":  "a•••@s•••.example", "nonsense": "•••", "@x": "•••", "a@localhost": "a•••@l•••",
	} {
		if got := Mask(address); got != want {
			t.Errorf("%s is %s, want %s", address, got, want)
		}
	}
}

// TestACodeIsBoundToItsSetting: in any other setting the right code is wrong (SEC-14).
func TestACodeIsBoundToItsSetting(t *testing.T) {
	v := Verifier{Channel: authenticator.Email, Keys: secret.NewKeys(time.Now()), Digits: 6}
	a := authenticator.Authenticator{ID: "a", UserID: "u"}
	s := authenticator.ChallengeContext{FlowID: "f", ChallengeID: "c", Purpose: "p", Destination: "x@y.example"}
	mac := v.mac(v.Keys.Current(), "t", a, s, "012345")
	check := func(tenant string, a authenticator.Authenticator, s authenticator.ChallengeContext, code string) bool {
		return v.Keys.CheckMAC(mac, "outofband", v.binding(tenant, a, s, code)...)
	}
	if !check("t", a, s, "012345") {
		t.Fatal("the right code is wrong")
	}
	user, device := a, a
	user.UserID, device.ID = "other", "other"
	flow, purpose, again, address := s, s, s, s
	flow.FlowID, purpose.Purpose, again.ChallengeID = "other", "other", "other"
	address.Destination = "z@y.example"
	for name, ok := range map[string]bool{
		"tenant": check("other", a, s, "012345"), "user": check("t", user, s, "012345"),
		"authenticator": check("t", device, s, "012345"),
		"flow":          check("t", a, flow, "012345"), "purpose": check("t", a, purpose, "012345"),
		"challenge":   check("t", a, again, "012345"),
		"destination": check("t", a, address, "012345"), "code": check("t", a, s, "012346"),
	} {
		if ok {
			t.Errorf("the code is right for another %s", name)
		}
	}
}
