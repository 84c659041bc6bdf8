package user_test

import (
	"strings"
	"testing"
	"time"

	"countersign/internal/db"
	"countersign/internal/db/dbtest"
	"countersign/internal/fault"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

func TestEmailKey(t *testing.T) {
	same := []string{"Maria@Harbor.example", " maria@harbor.EXAMPLE ", "MARIA@HARBOR.EXAMPLE"}
	for _, s := range same {
		if k, err := user.EmailKey(s); err != nil || k != "maria@harbor.example" {
			t.Errorf("%q is %q, %v", s, k, err)
		}
	}
	nfc, _ := user.EmailKey("jos\u00e9@harbor.example")
	nfd, _ := user.EmailKey("jose\u0301@harbor.example")
	if nfc == "" || nfc != nfd {
		t.Errorf("composed %q, decomposed %q", nfc, nfd)
	}
	if k, err := user.EmailKey("x@bücher.example"); err != nil || k != "x@xn--bcher-kva.example" {
		t.Errorf("%q, %v", k, err)
	}
	for _, bad := range []string{
		"", "@", "a@", "@b.example", "a b@c.example", "a@b@c.example", "a@b.example,c@d.example",
		"a@b.example\r\nBcc: x@y.example",
		"Maria <maria@harbor.example>", "a@nodot", strings.Repeat("a", 250) + "@b.example", "a@b..example",
		"a\x00b@c.example",
	} {
		if k, err := user.EmailKey(bad); err == nil {
			t.Errorf("%q was taken as %q", bad, k)
		}
	}
}

// TestNewAddressesAreStricter: what was accepted before is still found; what is new can be seen
// and mailed to. guard: CleanAddress
func TestNewAddressesAreStricter(t *testing.T) {
	long := strings.Repeat("a", 64)
	for in, want := range map[string]string{
		" Pat@X.example ": "Pat@X.example", "jose\u0301@x.example": "josé@x.example",
		"pat\uff20x.example": "pat@x.example", "pat\ufe6bx.example": "pat@x.example",
		"用户@例子.example": "用户@例子.example", "x@bücher.example": "x@bücher.example",
		long + "@x.example": long + "@x.example",
	} {
		stored, key, err := user.CleanAddress(in)
		if err != nil || stored != want {
			t.Errorf("%q is stored as %q, %v", in, stored, err)
		}
		if found, err := user.EmailKey(in); err != nil || found != key {
			t.Errorf("%q is stored as %q and found as %q, %v", in, key, found, err)
		}
	}
	for _, in := range []string{
		"pat\u200b@x.example", "\u202epat@x.example", "pat@x\u00ad.example", "pat@\u200bx.example",
		"pa\u200dt@x.example", "p\u3164@x.example", "p\ufe0f@x.example",
	} {
		if stored, _, err := user.CleanAddress(in); !fault.Is(err, fault.Invalid) ||
			fault.Of(err).Message != "text.unseen" {
			t.Errorf("%+q is stored as %+q, %v", in, stored, err)
		}
		if _, err := user.EmailKey(in); err != nil {
			t.Errorf("%+q was accepted once and isn't found any more: %v", in, err)
		}
	}
	for _, in := range []string{long + "a@x.example", strings.Repeat("é", 33) + "@x.example"} {
		if _, _, err := user.CleanAddress(in); err == nil || fault.Of(err).Message != "user.long_address" {
			t.Errorf("%q: %v", in, err)
		}
	}
	for in, reachable := range map[string]bool{"pat@bücher.example": true, "josé@x.example": false,
		"用户\uff20x.example": false} {
		if err := user.CheckReachable(in, false); (err == nil) != reachable {
			t.Errorf("%q without SMTPUTF8: %v", in, err)
		}
		if err := user.CheckReachable(in, true); err != nil {
			t.Errorf("%q with SMTPUTF8: %v", in, err)
		}
	}
}

func FuzzEmailKey(f *testing.F) {
	f.Add("maria@harbor.example")
	f.Fuzz(func(t *testing.T, s string) {
		k, err := user.EmailKey(s)
		if err != nil {
			return
		}
		if again, err := user.EmailKey(k); err != nil || again != k {
			t.Errorf("%q → %q → %q, %v", s, k, again, err)
		}
		if strings.ContainsAny(k, "\r\n\x00 ,") {
			t.Errorf("%q → %q", s, k)
		}
	})
}

func TestDirectoryHoldsEachAddressOnce(t *testing.T) {
	dbtest.Each(t, time.Now, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		add := func(company, address string) (u user.User, err error) {
			err = d.InTx(ctx, company, func(tx *db.Tx) error {
				u, err = user.Create(ctx, tx, address, "Pat", user.Agent, "en")
				return err
			})
			return u, err
		}
		for _, id := range []string{"one", "two"} {
			if err := d.InTx(ctx, db.Installation,
				func(tx *db.Tx) error {
					_,
						err := tenant.Create(ctx, tx, id, id, tenant.Company)
					return err
				}); err != nil {
				t.Fatal(err)
			}
		}
		pat, err := add("one", "pat@x.example")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := add("two", "PAT@X.example"); !fault.Is(err, fault.Conflict) {
			t.Errorf("the same address in another company: %v", err)
		}
		if _, err := add("no-such-company", "q@x.example"); err == nil {
			t.Error("a user without a company")
		}
		err = d.InTx(ctx, "one", func(tx *db.Tx) error {
			stored, err := user.ChangeEmail(ctx, tx, pat.ID, "  new@x.example ")
			if stored != "new@x.example" {
				t.Errorf("stored as %q", stored)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		_ = d.View(ctx, "one", func(tx *db.Tx) error {
			if _, err := user.ByEmail(ctx, tx, "pat@x.example"); !fault.Is(err, fault.NotFound) {
				t.Errorf("the old address: %v", err)
			}
			if u, err := user.ByEmail(ctx, tx, "New@x.example"); err != nil || u.SecurityVersion != 2 {
				t.Errorf("the new address: %+v, %v", u, err)
			}
			return nil
		})
		if err := d.InTx(ctx, "two", func(tx *db.Tx) error { return user.Disable(ctx, tx, pat.ID) }); !fault.Is(err,
			fault.NotFound) {
			t.Errorf("disabled from another company: %v", err)
		}
	})
}

func TestReportedOnce(t *testing.T) {
	dbtest.Each(t, time.Now, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		var u user.User
		err := d.InTx(ctx, db.Installation, func(tx *db.Tx) error {
			c, err := tenant.Create(ctx, tx, "one", "One", tenant.Company)
			if err != nil {
				return err
			}
			u, err = user.Create(ctx, tx.ForTenant(c.ID), "pat@x.example", "Pat", user.Agent, "en")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		firsts := 0
		for range 3 {
			_ = d.InTx(ctx, "one", func(tx *db.Tx) error {
				if first, err := user.FlagPassword(ctx, tx, u.ID); err == nil && first {
					firsts++
				}
				return nil
			})
		}
		if firsts != 1 {
			t.Errorf("%d reports counted", firsts)
		}
	})
}
