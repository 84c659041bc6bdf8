package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// The companies that rows C-1 to C-4 ask about. Both are in one installation, and so the small one is what the large
// one is compared with.
const (
	largeCompany  = 0
	smallCompany  = 1
	vendorCompany = 2 // its person is an operator
	smallPeople   = 1000
	smallEvents   = 1000
)

// question is a page that someone asks for again and again.
type question struct {
	row, what, path string
	file            bool // a download: only its first bytes are read
	desk            bool // of the vendor's operator, not of the company's owner
}

// asker is a company and who asks about it.
type asker struct {
	name    string
	company int
	people  int
}

// measureConsole builds an installation with a company of many people and many audit events, and asks for the pages of
// its owner and of the vendor's operator.
func measureConsole(ctx context.Context, other *world, r *report) error {
	m := *other.machine
	m.o.tenants = m.o.deskCompanies
	w, err := newWorld(ctx, &m, other.engine, m.o.deskCompanies)
	if err != nil {
		return err
	}
	defer w.close()
	began := time.Now()
	if err := w.layConsole(ctx); err != nil {
		return fmt.Errorf("lay the console's rows: %w", err)
	}
	said("%s: %d people and %d audit events in the large company, laid in %s", w.engine, m.o.people, m.o.events,
		time.Since(began).Round(time.Second))
	for _, q := range questions() {
		for _, a := range q.askers(m.o) {
			if err := w.ask(ctx, r, q, a); err != nil && ctx.Err() == nil {
				r.note("%s: no figure: %v", w.engine, err) // it took so long that the server gave up
			}
		}
	}
	return nil
}

// askers are the companies that a question is about: only the large one where it is about all of them.
func (q question) askers(o options) []asker {
	large := asker{"large", largeCompany, o.people}
	if q.desk && !strings.Contains(q.path, "{company}") {
		return []asker{large}
	}
	return []asker{{"small", smallCompany, smallPeople}, large}
}

// ask measures one question with one client.
func (w *world) ask(ctx context.Context, r *report, q question, a asker) error {
	cookie, err := w.administrator(ctx, q, a)
	if err != nil {
		return err
	}
	path := w.fill(q, a)
	do := func(c *conn, _ int) error { return c.expect(c.get(path, addressOf(7), cookie), 200) }
	if q.file {
		do = func(c *conn, _ int) error { return c.firstBytes(path, addressOf(7), cookie) }
	}
	sp := spec{
		row:   q.row,
		what:  q.what + ", " + a.name,
		least: w.least(),
		quiet: !q.file,
		task:  func(stock) (task, error) { return do, nil },
	}
	return w.measure(ctx, r, sp, 1)
}

// least is how often a page is asked for, no matter how long that takes.
func (w *world) least() int {
	if w.o.hurry {
		return 1
	}
	return 5
}

// administrator signs the owner of a company in, or the operator, and returns the cookie.
func (w *world) administrator(ctx context.Context, q question, a asker) (string, error) {
	it := item{user: a.company, serial: w.serial, shift: time.Now().UnixMicro() - w.pattern.started}
	if q.desk {
		it.user = vendorCompany
	}
	w.serial++
	err := w.lay(ctx, w.recipes(setSession), 1, func(int) item { return it })
	return w.cookie("session", "sessions", it), err
}

// fill puts what a question asks for into its address: the company, and someone in its middle.
func (w *world) fill(q question, a asker) string {
	someone := w.member(a.company, a.people/2)
	return strings.NewReplacer("{company}", companyID(a.company), "{person}", w.userOf(someone),
		"{email}", url.QueryEscape(emailOf(someone.user))).Replace(q.path)
}

// questions are all pages and filters that are measured.
func questions() []question {
	return slices.Concat(userQuestions(), activityQuestions(), deskQuestions())
}

func userQuestions() (out []question) {
	users := func(row, what, query string) {
		out = append(out, question{
			row:  row,
			what: what,
			path: "/company/users" + query,
		})
	}
	users("C-1", "users", "")
	users("C-1", "users, from the middle", "?after={person}")
	for _, status := range []string{"pending", "activated", "disabled"} {
		users("C-1", "users, status "+status, "?status="+status)
	}
	for _, role := range []string{"owner", "supervisor", "agent"} {
		users("C-1", "users, role "+role, "?role="+role)
	}
	users("C-1", "users, a first name", "?q=amara")
	users("C-1", "users, an address", "?q={email}")
	users("C-1", "users, a text that no one has", "?q=zzzz")
	for _, view := range []string{
		"owners_with_one_method", "email_or_sms_only", "never_signed_in", "invited", "disabled_accounts", "no_way_in",
		"wait_after_reset", "mail_stops", "mail_bounces", "shared_mailbox", "mail_unproved", "never_invited",
		"invitation_ended", "accepted_never_signed_in",
	} {
		users("C-2", "view "+view, "?view="+view)
	}
	return append(out,
		question{
			row:  "C-2",
			what: "a person",
			path: "/company/users/{person}",
		},
		question{
			row:  "C-2",
			what: "security",
			path: "/company/security",
		},
		question{
			row:  "C-2",
			what: "readiness report",
			path: "/company/security/check",
		},
		question{
			row:  "C-2",
			what: "assurance",
			path: "/company/security/assurance",
		},
		question{
			row:  "C-2",
			what: "sharing",
			path: "/company/sharing",
		},
		question{
			row:  "C-2",
			what: "export of users, first bytes",
			path: "/company/users/export",
			file: true,
		},
	)
}

func activityQuestions() (out []question) {
	activity := func(what, query string) {
		out = append(out, question{
			row:  "C-3",
			what: what,
			path: "/company/activity" + query,
		})
	}
	activity("activity", "")
	activity("activity, a person", "?user={person}")
	for _, kind := range []string{"sign_ins", "methods", "people", "rules", "sessions"} {
		activity("activity, kind "+kind, "?kind="+kind)
	}
	for _, result := range []string{"ok", "failed", "refused"} {
		activity("activity, result "+result, "?result="+result)
	}
	for _, days := range []string{"1", "7", "30"} {
		activity("activity, days "+days, "?days="+days)
	}
	activity("activity, address of an office", "?ip="+officeAddress)
	activity("activity, address of one event", "?ip="+rareAddress)
	activity("activity, address of no event", "?ip=203.0.113.77")
	activity("activity, kind rules, refused, 30 days", "?kind=rules&result=refused&days=30")
	activity("activity, text: a first name", "?q=amara")
	activity("activity, text: an address", "?q={email}")
	activity("activity, text: words of an event", "?q=signed+in")
	activity("activity, text: words of a rare event", "?q=invited")
	activity("activity, text: a request", "?q="+rareRequest)
	activity("activity, text: no event", "?q=zzzz")
	activity("activity, an app", "?app=bench-app")
	activity("activity, an app of no event", "?app=other")
	activity("activity, a network", "?network=198.51.100.0/24")
	activity("activity, a network of no event", "?network=203.0.113.0/24")
	activity("activity, a place", "?place=madrid")
	activity("activity, a place of no event", "?place=atlantis")
	activity("activity, done by a person", "?actor={person}")
	activity("activity, done by someone else", "?by=other")
	activity("activity, done on the server", "?by=server")
	activity("activity, request of one event", "?request="+rareRequest)
	activity("activity, dates", "?from=2020-01-01&until=2099-12-31")
	activity("activity, before all events", "?until=2020-01-01")
	activity("activity, text: a first name; an app of no event", "?q=amara&app=other")
	activity("activity, a person, a place of no event", "?user={person}&place=atlantis")
	activity("activity, kind people, a network of no event", "?kind=people&network=203.0.113.0/24")
	return append(out,
		question{
			row:  "C-3",
			what: "export of activity, first bytes",
			path: "/company/activity/export",
			file: true,
		})
}

func deskQuestions() (out []question) {
	desk := func(what, path string) {
		out = append(out, question{
			row:  "C-4",
			what: what,
			path: path,
			desk: true,
		})
	}
	desk("desk, adoption of a company", "/desk/companies/{company}/adoption")
	desk("desk, adoption of all", "/desk/adoption")
	desk("desk, companies and delivery in a line", "/desk/companies")
	desk("desk, companies by text", "/desk/companies?q=company-0000")
	desk("desk, companies that are suspended", "/desk/companies?state=suspended")
	desk("desk, a company", "/desk/companies/{company}")
	desk("desk, users of a company", "/desk/companies/{company}/users")
	desk("desk, delivery", "/desk/delivery")
	return out
}

// firstBytes posts the form of a download, reads where the answer begins, and hangs up.
func (c *conn) firstBytes(path, ip, cookies string) error {
	c.close()
	if err := c.dial(); err != nil {
		return err
	}
	defer c.close()
	c.writePost(path, ip, cookies, "format=csv")
	_ = c.c.SetDeadline(time.Now().Add(answerWithin))
	if _, err := c.c.Write(c.out); err != nil {
		return err
	}
	line, err := c.r.ReadString('\n')
	if err != nil {
		return err
	}
	if len(line) < 12 || line[9:12] != "200" {
		return fmt.Errorf("a download answers %q", line)
	}
	for line != "\r\n" {
		if line, err = c.r.ReadString('\n'); err != nil {
			return err
		}
	}
	if _, err := c.r.Peek(8); err != nil {
		return errors.Join(errors.New("a download without bytes"), err)
	}
	return nil
}
