package acceptance

import (
	"strings"
	"testing"

	"countersign/acceptance/rig"
)

// TestATK121_AMailToAStrangerHoldsNoWordsOfAUsers: anyone with an account can have a mail sent to any
// address by asking for it as their new one. Nothing that they call themselves or their browser
// goes with it. guard: AddressCode
func TestATK121_AMailToAStrangerHoldsNoWordsOfAUsers(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		const words = "Win at evil.example"
		u := w.Covered(t).Person(t, w.Unique("namer")+"@people.example.test", words+" now", "agent")
		p := w.Person(t)
		p.UserAgent = words + " (http://evil.example/prize)"
		p.Extra.Set("X-Request-Id", "evil.example")
		enter(t, p, u, emailPath)
		mailed(t, w, p, u, 1).Expect(t, 200, "Change your email address")
		to := w.Unique("stranger") + "@people.example.test"
		mail := wish(t, w, p, to, 1)
		for _, held := range []string{"evil", "prize", "Win at"} {
			if strings.Contains(string(mail.Raw), held) || strings.Contains(mail.Text+mail.HTML+mail.Subject, held) {
				t.Errorf("the mail to a stranger holds %q: %s", held, mail.Text)
			}
		}
		if len(mail.Links()) != 0 || mail.Code == "" {
			t.Errorf("links in a mail to a stranger: %v", mail.Links())
		}
	})
}
