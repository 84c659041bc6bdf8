package rig

import (
	"testing"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
)

// Device is a kind of authenticator that a browser may have at hand.
type Device struct {
	Transport            webauthn.AuthenticatorTransport
	Lists, Checks        bool // it finds credentials by itself; it checks its user
	Copyable, Copied     bool // its credentials may be copied; they are
	NeverAnswers, Absent bool // no one touches it; its user is not recognised
}

// Devices that people have.
var (
	Phone = Device{
		Transport: webauthn.AuthenticatorTransportInternal,
		Lists:     true,
		Checks:    true,
		Copyable:  true,
		Copied:    true,
	}
	Laptop      = Device{Transport: webauthn.AuthenticatorTransportInternal, Lists: true, Checks: true}
	SecurityKey = Device{Transport: webauthn.AuthenticatorTransportUsb}
	Stranger    = Device{
		Transport: webauthn.AuthenticatorTransportInternal,
		Lists:     true,
		Checks:    true,
		Absent:    true,
	}
)

// Authenticator is a virtual device that a tab has at hand.
type Authenticator struct {
	b  *Browser
	id webauthn.AuthenticatorID
}

// Plug gives the tab a device. The browser draws no dialog then: the device answers at once.
func (b *Browser) Plug(t testing.TB, d Device) *Authenticator {
	t.Helper()
	_, err := chromedp.Call(b.ctx, webauthn.Enable, webauthn.EnableParams{})
	b.must(err)
	got, err := chromedp.Call(b.ctx, webauthn.AddVirtualAuthenticator,
		webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
			Protocol:                    webauthn.AuthenticatorProtocolCtap2,
			Transport:                   d.Transport,
			HasResidentKey:              d.Lists,
			HasUserVerification:         d.Checks,
			IsUserVerified:              d.Checks && !d.Absent,
			AutomaticPresenceSimulation: !d.NeverAnswers,
			DefaultBackupEligibility:    d.Copyable,
			DefaultBackupState:          d.Copied,
		}})
	b.must(err)
	return &Authenticator{b, got.AuthenticatorID}
}

// Unplug takes the device away, with everything on it.
func (a *Authenticator) Unplug() {
	a.b.t.Helper()
	_, err := chromedp.Call(a.b.ctx, webauthn.RemoveVirtualAuthenticator,
		webauthn.RemoveVirtualAuthenticatorParams{AuthenticatorID: a.id})
	a.b.must(err)
}

// Recognises says whether the device recognises its user from now on.
func (a *Authenticator) Recognises(yes bool) {
	a.b.t.Helper()
	_, err := chromedp.Call(a.b.ctx, webauthn.SetUserVerified,
		webauthn.SetUserVerifiedParams{AuthenticatorID: a.id, IsUserVerified: yes})
	a.b.must(err)
}

// Answers says whether someone touches the device from now on.
func (a *Authenticator) Answers(yes bool) {
	a.b.t.Helper()
	_, err := chromedp.Call(a.b.ctx, webauthn.SetAutomaticPresenceSimulation,
		webauthn.SetAutomaticPresenceSimulationParams{AuthenticatorID: a.id, Enabled: yes})
	a.b.must(err)
}

// Credentials are what the device holds.
func (a *Authenticator) Credentials() []*webauthn.Credential {
	a.b.t.Helper()
	got, err := chromedp.Call(a.b.ctx, webauthn.GetCredentials, webauthn.GetCredentialsParams{AuthenticatorID: a.id})
	a.b.must(err)
	return got.Credentials
}
