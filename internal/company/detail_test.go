package company_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"countersign/internal/access"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/policy"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// TestCompaniesAreListedPageByPage, by name, with what is searched for.
func TestCompaniesAreListedPageByPage(t *testing.T) {
	each(t, func(r *rig) {
		r.in("", func(ctx context.Context, tx *db.Tx) error {
			for i := range 7 {
				if _, err := tenant.Create(ctx, tx, fmt.Sprintf("one-%d", i), "Many 100%", tenant.Company); err != nil {
					return err
				}
			}
			return nil
		})
		support := r.person("vendor", user.Support)
		list := func(q tenant.Search) (ids []string) {
			q.Limit = 3
			for {
				found, err := r.Search(t.Context(), support, q)
				if err != nil {
					t.Fatal(err)
				}
				for _, l := range found.Companies {
					ids = append(ids, l.Tenant.ID)
					q.After = tenant.Place{Name: l.Tenant.Name, ID: l.Tenant.ID}
				}
				if !found.More {
					return ids
				}
			}
		}
		many := []string{"one-0", "one-1", "one-2", "one-3", "one-4", "one-5", "one-6"}
		r.in("one-3", tenant.Suspend)
		for q, want := range map[tenant.Search][]string{
			{}:                        append(slices.Clone(many), "acme", "other", "vendor"),
			{Text: "MANY"}:            many,
			{Text: "0%"}:              many,
			{Text: "ONE-5"}:           {"one-5"},
			{Text: "_"}:               nil,
			{State: tenant.Active}:    append(slices.Delete(slices.Clone(many), 3, 4), "acme", "other", "vendor"),
			{State: tenant.Suspended}: {"one-3"},
		} {
			if got := list(q); !slices.Equal(got, want) {
				t.Errorf("%+v: %v", q, got)
			}
		}
		owner := r.person("acme", user.Owner)
		if _, err := r.Search(t.Context(), owner, tenant.Search{}); !fault.Is(err, fault.Denied) {
			t.Errorf("an owner lists companies: %v", err)
		}
		if _, err := r.Detail(t.Context(), owner, "acme"); !fault.Is(err, fault.Denied) {
			t.Errorf("an owner sees what the vendor's staff sees: %v", err)
		}
		d, err := r.Detail(t.Context(), access.Server, "acme")
		if err != nil || d.Rule != policy.Off || len(d.Owners) != 1 || d.Statuses.Disabled != 1 || !d.Inherits {
			t.Errorf("%+v %v", d, err)
		}
	})
}
