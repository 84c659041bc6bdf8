package acceptance

import (
	"net/url"
	"strings"
	"testing"

	"countersign/acceptance/rig"
)

// The pages of the vendor's staff.
const (
	pathDesk      = "/desk"
	pathCompanies = "/desk/companies"
)

// staff are an operator and a person of support, who are signed in, in a world of their own.
type staff struct {
	*rig.World
	operator, support         *rig.Person
	operatorUser, supportUser *rig.User
}

// hire makes the vendor's staff by the first run and the command line, and signs them in.
func hire(t *testing.T, w *rig.World) staff {
	t.Helper()
	s := staff{World: w, operator: w.Person(t), support: w.Person(t)}
	s.operatorUser = &rig.User{Email: "vera@vendor.example.test", Password: "canary first operator of all"}
	token := w.A.Printed(t, printedToken)
	s.operator.Get("/setup").Expect(t, 200)
	s.operator.Post("/setup", form("token", token, "company", "Vendor", "name", "Vera Vendor",
		"email", s.operatorUser.Email, "password", s.operatorUser.Password)).Expect(t, 200)
	s.supportUser = &rig.User{Email: "sam@vendor.example.test", Password: "canary second battery support"}
	vendor := w.Texts(t, `SELECT tenant_id FROM tenants WHERE kind = 'vendor'`)[0]
	if out, err := w.TryCLI(s.supportUser.Password+"\n", "user", "create", "--tenant", vendor, "--name", "Sam Support",
		"--email", s.supportUser.Email, "--role", "support", "--password-stdin"); err != nil {
		t.Fatalf("create support: %v %s", err, out)
	}
	administer(t, w, s.operator, s.operatorUser, "/desk/companies/new")
	administer(t, w, s.support, s.supportUser, pathCompanies)
	return s
}

// eachStaffed is EachFresh with the vendor's staff.
func eachStaffed(t *testing.T, o rig.Options, fn func(t *testing.T, s staff)) {
	t.Helper()
	rig.EachFresh(t, o, func(t *testing.T, w *rig.World) { fn(t, hire(t, w)) })
}

// TestTheDeskIsForTheVendorsStaff: it shows companies, and only operators change them.
func TestTheDeskIsForTheVendorsStaff(t *testing.T) {
	eachStaffed(t, rig.Options{}, func(t *testing.T, s staff) {
		for _, p := range []*rig.Person{s.operator, s.support} {
			p.Get("/").Expect(t, 200, "Vendor desk")
			p.Get(pathDesk).Expect(t, 200, "Companies", "your own staff")
		}
		createsACompany(t, s)
		findsCompanies(t, s)
		suspendsAndResumes(t, s)
		onlyLooks(t, s)
		staysAway(t, s)
	})
}

func createsACompany(t *testing.T, s staff) {
	t.Helper()
	s.operator.Get(pathCompanies+"/new").Expect(t, 200, "Create a company")
	s.operator.Submit(pathCompanies+"/new", "company", "Acme Travel", "id", "acme", "name", "Olga Owner", "email",
		s.operatorUser.Email).Expect(t, 409)
	if n := s.Number(t, `SELECT count(*) FROM tenants WHERE tenant_id = 'acme'`); n != 0 {
		t.Error("a company without its owner was made")
	}
	s.operator.Submit(pathCompanies+"/new", "email", "olga@acme.example.test").
		Expect(t, 200, "Its owner has an invitation", "Acme Travel", "Olga Owner", "Invited, no password yet")
	s.Sink.Mail(t, "olga@acme.example.test", 1)
	s.operator.Get(pathCompanies + "/new")
	s.operator.Submit(pathCompanies+"/new", "company", "Other", "id", "acme", "name", "Otto", "email",
		"otto@acme.example.test").Expect(t, 409)
}

func findsCompanies(t *testing.T, s staff) {
	t.Helper()
	for _, q := range []string{"?q=ACME", "?q=travel", "?state=active&q=acme"} {
		s.support.Get(pathCompanies+q).Expect(t, 200, "Acme Travel")
	}
	for _, q := range []string{"?q=%25", "?q=nobody", "?state=suspended"} {
		s.support.Get(pathCompanies+q).Expect(t, 200, "No companies match.")
	}
	s.support.Get(pathCompanies+"?q="+strings.Repeat("x", 999)+"&state=odd&after=%27%20OR%201=1&from=x").Expect(t, 200)
}

func suspendsAndResumes(t *testing.T, s staff) {
	t.Helper()
	c := s.NewTenant(t, "--mandate", "default_off")
	owner := member(t, s.World, c, "Olga", "owner")
	path := pathCompanies + "/" + c.ID
	inside := s.Person(t)
	administer(t, s.World, inside, owner, "/").Expect(t, 200, "Manage your company")
	s.operator.Get(path+"/suspend").Expect(t, 200, "1 user is signed out at once", "Type", "We’ll email")
	for _, form := range []url.Values{
		{"company": {"Company " + c.ID}},
		{"reason": {"Unpaid"}},
		{"reason": {"Unpaid"}, "company": {c.ID}},
	} {
		s.operator.Post(path+"/suspend", form).Expect(t, 422)
	}
	s.operator.Get(path + "/suspend")
	s.operator.Submit(path+"/suspend", "reason", "Unpaid since June", "company", "Company "+c.ID).
		Expect(t, 200, "Company suspended.", "Suspended since")
	if mail := s.Sink.About(t, owner.Email, "is suspended"); !strings.Contains(mail.Text, "Unpaid since June") {
		t.Errorf("the mail gives no reason: %s", mail.Text)
	}
	if inside.SignedIn() {
		t.Error("a session of the company is open")
	}
	s.support.Get(pathCompanies+"?state=suspended").Expect(t, 200, "Company "+c.ID)
	s.operator.Get(path + "/resume")
	s.operator.Submit(path+"/resume", "reason", "Paid").Expect(t, 200, "Company resumed.")
	s.Sink.About(t, owner.Email, "can sign in again")
	again := s.Person(t)
	again.Get("/signin")
	again.Password(owner.Email, owner.Password)
	if !again.SignedIn() {
		t.Error("no one signs in again")
	}
}

// onlyLooks: support sees a company and its people, and changes nothing.
func onlyLooks(t *testing.T, s staff) {
	t.Helper()
	path := pathCompanies + "/acme"
	page := s.support.Get(path).Expect(t, 200, "Acme Travel", "Olga Owner", "not change it")
	if page.Says("Suspend company") {
		t.Error("support is offered a change")
	}
	users := s.support.Get(path+"/users").Expect(t, 200, "Olga Owner", "olga@acme.example.test", "2FA status")
	if strings.Contains(users.Body, "<form method=\"post\" action=\"/desk") {
		t.Error("the list of people has a form")
	}
	form := url.Values{"reason": {"Unpaid"}, "company": {"Acme Travel"}}
	s.support.Post(path+"/suspend", form).Expect(t, 403)
	s.support.Get(path+"/suspend").Expect(t, 403)
	s.support.Get(pathCompanies+"/new").Expect(t, 403)
	s.support.Post(pathCompanies+"/new", url.Values{"company": {"X"}, "name": {"X"}, "email": {"x@x.test"}}).
		Expect(t, 403)
	if n := s.Number(t, `SELECT count(*) FROM tenants WHERE suspended_at > 0`); n != 0 {
		t.Errorf("%d companies are suspended", n)
	}
	s.support.Get(pathCompanies+"/nowhere").Expect(t, 404)
	if recorded := s.Number(t, `SELECT count(*) FROM audit_events WHERE tenant_id = 'acme' AND result = 'refused'
		AND action = 'tenant.suspended'`); recorded == 0 {
		t.Error("the refusal is not recorded")
	}
}

// staysAway: people of a company do not learn that the desk has pages about them.
func staysAway(t *testing.T, s staff) {
	t.Helper()
	owner := member(t, s.World, s.NewTenant(t, "--mandate", "default_off"), "Olga", "owner")
	p := s.Person(t)
	if administer(t, s.World, p, owner, "/").Says("Vendor desk") {
		t.Error("an owner is shown the desk")
	}
	for _, path := range []string{pathDesk, pathCompanies, pathCompanies + "/acme", pathCompanies + "/nowhere",
		pathCompanies + "/" + owner.Tenant.ID, pathCompanies + "/acme/users"} {
		p.Get(path).Expect(t, 403)
	}
}
