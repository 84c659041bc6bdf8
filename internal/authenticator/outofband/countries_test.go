package outofband_test

import (
	"errors"
	"testing"

	"countersign/internal/authenticator"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/db"
	"countersign/internal/phone"
	"countersign/internal/tenant"
)

// TestSEC83_ACompanyNarrowsWhoseNumbersAreTaken, and cannot widen it: at set-up, and at each
// text to a number that was proved when the list was another.
func TestSEC83_ACompanyNarrowsWhoseNumbersAreTaken(t *testing.T) {
	each(t, func(t *testing.T, n *network, who authenticator.Subject) {
		narrow := func(c tenant.Countries) {
			if err := n.d.InTx(t.Context(), "harbor",
				func(tx *db.Tx) error { return tenant.SetCountries(t.Context(), tx, c) }); err != nil {
				t.Fatal(err)
			}
		}
		send := func(to string) error {
			return n.d.InTx(t.Context(), "harbor", func(tx *db.Tx) error {
				_, err := n.Begin(t.Context(), tx,
					authenticator.Authenticator{ID: "a", UserID: who.UserID, Kind: authenticator.SMS},
					authenticator.ChallengeContext{ChallengeID: tx.NewID(), FlowID: "f",
						Purpose: "signin.second_factor", Destination: to, Language: "en", IssuedAt: tx.Now,
						ExpiresAt: tx.Now.Add(600e9)})
				return err
			})
		}
		const german, spanish, french = "+4915112345667", "+34612345678", "+33612345678"
		for _, c := range []struct {
			own  tenant.Countries
			mine map[string]bool
		}{
			{"", map[string]bool{"DE": true, "ES": true, "FR": false}},
			{"DE", map[string]bool{"DE": true, "ES": false, "FR": false}},
			{"DE FR", map[string]bool{"DE": true, "ES": false, "FR": false}}, // France is not the installation's
			{"FR", map[string]bool{"DE": false, "ES": false, "FR": false}},
		} {
			narrow(c.own)
			for country, to := range map[string]string{"DE": german, "ES": spanish, "FR": french} {
				before := n.queued(t)
				if _, err := n.propose(t, who, country+" "+to); (err == nil) != c.mine[country] || err != nil &&
					!errors.Is(err, phone.ErrNotAllowed) {
					t.Errorf("%q: set-up of %s: %v", c.own, to, err)
				}
				if err := send(to); (err == nil) != c.mine[country] || err != nil &&
					!errors.Is(err, outofband.ErrCountry) {
					t.Errorf("%q: a text to %s: %v", c.own, to, err)
				}
				if sent := n.queued(t) - before; (sent == 2) != c.mine[country] || sent == 1 {
					t.Errorf("%q: %d texts to %s", c.own, sent, to)
				}
			}
		}
	})
}
