package acceptance

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

// bulk runs user bulk with JSON, and returns what became of each person by address, and of all.
func bulk(
	t *testing.T, w *rig.World, stdin string, fails bool, args ...string,
) (of map[string]string, all map[string]any) {
	t.Helper()
	args = append([]string{"user", "bulk"}, append(args, "-o", "json")...)
	out, err := w.TryCLI(stdin, args...)
	if (err != nil) != fails {
		t.Fatalf("%v: %v", args, err)
	}
	of = map[string]string{}
	for _, d := range documents(t, args, out, "action") {
		if address, one := d["email"].(string); one {
			of[address] = fmt.Sprint(d["outcome"])
			continue
		}
		all = d
	}
	return of, all
}

// TestVOI7_TheCommandLineActsOnMany: with the same rules as the users page, by view, by filter and by a file of
// addresses. A dry run changes nothing; what stands in the way of one keeps it from no one else.
func TestVOI7_TheCommandLineActsOnMany(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "mandatory", "--methods", "totp")
		other := w.NewTenant(t, "--mandate", "default_off")
		one, two, guest := c.User(t), c.User(t), invited(t, w, c)
		stranger := other.User(t)
		until := w.Now().UTC().AddDate(0, 0, 10).Format(time.DateOnly)
		file := filepath.Join(w.Dir, w.Unique("addresses")+".txt")
		list := strings.Join([]string{"\ufeff# who waits for a phone", one.Email, "", strings.ToUpper(two.Email),
			guest.Email, stranger.Email, "no address"}, "\r\n")
		if err := os.WriteFile(file, []byte(list), 0o600); err != nil {
			t.Fatal(err)
		}
		args := []string{"exempt", "--tenant", c.ID, "--file", file, "--until", until, "--reason", "New phones"}
		of, all := bulk(t, w, "", true, append(args, "--dry-run")...)
		if of[one.Email] != "planned" || of[two.Email] != "planned" || of[stranger.Email] != "not_found" ||
			of["no address"] != "not_found" || all["dry_run"] != true || all["not_found"] != 2.0 {
			t.Errorf("a dry run says %v, %v", of, all)
		}
		exempted := func() int64 {
			return w.Number(t, `SELECT count(*) FROM users WHERE tenant_id = $1 AND exempt_until > 0`, c.ID)
		}
		if n := exempted(); n != 0 {
			t.Errorf("a dry run exempts %d people", n)
		}
		of, all = bulk(t, w, "", true, args...)
		if of[one.Email] != "done" || of[two.Email] != "done" || all["not_found"] != 2.0 || exempted() < 2 {
			t.Errorf("%v, %v, %d exempt", of, all, exempted())
		}
		if n := len(c.Events(t, "user.exempted", "ok")); int64(n) != exempted() {
			t.Errorf("%d exemptions are recorded", n)
		}
		_, all = bulk(t, w, "", false, "require", "--tenant", c.ID, "--all")
		if exempted() != 0 || all["done"] == 0.0 {
			t.Errorf("%d are exempt after that: %v", exempted(), all)
		}

		of, _ = bulk(t, w, "", false, "remind", "--tenant", c.ID, "--all", "--status", "pending")
		if of[one.Email] != "done" || of[guest.Email] != "not_accepted" {
			t.Errorf("reminded: %v", of)
		}
		if of, _ = bulk(t, w, one.Email+"\n", false, "remind", "--tenant", c.ID, "--file", "-"); len(of) != 1 ||
			of[one.Email] != "reminded_before" {
			t.Errorf("reminded again: %v", of)
		}

		if of, _ := bulk(t, w, "", false, "invite", "--tenant", c.ID, "--view", "invited"); len(of) != 1 ||
			of[guest.Email] != "done" {
			t.Errorf("invited: %v", of)
		}
		linkFor(t, w, guest.Email, 2)

		open := other.User(t)
		for _, u := range []*rig.User{stranger, open} {
			p := w.Person(t)
			p.Get(rig.PathSignIn)
			p.Password(u.Email, u.Password)
		}
		if sessionsOpen(t, w, open) == 0 {
			t.Fatal("no one is signed in")
		}
		if out, err := w.TryCLI("", "user", "bulk", "sign-out", "--tenant", other.ID, "--all"); err == nil ||
			!strings.Contains(err.Error(), "--yes") || sessionsOpen(t, w, open) == 0 {
			t.Errorf("signed out without a question: %v %s", err, out)
		}
		w.CLI(t, "user", "sign-out", stranger.Email, "--yes")
		of, _ = bulk(t, w, "", false, "sign-out", "--tenant", other.ID, "--all", "--yes")
		if of[open.Email] != "done" || of[stranger.Email] != "signed_out" || sessionsOpen(t, w, open) != 0 {
			t.Errorf("signed out: %v", of)
		}
		if n := len(other.Events(t, "user.signed_out", "ok")); n != 2 {
			t.Errorf("%d are recorded as signed out", n)
		}
	})
}

// TestCLI_BulkRefusesWhatCannotBeMeant, before it touches anyone.
func TestCLI_BulkRefusesWhatCannotBeMeant(t *testing.T) {
	w := rig.Shared(t, "sqlite")
	c := w.NewTenant(t)
	for _, args := range [][]string{
		{"exempt", "--tenant", c.ID, "--all"},
		{"invite", "--tenant", c.ID, "--all", "--reason", "x"},
		{"invite", "--tenant", c.ID},
		{"invite", "--tenant", c.ID, "--all", "--view", "invited"},
		{"invite", "--tenant", c.ID, "--view", "everyone"},
		{"remind", "--tenant", c.ID, "--all", "--keep-browsers"},
		{"delete", "--tenant", c.ID, "--all"},
		{"invite", "--tenant", c.ID, "--file", "-", "--role", "agent"},
		{"invite", "--tenant", c.ID, "--file", "/nowhere/at/all"},
	} {
		if said, code := w.Run(t, nil, append([]string{"user", "bulk"}, args...)...); code != 2 {
			t.Errorf("%v: %d, %s", args, code, said)
		}
	}
}
