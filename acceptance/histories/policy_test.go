package histories

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"countersign/acceptance/rig"
)

// guard: policy is read anew for every decision, by every replica
func TestREL015_PolicyIsARegister(t *testing.T) {
	everywhere(t, func(t *testing.T, a *arena) {
		company := a.NewTenant(t, "--mandate", "default_off", "--switch", "on")
		for i := range share(10) {
			if i%2 == 0 {
				a.policyRound(t, company, "", "on", map[string][]string{
					"on":  {"tenant", "set", company.ID, "--switch", "on"},
					"off": {"tenant", "set", company.ID, "--switch", "off"},
				})
				a.CLI(t, "tenant", "set", company.ID, "--switch", "on")
				continue
			}
			app := a.NewApp(t, a.Unique("setting"), "public")
			f, _ := a.Person(t).Visit(app.Visit()).Form(rig.PathPassword)
			a.policyRound(t, company, f.Values.Get("to"), "on", map[string][]string{
				"on": {"client", "require-2fa", app.ID}, "off": {"client", "exempt", app.ID, "--until", "forever"},
			})
		}
	})
}

// policyRound lets two operators write against each other while four people keep signing
// in, for what to says: an app, or our own pages.
func (a *arena) policyRound(t *testing.T, company *rig.Tenant, to, first string, commands map[string][]string) {
	t.Helper()
	clients, people, h := a.clients(t, 4), company.Crowd(t, 4), begin()
	written := make(chan struct{})
	var operators sync.WaitGroup
	for number := range 2 {
		operators.Go(func() {
			for i := range 3 {
				v := []string{"off", "on"}[(i+number)%2]
				h.do(50+number, did{"write", v, 0}, func() (got, error) {
					_, err := a.TryCLI("", slices.Clone(commands[v])...)
					return got{Word: "done"}, err
				})
			}
		})
	}
	go func() { operators.Wait(); close(written) }()
	race(clients, func(c *client) {
		until(written, 25, func() { c.decide(h, to, people[c.number]) })
	})
	h.check(t, registerModel(first))
}

// decide signs in by password: anyone who is let in at once met the policy "off".
func (c *client) decide(h *history, to string, u *rig.User) {
	h.do(c.number, did{Verb: "read"}, func() (got, error) {
		pg, err := c.hold().post(rig.PathPassword, form("to", to, "email", u.Email, "password", u.Password))
		switch {
		case err != nil:
			return got{}, err
		case given(pg, "session") != "":
			return got{Word: "off"}, nil
		case given(pg, "flow") != "":
			return got{Word: "on"}, nil
		}
		return got{}, fmt.Errorf("status %d: %s", pg.Status, rig.Quietly(pg.Text()))
	})
}
