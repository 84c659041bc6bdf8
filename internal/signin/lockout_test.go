package signin_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"

	"countersign/internal/authenticator"
	"countersign/internal/authenticator/passkey/passkeytest"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/firststep"
	"countersign/internal/jobs"
	"countersign/internal/message/email"
	"countersign/internal/secret"
	"countersign/internal/signin"
	"countersign/internal/user"
)

// siege is three hours in which someone keeps attacking one account, and its owner keeps
// signing in: in a browser that the account knows, in a remembered one, with a passkey from
// another account that is attacked alike, and every time in one more new browser.
type siege struct {
	*house
	t          *testing.T
	maria      string
	keyed      string // the account with the passkey
	passkey    *passkeytest.Key
	device     secret.Reference
	remembered secret.Reference
	used       map[string]bool
	tries      int // the attacker's passwords that were compared with maria's
	guesses    int // the attacker's codes that were compared
}

const siegeLasts = 3 * time.Hour

// attacks are what a stranger does in one minute, from minute 0 on. In an hour, twenty passwords
// of strangers are compared at once, eight more while their wait grows to fifteen minutes, and
// then four; and in a day five for each network that has waited for the others. One network alone
// has five, eight and four.
var attacks = []struct {
	name    string
	attack  func(s *siege, minute int)
	tries   int // the most passwords of maria's that may be compared
	guesses int // the most codes that may be compared
	natted  bool
}{
	{name: "eight networks guess the password", attack: (*siege).eightNetworks, tries: 3*32 + 8*5},
	{name: "someone who knows the password asks and guesses", attack: (*siege).knowsPassword, guesses: 30},
	{name: "neighbours behind the owner's own address", attack: (*siege).neighbours, tries: 3 * 17, natted: true},
	{name: "every password at every account", attack: (*siege).sprays, tries: 3*32 + 12*5},
}

// guard: flow.Spender, limitTurn, chargeable, admitted
func TestATK12_NothingThatAStrangerDoesKeepsTheOwnerOut(t *testing.T) {
	for _, a := range attacks {
		t.Run(a.name, func(t *testing.T) {
			withPasskeys(t, func(t *testing.T, h *house) {
				s := newSiege(t, h)
				for minute := range int(siegeLasts / time.Minute) {
					a.attack(s, minute)
					h.clock.pass(30 * time.Second)
					if minute%10 == 5 {
						s.owner(minute, a.natted)
					}
					h.clock.pass(30 * time.Second)
				}
				t.Logf("%d passwords and %d codes compared", s.tries, s.guesses)
				if s.tries > a.tries {
					t.Errorf("%d passwords of the attacker were compared, %d may be", s.tries, a.tries)
				}
				if s.guesses > a.guesses {
					t.Errorf("%d codes of the attacker were compared, %d may be", s.guesses, a.guesses)
				}
			})
		})
	}
}

func newSiege(t *testing.T, h *house) *siege {
	t.Helper()
	s := &siege{house: h, t: t, maria: "maria@company.test", keyed: "keyed@company.test", used: map[string]bool{}}
	h.newUser(h.company, s.keyed, user.Agent)
	s.passkey = h.bindPasskey(h.company, s.keyed, virtualwebauthn.AuthenticatorOptions{})
	s.device = h.signIn(s.maria, "dashboard", false).Device
	s.remembered = *h.signIn(s.maria, "dashboard", true).Remembered
	return s
}

func from(ip string, a firststep.Attempt) firststep.Attempt {
	a.Visitor.IP = ip
	return a
}

// wrong gives a wrong password and counts whether it was compared.
func (s *siege) wrong(ip, address string) {
	step, err := s.SubmitPassword(s.t.Context(), from(ip, attempt(address, "a wrong password", "dashboard")))
	if _, compared := step.(signin.AskPassword); compared && err == nil && address == s.maria {
		s.tries++
	}
}

// pester asks for links, as often as it may, for the account and for no one.
func (s *siege) pester(ip string) {
	for _, address := range []string{s.maria, s.keyed, "nobody@company.test"} {
		v := visitor
		v.IP = ip
		if err := s.FirstStep.AskAdmission(s.t.Context(), address, v); err != nil {
			s.t.Errorf("asking for a link: %v", err)
		}
	}
	s.mailLinks()
}

func (s *siege) eightNetworks(int) {
	for i := range 8 {
		ip := fmt.Sprintf("198.51.100.%d", i)
		s.wrong(ip, s.maria)
		s.wrong(ip, s.maria)
	}
	s.wrong("198.51.100.1", s.keyed)
	s.pester("198.51.100.1")
}

// knowsPassword opens sign-ins, asks for new codes and guesses, all without end.
func (s *siege) knowsPassword(int) {
	for range 2 {
		step, err := s.SubmitPassword(s.t.Context(),
			from("198.51.100.66", attempt(s.maria, rightPassword, "dashboard")))
		ask, ok := step.(signin.AnswerCode)
		if err != nil || !ok {
			continue
		}
		for range 6 {
			step, err := s.Respond(s.t.Context(), *ask.Flow, authenticator.Response{Code: "000000"}, false, visitor)
			if _, done := step.(signin.Done); done {
				s.t.Fatal("the attacker guessed the code")
			}
			if again, ok := step.(signin.AnswerCode); err == nil && ok && again.Problem == "code.problem.wrong" {
				s.guesses++
			} else if spent, ok := step.(signin.CodeSpent); err == nil && ok && !spent.Expired && again.Problem == "" {
				s.guesses++
				break
			}
		}
		_, _ = s.NewCode(s.t.Context(), *ask.Flow, visitor)
	}
	s.pester("198.51.100.66")
}

func (s *siege) neighbours(minute int) {
	for i := range 7 {
		s.wrong(visitor.IP, fmt.Sprintf("neighbour-%d-%d@company.test", minute, i))
	}
	s.wrong(visitor.IP, s.maria)
	s.wrong(visitor.IP, s.keyed)
	s.pester(visitor.IP)
}

func (s *siege) sprays(minute int) {
	for i := range 12 {
		ip := fmt.Sprintf("192.0.2.%d", i)
		s.wrong(ip, fmt.Sprintf("person%d@company.test", (minute*12+i)%500))
		if i%4 == minute%4 {
			s.wrong(ip, s.maria)
		}
	}
	s.wrong("192.0.2.1", s.keyed)
}

// owner signs in, in every way.
func (s *siege) owner(minute int, natted bool) {
	at := fmt.Sprintf("minute %d", minute)
	known := attempt(s.maria, rightPassword, "dashboard")
	known.Devices = []secret.Reference{s.device}
	if done, ok := s.through(known); ok {
		s.device = done.Device
	} else {
		s.t.Errorf("%s: the known browser was kept out", at)
	}
	again := attempt(s.maria, rightPassword, "dashboard")
	again.Presented = []secret.Reference{s.remembered}
	if done, ok := s.through(again); ok && done.Remembered != nil {
		s.remembered = *done.Remembered
	} else {
		s.t.Errorf("%s: the remembered browser was kept out", at)
	}
	if _, ok := s.alone(s.passkey).(signin.Done); !ok {
		s.t.Errorf("%s: the passkey was kept out", at)
	}
	fresh := attempt(s.maria, rightPassword, "dashboard")
	if !natted {
		fresh.Visitor.IP = fmt.Sprintf("203.0.113.%d", 100+minute/10)
	}
	if _, ok := s.through(fresh); ok {
		return
	}
	fresh.Admission = s.letIn(s.maria, fresh.Visitor.IP) // one mail
	if _, ok := s.through(fresh); !ok {
		s.t.Errorf("%s: a new browser was kept out in spite of the link", at)
	}
}

// through signs in with password and code, without waiting for anything but the mail.
func (s *siege) through(a firststep.Attempt) (signin.Done, bool) {
	step, err := s.SubmitPassword(s.t.Context(), a)
	if done, ok := step.(signin.Done); ok {
		return done, true
	}
	ask, ok := step.(signin.AnswerCode)
	if err != nil && !fault.Is(err, fault.RateLimited) {
		s.t.Fatal(err)
	}
	if err != nil || !ok || ask.Problem != "" {
		return signin.Done{}, false
	}
	step, err = s.Respond(s.t.Context(), *ask.Flow, authenticator.Response{Code: s.codeOf(ask.Reference)},
		false, a.Visitor)
	done, ok := step.(signin.Done)
	return done, err == nil && ok
}

// codeOf is the code of the mail that has this reference.
func (s *siege) codeOf(reference string) string {
	s.deliver()
	all := s.post.codes(s.t)
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].Reference == reference {
			return all[i].Code
		}
	}
	s.t.Fatalf("no mail has the reference %s", reference)
	return ""
}

// letIn asks for a link, opens the newest one in the mailbox that was not used, and returns what the
// browser keeps of it.
func (s *siege) letIn(address, ip string) secret.Reference {
	s.t.Helper()
	v := visitor
	v.IP = ip
	if err := s.FirstStep.AskAdmission(s.t.Context(), address, v); err != nil {
		s.t.Fatal(err)
	}
	s.mailLinks()
	all := s.links(address)
	for i := len(all) - 1; i >= 0; i-- {
		link := all[i]
		if s.used[link.Link] || !s.clock.now().Before(link.ExpiresAt) {
			continue
		}
		s.used[link.Link] = true
		browser, err := s.FirstStep.UseAdmission(s.t.Context(), admissionOf(s.t, link), v)
		if err != nil {
			s.t.Fatal(err)
		}
		return browser
	}
	s.t.Fatal("there is no link in the mailbox that can be used")
	return secret.Reference{}
}

// mailLinks runs the jobs that mail links, and sends the mails.
func (h *house) mailLinks() {
	h.t.Helper()
	var due []jobs.Job
	err := h.DB.View(h.t.Context(), db.Installation, func(tx *db.Tx) error {
		rows, err := tx.Query(h.t.Context(), `SELECT tenant_id, id, args FROM jobs
			WHERE tenant_id <> '' AND kind = $1 AND done_at = 0`, firststep.JobAdmission)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var j jobs.Job
			if err := rows.Scan(&j.Tenant, &j.ID, &j.Args); err != nil {
				return err
			}
			due = append(due, j)
		}
		return rows.Err()
	})
	if err != nil {
		h.t.Fatal(err)
	}
	for _, j := range due {
		if err := h.FirstStep.MailAdmission(h.t.Context(), j); err != nil {
			h.t.Fatal(err)
		}
		h.in(j.Tenant, func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE jobs SET done_at = $1
				WHERE tenant_id = $2 AND id = $3`, tx.Now, tx.Tenant, j.ID)
			return err
		})
	}
	h.deliver()
}

// links are the mails with a link in one mailbox, the newest last.
func (h *house) links(address string) (out []email.Admission) {
	h.t.Helper()
	h.post.mu.Lock()
	defer h.post.mu.Unlock()
	for _, e := range h.post.mails {
		if e.Template != email.Template(email.Admission{}) || e.To != address {
			continue
		}
		var letter email.Admission
		if err := json.Unmarshal(e.Data, &letter); err != nil {
			h.t.Fatal(err)
		}
		out = append(out, letter)
	}
	return out
}

func admissionOf(t testing.TB, letter email.Admission) secret.Reference {
	t.Helper()
	_, token, _ := strings.Cut(letter.Link, firststep.AdmissionPath)
	ref, err := secret.ParseReference(token)
	if err != nil {
		t.Fatalf("%q: %v", letter.Link, err)
	}
	return ref
}
