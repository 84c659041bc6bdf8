package demo

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/internal/authenticator/totp"
)

func who(t *testing.T, email string) person {
	t.Helper()
	for _, c := range companies {
		for _, p := range c.People {
			if p.Email == email {
				return p
			}
		}
	}
	t.Fatalf("no one is %s", email)
	return person{}
}

// until asks for a page until it says something.
func (v *visitor) until(address, words string) sheet {
	v.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(25 * time.Millisecond) {
		if page := v.get(address); strings.Contains(page.body, words) {
			return page
		}
	}
	v.t.Fatalf("%s never says %q", address, words)
	return sheet{}
}

// typed is the code that the app of a name shows on the mobile.
func (d *Demo) typed(t *testing.T, whose string) string {
	t.Helper()
	for _, a := range d.mobile.holds().Apps {
		if a.Whose == whose {
			code, _ := a.Code(d.house.DB.Now())
			return code
		}
	}
	t.Fatalf("no app of %s on the mobile", whose)
	return ""
}

func TestPAR5ATextComesToTheMobile(t *testing.T) {
	d := start(t)
	v, ravi := newVisitor(t), who(t, "ravi@larkspur.example")
	v.get(d.URL).says(t, "text messages to")
	page := v.signInAt(d, d.at.Dashboard, ravi)
	page.says(t, `autocomplete="one-time-code"`)
	v.until(d.at.Demo+"/mobile", "is your code for Harbor").says(t, "Ravi Anand", "@localhost")
	code := codeIn(d.gateway.newestFirst()[0].Body)
	v.until(d.at.SignIn+"/signin/delivery", `"delivered"`)
	v.post(d.at.SignIn+"/signin/code", "code", code).says(t, "Good to see you, Ravi Anand",
		"password, then code by text message", "two factors")
}

func TestTheGatewayHasMoods(t *testing.T) {
	for mood, state := range map[string]string{noSignal: `"bounced"`, refusing: `"bounced"`} {
		t.Run(mood, func(t *testing.T) {
			d := start(t)
			v := newVisitor(t)
			v.post(d.at.Demo+"/mobile/signal", "mood", mood).says(t, `aria-pressed="true"`)
			v.signInAt(d, d.at.Dashboard, who(t, "ravi@larkspur.example"))
			v.until(d.at.SignIn+"/signin/delivery", state)
			if texts := d.gateway.newestFirst(); len(texts) != 0 {
				t.Errorf("%d texts came", len(texts))
			}
		})
	}
}

func TestPAR8EitherAppOfOnePerson(t *testing.T) {
	d := start(t)
	elena := who(t, "elena@larkspur.example")
	for _, whose := range []string{"Elena Duarte, Work phone", "Elena Duarte, Desktop"} {
		v := newVisitor(t)
		v.signInAt(d, d.at.Dashboard, elena)
		v.post(d.at.SignIn+"/signin/code", "code", d.typed(t, whose)).says(t, "Good to see you, Elena Duarte",
			"password, then code of an app")
	}
}

var keyOnPage = regexp.MustCompile(`otpauth://totp/[^"<&]+(?:&amp;[^"<&]+)*`)

func TestALP5TheMobileReadsASetUpPage(t *testing.T) {
	d := start(t)
	v, hugo := newVisitor(t), who(t, "hugo@alder.example")
	v.signInAt(d, d.at.Dashboard, hugo)
	v.stepUp(d, v.post(d.at.SignIn+"/profile/add/totp")) // a fresh proof first: a code to the mailbox
	v.post(d.at.SignIn+"/signin/code", "code", d.code(t, hugo.Email, 1))
	page := v.post(d.at.SignIn + "/profile/add/totp")
	found := strings.ReplaceAll(keyOnPage.FindString(page.body), "&amp;", "&")
	if found == "" {
		t.Fatalf("no key on %s:\n%s", page.at, page.body)
	}
	v.post(d.at.Demo+"/mobile/apps", "key", found).says(t, "hugo@alder.example (Alder &amp; Finch Accountants)")
	app, err := totp.ReadApp(found)
	if err != nil {
		t.Fatal(err)
	}
	code, _ := app.Code(d.house.DB.Now())
	page = v.post(d.at.SignIn+"/profile/add/totp/confirm", "draft", page.field(t, "draft"), "code", code,
		"name", "Mobile")
	if page.status != http.StatusOK || page.at.Path != "/profile/add/backup" {
		t.Errorf("after the first code: %d %s\n%s", page.status, page.at, page.body)
	}
	v.get(d.URL).says(t, "set up an app, Mobile", "app Mobile")
}

func TestTheMobileRefusesWhatIsNoKey(t *testing.T) {
	d := start(t)
	page := newVisitor(t).post(d.at.Demo+"/mobile/apps", "key", "not a key")
	if page.status != http.StatusUnprocessableEntity {
		t.Errorf("status %d", page.status)
	}
	page.says(t, "neither a key nor", `value="not a key"`)
}

func TestALP9APrintedCodeOpens(t *testing.T) {
	d := start(t)
	v, greta := newVisitor(t), who(t, "greta@alder.example")
	all := d.mobile.holds().Sheets
	i := slices.IndexFunc(all, func(s sheetOfCodes) bool { return s.Whose == greta.Name })
	if i < 0 || len(all[i].Codes) != 10 {
		t.Fatalf("sheets: %+v", all)
	}
	sheet := all[i]
	v.signInAt(d, d.at.Dashboard, greta)
	ways := v.get(d.at.SignIn + "/signin/other")
	ways.says(t, "ackup code")
	v.post(d.at.SignIn+"/signin/other", "id", ways.field(t, "id"))
	v.post(d.at.SignIn+"/signin/code", "code", sheet.Codes[3]).says(t, "9 ")
	v.get(d.at.Dashboard+"/sign-in").says(t, "Good to see you, Greta Lindqvist", "password, then backup code")
}

func TestVOI12AReminderCountsTheDays(t *testing.T) {
	d := start(t)
	v, wen := newVisitor(t), who(t, "wen@northgate.example")
	v.get(d.URL).says(t, "and a reminder to set up a method.")
	v.signInAt(d, d.at.Dashboard, wen)
	v.post(d.at.SignIn+"/signin/code", "code", d.code(t, wen.Email, 1)).says(t, "3 days")
	v = newVisitor(t)
	v.post(d.at.Demo+"/decide/set-up", "company", "northgate", "set-up", "first").says(t,
		"and then set-up comes first.")
	if page := v.signInAt(d, d.at.Dashboard, who(t, "dev@northgate.example")); page.at.Path != "/signin/code" {
		t.Errorf("past the date a password leads to %s", page.at)
	}
}
