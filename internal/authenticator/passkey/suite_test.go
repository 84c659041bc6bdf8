package passkey_test

import (
	"testing"

	"countersign/internal/authenticator"
	"countersign/internal/authenticator/authenticatortest"
	"countersign/internal/authenticator/passkey"
	"countersign/internal/db"
	"countersign/internal/secret"
)

// TestSuite holds passkeys to what every kind promises, with a counter and without.
func TestSuite(t *testing.T) {
	for name, lie := range map[string]func(*forgery){"counting": nil,
		"synced": func(f *forgery) { f.counter, f.flags = 0, f.flags|be|bs }} {
		t.Run(name, func(t *testing.T) {
			authenticatortest.Run(t,
				authenticatortest.Kind{Kind: authenticator.Passkey, Ages: true,
					New: func(t *testing.T, d *db.DB) authenticatortest.Rig {
						v, err := passkey.New(origin, secret.NewKeys(d.Now()))
						if err != nil {
							t.Fatal(err)
						}
						return authenticatortest.Rig{Verifier: v,
							Bind: func(t *testing.T, d *db.DB, who authenticator.Subject,
								tenant string) authenticatortest.Device {
								dev := newDevice()
								draft, _ := authenticatortest.SetUp(t, d, v, authenticator.Passkey, who, tenant, "",
									func(draft authenticator.PendingEnrollment) authenticator.Response {
										card, err := passkey.Show(draft)
										if err != nil {
											t.Fatal(err)
										}
										return authenticator.Response{Assertion: dev.create(t, card.Options, lie)}
									})
								return authenticatortest.Device{ID: draft.ID,
									Answer: func(t *testing.T, c authenticatortest.Challenge) authenticator.Response {
										return authenticator.Response{Assertion: dev.get(t, v.Present(c.State), lie)}
									}}
							}}
					}})
		})
	}
}

// BenchmarkVerify is the arithmetic alone: what the database costs is measured with the rest
// of the sign-in.
func BenchmarkVerify(b *testing.B) {
	h := benchHouse(b)
	dev := newDevice()
	a := h.bind(h.maria, dev, nil)
	s := h.stored(h.maria, a.ID)
	text, token, _ := h.Offer(h.clock.now(), "browser")
	raw := dev.get(b, text, nil)
	b.ReportAllocs()
	for b.Loop() {
		offered, fresh := h.Take(token, "browser", h.clock.now())
		answer, ok := passkey.Read(raw)
		if f := h.Alone(offered, h.maria.tenant, h.maria.ID, &s, answer); !fresh || !ok || !f.OK {
			b.Fatal(f.Reason)
		}
	}
}

// BenchmarkUnknown takes as long as a bad signature, so that no one learns who has what.
func BenchmarkUnknown(b *testing.B) {
	h := benchHouse(b)
	dev := newDevice()
	a := h.bind(h.maria, dev, nil)
	s := h.stored(h.maria, a.ID)
	text, token, _ := h.Offer(h.clock.now(), "browser")
	offered, _ := h.Take(token, "browser", h.clock.now())
	bad, _ := passkey.Read(dev.get(b, text, func(f *forgery) { f.spoil = func(d []byte) []byte { d[36]++; return d } }))
	for name, stored := range map[string]*passkey.Stored{"bad signature": &s, "no one's": nil} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if f := h.Alone(offered, h.maria.tenant, h.maria.ID, stored, bad); f.OK {
					b.Fatal("right")
				}
			}
		})
	}
}
