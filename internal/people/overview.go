package people

import (
	"context"
	"fmt"
	"time"

	"countersign/internal/access"
	"countersign/internal/authenticator"
	"countersign/internal/binding"
	"countersign/internal/client"
	"countersign/internal/db"
	"countersign/internal/policy"
	"countersign/internal/policy/facts"
	"countersign/internal/session"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// Overview is what an administrator sees of one person: everything but secrets.
type Overview struct {
	User     user.User
	Status   policy.PersonStatus
	Decision policy.Decision  // of a sign-in on our own pages, right after the password
	Methods  []binding.Method // the mailbox among them, without the password
	Invited  bool             // they have yet to choose a password

	InvitationOpen bool // and have an invitation that can be withdrawn
	Withdrawn      bool // and their invitation was withdrawn

	Sessions []session.Open // of someone who may view the activity, and so are Browsers
	Browsers []session.RememberedFor

	Exemption   user.Exemption // also one that is over
	ExemptionBy string         // the name of who gave it; empty where they are not of the company

	SignedInAt time.Time // their last sign-in; zero = never
}

// Overview loads one person.
func (s *Service) Overview(ctx context.Context, a access.Actor, ref Ref) (o Overview, err error) {
	err = View(ctx, s.DB, func(tx *db.Tx) error {
		a, err := Current(ctx, tx, s.Gate, a)
		if err != nil {
			return err
		}
		u, err := ref.load(ctx, tx, a, access.ListPeople)
		if err != nil {
			return err
		}
		for _, action := range []access.Action{access.ListPeople, access.ListMethods} {
			if err := access.Check(a, action, target(u)); err != nil {
				return err
			}
		}
		if err := s.loadOverview(ctx, tx.ForTenant(u.TenantID), u, &o); err != nil {
			return err
		}
		if access.Check(a, access.ViewActivity, access.Target{TenantID: u.TenantID}) != nil {
			o.Sessions, o.Browsers = nil, nil // they tell where someone was, and when
		}
		return nil
	})
	return o, err
}

func (s *Service) loadOverview(ctx context.Context, tx *db.Tx, u user.User, o *Overview) error {
	f, err := facts.Load(ctx, tx, u.ID, client.PortalID, tenant.MaxRememberDays)
	if err != nil {
		return fmt.Errorf("load account: %w", err)
	}
	o.User = u
	o.Status = policy.StatusOf(f.Input(tx.Now, s.Bindable, nil, nil))
	o.Decision = policy.Evaluate(f.Input(tx.Now, s.Bindable, nil,
		[]authenticator.Proof{{Kind: authenticator.Password, At: tx.Now}}))
	var password, open, withdrawn int
	var before, newest time.Time
	err = tx.QueryRow(ctx, `
		SELECT (SELECT count(*) FROM passwords p WHERE p.tenant_id = u.tenant_id AND p.user_id = u.id), u.signed_in_at,
			COALESCE((SELECT MAX(s.created_at) FROM sessions s
				WHERE s.tenant_id = u.tenant_id AND s.user_id = u.id), 0),
			(SELECT count(*) FROM password_links l
				WHERE l.tenant_id = u.tenant_id AND l.user_id = u.id AND l.closed_at = 0),
			(SELECT count(*) FROM password_links l
				WHERE l.tenant_id = u.tenant_id AND l.user_id = u.id AND l.closed_because = 'withdrawn')
		FROM users u WHERE u.tenant_id = $1 AND u.id = $2`, tx.Tenant, u.ID).
		Scan(&password, db.ScanTime(&before), db.ScanTime(&newest), &open, &withdrawn)
	if err != nil {
		return fmt.Errorf("look for a password and the last sign-in: %w", err)
	}
	o.Invited = password == 0
	o.InvitationOpen, o.Withdrawn = o.Invited && open > 0, o.Invited && withdrawn > 0
	if o.SignedInAt = before; newest.After(before) {
		o.SignedInAt = newest
	}
	if err := loadExemption(ctx, tx, o); err != nil {
		return err
	}
	if o.Methods, err = binding.Methods(ctx, tx, u.ID); err != nil {
		return fmt.Errorf("list methods: %w", err)
	}
	if o.Sessions, err = session.OpenOf(ctx, tx, u.ID); err != nil {
		return err
	}
	o.Browsers, err = session.RememberedOf(ctx, tx, u.ID)
	return err
}

func loadExemption(ctx context.Context, tx *db.Tx, o *Overview) (err error) {
	if o.Exemption, err = user.ExemptionOf(ctx, tx, o.User.ID); err != nil || o.Exemption.Until.IsZero() {
		return err
	}
	names, err := user.Names(ctx, tx, []string{o.Exemption.By})
	if err != nil {
		return fmt.Errorf("name who gave an exemption: %w", err)
	}
	o.ExemptionBy = names[o.Exemption.By]
	return nil
}
