package signin_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"countersign/internal/authenticator/outofband"
	"countersign/internal/client"
	"countersign/internal/db"
	"countersign/internal/jobs"
	"countersign/internal/message/email"
	"countersign/internal/passwordlink"
	"countersign/internal/secret"
)

// passwordLink has a link for a new password mailed to an address, and returns it.
func (h *house) passwordLink(address string) secret.Reference {
	h.t.Helper()
	if err := h.passwordLinks.RequestReset(h.t.Context(),
		passwordlink.ResetRequest{Email: address, ClientID: client.PortalID, Visitor: visitor}); err != nil {
		h.t.Fatal(err)
	}
	j := jobs.Job{Tenant: db.Installation, Kind: passwordlink.Job}
	err := h.DB.View(h.t.Context(), db.Installation, func(tx *db.Tx) error {
		return tx.QueryRow(h.t.Context(), `
			SELECT id, args FROM jobs WHERE tenant_id = $1 AND kind = $2
				AND done_at = 0`, db.Installation, j.Kind).Scan(&j.ID, &j.Args)
	})
	if err != nil {
		h.t.Fatal(err)
	}
	if err := h.passwordLinks.SendLink(h.t.Context(), j); err != nil {
		h.t.Fatal(err)
	}
	h.deliver()
	h.post.mu.Lock()
	defer h.post.mu.Unlock()
	for i := len(h.post.mails) - 1; i >= 0; i-- {
		var letter email.PasswordLink
		if m := h.post.mails[i]; m.To != address || m.Template != email.Template(letter) {
			continue
		}
		if err := json.Unmarshal(h.post.mails[i].Data, &letter); err != nil {
			h.t.Fatal(err)
		}
		_, token, _ := strings.Cut(letter.Link, passwordlink.Path)
		ref, err := secret.ParseReference(token)
		if err != nil {
			h.t.Fatal(err)
		}
		return ref
	}
	h.t.Fatal("no link was mailed")
	return secret.Reference{}
}

// A link for a password that was tried too late stays so, also where the clock goes back.
//
// guard: passwordlink.Service.closeExpired
func TestSEC140_APasswordLinkThatRanOutStaysSo(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		link := h.passwordLink("maria@company.test")
		h.clock.pass(30 * time.Minute)
		for range 2 {
			l, err := h.passwordLinks.SetPassword(t.Context(), link, "canary of a late battery", visitor)
			if err != nil || l.State != outofband.LinkExpired {
				t.Errorf("it is %s, %v", l.State, err)
			}
			h.clock.pass(-time.Minute)
		}
		step, err := h.SubmitPassword(t.Context(), attempt("maria@company.test", rightPassword, "dashboard"))
		if err != nil || !isAsk(step) {
			t.Errorf("the old password: %#v, %v", step, err)
		}
	})
}
