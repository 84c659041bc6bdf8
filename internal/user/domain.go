package user

import (
	"context"
	"fmt"
	"strings"

	"countersign/internal/db"
	"countersign/internal/tenant"
)

// DomainRules are what decides about tries with addresses of a mail domain before a password is known to be right.
// They depend on the domain alone and never on whether someone has the address, so that no answer tells that.
type DomainRules struct {
	TenantID string // the only company with addresses of the domain; empty where there is none, or several
	Lock     tenant.AccountLock
	Networks tenant.Networks
}

// Listing is what the directory says of an address.
type Listing struct {
	TenantID, UserID string // empty where no one has it
	Rules            DomainRules
}

// LookUp is InDirectory with the rules of the address's domain, in one statement.
func LookUp(ctx context.Context, tx *db.Tx, key string) (l Listing, err error) {
	rows, err := tx.Query(ctx, `
		SELECT user_id, tenant_id, 0, 0, '' FROM directory WHERE email_key = $1 AND held_until = 0
		UNION ALL SELECT '', tenant_id, lock_after, lock_minutes, networks FROM mail_domains
			WHERE email_domain = $2 AND tenant_id <> ''`, key, domainOf(key))
	err = db.ForEach(rows, err, func(row db.Row) error {
		var userID string
		var rules DomainRules
		err := row.Scan(&userID, &rules.TenantID, &rules.Lock.After, &rules.Lock.Minutes, &rules.Networks)
		if err != nil {
			return err
		}
		if userID != "" {
			l.TenantID, l.UserID = rules.TenantID, userID
		} else {
			l.Rules = rules
		}
		return nil
	})
	if err != nil {
		return Listing{}, fmt.Errorf("read directory: %w", err)
	}
	return l, nil
}

// sharedDomain stands where a company would that has a domain alone.
const sharedDomain = ""

func domainOf(key string) string {
	_, domain, _ := strings.Cut(key, "@")
	return domain
}

// claimDomain notes that the transaction's company has an address of a domain. From the second company on, none
// decides about the domain.
func claimDomain(ctx context.Context, tx *db.Tx, key string) error {
	n, err := tx.Exec(ctx, `
		INSERT INTO mail_domains (email_domain, tenant_id) VALUES ($1, $2)
		ON CONFLICT (email_domain) DO UPDATE SET tenant_id = $3
		WHERE mail_domains.tenant_id <> '' AND mail_domains.tenant_id <> excluded.tenant_id`,
		domainOf(key), tx.Tenant, sharedDomain)
	if err != nil {
		return fmt.Errorf("claim domain: %w", err)
	}
	if n == 0 {
		return nil
	}
	// The company is held, so that a change of its rules at this moment is not missed.
	if err := tenant.Lock(ctx, tx); err != nil {
		return fmt.Errorf("claim domain: %w", err)
	}
	t, err := tenant.ByID(ctx, tx, tx.Tenant)
	if err != nil {
		return fmt.Errorf("claim domain: %w", err)
	}
	return writeRules(ctx, tx, t)
}

// WriteDomainRules copies the rules of the transaction's company to the domains that it has alone. The caller holds
// the company.
func WriteDomainRules(ctx context.Context, tx *db.Tx) error {
	t, err := tenant.ByID(ctx, tx, tx.Tenant)
	if err != nil {
		return err
	}
	return writeRules(ctx, tx, t)
}

func writeRules(ctx context.Context, tx *db.Tx, t tenant.Tenant) error {
	_, err := tx.Exec(ctx, `UPDATE mail_domains SET lock_after = $1, lock_minutes = $2, networks = $3
		WHERE tenant_id = $4`, t.Lock.After, t.Lock.Minutes, string(t.Networks), t.ID)
	if err != nil {
		return fmt.Errorf("write rules of domains: %w", err)
	}
	return nil
}
