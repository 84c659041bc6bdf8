package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"countersign/internal/secret"
)

// pattern is one true sign-in: what the product wrote at each of its steps, and the names
// in it. Copies of it are laid with other names; so they have whatever the product writes,
// and a step that comes to write more is copied with that.
type pattern struct {
	clientID, clientSecret, verifier string
	app                              string // address of the authorization request
	started                          int64
	access                           string // the access token
	sets                             map[string][]group
	names                            []*name
	byTable                          map[string][]*name
}

// The steps of the pattern.
const (
	setPerson  = "person"  // the account and what hangs on it
	setFlow    = "flow"    // a password was right, the code is on its way
	setSession = "session" // the code was right
	setCode    = "code"    // the app may fetch its tokens
	setTokens  = "tokens"  // it has
)

// name is a text of the pattern that each copy has for itself.
type name struct {
	text    string
	perCopy bool // different in each copy, not only for each person
	make    func(it item) string
}

// item is one copy.
type item struct {
	user   int
	serial uint64 // different for all copies of a world; of a person it is the user's
	shift  int64  // microseconds from the pattern's time to its own
}

// group is rows of one table.
type group struct {
	table   string
	columns []string
	rows    [][]any
}

const (
	patternTenant   = "company-pattern"
	patternEmail    = "pattern-person@people.example.test"
	patternIP       = "192.0.2.250"
	patternPassword = "velvet orbit canyon thistle"
	redirectURI     = "https://app.example.test/callback"
)

var (
	codeLine      = regexp.MustCompile(`(?m)^\s*(\d{6})\s*$`)
	printedSecret = regexp.MustCompile(`(?i)secret[^\n]*?[:=\s]\s*([A-Za-z0-9_-]{20,})`)
)

// takePattern makes a person and an app with the command line and signs that person in by
// HTTP, and keeps after each step which rows are new.
func (w *world) takePattern(ctx context.Context) error {
	p := &w.pattern
	*p = pattern{
		clientID: "bench-app",
		verifier: strings.Repeat("bench-verifier-", 4),
		sets:     map[string][]group{},
		byTable:  map[string][]*name{},
	}
	nothing, err := w.dump(ctx)
	if err != nil {
		return err
	}
	if err := w.found(); err != nil {
		return err
	}
	before, err := w.keepNew(ctx, setPerson, nothing)
	if err != nil {
		return err
	}
	c := &conn{addr: w.replicas[0].addr, keep: true}
	defer c.close()
	flow, code, err := w.patternPassword(ctx, c)
	if err != nil {
		return err
	}
	if before, err = w.keepNew(ctx, setFlow, before); err != nil {
		return err
	}
	if err := w.nameFlow(); err != nil {
		return err
	}
	if err := w.checkState(code); err != nil {
		return err
	}
	if err := c.expect(c.post("/signin/code", patternIP, flow, "code="+code), 303); err != nil {
		return fmt.Errorf("code: %w", err)
	}
	session, resume := cookieNamed(c.cookies, "__Host-session"), string(c.place)
	if before, err = w.keepNew(ctx, setSession, before); err != nil {
		return err
	}
	return w.patternTokens(ctx, c, session, resume, before)
}

// found makes the company, the person and the app.
func (w *world) found() error {
	if _, err := w.cli("", "tenant", "create", "--id", patternTenant, "--name", "Company Pattern", "--mandate",
		"mandatory"); err != nil {
		return err
	}
	_, err := w.cli(patternPassword+"\n", "user", "create", "--tenant", patternTenant, "--email", patternEmail,
		"--name", "Pat Pattern", "--role", "agent", "--password-stdin")
	if err != nil {
		return err
	}
	out, err := w.cli("", "client", "create", "--id", w.pattern.clientID, "--name", "The app", "--kind", "confidential",
		"--redirect-uri", redirectURI, "--home-url", "https://app.example.test/")
	if err != nil {
		return err
	}
	found := printedSecret.FindStringSubmatch(out)
	if found == nil {
		return errors.New("no client secret was printed")
	}
	w.pattern.clientSecret = found[1]
	q := url.Values{
		"client_id": {w.pattern.clientID}, "redirect_uri": {redirectURI}, "response_type": {"code"},
		"scope": {"openid email profile offline_access"},
		"state": {"a-state-of-the-app"}, "nonce": {"a-nonce-of-the-app"},
		"code_challenge": {challengeOf(w.pattern.verifier)}, "code_challenge_method": {"S256"},
	}
	w.pattern.app = "/authorize?" + q.Encode()
	return nil
}

// patternPassword answers the first page and waits for the mail.
func (w *world) patternPassword(ctx context.Context, c *conn) (flow, code string, err error) {
	to, err := w.sealedRequest(c, patternIP)
	if err != nil {
		return "", "", err
	}
	mails := w.sink.count.Load()
	if err := c.expect(c.post("/signin/password", patternIP, "", passwordForm(to, patternEmail)), 303); err != nil {
		return "", "", fmt.Errorf("password: %w", err)
	}
	flow = cookieNamed(c.cookies, "__Host-flow")
	for end := time.Now().Add(10 * time.Second); w.sink.count.Load() == mails && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	if _, quiet := w.settle(ctx); !quiet {
		return "", "", errors.New("the mail did not leave")
	}
	found := codeLine.FindStringSubmatch(w.sink.newest())
	if found == nil || flow == "" {
		return "", "", errors.New("no code in the mail, or no flow cookie")
	}
	return flow, found[1], nil
}

// sealedRequest begins an app's sign-in and returns what the form carries of it.
func (w *world) sealedRequest(c *conn, ip string) (string, error) {
	if err := c.expect(c.get(w.pattern.app, ip, ""), 303); err != nil {
		return "", fmt.Errorf("authorize: %w", err)
	}
	u, err := url.Parse(string(c.place))
	if err != nil || u.Query().Get("to") == "" {
		return "", fmt.Errorf("authorize leads to %s", c.place)
	}
	return u.Query().Get("to"), nil
}

func passwordForm(to, email string) string {
	return url.Values{"to": {to}, "email": {email}, "password": {patternPassword}}.Encode()
}

// patternTokens goes on to the app and fetches the tokens.
func (w *world) patternTokens(ctx context.Context, c *conn, session, resume string, before dump) error {
	if err := c.expect(c.get(resume, patternIP, session), 303); err != nil {
		return fmt.Errorf("resume: %w", err)
	}
	u, err := url.Parse(string(c.place))
	if err != nil {
		return err
	}
	code := u.Query().Get("code")
	if before, err = w.keepNew(ctx, setCode, before); err != nil {
		return err
	}
	if err := c.expect(c.machine("POST", "/token", w.basic(), w.tokenForm(code)), 200); err != nil {
		return fmt.Errorf("token: %w: %s", err, c.body)
	}
	w.pattern.access = textOf(c.body, "access_token")
	_, err = w.keepNew(ctx, setTokens, before)
	return err
}

func cookieNamed(cookies []string, name string) string {
	for _, c := range cookies {
		if strings.HasPrefix(c, name+"=") {
			return c
		}
	}
	return ""
}

// keepNew keeps the rows that a step has added, and gives their ids a name each. The same
// id in two tables is one name.
func (w *world) keepNew(ctx context.Context, set string, before dump) (dump, error) {
	after, err := w.dump(ctx)
	if err != nil {
		return nil, err
	}
	p := &w.pattern
	p.sets[set] = after.without(before)
	if set == setPerson {
		p.know(patternTenant, false, func(it item) string { return companyID(it.user % w.tenants) })
		p.know(patternEmail, false, func(it item) string { return emailOf(it.user) })
		p.know(patternIP, true, func(it item) string { return addressOf(it.serial) })
	}
	for _, g := range p.sets[set] {
		at := slices.Index(g.columns, "id")
		if at < 0 {
			continue
		}
		for _, row := range g.rows {
			kind := len(p.names)
			make := func(it item) string { return idOf(kind, it.serial) }
			if set == setPerson {
				make = func(it item) string { return idOf(kind, uint64(it.user)) }
			}
			p.byTable[g.table] = append(p.byTable[g.table], p.know(row[at].(string), set != setPerson, make))
		}
	}
	if set == setPerson && (len(p.byTable["users"]) != 1 || len(p.byTable["authenticators"]) != 2) {
		return nil, errors.New(
			"a person is not one user with a password and an address: the driver must learn what else")
	}
	return after, nil
}

// know adds a name, or returns the one that has this text.
func (p *pattern) know(text string, perCopy bool, make func(item) string) *name {
	for _, n := range p.names {
		if n.text == text {
			return n
		}
	}
	n := &name{text: text, perCopy: perCopy, make: make}
	p.names = append(p.names, n)
	return n
}

// nameFlow adds what only the flow's step has brought: its instant inside a text, and the
// keyed names under which budgets keep an address.
func (w *world) nameFlow() error {
	p := &w.pattern
	if len(p.byTable["flows"]) != 1 || len(p.byTable["challenges"]) != 1 {
		return errors.New("the password step left no flow with a code")
	}
	p.started = p.value(setFlow, "flows", "started_at").(int64)
	p.know(strconv.FormatInt(p.started, 10), true,
		func(it item) string { return strconv.FormatInt(p.started+it.shift, 10) })
	for _, purpose := range []string{"account", "destination"} {
		hidden := func(address string) string {
			return hex.EncodeToString(w.keys.Lasting("budget/"+purpose, address)[:12])
		}
		p.know(hidden(patternEmail), false, func(it item) string { return hidden(emailOf(it.user)) })
	}
	return nil
}

// value is one value of the only row of a table in a set.
func (p *pattern) value(set, table, column string) any {
	for _, g := range p.sets[set] {
		if at := slices.Index(g.columns, column); g.table == table && at >= 0 {
			return g.rows[0][at]
		}
	}
	return nil
}

// of is what a text of the pattern is called in a copy.
func (p *pattern) of(text string, it item) string {
	for _, n := range p.names {
		if n.text == text {
			return n.make(it)
		}
	}
	return text
}

// knownCode is the code of every copy.
const knownCode = "246813"

// stateOf is what a challenge keeps of its link and its code.
func (w *world) stateOf(it item, code string) []byte {
	as := func(text string) string { return w.pattern.of(text, it) }
	return append(secret.Hash(tokenOf("link", it.serial)), w.keys.MAC("outofband", w.binding(as, code)...)...)
}

// binding is all that a code is good for, in the order in which the product hashes it.
func (w *world) binding(as func(string) string, code string) []string {
	p := &w.pattern
	word := func(column string) string {
		text, _ := p.value(setFlow, "challenges", column).(string)
		return as(text)
	}
	return []string{as(patternTenant), word("user_id"), word("authenticator_id"), word("flow_id"), word("id"),
		"signin.code", "email", as(patternEmail), code}
}

// checkState makes sure that the driver's way to keep a code is the product's: for the one
// true code both must come to the same bytes.
func (w *world) checkState(code string) error {
	state, _ := w.pattern.value(setFlow, "challenges", "state").([]byte)
	same := func(text string) string { return text }
	if len(state) <= 32 || !w.keys.CheckMAC(state[32:], "outofband", w.binding(same, code)...) {
		return errors.New("the product keeps codes in another way than the driver does")
	}
	return nil
}
