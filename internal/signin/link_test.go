package signin_test

import (
	"strings"
	"testing"

	"countersign/internal/authenticator/outofband"
	"countersign/internal/fault"
	"countersign/internal/secret"
	"countersign/internal/signin"
)

func linkOf(t *testing.T, link string) secret.Reference {
	t.Helper()
	_, text, _ := strings.Cut(link, "/l/")
	ref, err := secret.ParseReference(text)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// guard: PressLink's beganHere.
func TestALO11_TheLinkWorksOnlyWhereItBegan(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ask := h.password("maria@company.test", "dashboard")
		mail := h.newest()
		link := linkOf(t, mail.Link)
		for range 20 { // a mail scanner
			l, err := h.OpenLink(t.Context(), link)
			if err != nil || l.State != outofband.LinkElsewhere || l.Code != mail.Code {
				t.Fatalf("in another browser: %+v, %v", l, err)
			}
		}
		other := h.password("owner@company.test", "dashboard")
		for _, browser := range []secret.Reference{{}, *other.Flow,
			{Tenant: ask.Flow.Tenant, ID: ask.Flow.ID, Token: other.Flow.Token}} {
			if _, _, err := h.PressLink(t.Context(), link, []secret.Reference{browser}, false, visitor); !fault.Is(err,
				fault.NotFound) {
				t.Errorf("pressed in another browser: %v", err)
			}
		}
		if n := h.sessions(h.company); n != 0 {
			t.Fatalf("%d sessions", n)
		}
		l, err := h.OpenLink(t.Context(), link, *ask.Flow)
		if err != nil || l.State != outofband.LinkReady || l.Code != "" {
			t.Errorf("in its own browser: %+v, %v", l, err)
		}
		_, step, err := h.PressLink(t.Context(), link, held(ask), false, visitor)
		if _, ok := step.(signin.Done); !ok || err != nil {
			t.Fatalf("%#v, %v", step, err)
		}
		if l, _ := h.OpenLink(t.Context(), link, *ask.Flow); l.State != outofband.LinkUsed {
			t.Errorf("afterwards: %s", l.State)
		}
	})
}
