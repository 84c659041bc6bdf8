package client_test

import (
	"strings"
	"testing"
	"time"

	"countersign/internal/client"
	"countersign/internal/db"
	"countersign/internal/db/dbtest"
	"countersign/internal/fault"
	"countersign/internal/secret"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func in(t *testing.T, d *db.DB, fn func(tx *db.Tx) error) {
	t.Helper()
	if err := d.InTx(t.Context(), db.Installation, fn); err != nil {
		t.Fatal(err)
	}
}

func TestATK133RedirectURIsMatchExactly(t *testing.T) {
	web := client.Client{Kind: client.Confidential,
		RedirectURIs: []string{"https://app.test/cb", "http://127.0.0.1/cb"}}
	phone := client.Client{Kind: client.Native,
		RedirectURIs: []string{"http://127.0.0.1/cb", "http://[::1]:8000/cb?x=1", "http://localhost/cb",
			"com.example.phone:/cb"}}
	cases := []struct {
		c    client.Client
		uri  string
		want bool
	}{
		{web, "https://app.test/cb", true},
		{web, "https://app.test/cb/", false},
		{web, "https://app.test/cb/more", false},
		{web, "https://app.test/c", false},
		{web, "https://app.test/cb?x=1", false},
		{web, "https://app.test/cb#f", false},
		{web, "https://app.test:443/cb", false},
		{web, "https://app.test@evil.test/cb", false},
		{web, "https://app.test.evil.test/cb", false},
		{web, "https://аpp.test/cb", false}, // Cyrillic а
		{web, "https://APP.test/cb", false},
		{web, "https://app.test/CB", false},
		{web, "https://app.test/%63b", false},
		{web, "https://app.test/x/%2e%2e/cb", false},
		{web, "http://app.test/cb", false},
		{web, "", false},
		{web, "http://127.0.0.1:5000/cb", false}, // the port is free for native clients only
		{phone, "http://127.0.0.1:5000/cb", true},
		{phone, "http://127.0.0.1/cb", true},
		{phone, "http://[::1]:9/cb?x=1", true},
		{phone, "http://[::1]:9/cb", false},
		{phone, "http://127.0.0.1:5000/cb2", false},
		{phone, "http://127.0.0.1:123456/cb", false},
		{phone, "http://127.0.0.1:/cb", false},
		{phone, "http://127.0.0.1:80@evil.test/cb", false},
		{phone, "http://127.0.0.1.evil.test/cb", false},
		{phone, "http://127.0.0.2:5000/cb", false},
		{phone, "http://localhost:5000/cb", true},
		{phone, "http://localhost:5000/cb2", false},
		{phone, "http://localhost:123456/cb", false},
		{phone, "http://localhost:80@evil.test/cb", false},
		{phone, "http://localhost.evil.test/cb", false},
		{phone, "http://localhost.:5000/cb", false},
		{phone, "http://LOCALHOST:5000/cb", false},
		{phone, "https://localhost:5000/cb", false},
		{web, "http://localhost:5000/cb", false},
		{phone, "http://localhost/cb", true},
		{phone, "com.example.phone:/cb", true},
		{phone, "com.example.phone:/cb2", false},
		{phone, "https://127.0.0.1:5000/cb", false},
	}
	for _, c := range cases {
		if got := c.c.AllowsRedirect(c.uri); got != c.want {
			t.Errorf("%s client, %q: %v", c.c.Kind, c.uri, got)
		}
	}
}

func TestAddressesThatMayBeRegistered(t *testing.T) {
	cases := []struct {
		kind, uri string
		want      bool
	}{
		{client.Confidential, "https://app.test/cb?keep=1", true},
		{client.Confidential, "http://localhost:9001/cb", true},
		{client.Public, "http://127.0.0.1:9001/cb", true},
		{client.Native, "com.example.phone:/cb", true},
		{client.Native, "com.example.phone://cb", true},
		{client.Native, "http://[::1]/cb", true},
		{client.Native, "phone:/cb", true},
		{client.Native, "phone://callback", true},
		{client.Native, "Phone+Dev-1:/cb", true},
		{client.Native, "phone:cb", false},
		{client.Native, "c:/cb", false},
		{client.Native, "javascript://x/%0Aalert(1)", false},
		{client.Native, "JavaScript:/alert", false},
		{client.Native, "vbscript:/x", false},
		{client.Native, "file:///etc/passwd", false},
		{client.Native, "intent://scan/#Intent", false},
		{client.Native, "intent://scan/", false},
		{client.Native, "ms-settings:/x", false},
		{client.Native, "http://app.test/cb", false},
		{client.Native, "wss://app.test/cb", false},
		{client.Confidential, "phone:/cb", false},
		{client.Public, "com.example.phone:/cb", false},
		{client.Confidential, "http://app.test/cb", false},
		{client.Confidential, "https://app.test/cb#", false},
		{client.Confidential, "https://app.test/cb#f", false},
		{client.Confidential, "https://user@app.test/cb", false},
		{client.Confidential, "//app.test/cb", false},
		{client.Confidential, "/cb", false},
		{client.Confidential, "", false},
		{client.Confidential, "https:///cb", false},
		{client.Confidential, "https:app.test", false},
		{client.Confidential, "javascript:alert(1)", false},
		{client.Native, "data:text/html,x", false},
		{client.Confidential, "https://app.test/c b", false},
		{client.Confidential, "https://app.test\\cb", false},
		{client.Confidential, "https://аpp.test/cb", false},
		{client.Confidential, "https://app.test/" + strings.Repeat("x", 1000), false},
	}
	d := dbtest.Open(t, dbtest.SQLiteURL(t), func() time.Time { return now })
	for _, c := range cases {
		in(t, d, func(tx *db.Tx) error {
			err := client.AddURI(t.Context(), tx, &client.Client{ID: "none", Kind: c.kind}, client.Redirect, c.uri)
			if refused := fault.Is(err, fault.Invalid); refused == c.want {
				t.Errorf("%s %q: %v", c.kind, c.uri, err)
			}
			return nil
		})
		_ = d.InTx(t.Context(), db.Installation, func(*db.Tx) error { return nil })
	}
}

func TestATK148Secrets(t *testing.T) {
	token, hash := secret.NewToken()
	confidential := client.Client{Kind: client.Confidential, SecretHash: hash}
	if !confidential.CheckSecret(token.Reveal()) {
		t.Error("the right secret was refused")
	}
	empty := client.Client{Kind: client.Confidential, SecretHash: secret.Hash("")}
	for name, c := range map[string]client.Client{
		"other secret": confidential, "no secret stored": {Kind: client.Confidential},
		"empty hash":      {Kind: client.Confidential, SecretHash: []byte{}},
		"hash of nothing": empty, "public with a hash": {Kind: client.Public, SecretHash: hash},
	} {
		for _, given := range []string{"", token.Reveal() + "x", "wrong"} {
			if c.CheckSecret(given) {
				t.Errorf("%s: %q was accepted", name, given)
			}
		}
	}
	if (client.Client{Kind: client.Public, SecretHash: hash}).CheckSecret(token.Reveal()) {
		t.Error("a public client has a secret")
	}
}

func TestALO13ExemptionHasAnEnd(t *testing.T) {
	c := client.Client{}
	if !c.Covered(now) {
		t.Error("a new client is exempt")
	}
	c.ExemptUntil = now
	if c.Covered(now.Add(-time.Microsecond)) || !c.Covered(now) {
		t.Error("the exemption does not end at its instant")
	}
	c.ExemptUntil = db.Forever
	if c.Covered(now) {
		t.Error("exempt for good is covered")
	}
}

func TestLifeOfAClient(t *testing.T) {
	dbtest.Each(t, func() time.Time { return now }, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		n := client.New{ID: "dash", Name: "Dashboard", Kind: client.Confidential, HomeURL: "https://app.test/",
			RedirectURIs:   []string{"https://app.test/cb", "https://app.test/cb2"},
			PostLogoutURIs: []string{"https://app.test/bye"}}
		var first, second secret.Text
		in(t, d, func(tx *db.Tx) (err error) { _, first, err = client.Create(ctx, tx, n); return err })
		in(t, d, func(tx *db.Tx) error {
			if _, _, err := client.Create(ctx, tx, n); !fault.Is(err, fault.Conflict) {
				t.Errorf("made twice: %v", err)
			}
			return nil
		})
		in(t, d, func(tx *db.Tx) error {
			_, none, err := client.Create(ctx, tx, client.New{ID: "phone", Name: "Phone", Kind: client.Native})
			if none != "" {
				t.Error("a native client got a secret")
			}
			return err
		})
		in(t, d, func(tx *db.Tx) (err error) {
			if second, err = client.RotateSecret(ctx, tx, "dash"); err != nil {
				return err
			}
			if _, err := client.RotateSecret(ctx, tx, "phone"); !fault.Is(err, fault.Invalid) {
				t.Errorf("a native client got a secret: %v", err)
			}
			if removed, err := client.RemoveURI(ctx, tx, "dash", client.Redirect, "https://app.test/cb2"); err != nil ||
				!removed {
				t.Error(removed, err)
			}
			return client.Exempt(ctx, tx, "phone", db.Forever)
		})
		err := d.View(ctx, db.Installation, func(tx *db.Tx) error {
			c, err := client.ByID(ctx, tx, "dash")
			if err != nil {
				return err
			}
			if c.CheckSecret(first.Reveal()) || !c.CheckSecret(second.Reveal()) {
				t.Error("the old secret still works, or the new one does not")
			}
			if len(c.RedirectURIs) != 1 || !c.AllowsPostLogout("https://app.test/bye") || c.Disabled() ||
				!c.Covered(now) {
				t.Errorf("%+v", c)
			}
			if _, err := client.ByID(ctx, tx, "none"); !fault.Is(err, fault.NotFound) {
				t.Errorf("found no one: %v", err)
			}
			list, err := client.List(ctx, tx)
			if len(list) != 2 || list[0].ID != "dash" || list[1].Covered(now) {
				t.Errorf("%+v", list)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		in(t, d, func(tx *db.Tx) error {
			if err := client.Exempt(ctx, tx, "phone", time.Time{}); err != nil {
				return err
			}
			return client.Disable(ctx, tx, "dash")
		})
		if err := d.View(ctx, db.Installation, func(tx *db.Tx) error {
			list, err := client.List(ctx, tx)
			if !list[0].Disabled() || !list[1].Covered(now) {
				t.Errorf("%+v", list)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	})
}

func TestClientsThatMayNotBeMade(t *testing.T) {
	d := dbtest.Open(t, dbtest.SQLiteURL(t), func() time.Time { return now })
	for _, n := range []client.New{
		{ID: "", Name: "X", Kind: client.Public}, {ID: "A", Name: "X", Kind: client.Public},
		{ID: "countersign", Name: "X", Kind: client.Public}, {ID: "a b", Name: "X", Kind: client.Public},
		{ID: "ok", Name: " ", Kind: client.Public}, {ID: "ok", Name: strings.Repeat("x", 81), Kind: client.Public},
		{ID: "ok", Name: "X", Kind: "server"},
		{ID: "ok", Name: "X", Kind: client.Public, HomeURL: "javascript:alert(1)"},
		{ID: "ok", Name: "X", Kind: client.Public, RedirectURIs: []string{"http://app.test/"}},
	} {
		err := d.InTx(t.Context(), db.Installation,
			func(tx *db.Tx) error { _, _, err := client.Create(t.Context(), tx, n); return err })
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%+v: %v", n, err)
		}
	}
}
