package pages

import (
	"strings"
	"testing"

	"countersign/internal/secret"
)

// FuzzReferences: whatever a cookie holds, few references are read, each is one, and
// putting one in front of the others keeps it readable and first.
func FuzzReferences(f *testing.F) {
	token, _ := secret.NewToken()
	one := secret.Reference{Tenant: "harbor", ID: "0abc", Token: token}
	text := one.Text().Reveal()
	for _, seed := range []string{"", "~", text, text + "~" + text, strings.Repeat(text+"~", 40), text + "~~x", "a.b.c",
		text + "\x00~" + text} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, cookie string) {
		all := References(cookie)
		if len(all) > maxReferences {
			t.Fatalf("%d references", len(all))
		}
		for _, r := range all {
			if again, err := secret.ParseReference(r.Text().Reveal()); err != nil || again != r ||
				!strings.Contains(cookie, r.Text().Reveal()) {
				t.Fatalf("%q was read as %v", cookie, r)
			}
		}
		with := References(WithReference(cookie, one))
		if len(with) == 0 || with[0] != one || len(with) > maxReferences {
			t.Fatalf("%d references, the newest not in front", len(with))
		}
		for _, r := range with[1:] {
			if r.ID == one.ID {
				t.Fatal("an older token of the same row stays")
			}
		}
	})
}
