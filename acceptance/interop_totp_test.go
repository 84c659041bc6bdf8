package acceptance

import (
	"context"
	"encoding/json"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/authenticator/authenticatortest"
	"countersign/internal/authenticator/totp"
	"countersign/internal/db"
	"countersign/internal/db/dbtest"
	"countersign/internal/secret"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// shown is what an authenticator app of someone else's makes of a set-up page.
type shown struct {
	Type, Label, Issuer string
	Codes               []string
}

// apps are implementations that share nothing with ours. Each is given the card of a set-up
// and the instants at which someone looks at it.
var apps = map[string]func(t *testing.T, c totp.Card, at []time.Time) shown{
	"otplib, from the QR code": func(t *testing.T, c totp.Card, at []time.Time) (s shown) {
		var seconds []int64
		for _, a := range at {
			seconds = append(seconds, a.Unix())
		}
		ask, err := json.Marshal(map[string]any{"uri": c.URI, "at": seconds})
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(runs(t, string(ask), "node", "node/totp.mjs")), &s); err != nil {
			t.Fatal(err)
		}
		if s.Type != "totp" || s.Issuer != c.Issuer || s.Label != c.Issuer+":"+c.Account {
			t.Errorf("it lists %q of %q as %s, want %q of %q", s.Label, s.Issuer, s.Type, c.Account, c.Issuer)
		}
		return s
	},
	"oathtool, from the typed secret": func(t *testing.T, c totp.Card, at []time.Time) (s shown) {
		for _, a := range at {
			typed := strings.ToLower(strings.Join(c.Groups, " "))
			s.Codes = append(s.Codes,
				strings.TrimSpace(runs(t, "", "oathtool", "--totp", "--base32", "--now",
					"@"+strconv.FormatInt(a.Unix(), 10), typed)))
		}
		return s
	},
}

func runs(t *testing.T, in, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Stdin = strings.NewReader(in)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, said.String())
	}
	return string(out)
}

// TestPAR10 and TestVOI1: any standard app works, also one on a desktop or in a browser.
func TestPAR10_TestVOI1_OtherPeoplesAppsShowRightCodes(t *testing.T) {
	for name, app := range apps {
		t.Run(name, func(t *testing.T) {
			clock := authenticatortest.NewClock(time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC))
			d := dbtest.Open(t, dbtest.SQLiteURL(t), clock.Now)
			who := newcomer(t, d)
			v := totp.Verifier{Keys: secret.NewKeys(clock.Now())}
			at := []time.Time{clock.Now(), clock.Now().Add(47 * time.Second),
				clock.Now().Add(20 * 365 * 24 * time.Hour)}
			var codes []string
			authenticatortest.SetUp(t, d, v, authenticator.TOTP, who, "harbor", "",
				func(draft authenticator.PendingEnrollment) authenticator.Response {
					c, err := totp.Show(draft)
					if err != nil {
						t.Fatal(err)
					}
					codes = app(t, c, at).Codes
					return authenticator.Response{Code: codes[0]}
				})
			for i, a := range at[1:] {
				clock.Pass(a.Sub(clock.Now()))
				if !answers(t, d, v, who, codes[i+1]) {
					t.Errorf("its code at %s is wrong", a)
				}
			}
		})
	}
}

// newcomer is someone who has nothing set up.
func newcomer(t *testing.T, d *db.DB) (who authenticator.Subject) {
	t.Helper()
	in := func(of string, fn func(ctx context.Context, tx *db.Tx) error) {
		if err := d.InTx(t.Context(), of, func(tx *db.Tx) error { return fn(t.Context(), tx) }); err != nil {
			t.Fatal(err)
		}
	}
	in(db.Installation, func(ctx context.Context, tx *db.Tx) error {
		if _, err := tenant.Ensure(ctx, tx); err != nil {
			return err
		}
		_, err := tenant.Create(ctx, tx, "harbor", "Harbor Çelik & Co", tenant.Company)
		return err
	})
	in("harbor", func(ctx context.Context, tx *db.Tx) error {
		u, err := user.Create(ctx, tx, "maria+work@harbor.test", "Maria", user.Agent, "en")
		who = authenticator.Subject{UserID: u.ID, Email: u.Email, Vendor: "Łódź Cloud: Voice",
			Company: "Harbor Çelik & Co"}
		return err
	})
	return who
}

func answers(t *testing.T, d *db.DB, v totp.Verifier, who authenticator.Subject, code string) bool {
	t.Helper()
	var verdict authenticator.Verdict
	err := d.InTx(t.Context(), "harbor", func(tx *db.Tx) (err error) {
		verdict, err = v.Verify(t.Context(), tx,
			authenticator.Authenticator{UserID: who.UserID, Kind: authenticator.TOTP}, authenticator.ChallengeContext{},
			nil, authenticator.Response{Code: code})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return verdict.OK
}
