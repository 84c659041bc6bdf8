package people_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"countersign/internal/access"
	"countersign/internal/authenticator"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/authenticator/password"
	"countersign/internal/config"
	"countersign/internal/db"
	"countersign/internal/db/dbtest"
	"countersign/internal/fault"
	"countersign/internal/gate/gatetest"
	"countersign/internal/jobs"
	"countersign/internal/message"
	"countersign/internal/notify"
	"countersign/internal/passwordlink"
	"countersign/internal/people"
	"countersign/internal/secret"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// rig is a vendor and two companies.
type rig struct {
	*people.Service
	t  *testing.T
	at time.Time
	n  int // people whom needs has added
}

func each(t *testing.T, fn func(r *rig)) {
	start := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	r := &rig{}
	dbtest.Each(t, func() time.Time { return r.at }, func(t *testing.T, d *db.DB) {
		r.t, r.at = t, start
		r.Service = service(t, d, start)
		r.in(db.Installation, func(ctx context.Context, tx *db.Tx) error {
			if _, err := tenant.Ensure(ctx, tx); err != nil {
				return err
			}
			for _, id := range []string{"vendor", "acme", "other"} {
				kind := tenant.Company
				if id == "vendor" {
					kind = tenant.Vendor
				}
				if _, err := tenant.Create(ctx, tx, id, "The "+id, kind); err != nil {
					return err
				}
			}
			return nil
		})
		fn(r)
	})
}

func service(t *testing.T, d *db.DB, at time.Time) *people.Service {
	t.Helper()
	keys := secret.NewKeys(at)
	pool, err := password.NewPool(keys, password.Cost{MemoryKiB: 64, Passes: 1, Lanes: 1}, 4, 1000)
	if err != nil {
		t.Fatal(err)
	}
	queue, limits := &message.Queue{Jobs: &jobs.Queue{}, Keys: keys}, config.Default().Limits
	return &people.Service{
		DB:        d,
		Gate:      gatetest.New(d, authenticator.TOTP),
		Passwords: pool,
		Bindable:  []authenticator.Kind{authenticator.TOTP},
		Links: &passwordlink.Service{
			DB:     d,
			Keys:   keys,
			Queue:  queue,
			Limits: limits,
			Origin: "https://sign-in.test",
		},
		Notifier: &notify.Notifier{Queue: queue, Limits: limits},
	}
}

func (r *rig) in(tenantID string, fn func(ctx context.Context, tx *db.Tx) error) {
	r.t.Helper()
	if err := r.DB.InTx(r.t.Context(), tenantID, func(tx *db.Tx) error { return fn(r.t.Context(), tx) }); err != nil {
		r.t.Fatal(err)
	}
}

// add is a person of a company by the command line, and the same person as an actor in a session of this moment. Only
// owners have a password.
func (r *rig) add(company, name string, role user.Role) access.Actor {
	r.t.Helper()
	u, err := r.Add(r.t.Context(), access.Server, company, people.New{
		Email:     name + "@x.example",
		Name:      name,
		Language:  "en",
		Role:      role,
		Uninvited: true,
	})
	if err != nil {
		r.t.Fatal(err)
	}
	if role == user.Owner {
		r.in(company, func(ctx context.Context, tx *db.Tx) error {
			return password.Set(ctx, tx, u.ID, password.Stored{Hash: "$none"})
		})
	}
	return gatetest.SignIn(r.t, r.DB, company, u.ID)
}

func (r *rig) number(query string, args ...any) (n int) {
	r.t.Helper()
	r.in(db.Installation, func(ctx context.Context, tx *db.Tx) error {
		return tx.QueryRow(ctx, query, args...).Scan(&n)
	})
	return n
}

func ref(a access.Actor) people.Ref { return people.ByID(a.TenantID, a.UserID) }

func ptr[T any](v T) *T { return &v }

// TestEveryChangeIsCheckedRecordedAndTold goes through every change: an agent and another company's owner may not make
// it, the command line may. What is refused changes nothing and tells no one.
func TestEveryChangeIsCheckedRecordedAndTold(t *testing.T) {
	changes := map[string]struct {
		do    func(r *rig, a access.Actor, of people.Ref) error
		event string
		told  bool
	}{
		"role": {func(r *rig, a access.Actor, of people.Ref) error {
			return r.Change(r.t.Context(), a, of, people.Changes{Role: ptr(user.Supervisor)})
		}, "user.role", true},
		"address": {func(r *rig, a access.Actor, of people.Ref) error {
			return r.Change(r.t.Context(), a, of, people.Changes{Email: ptr("new@x.example")})
		}, "user.address", true},
		"disable": {func(r *rig, a access.Actor, of people.Ref) error {
			return r.Change(r.t.Context(), a, of, people.Changes{Disabled: ptr(true)})
		}, "user.disabled", true},
		"enable": {func(r *rig, a access.Actor, of people.Ref) error {
			return r.Change(r.t.Context(), a, of, people.Changes{Disabled: ptr(false)})
		}, "user.enabled", true},
		"password": {func(r *rig, a access.Actor, of people.Ref) error {
			return r.SetPassword(r.t.Context(), a, of, people.NewPassword{Plain: "quiet-maple-lantern-42"})
		}, "password.set", false},
		"invite": {func(r *rig, a access.Actor, of people.Ref) error {
			return r.Invite(r.t.Context(), a, of)
		}, "user.invited", true},
		"reset": {func(r *rig, a access.Actor, of people.Ref) error {
			_, err := r.ResetMethods(r.t.Context(), a, of, "phone lost")
			return err
		}, "methods.reset", true},
	}
	for name, c := range changes {
		t.Run(name, func(t *testing.T) {
			each(t, func(r *rig) {
				person := r.add("acme", "pat", user.Agent)
				r.in("acme", func(ctx context.Context, tx *db.Tx) error {
					_, err := outofband.Bind(ctx, tx, person.UserID, authenticator.SMS, "+4917139200420")
					return err
				})
				if name == "enable" {
					r.in("acme", func(ctx context.Context, tx *db.Tx) error {
						return user.Disable(ctx, tx, person.UserID)
					})
				}
				count := func() (rows, mails int) {
					return r.number(`SELECT count(*) FROM audit_events
						WHERE tenant_id = 'acme' AND action = $1 AND result = 'ok'`, c.event),
						r.number(`SELECT count(*) FROM messages WHERE tenant_id = 'acme'`)
				}
				if err := c.do(r, r.add("acme", "agent", user.Agent), ref(person)); !fault.Is(err, fault.Denied) {
					t.Errorf("by an agent: %v", err)
				}
				if err := c.do(r, r.add("other", "owner", user.Owner), ref(person)); !fault.Is(err, fault.NotFound) {
					t.Errorf("by another company's owner: %v", err)
				}
				if rows, mails := count(); rows != 0 || mails != 0 {
					t.Errorf("refused, with %d rows and %d mails", rows, mails)
				}
				if err := c.do(r, access.Server, ref(person)); err != nil {
					t.Fatal(err)
				}
				if rows, mails := count(); rows != 1 || (mails > 0) != c.told {
					t.Errorf("%d rows and %d mails", rows, mails)
				}
			})
		})
	}
}

// TestTheRoleOfTheTargetIsTheStoredOne: an admin acts on agents until they have become owners, and gives no role that
// is out of reach.
func TestTheRoleOfTheTargetIsTheStoredOne(t *testing.T) {
	each(t, func(r *rig) {
		admin, agent := r.add("acme", "admin", user.Admin), r.add("acme", "agent", user.Agent)
		change := func(c people.Changes) error { return r.Change(t.Context(), admin, ref(agent), c) }
		if err := change(people.Changes{Role: ptr(user.Admin)}); !fault.Is(err, fault.Denied) {
			t.Errorf("an admin makes an admin: %v", err)
		}
		if err := change(people.Changes{Role: ptr(user.Supervisor)}); err != nil {
			t.Error(err)
		}
		if err := r.Change(t.Context(), access.Server, ref(agent), people.Changes{Role: ptr(user.Owner)}); err != nil {
			t.Fatal(err)
		}
		if err := change(people.Changes{Disabled: ptr(true)}); !fault.Is(err, fault.Denied) {
			t.Errorf("an admin disables an owner: %v", err)
		}
		if err := r.Change(t.Context(), admin, ref(admin),
			people.Changes{Disabled: ptr(true)}); !fault.Is(err, fault.Denied) {
			t.Errorf("an admin disables themselves: %v", err)
		}
	})
}

// TestNoPasswordIsHashedForThoseWhoMayNotSetIt: it would cost the server, and not them.
func TestNoPasswordIsHashedForThoseWhoMayNotSetIt(t *testing.T) {
	each(t, func(r *rig) {
		agent, other := r.add("acme", "agent", user.Agent), r.add("acme", "other", user.Agent)
		before := r.Passwords.Stats().Done
		typed := people.NewPassword{Plain: "quiet-maple-lantern-42"}
		if err := r.SetPassword(r.t.Context(), agent, ref(other), typed); !fault.Is(err, fault.Denied) {
			r.t.Errorf("set: %v", err)
		}
		n := people.New{Email: "new@x.example", Name: "N", Role: user.Agent, Language: "en", Password: typed}
		if _, err := r.Add(r.t.Context(), agent, "acme", n); !fault.Is(err, fault.Denied) {
			r.t.Errorf("add: %v", err)
		}
		if done := r.Passwords.Stats().Done; done != before {
			r.t.Errorf("%d passwords were hashed", done-before)
		}
	})
}

// TestAnImportTellsNoOneWhoHasAnAddress: an agent learns nothing of who is here, or in another company.
func TestAnImportTellsNoOneWhoHasAnAddress(t *testing.T) {
	each(t, func(r *rig) {
		here, elsewhere := r.add("acme", "here", user.Agent), r.add("other", "elsewhere", user.Agent)
		i := &people.Importer{Service: r.Service, Actor: here, DryRun: true}
		for _, a := range []access.Actor{here, elsewhere} {
			u, err := r.Find(t.Context(), access.Server, ref(a))
			if err != nil {
				t.Fatal(err)
			}
			row := people.Row{Line: 1, Tenant: "acme", Email: u.User.Email, Name: "A"}
			done, err := i.Batch(t.Context(), []people.Row{row})
			if err != nil || len(done.Failed) != 1 || done.Exists != 0 || !fault.Is(done.Failed[0].Err, fault.Denied) {
				t.Errorf("%s: %+v, %v", u.User.Email, done, err)
			}
		}
	})
}

func TestListPagesByAddress(t *testing.T) {
	each(t, func(r *rig) {
		owner := r.add("acme", "owner", user.Owner)
		for i := range 6 {
			r.add("acme", fmt.Sprint("P", i), user.Agent)
		}
		r.add("other", "stranger", user.Agent)
		var seen []string
		for after := ""; ; {
			page, err := r.List(t.Context(), owner, "acme", after, 3)
			if err != nil {
				t.Fatal(err)
			}
			for _, u := range page {
				seen, after = append(seen, u.Name), u.Email
			}
			if len(page) < 3 {
				break
			}
		}
		if got := strings.Join(seen, " "); got != "owner P0 P1 P2 P3 P4 P5" {
			t.Error(got)
		}
		if _, err := r.List(t.Context(), owner, "other", "", 3); !fault.Is(err, fault.NotFound) {
			t.Errorf("another company's people: %v", err)
		}
	})
}

// TestImportChecksEachRole: an admin imports agents; rows with roles out of reach are named.
func TestImportChecksEachRole(t *testing.T) {
	each(t, func(r *rig) {
		i := &people.Importer{Service: r.Service, Actor: r.add("acme", "admin", user.Admin), Uninvited: true}
		done, err := i.Batch(t.Context(), []people.Row{
			{Line: 1, Tenant: "acme", Email: "a@x.example", Name: "A"},
			{Line: 2, Tenant: "acme", Email: "b@x.example", Name: "B", Role: "owner"},
			{Line: 3, Tenant: "other", Email: "c@x.example", Name: "C"},
		})
		if err != nil || done.Created != 1 || len(done.Failed) != 2 || !fault.Is(done.Failed[0].Err, fault.Denied) ||
			!fault.Is(done.Failed[1].Err, fault.NotFound) {
			t.Errorf("%+v, %v", done, err)
		}
	})
}
