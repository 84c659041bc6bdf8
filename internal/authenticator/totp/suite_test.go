package totp_test

import (
	"encoding/base32"
	"fmt"
	"testing"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/authenticator/authenticatortest"
	"countersign/internal/authenticator/totp"
	"countersign/internal/db"
	"countersign/internal/secret"
)

// app is an authenticator app that knows nothing but what the set-up page shows.
type app struct {
	secret []byte
	fast   time.Duration // its clock
}

func read(t testing.TB, d authenticator.PendingEnrollment) *app {
	t.Helper()
	card, err := totp.Show(d)
	if err != nil {
		t.Fatal(err)
	}
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(card.Secret())
	if err != nil || len(key) != 20 {
		t.Fatalf("%d bytes of secret: %v", len(key), err)
	}
	return &app{secret: key}
}

func (a *app) code(at time.Time) string { return totp.CodeAt(a.secret, at.Add(a.fast).Unix()/30) }

func (a *app) at(t time.Time) authenticator.Response {
	return authenticator.Response{Code: a.code(t)}
}

func TestSuite(t *testing.T) {
	authenticatortest.Run(t, authenticatortest.Kind{Kind: authenticator.TOTP, Ages: true,
		New: func(_ *testing.T, d *db.DB) authenticatortest.Rig {
			v := totp.Verifier{Keys: secret.NewKeys(d.Now())}
			return authenticatortest.Rig{Verifier: v,
				Bind: func(t *testing.T, d *db.DB, who authenticator.Subject, tenant string) authenticatortest.Device {
					var a *app
					draft, proof := authenticatortest.SetUp(t, d, v, authenticator.TOTP, who, tenant, "",
						func(d2 authenticator.PendingEnrollment) authenticator.Response {
							a = read(t, d2)
							return a.at(d.Now())
						})
					return authenticatortest.Device{
						ID: draft.ID, First: &proof, Spellings: spellings,
						Answer: func(_ *testing.T,
							c authenticatortest.Challenge) authenticator.Response {
							return a.at(c.Now)
						},
					}
				}}
		}})
}

// spellings are what people make of six digits.
func spellings(r authenticator.Response) (out []authenticator.Response) {
	c := r.Code
	for _, s := range []string{c[:3] + " " + c[3:], c[:3] + "-" + c[3:], " " + c, c + "\n", "\t" + c + "\r\n",
		fmt.Sprintf("%s %s %s", c[:2], c[2:4], c[4:])} {
		out = append(out, authenticator.Response{Code: s})
	}
	return out
}
