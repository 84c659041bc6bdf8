package signin_test

import (
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"

	"countersign/internal/signin"
)

// TestSEC096_ACopiedPasskeyIsTold: its counter ran backwards. Whether it came after a password
// or alone, its owner is told, once an hour.
func TestSEC096_ACopiedPasskeyIsTold(t *testing.T) {
	withPasskeys(t, func(t *testing.T, h *house) {
		k := h.bindPasskey(h.company, "maria@company.test", virtualwebauthn.AuthenticatorOptions{})
		k.Credential.Counter = 40
		if _, ok := h.alone(k).(signin.Done); !ok {
			t.Fatal("not signed in")
		}
		told := func(want int, why string) {
			h.deliver()
			if n := h.post.count("passkey_copied"); n != want {
				t.Errorf("%s: told %d times, want %d", why, n, want)
			}
		}
		told(0, "before")
		copied := *k
		copied.Credential.Counter = 2
		ask := h.second("maria@company.test")
		if _, ok := h.respond(*ask.Flow, copied.Answer(t, ask.Present)).(signin.Done); ok {
			t.Fatal("a copy signed in")
		}
		told(1, "as a second step")
		copied.Credential.Counter = 3
		refusedPasskey(t, "a copy", h.alone(&copied), nil)
		told(1, "within an hour")
		h.clock.pass(time.Hour)
		copied.Credential.Counter = 4
		refusedPasskey(t, "a copy", h.alone(&copied), nil)
		told(2, "alone, an hour later")
		if n := h.events(h.company, "passkey.copied", "refused"); n != 3 {
			t.Errorf("%d alarms in the record", n)
		}
	})
}
