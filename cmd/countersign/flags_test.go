package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// parsed reads a command as the program does, and does not run it.
func parsed(t *testing.T, line string) (c cli, k *kong.Context) {
	t.Helper()
	k, err := newParser(&c, kong.Exit(func(int) {})).Parse(splitLine(t, "countersign "+line))
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return c, k
}

func TestWhatACommandChanges(t *testing.T) {
	for line, want := range map[string]struct{ words, document string }{
		"tenant set acme --switch on": {"switch on", `{"switch":"on"}`},
		"tenant set acme --methods totp --set-up-by= --yes": {
			"methods totp, set up by (empty)", `{"methods":"totp","set_up_by":""}`},
		"tenant set acme --remember-days 0": {"remember days 0", `{"remember_days":0}`},
		"tenant set acme --lock-after 3 --lock-minutes 5": {
			"lock after 3, lock minutes 5", `{"lock_after":3,"lock_minutes":5}`},
		"tenant set acme --suspend --yes":               {"suspend", `{"suspend":true}`},
		"user set maria@acme.test --role admin --force": {"role admin", `{"role":"admin"}`},
		"client set app --pkce optional --output json":  {"pkce optional", `{"pkce":"optional"}`},
		"client set app --add-redirect-uri https://app.test/cb": {
			"add redirect uri https://app.test/cb", `{"add_redirect_uri":["https://app.test/cb"]}`},
	} {
		_, k := parsed(t, line)
		given, err := changes(k)
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		document, err := json.Marshal(given)
		if err != nil || given.String() != want.words || string(document) != want.document {
			t.Errorf("%s: %q, %s, %v", line, given, document, err)
		}
	}
}

// TestNothingToChange: flags that say when, where or how change nothing by themselves.
func TestNothingToChange(t *testing.T) {
	for _, line := range []string{"tenant set acme", "tenant set acme --yes",
		"tenant set acme --mandate-from 2027-01-31",
		"user set maria@acme.test --force", "client set app --output json"} {
		_, k := parsed(t, line)
		if _, err := changes(k); exitCode(err) != exitUsage {
			t.Errorf("%s: %v", line, err)
		}
	}
}

func TestDecisionsOfACompany(t *testing.T) {
	c, _ := parsed(t, "tenant set acme --mandate mandatory --mandate-from 2027-01-31 --switch off --methods email,totp "+
		"--choice optional --sms-countries DE --set-up-by 2027-02-01T08:00:00+01:00 --resume --name Acme")
	got, err := c.Tenant.Set.wanted([]string{"DE", "ES"})
	if err != nil {
		t.Fatal(err)
	}
	from := time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)
	switch {
	case *got.Mandate != tenant.Mandate{Mode: tenant.Mandatory, From: from}:
		t.Errorf("mandate: %+v", got.Mandate)
	case *got.On, *got.Suspended, *got.Name != "Acme", got.RememberDays != nil:
		t.Errorf("%+v", got)
	case *got.Methods != "email totp", *got.Choice != tenant.Optional,
		!reflect.DeepEqual(*got.SMSCountries, tenant.Countries("DE")):
		t.Errorf("methods %q, choice %q, countries %q", *got.Methods, *got.Choice, *got.SMSCountries)
	case !got.SetUpBy.Equal(time.Date(2027, 2, 1, 7, 0, 0, 0, time.UTC)):
		t.Errorf("set up by %s", got.SetUpBy)
	}
	c, _ = parsed(t, "tenant set acme --set-up-by=")
	if got, err = c.Tenant.Set.wanted(nil); err != nil || got.SetUpBy == nil || !got.SetUpBy.IsZero() ||
		got.On != nil || got.Methods != nil || got.Mandate != nil || got.Suspended != nil {
		t.Errorf("an empty deadline: %+v, %v", got, err)
	}
	for _, line := range []string{"tenant set acme --methods totp,fax", "tenant set acme --mandate sometimes",
		"tenant set acme --set-up-by soon", "tenant set acme --sms-countries FR"} {
		c, _ := parsed(t, line)
		if _, err := c.Tenant.Set.wanted([]string{"DE"}); err == nil {
			t.Errorf("%s was taken", line)
		}
	}
}

func TestChangesOfAPerson(t *testing.T) {
	c, _ := parsed(t, "user set maria@acme.test --role admin --enable --force")
	got, err := c.User.Set.wanted()
	if err != nil || *got.Role != user.Admin || *got.Disabled || !got.Force || got.Email != nil {
		t.Errorf("%+v, %v", got, err)
	}
	c, _ = parsed(t, "user set maria@acme.test --disable --yes")
	if got, err = c.User.Set.wanted(); err != nil || !*got.Disabled || got.Role != nil || got.Force {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestInstants(t *testing.T) {
	day := time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"2027-01-31":                  day,
		"2027-01-31T08:00:00Z":        day.Add(8 * time.Hour),
		"2027-01-31T08:00:00.5+08:00": day.Add(time.Second / 2),
	} {
		if got, err := instant(text); err != nil || !got.Equal(want) || got.Location() != time.UTC {
			t.Errorf("%q is %s, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "31.01.2027", "2027-02-30", "forever", "8h"} {
		if got, err := instant(text); err == nil {
			t.Errorf("%q is %s", text, got)
		}
	}
	if got, err := sinceWhen("90m"); err != nil || now().Sub(got) < 90*time.Minute {
		t.Errorf("90m is %s, %v", got, err)
	}
	if _, err := sinceWhen("yesterday"); exitCode(err) != exitUsage {
		t.Errorf("yesterday: %v", err)
	}
	if until, err := (ClientExemptCmd{Until: "forever"}).until(); err != nil || !until.Equal(db.Forever) ||
		shown(until) != "forever" || shown(time.Time{}) != "-" {
		t.Errorf("forever is %s, %v", until, err)
	}
}

// TestAPasswordIsOneLine of standard input, and no more.
func TestAPasswordIsOneLine(t *testing.T) {
	for in, want := range map[string]string{
		"correct horse\n": "correct horse", "correct horse\r\nmore": "correct horse",
		" spaces stay \n": " spaces stay ", "no end of line": "no end of line",
	} {
		if got, err := secretLine(strings.NewReader(in)); err != nil || got.Reveal() != want {
			t.Errorf("%q: %q, %v", in, got.Reveal(), err)
		}
	}
	for _, in := range []string{"", "\n", "\r\n"} {
		if _, err := secretLine(strings.NewReader(in)); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", in, err)
		}
	}
}

func TestExitCodes(t *testing.T) {
	for want, errs := range map[int][]error{
		exitFailed:        {errors.New("x"), fault.New(fault.Invalid, "x")},
		exitUsage:         {usageError("x"), fmt.Errorf("y: %w", usageError("x"))},
		exitNotFound:      {fault.New(fault.NotFound, "x"), fmt.Errorf("y: %w", fault.New(fault.NotFound, "x"))},
		exitConflict:      {fault.New(fault.Conflict, "x")},
		exitConfiguration: {configError{errors.New("x")}, db.ErrNoDatabase},
	} {
		for _, err := range errs {
			if got := exitCode(err); got != want || errorCodes[got] == "" {
				t.Errorf("%v exits with %d instead of %d", err, got, want)
			}
		}
	}
}

func TestWantsJSON(t *testing.T) {
	for line, want := range map[string]bool{
		"tenant list --output json": true, "tenant list --output=json": true, "-ojson nonsense": true,
		"-o json": true,
		"json":    false, "tenant show json": false, "--output text json": false, "": false,
	} {
		if got := wantsJSON(strings.Fields(line)); got != want {
			t.Errorf("%q: %v", line, got)
		}
	}
	if err := speaksJSON(&Env{Output: "json"}, "serve"); exitCode(err) != exitUsage {
		t.Errorf("serve in JSON: %v", err)
	}
	if err := speaksJSON(&Env{Output: "json"}, "tenant list"); err != nil {
		t.Errorf("a list in JSON: %v", err)
	}
}

// TestEveryFaultHasASentence: a program's word for a mistake is none for a person.
func TestEveryFaultHasASentence(t *testing.T) {
	got := explain(fault.New(fault.NotFound, "user.unknown"))
	if got == "user.unknown" || !strings.HasSuffix(got, ".") {
		t.Errorf("%q", got)
	}
	if got := explain(errors.New("as it is")); got != "as it is" {
		t.Errorf("%q", got)
	}
}

func TestCompletion(t *testing.T) {
	var c cli
	root := newParser(&c).Model.Node
	for line, want := range map[string][]string{
		"ten":                     {"tenant"},
		"tenant s":                {"set", "show"},
		"tenant set acme --cho":   {"--choice"},
		"tenant set --choice ":    {"required", "adaptive", "optional"},
		"tenant set --choice=opt": {"--choice=optional"},
		"tenant set --name ":      nil,
		"compl":                   {"completion"}, // and not the hidden one
	} {
		if got := complete(root, strings.Split(line, " ")); !slices.Equal(got, want) {
			t.Errorf("%q: %q instead of %q", line, got, want)
		}
	}
}

func TestLasting(t *testing.T) {
	for d, want := range map[time.Duration]string{7 * 24 * time.Hour: "7 days", 36 * time.Hour: "36 hours",
		90 * time.Minute: "2 hours"} {
		if got := lasting(d); got != want {
			t.Errorf("%s: %s", d, got)
		}
	}
}
