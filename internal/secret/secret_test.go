package secret

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestIDsSortByTime(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	a, b, c := NewID(at, 0), NewID(at, 1), NewID(at.Add(time.Microsecond), 0)
	if a >= b || b >= c || len(a) != 26 {
		t.Errorf("%q, %q, %q are not in order", a, b, c)
	}
}

func TestSealedOpensOnlyInItsPlace(t *testing.T) {
	k := NewKeys(time.Now())
	sealed := k.Seal([]byte("481516"), "messages", "sealed", "t1", "m1")
	if plain, err := k.Open(sealed, "messages", "sealed", "t1", "m1"); err != nil || string(plain) != "481516" {
		t.Fatal(string(plain), err)
	}
	for _, place := range [][]string{{"messages", "sealed", "t2", "m1"}, {"messages", "sealed", "t1", "m2"},
		{"messages", "sealedt1", "m1"}, nil} {
		if _, err := k.Open(sealed, place...); err == nil {
			t.Errorf("opened in %v", place)
		}
	}
	sealed[len(sealed)-1] ^= 1
	if _, err := k.Open(sealed, "messages", "sealed", "t1", "m1"); err == nil {
		t.Error("opened although changed")
	}
	if _, err := NewKeys(time.Now()).Open(sealed, "messages", "sealed", "t1", "m1"); err == nil {
		t.Error("opened by another key")
	}
}

func TestMACIsBoundToPurposeAndParts(t *testing.T) {
	k := NewKeys(time.Now())
	mac := k.MAC("code", "t1", "481516")
	if !k.CheckMAC(mac, "code", "t1", "481516") {
		t.Error("own MAC refused")
	}
	for _, bad := range [][]string{{"code", "t14", "81516"}, {"code", "t2", "481516"}, {"link", "t1", "481516"}} {
		if k.CheckMAC(mac, bad[0], bad[1:]...) {
			t.Errorf("accepted for %v", bad)
		}
	}
	if k.CheckMAC(nil, "code") || k.CheckMAC([]byte("short"), "code") {
		t.Error("accepted rubbish")
	}
}

func TestBoundTokensCannotBeMadeUp(t *testing.T) {
	k := NewKeys(time.Now())
	token, _ := k.NewBound("refresh", "t1", "family")
	if !k.IsBound(token, "refresh", "t1", "family") {
		t.Error("own token refused")
	}
	random, _ := NewToken()
	for name, ok := range map[string]bool{
		"another family":  k.IsBound(token, "refresh", "t1", "other"),
		"another purpose": k.IsBound(token, "device", "t1", "family"),
		"random":          k.IsBound(random, "refresh", "t1", "family"),
		"another key":     NewKeys(time.Now()).IsBound(token, "refresh", "t1", "family"),
		"rubbish":         k.IsBound("x", "refresh", "t1", "family"),
	} {
		if ok {
			t.Errorf("%s is taken for ours", name)
		}
	}
	if again, _ := k.NewBound("refresh", "t1", "family"); again == token {
		t.Error("two tokens are equal")
	}
}

func TestKeyFileIsCreatedOnceAndKeptPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k.key")
	first, created, err := LoadKeys(path, time.Now())
	if err != nil || !created {
		t.Fatal(created, err)
	}
	again, created, err := LoadKeys(path, time.Now())
	if err != nil || created || again.Current() != first.Current() {
		t.Fatal(created, err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := LoadKeys(path, time.Now()); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a readable key file was accepted: %v", err)
	}
}

// TestDerivedCodesAreUniform checks each digit's frequency over 10⁵ codes against the
// 99.9 % point of chi-square with 9 degrees of freedom, 27.88 (SEC-11).
func TestDerivedCodesAreUniform(t *testing.T) {
	k := NewKeys(time.Now())
	var seen [6][10]int
	const n = 100_000
	for range n {
		token, _ := NewToken()
		code := k.DerivedCode("", 6, token, "c1")
		for i, c := range code {
			seen[i][c-'0']++
		}
	}
	beyond := 0
	for i := range seen {
		chi := 0.0
		for _, got := range seen[i] {
			d := float64(got) - n/10
			chi += d * d / (n / 10)
		}
		if chi > 27.88 {
			beyond++
		}
	}
	if beyond > 1 { // one of six by chance is 1 in 170 runs; two is 1 in 67,000
		t.Errorf("%d of 6 positions are not uniform: %v", beyond, seen)
	}
}

func TestReferenceParsing(t *testing.T) {
	token, _ := NewToken()
	good := Reference{Tenant: "t1", ID: NewID(time.Now(), 0), Token: token}
	got, err := ParseReference(good.Text().Reveal())
	if err != nil || got != good {
		t.Fatal(got, err)
	}
	text := good.Text().Reveal()
	for _, bad := range []string{"", "..", text + "x", text[:len(text)-1], strings.ToUpper(text), text + "\x00",
		strings.Replace(text, ".", "/", 1), "a.b." + strings.Repeat("=", 43)} {
		if _, err := ParseReference(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestSecretsDoNotPrintThemselves(t *testing.T) {
	type form struct {
		Email    string
		Password Text
		Others   []Text
	}
	f := form{Email: "pat@acme.example", Password: "hunter2", Others: []Text{"hunter2"}}
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%30s", "%!"} {
		fmt.Fprintf(&out, verb+verb+verb+"\n", f.Password, f, &f)
	}
	fmt.Fprintln(&out, f.Password, f, fmt.Errorf("sign in: %v", f))
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("signed in", "password", f.Password, "form", f, "pointer", &f)
	}
	encoded, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(encoded)
	if s := strings.ToLower(out.String()); strings.Contains(s, "hunter2") || strings.Contains(s, "68756e74657232") {
		t.Error(s)
	}
	if Text("hunter2").Reveal() != "hunter2" {
		t.Error("Reveal hides")
	}
}

func FuzzParseReference(f *testing.F) {
	f.Add("t1.abc.def")
	f.Fuzz(func(t *testing.T, s string) {
		if r, err := ParseReference(s); err == nil && r.Text().Reveal() != s {
			t.Errorf("%q reads as %q", s, r.Text().Reveal())
		}
	})
}
