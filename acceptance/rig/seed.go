package rig

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
)

// Tenant is a company.
type Tenant struct {
	ID    string
	world *World
}

// User is one person's account.
type User struct {
	Email, Password, Name, Role string
	Tenant                      *Tenant
}

// NewTenant makes a company; more are flags such as "--mandate", "mandatory".
func (w *World) NewTenant(t testing.TB, more ...string) *Tenant {
	t.Helper()
	id := w.Unique("company-")
	w.CLI(t, append([]string{"tenant", "create", "--id", id, "--name", "Company " + id}, more...)...)
	return &Tenant{ID: id, world: w}
}

// Covered is the company, shared by the tests of a world, whose people always need a code.
func (w *World) Covered(t testing.TB) *Tenant {
	return w.once(t, "covered", "--mandate", "mandatory")
}

// Open is the shared company without a second step.
func (w *World) Open(t testing.TB) *Tenant { return w.once(t, "open", "--mandate", "default_off") }

// SwitchedOn is the shared company whose owner switched the second step on.
func (w *World) SwitchedOn(t testing.TB) *Tenant {
	return w.once(t, "switched", "--mandate", "default_off", "--switch", "on")
}

func (w *World) once(t testing.TB, key string, flags ...string) *Tenant {
	t.Helper()
	w.mu.Lock()
	known := w.tenants[key]
	w.mu.Unlock()
	if known != nil {
		return known
	}
	made := w.NewTenant(t, flags...)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tenants[key] = made
	return made
}

// Person makes an account by the command line.
func (c *Tenant) Person(t testing.TB, email, name, role string) *User {
	t.Helper()
	u := &User{
		Email:    email,
		Password: "canary horse battery " + c.world.Unique("staple"),
		Name:     name,
		Role:     role,
		Tenant:   c,
	}
	if out, err := c.world.TryCLI(u.Password+"\n", "user", "create", "--tenant", c.ID, "--email", email, "--name", name,
		"--role", role, "--password-stdin"); err != nil {
		t.Fatalf("create a user: %v %s", err, out)
	}
	return u
}

// Dashboard is the shared covered app, PhoneApp the shared exempt one.
func (w *World) Dashboard(t testing.TB) *App { return w.app(t, "dashboard", nil) }

// PhoneApp is the shared app that is exempt for good.
func (w *World) PhoneApp(t testing.TB) *App { return w.app(t, "phone", []string{"forever"}) }

// Console is another covered app of the same vendor.
func (w *World) Console(t testing.TB) *App { return w.app(t, "console", nil) }

func (w *World) app(t testing.TB, id string, exempt []string) *App {
	t.Helper()
	w.mu.Lock()
	known := w.apps[id]
	w.mu.Unlock()
	if known != nil {
		return known
	}
	a := w.NewApp(t, id, "confidential")
	if exempt != nil {
		w.CLI(t, "client", "exempt", id, "--until", exempt[0])
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.apps[id] = a
	return a
}

var printedSecret = regexp.MustCompile(`(?i)secret[^\n]*?[:=\s]\s*([A-Za-z0-9_-]{20,})`)

// NewApp registers an app of a kind: confidential, public or native.
func (w *World) NewApp(t testing.TB, id, kind string) *App {
	t.Helper()
	return w.NewAppAt(t, id, kind, fmt.Sprintf("https://%s.example.test/callback", id))
}

// NewAppAt is NewApp with a redirect URI.
func (w *World) NewAppAt(t testing.TB, id, kind, redirect string) *App {
	t.Helper()
	a := &App{
		ID:       id,
		Redirect: redirect,
		Home:     fmt.Sprintf("https://%s.example.test/", id),
		Scopes:   []string{"openid", "email", "profile", "offline_access"},
		world:    w,
	}
	out := w.CLI(t, "client", "create", "--id", id, "--name", "The "+id, "--kind", kind, "--redirect-uri", a.Redirect,
		"--post-logout-uri", a.Home+"signed-out", "--home-url", a.Home)
	if kind == "confidential" {
		found := printedSecret.FindStringSubmatch(out)
		if found == nil {
			t.Fatalf("client create printed no secret")
		}
		a.Secret = found[1]
	}
	return a
}

// Events returns the audit lines of a company that contain every word.
func (c *Tenant) Events(t testing.TB, words ...string) []string {
	t.Helper()
	var out []string
	for line := range strings.Lines(c.world.CLI(t, "audit", "list", "--tenant", c.ID)) {
		if containsAll(line, words) {
			out = append(out, line)
		}
	}
	return out
}

func containsAll(line string, words []string) bool {
	for _, w := range words {
		if !strings.Contains(line, w) {
			return false
		}
	}
	return true
}

// Now is the time by the program's clock.
func (w *World) Now() time.Time { return time.Now().Add(time.Duration(w.shift.Load())) }

// NewPassword changes the account's password by the command line.
func (u *User) NewPassword(t testing.TB) {
	t.Helper()
	next := "canary changed battery " + u.Tenant.world.Unique("staple")
	if out, err := u.Tenant.world.TryCLI(next+"\n", "user", "password", u.Email, "--password-stdin"); err != nil {
		t.Fatalf("change the password: %v %s", err, out)
	}
	u.Password = next
}

// Set changes the account with flags of the command line: "--disable", …
func (u *User) Set(t testing.TB, flags ...string) {
	t.Helper()
	u.Tenant.world.CLI(t, append([]string{"user", "set", u.Email}, flags...)...)
}
