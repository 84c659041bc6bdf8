package password

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"countersign/internal/fault"
	"countersign/internal/secret"
)

var cheap = Cost{MemoryKiB: 64, Passes: 1, Lanes: 1}

func newPool(t testing.TB, parallel, queue int) *Pool {
	t.Helper()
	p, err := NewPool(secret.NewKeys(time.Now()), cheap, parallel, queue)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestMatch(t *testing.T) {
	p := newPool(t, 2, 10)
	s, err := p.Hash(t.Context(), "jose\u0301 likes long walks")
	if err != nil || s.Pepper == "" || !strings.HasPrefix(s.Hash, "$argon2id$") {
		t.Fatal(s, err)
	}
	for plain, want := range map[string]bool{"jos\u00e9 likes long walks": true, "jose likes long walks": false,
		"": false, "jos\u00e9 likes long walks ": false} {
		if ok, err := p.Match(t.Context(), s, secret.Text(plain)); err != nil || ok != want {
			t.Errorf("%q: %t, %v", plain, ok, err)
		}
	}
	if ok, err := newPool(t, 1, 1).Match(t.Context(), s, "jos\u00e9 likes long walks"); ok || err == nil {
		t.Error("a hash is of use without its pepper")
	}
	if ok, err := p.Match(t.Context(), Stored{}, "no one has this password"); ok || err != nil {
		t.Errorf("no one signed in: %t, %v", ok, err)
	}
}

// TestTheHashOfNoOneCostsTheSame: what is compared where there is no user has the costs and lengths of any other.
func TestTheHashOfNoOneCostsTheSame(t *testing.T) {
	p := newPool(t, 1, 1)
	real, err := p.Hash(t.Context(), "a password of someone")
	if err != nil {
		t.Fatal(err)
	}
	costs := func(hash string) string { return hash[:strings.LastIndex(hash[:strings.LastIndex(hash, "$")], "$")] }
	if costs(real.Hash) != costs(p.dummy) || len(real.Hash) != len(p.dummy) {
		t.Errorf("%s is compared where there is no user, and %s where there is one", p.dummy, real.Hash)
	}
	if p.dummy == newPool(t, 1, 1).dummy {
		t.Error("everyone knows the hash of no one")
	}
}

// Hashes made elsewhere: bcrypt by its Go implementation, and the reference vector of Argon2id.
func TestImportedHashes(t *testing.T) {
	p := newPool(t, 2, 10)
	made, err := bcrypt.GenerateFromPassword([]byte("password"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	for _, hash := range []string{string(made),
		"$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"} {
		if err := p.CheckImported(hash); err != nil {
			t.Errorf("%s: %v", hash, err)
		}
		for plain, want := range map[string]bool{"password": true, "passwore": false, "": false} {
			if ok, err := p.Match(t.Context(), Stored{Hash: hash}, secret.Text(plain)); ok != want || err != nil {
				t.Errorf("%s with %q: %t, %v", hash, plain, ok, err)
			}
		}
	}
	if err := p.CheckImported("5f4dcc3b5aa765d61d8327deb882cf99"); !fault.Is(err, fault.Invalid) {
		t.Errorf("a bare MD5: %v", err)
	}
}

func TestCheck(t *testing.T) {
	for plain, key := range map[string]string{
		"short": "password.problem.short", strings.Repeat("é", 14): "password.problem.short",
		strings.Repeat("e\u0301", 14): "password.problem.short", // the same, as it is typed on some keyboards
		strings.Repeat("x", 257):      "password.problem.long",
		"aaaaaaaaaaaaaaaa":            "password.problem.common", "passwordpassword": "password.problem.common",
		"harborharborharbor": "password.problem.personal", "Maria.Harbor.Maria.Harbor": "password.problem.personal",
		"maria@harbor.example maria":    "password.problem.personal",
		"Correct horse battery staple!": "password.problem.common",
		"velvet orbit canyon thistle":   "", "🂡🃁🂢 🃂🂣🃃 🂤🃄🂥 🃅🂦🃆": "",
		"with\x00null but long enough": "error.malformed", "bad \xff utf8 but long enough": "error.malformed",
	} {
		err := Check(secret.Text(plain), "Harbor", "maria@harbor.example")
		if got := keyOf(err); got != key {
			t.Errorf("%q: %q, want %q", plain, got, key)
		}
	}
}

// The left ones are guessed with fewer than 10⁸ guesses by someone who knows the word lists; the right ones differ
// from them in one respect.
func TestCommonPasswords(t *testing.T) {
	for _, pair := range [][2]string{
		{"password12345678", "passable12379845"},
		{"Password123456!!", "Passwortschutz!!"},
		{"administrator123", "administrator 8 dragons"},
		{"misunderstanding", "misunderstanding bob 7x"},
		{"michaeljennifer", "michael jennifer bongo 7x"},
		{"P@ssw0rdP@ssw0rd", "P@ssw0rd ssw0rdP 9!"},
		{"m1sund3rst4nd1ng", "m1sund3rst4nd1ngxkq"},
		{"m!$under$t@nd!ng", "m!$under$t@ndxkq"},
		{"misunderstanding,,,,,,,,", "misunderstanding,;,.,,;."},
		{"xk9 xk9 xk9 xk9 xk9", "xk9 xk9 xk9 xk9 yl8"},
		{"Summer2024Summer2024", "Summer2024Winter2025"},
		{"qwertyuiopasdfghjkl", "qwertyupasdfzxcqwer"},
		{"lkjhgfdsapoiuytrewq", "lkjhgfdsa8pouytrewq"},
		{"abcdefghijklmnop", "abcdehfgijkmnlop"},
		{"0000000000000000", "0010020300405006"},
		{"98765432109876543210", "98735415926535897932"},
		{"1qaz@WSX3edc$RFV", "1qaz@WSX3ezc$RGV"},
		{"zaq1@WSXcde3$RFV", "zaq1@WSYcfe3$RJV"},
		{"password!@#$%^&*", "password!#@$^%&*"},
		{"qwerty!@#$%^&*()", "qwertz!#@$^%&*)("},
		{"1q2w3e4r5t6y7u8i", "1q2w4e3r5t7y6u8i"},
		{"q1w2e3r4t5y6u7i8", "q1w2e4r3t5y7u6i8"},
	} {
		for i, want := range []bool{true, false} {
			if got, err := isCommon(pair[i], nil); got != want || err != nil {
				t.Errorf("%s is common: %t, %v", pair[i], got, err)
			}
		}
	}
}

func TestOnesOwnWordsAreCommon(t *testing.T) {
	for plain, own := range map[string]string{
		"vandermolen1985":          "vandermolen",
		"brightharborltd password": "brightharborltd",
	} {
		with, err := isCommon(plain, []string{own})
		without, _ := isCommon(plain, nil)
		if !with || without || err != nil {
			t.Errorf("%s is common: %t, without one's own words: %t, %v", plain, with, without, err)
		}
	}
}

// TestTheListIsWhole: an empty or cut list would let everything through.
func TestTheListIsWhole(t *testing.T) {
	ranks, err := wordRanks()
	if err != nil {
		t.Fatal(err)
	}
	for word, rank := range map[string]int{"password": 1, "you": 1, "smith": 1, "christopher": 11} {
		if got := ranks[word]; got != rank {
			t.Errorf("%s has rank %d, want %d", word, got, rank)
		}
	}
	if len(ranks) != 51_958 {
		t.Errorf("%d words", len(ranks))
	}
}

// The longest password there may be, made of nothing that is listed.
func BenchmarkCommonLongest(b *testing.B) {
	plain := strings.Repeat("xq7vjk2w", MaxLength/8-1) + "zzq8jvx3"
	for b.Loop() {
		if is, err := isCommon(plain, nil); is || err != nil {
			b.Fatal(is, err)
		}
	}
}

func keyOf(err error) string {
	if err == nil {
		return ""
	}
	return fault.Of(err).Message
}

func BenchmarkMatch(b *testing.B) {
	p, err := NewPool(secret.NewKeys(time.Now()), DefaultCost, 1, 1)
	if err != nil {
		b.Fatal(err)
	}
	s, _ := p.Hash(b.Context(), "velvet orbit canyon thistle")
	b.ReportAllocs()
	for b.Loop() {
		if ok, _ := p.Match(b.Context(), s, "velvet orbit canyon thistle"); !ok {
			b.Fatal("no match")
		}
	}
}

// guard: the lane in MatchCode; a hash without a pepper outlives every key
func TestCodesAreHashedWithoutAKey(t *testing.T) {
	p := newPool(t, 2, 10)
	hash, err := p.HashCode(t.Context(), "01AB4DEFGH7KZ")
	if err != nil || !strings.HasPrefix(hash, "$argon2id$") {
		t.Fatalf("%s: %v", hash, err)
	}
	other := newPool(t, 2, 10) // with other keys
	for _, c := range []struct {
		hash, code string
		want       bool
	}{{hash, "01AB4DEFGH7KZ", true}, {hash, "01AB4DEFGH7K0", false}, {hash, "", false}, {"", "01AB4DEFGH7KZ", false},
		{"", "", false}} {
		if ok, err := other.MatchCode(t.Context(), "t", "u", c.hash, c.code); ok != c.want || err != nil {
			t.Errorf("%q is %v: %v", c.code, ok, err)
		}
	}
}
