package rig

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/internal/authenticator/password"
	"countersign/internal/config"
	"countersign/internal/secret"
)

// crowdPassword is what everyone in a crowd signs in with.
const crowdPassword = "canary crowd horse battery staple"

// cheap is what a hash costs whose price no test looks at: a test of a thousand sign-ins is
// not a test of Argon2id. The program compares it as it compares a hash that was imported.
var cheap = password.Cost{MemoryKiB: 64, Passes: 1, Lanes: 1}

// Crowd makes n accounts at once, by writing the rows that the command line would write.
// They share one password whose hash is cheap; nothing else about them is different.
func (c *Tenant) Crowd(t testing.TB, n int) []*User {
	t.Helper()
	return c.CrowdAt(t, n, "people.example.test")
}

// CrowdAt is Crowd with addresses at a domain.
func (c *Tenant) CrowdAt(t testing.TB, n int, domain string) []*User {
	t.Helper()
	w := c.world
	stored := w.hash(t, crowdPassword, cheap)
	out := make([]*User, n)
	people := make([]seeded, n)
	for i := range out {
		id := strings.ToLower(w.Unique("crowd"))
		out[i] = &User{
			Email:    id + "@" + domain,
			Password: crowdPassword,
			Name:     "Pat " + id,
			Role:     "agent",
			Tenant:   c,
		}
		people[i] = seeded{out[i], id, stored}
	}
	c.seed(t, people)
	return out
}

// User makes an account with a fresh address and a password of its own; the role is
// "agent". The rows are those that the command line would write, but for the price of the
// hash: a process for each of a thousand people was a fifth of what these tests computed,
// and comparing their passwords half of the rest.
func (c *Tenant) User(t testing.TB) *User {
	t.Helper()
	return c.userWith(t, cheap)
}

// UserAtFullCost is User with a hash that costs what the program's own do, for tests of
// how long a password takes and of who waits for it.
func (c *Tenant) UserAtFullCost(t testing.TB) *User {
	t.Helper()
	cost := config.Default().Limits.Argon2
	return c.userWith(t, password.Cost{MemoryKiB: cost.MemoryKiB, Passes: cost.Passes, Lanes: 1})
}

func (c *Tenant) userWith(t testing.TB, cost password.Cost) *User {
	t.Helper()
	w := c.world
	email := w.Unique("person") + "@people.example.test"
	if w.flavour != Release && w.flavour != Rigged { // an older schema
		return c.Person(t, email, "Pat Example", "agent")
	}
	u := &User{
		Email:    email,
		Password: "canary horse battery " + w.Unique("staple"),
		Name:     "Pat Example",
		Role:     "agent",
		Tenant:   c,
	}
	stored := w.hash(t, u.Password, cost)
	c.seed(t, []seeded{{u, secret.NewID(w.Now(), 0), stored}})
	return u
}

// seeded is an account to be written.
type seeded struct {
	*User
	id     string
	stored password.Stored
}

func (c *Tenant) seed(t testing.TB, those []seeded) {
	t.Helper()
	at := c.world.Now().UnixMicro()
	var people, directory, methods, passwords, addresses []string
	for _, u := range those {
		people = append(people,
			fmt.Sprintf("('%s','%s','%s','%s','%s','%s','en',1,0,%d,0)", c.ID, u.id, u.Email, u.Email,
				u.Name, u.Role, at))
		directory = append(directory, fmt.Sprintf("('%s','%s','%s')", u.Email, c.ID, u.id))
		methods = append(methods,
			fmt.Sprintf("('%s','%sp','%s','password','',0,%d,0,0)", c.ID, u.id, u.id, at),
			fmt.Sprintf("('%s','%se','%s','email','',0,%d,0,0)", c.ID, u.id, u.id, at))
		passwords = append(passwords,
			fmt.Sprintf("('%s','%s','%s','%s',%d)", c.ID, u.id, u.stored.Hash, u.stored.Pepper, at))
		addresses = append(addresses, fmt.Sprintf("('%s','%se','%s',%d)", c.ID, u.id, u.Email, at))
	}
	c.world.write(t,
		`INSERT INTO users (tenant_id, id, email, email_key, name, role, language, security_version,
			password_flagged_at, created_at, disabled_at) VALUES `+strings.Join(people, ","),
		`INSERT INTO authenticators (tenant_id, id, user_id, kind, label, failures, bound_at, last_used_at,
			disabled_at) VALUES `+strings.Join(methods, ","),
		`INSERT INTO passwords (tenant_id, user_id, hash, pepper, set_at) VALUES `+strings.Join(passwords, ","),
		`INSERT INTO outofband_addresses (tenant_id, authenticator_id, address, verified_at)
			VALUES `+strings.Join(addresses, ","),
		`INSERT INTO directory (email_key, tenant_id, user_id) VALUES `+strings.Join(directory, ","))
}

// pools are the hashers by key file and cost: making one costs a computation.
var pools sync.Map

// hash hashes a password with the world's own pepper of today.
func (w *World) hash(t testing.TB, text string, cost password.Cost) password.Stored {
	t.Helper()
	file, err := os.ReadFile(w.file("countersign.key"))
	if err != nil {
		t.Fatal(err)
	}
	key := fmt.Sprint(cost, string(file))
	pool, known := pools.Load(key)
	if !known {
		keys, err := secret.ReadKeys(w.file("countersign.key"), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if pool, err = password.NewPool(keys, cost, 1, 64); err != nil {
			t.Fatal(err)
		}
		pools.Store(key, pool)
	}
	stored, err := pool.(*password.Pool).Hash(context.Background(), secret.Text(text))
	if err != nil {
		t.Fatal(err)
	}
	return stored
}
