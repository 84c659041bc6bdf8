package people

import (
	"countersign/internal/client"
	"countersign/internal/db"
	"countersign/internal/policy/facts"
	"countersign/internal/tenant"
)

// withRules begins the FROM of a statement about people u that reads facts.Columns; $1 is client.PortalID.
const withRules = `
		FROM users u
		JOIN tenants t ON t.tenant_id = u.tenant_id
		JOIN installation i ON i.id = 'installation'
		LEFT JOIN clients c ON c.id = $1`

// scanFacts reads facts.Columns, as they are on our own pages.
func scanFacts(row db.Row) (f facts.Facts, err error) {
	r := facts.Into(&f)
	if err := row.Scan(r.Targets()...); err != nil {
		return f, err
	}
	r.Decode(client.PortalID, tenant.MaxRememberDays)
	return f, nil
}
