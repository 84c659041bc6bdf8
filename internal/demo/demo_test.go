package demo

import (
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/net/html"

	"countersign/internal/client"
	"countersign/internal/db"
)

// seeded is the directory of a demo that was filled and stopped. Filling one takes seconds
// of hashing under the race detector, so most tests begin with a copy.
var seeded struct {
	once sync.Once
	dir  string
}

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(seeded.dir)
		os.Exit(code)
	}))
}

// filled is a directory with a copy of the demo that was filled first.
func filled(t *testing.T) string {
	t.Helper()
	seeded.once.Do(func() {
		dir, err := os.MkdirTemp("", "countersign-filled-")
		if err != nil {
			t.Fatal(err)
		}
		d, err := New(t.Context(), Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		over, stop := context.WithCancel(t.Context())
		stop()
		if err := d.Serve(over); err != nil {
			t.Fatal(err)
		}
		seeded.dir = dir
	})
	if seeded.dir == "" {
		t.Fatal("the demo could not be filled in the test before")
	}
	dir := t.TempDir()
	files, err := os.ReadDir(seeded.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		data, err := os.ReadFile(filepath.Join(seeded.dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, f.Name()), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// start runs a demo on free ports, filled already, and stops it with the test.
func start(t *testing.T) *Demo {
	t.Helper()
	return startIn(t, filled(t))
}

// startIn is start in a directory; an empty name is one that the demo makes and removes.
func startIn(t *testing.T, dir string) *Demo {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	d, err := New(ctx, Options{Dir: dir})
	if err != nil {
		stop()
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- d.Serve(ctx) }()
	t.Cleanup(func() {
		stop()
		select {
		case err := <-ended:
			if err != nil {
				t.Error("the demo did not stop cleanly:", err)
			}
		case <-time.After(patience):
			t.Error("the demo does not stop")
		}
	})
	return d
}

// patience is how long anything may take on a busy machine.
const patience = time.Minute

// visitor is a browser without scripts. Its cookies do not tell ports apart, as in a real one.
type visitor struct {
	t    *testing.T
	http *http.Client
}

func newVisitor(t *testing.T) *visitor {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	return &visitor{t, &http.Client{Jar: jar, Transport: tr, Timeout: patience}}
}

// sheet is a page as it was received.
type sheet struct {
	status int
	at     *url.URL
	header http.Header
	body   string
}

func (v *visitor) get(address string) sheet {
	v.t.Helper()
	return v.do(http.MethodGet, address, nil)
}

func (v *visitor) post(address string, fields ...string) sheet {
	v.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return v.do(http.MethodPost, address, form)
}

func (v *visitor) do(method, address string, form url.Values) sheet {
	v.t.Helper()
	req, err := http.NewRequestWithContext(v.t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	res, err := v.http.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return sheet{res.StatusCode, res.Request.URL, res.Header, string(body)}
}

// field is the value of a form field of the page.
func (s sheet) field(t *testing.T, name string) string {
	t.Helper()
	z := html.NewTokenizer(strings.NewReader(s.body))
	for z.Next() != html.ErrorToken {
		got := map[string]string{}
		for _, a := range z.Token().Attr {
			got[a.Key] = a.Val
		}
		if got["name"] == name {
			return got["value"]
		}
	}
	t.Fatalf("no field %q on %s", name, s.at)
	return ""
}

func (s sheet) says(t *testing.T, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(s.body, w) {
			t.Errorf("%s does not say %q:\n%s", s.at, w, s.body)
		}
	}
}

// signInAt opens an app and gives the password.
func (v *visitor) signInAt(d *Demo, app string, p person) sheet {
	v.t.Helper()
	page := v.get(app + "/sign-in")
	return v.post(d.at.SignIn+"/signin/password", "to", page.field(v.t, "to"), "email", p.Email, "password", p.Password)
}

// stepUp agrees to the second step, where the page asks before it sends a mail.
func (v *visitor) stepUp(d *Demo, page sheet) sheet {
	v.t.Helper()
	if strings.Contains(page.body, `name="code"`) {
		return page
	}
	return v.post(d.at.SignIn+"/signin/step-up", "to", page.field(v.t, "to"))
}

// output is what a program says, safe to read while it runs.
type output struct {
	mu   sync.Mutex
	text strings.Builder
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

var codeLine = regexp.MustCompile(`(?m)^\s*(\d{6})\s*$`)

// code waits for the n-th mail to an address and reads its code.
func (d *Demo) code(t *testing.T, email string, n int) string {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(25 * time.Millisecond) {
		var mine []letter
		for _, l := range d.mail.newestFirst() {
			if l.To == email {
				mine = append(mine, l)
			}
		}
		if len(mine) >= n {
			found := codeLine.FindStringSubmatch(mine[0].Text)
			if found == nil {
				t.Fatalf("no code in %q", mine[0].Text)
			}
			return found[1]
		}
	}
	t.Fatalf("mail %d to %s does not come", n, email)
	return ""
}

func TestOneSignInEndToEnd(t *testing.T) {
	d := start(t)
	v, maya := newVisitor(t), companies[0].People[0]

	page := v.signInAt(d, d.at.Dashboard, maya)
	if page.status != http.StatusOK || page.at.Path != "/signin/code" {
		t.Fatalf("after the password: %d %s\n%s", page.status, page.at, page.body)
	}
	page = v.post(d.at.SignIn+"/signin/code", "code", d.code(t, maya.Email, 1))
	page.says(t, "Good to see you, Maya Okafor", "Brightwater Travel", "password, then code or link sent by email",
		"password, confirmed by email")

	inbox := v.get(d.at.Demo + "/inbox")
	inbox.says(t, "Maya Okafor", `src="/inbox/1/page"`)
	letter := v.get(d.at.Demo + "/inbox/1/page")
	letter.says(t, `<base target="_blank">`)
	if csp := letter.header.Get("Content-Security-Policy"); !strings.Contains(csp, "sandbox") ||
		!strings.Contains(csp, "default-src 'none'") {
		t.Errorf("a mail is framed with the policy %q", csp)
	}

	v.get(d.URL).says(t, "gave the right password", "was sent a code by email",
		"proved the mailbox by typing the code", "signed in")

	page = v.post(d.at.Dashboard + "/sign-out")
	page.says(t, "You are signed out, here and at the sign-in page.")
	if page = v.get(d.at.Dashboard + "/sign-in"); page.at.Path != "/signin" {
		t.Errorf("after signing out, a sign-in leads to %s", page.at)
	}
}

func TestAIR2PhoneThenDashboardAsksForTheSecondStepOnly(t *testing.T) {
	d := start(t)
	v, priya := newVisitor(t), companies[1].People[0]
	v.signInAt(d, d.at.Phone, priya).says(t, "Priya Raman", "password only")

	page := v.get(d.at.Dashboard + "/sign-in")
	if strings.Contains(page.body, `type="password"`) {
		t.Fatal("the dashboard asks for the password again")
	}
	page = v.stepUp(d, page)
	if page.at.Path != "/signin/code" {
		t.Fatalf("stepping up leads to %s", page.at)
	}
	v.post(d.at.SignIn+"/signin/code", "code", d.code(t, priya.Email, 1)).says(t, "Good to see you, Priya Raman")
}

func TestAIR12ASwitchReachesAnOpenPage(t *testing.T) {
	d := start(t)
	v, sam, fennel := newVisitor(t), companies[1].People[3], companies[1].ID
	v.post(d.at.Demo+"/decide/switch", "company", fennel, "switch", "off").says(t,
		"has not turned on two-factor authentication")
	v.signInAt(d, d.at.Dashboard, sam).says(t, "Good to see you, Sam Doyle", "password only")

	v.post(d.at.Demo+"/decide/switch", "company", fennel, "switch", "on")
	page := v.get(d.at.Dashboard + "/")
	if page.at.Host == strings.TrimPrefix(d.at.Dashboard, "http://") {
		t.Fatalf("the dashboard goes on as before:\n%s", page.body)
	}
}

func TestALO7TheCompanyCannotMoveALockedSwitch(t *testing.T) {
	d := start(t)
	page := newVisitor(t).post(d.at.Demo+"/decide/switch", "company", companies[0].ID, "switch", "off")
	if page.status != http.StatusForbidden {
		t.Errorf("status %d", page.status)
	}
}

func TestTheMailServerCanRefuse(t *testing.T) {
	d := start(t)
	v, leo := newVisitor(t), companies[1].People[1]
	v.post(d.at.Demo+"/inbox/mood", "mood", refusing)
	v.signInAt(d, d.at.Dashboard, leo)
	v.until(d.at.SignIn+"/signin/delivery", `"bounced"`)
}

func TestEveryPageIsGuarded(t *testing.T) {
	d := start(t)
	v := newVisitor(t)
	for _, address := range []string{d.URL, d.at.Demo + "/inbox", d.at.Demo + "/mobile", d.at.Demo + "/assets/demo.css",
		d.at.Dashboard + "/", d.at.Phone + "/", d.at.Dashboard + "/signed-out"} {
		page := v.get(address)
		csp := page.header.Get("Content-Security-Policy")
		if page.status != http.StatusOK || !strings.Contains(csp, "default-src 'none'") ||
			strings.Contains(csp, "unsafe") {
			t.Errorf("%s answers %d with the policy %q", address, page.status, csp)
		}
		if regexp.MustCompile(`<style|style=|<script>|\son[a-z]+=`).MatchString(page.body) {
			t.Errorf("%s holds something inline", address)
		}
	}
	for name, r := range map[string]func(*http.Request){
		"another host name":    func(r *http.Request) { r.Host = "elsewhere.example" },
		"another site's form":  func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"another origin's":     func(r *http.Request) { r.Header.Set("Origin", d.at.Dashboard) },
		"a company not seeded": func(*http.Request) {},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.at.Demo+"/decide/switch",
			strings.NewReader("company=other&switch=off"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r(req)
		res, err := v.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode < 400 {
			t.Errorf("%s: status %d", name, res.StatusCode)
		}
	}
}

func TestKeptDataOpensAgainAndOtherDataGoes(t *testing.T) {
	dir := t.TempDir()
	t.Run("first", func(t *testing.T) { startIn(t, dir) })
	t.Run("again", func(t *testing.T) {
		d := startIn(t, dir)
		v, sam := newVisitor(t), companies[1].People[3]
		v.signInAt(d, d.at.Phone, sam).says(t, "Sam Doyle")
	})

	own := t.TempDir() // where no one else starts a demo meanwhile
	t.Setenv("TMPDIR", own)
	t.Run("without a directory", func(t *testing.T) {
		startIn(t, "")
		if made, err := os.ReadDir(own); len(made) != 1 || !strings.HasPrefix(made[0].Name(), "countersign-demo-") {
			t.Errorf("%v, %v", made, err)
		}
	})
	if left, err := os.ReadDir(own); len(left) != 0 || err != nil {
		t.Errorf("the temporary directory stays: %v, %v", left, err)
	}
}

func TestAddressesInATextPartCanBePressed(t *testing.T) {
	got := letter{Text: "Press\n\nhttps://a.example/l/x\n\nor not: http://b.example/y"}.Pieces()
	want := []piece{{"Press\n\n", false}, {"https://a.example/l/x", true}, {"\n\nor not: ", false},
		{"http://b.example/y", true}, {"", false}}
	if !slices.Equal(got, want) {
		t.Errorf("%+v", got)
	}
}

// A developer's own app on the usual port can sign people in at once.
func TestAnAppOfOnesOwnIsRegistered(t *testing.T) {
	d, err := New(t.Context(), Options{Dir: filled(t)})
	if err != nil {
		t.Fatal(err)
	}
	over, stop := context.WithCancel(t.Context())
	defer func() {
		stop()
		if err := d.Serve(over); err != nil {
			t.Error(err)
		}
	}()
	if d.Issuer != d.at.SignIn {
		t.Errorf("issuer %s", d.Issuer)
	}
	err = d.house.DB.View(t.Context(), db.Installation, func(tx *db.Tx) error {
		c, err := client.ByID(t.Context(), tx, OwnClient)
		if err == nil && (c.Kind != client.Public || !slices.Equal(c.RedirectURIs, []string{OwnRedirect})) {
			t.Errorf("%+v", c)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
