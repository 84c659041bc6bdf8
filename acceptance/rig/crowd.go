package rig

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"countersign/internal/authenticator/password"
	"countersign/internal/secret"
)

// crowdPassword is what everybody in a crowd signs in with.
const crowdPassword = "canary crowd horse battery staple"

// Crowd makes n accounts at once, by writing the rows that the command line would write.
// They share one password whose hash is cheap, so that a test of a thousand sign-ins is
// not a test of Argon2id; nothing else about them is different.
func (c *Tenant) Crowd(t testing.TB, n int) []*User {
	t.Helper()
	w := c.world
	stored := w.cheapHash(t)
	at := w.Now().UnixMicro()
	out := make([]*User, n)
	var people, directory, methods, passwords, addresses []string
	for i := range out {
		id := strings.ToLower(w.Unique("crowd"))
		u := &User{Email: id + "@people.example.test", Password: crowdPassword, Name: "Pat " + id, Role: "agent", Tenant: c}
		out[i] = u
		people = append(people, fmt.Sprintf("('%s','%s','%s','%s','%s','agent','en',1,0,%d,0)", c.ID, id, u.Email, u.Email, u.Name, at))
		directory = append(directory, fmt.Sprintf("('%s','%s','%s')", u.Email, c.ID, id))
		methods = append(methods,
			fmt.Sprintf("('%s','%sp','%s','password','',0,%d,0,0)", c.ID, id, id, at),
			fmt.Sprintf("('%s','%se','%s','email','',0,%d,0,0)", c.ID, id, id, at))
		passwords = append(passwords, fmt.Sprintf("('%s','%s','%s','%s',%d)", c.ID, id, stored.Hash, stored.Pepper, at))
		addresses = append(addresses, fmt.Sprintf("('%s','%se','%s',%d)", c.ID, id, u.Email, at))
	}
	w.Tamper(t, `INSERT INTO users (tenant_id, id, email, email_key, name, role, language, security_version, password_flagged_at, created_at, disabled_at) VALUES `+strings.Join(people, ","))
	w.Tamper(t, `INSERT INTO authenticators (tenant_id, id, user_id, kind, label, failures, bound_at, last_used_at, disabled_at) VALUES `+strings.Join(methods, ","))
	w.Tamper(t, `INSERT INTO passwords (tenant_id, user_id, hash, pepper, set_at) VALUES `+strings.Join(passwords, ","))
	w.Tamper(t, `INSERT INTO outofband_addresses (tenant_id, authenticator_id, address, verified_at) VALUES `+strings.Join(addresses, ","))
	w.Tamper(t, `INSERT INTO directory (email_key, tenant_id, user_id) VALUES `+strings.Join(directory, ","))
	return out
}

// cheapHash hashes the crowd's password with the world's own pepper and next to no memory.
func (w *World) cheapHash(t testing.TB) password.Stored {
	t.Helper()
	keys, _, err := secret.LoadKeys(w.file("countersign.key"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	pool, err := password.NewPool(keys, password.Cost{MemoryKiB: 64, Passes: 1, Lanes: 1}, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	stored, err := pool.Hash(context.Background(), crowdPassword)
	if err != nil {
		t.Fatal(err)
	}
	return stored
}
