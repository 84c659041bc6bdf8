package signin

import (
	"context"
	"slices"

	"countersign/internal/challenge"
	"countersign/internal/db"
	"countersign/internal/flow"
	"countersign/internal/message"
	"countersign/internal/policy/facts"
	"countersign/internal/ratelimit"
	"countersign/internal/secret"
)

// load reads a flow and all that its steps look at; a reference that is not this browser's is NotFound.
func (s *Service) load(ctx context.Context, tx *db.Tx, ref secret.Reference) (*activeFlow, error) {
	return s.loadByHash(ctx, tx, ref.ID, ref.Hash())
}

// loadByHash reads everything that a step needs with one statement.
func (s *Service) loadByHash(ctx context.Context, tx *db.Tx, id string, hash []byte) (*activeFlow, error) {
	return s.readFlow(ctx, tx, flowWithDelivery, id, hash)
}

// loadForAnswer is load without what a right answer does not need: what became of the message,
// and the session that a step-up began from.
func (s *Service) loadForAnswer(ctx context.Context, tx *db.Tx, ref secret.Reference) (*activeFlow, error) {
	f, err := s.readFlow(ctx, tx, flowAlone, ref.ID, ref.Hash())
	if err == nil && f.SteppingUp != "" {
		return s.load(ctx, tx, ref)
	}
	if err == nil {
		f.deliveryUnread = true
	}
	return f, err
}

// flowQuery is a text that reads a flow: each joined table costs, whether it finds a row or not.
func flowQuery(session, sends, delivery, joins string) string {
	return `
		SELECT ` + flow.Columns + `,
			COALESCE(oa.address, ''), COALESCE(a.failures, 0), COALESCE(a.disabled_at, 1),
				` + session + `, ` + sends + `, b.stamps,` + facts.Columns + `,` + challenge.Joined + `,` + delivery + `
		FROM flows f
		JOIN users u ON u.tenant_id = f.tenant_id AND u.id = f.user_id
		JOIN tenants t ON t.tenant_id = f.tenant_id
		JOIN installation i ON i.id = 'installation'
		LEFT JOIN clients c ON c.id = f.client_id
		LEFT JOIN challenges ch ON ch.tenant_id = f.tenant_id AND ch.id = f.challenge_id
		LEFT JOIN authenticators a ON a.tenant_id = f.tenant_id AND a.id = ch.authenticator_id
		LEFT JOIN outofband_addresses oa ON oa.tenant_id = f.tenant_id AND oa.authenticator_id = ch.authenticator_id
		LEFT JOIN budgets b ON b.tenant_id = f.tenant_id
			AND b.name = '` + answersName + `' AND b.subject = ` + flow.SpenderColumn + joins + `
		WHERE f.tenant_id = $1 AND f.id = $2 AND f.token_hash = $3`
}

// What is read besides, and where: the message of the newest challenge, and the session that a
// step-up began from.
const (
	notRead            = `NULL`
	sessionEnd         = `COALESCE(bs.ended_at, 0), COALESCE(bs.expires_at, 0)`
	deliveryAndSession = `
		LEFT JOIN messages m ON m.tenant_id = f.tenant_id AND m.id = ch.message_id
		LEFT JOIN sessions bs ON bs.tenant_id = f.tenant_id AND bs.id = f.stepping_up`
	accountSendsRow = `
		LEFT JOIN budgets sa ON sa.tenant_id = f.tenant_id
			AND sa.name = '` + accountSends + `' AND sa.subject = ` + flow.SpenderColumn
)

// The texts that read a flow.
var (
	flowAlone        = flowQuery(`0, 0`, notRead, message.Unread, ``)
	flowWithDelivery = flowQuery(sessionEnd, notRead, message.Joined, deliveryAndSession)
	flowWithSends    = flowQuery(sessionEnd, `sa.stamps`, message.Joined, deliveryAndSession+accountSendsRow)
)

// readFlow reads a flow with one of the texts.
func (s *Service) readFlow(ctx context.Context, tx *db.Tx, text, id string, hash []byte) (*activeFlow, error) {
	f := &activeFlow{stored: true, bindable: s.Gate.Bindable}
	row, account := flow.Into(&f.Flow), facts.Into(&f.Facts)
	var stamps, sends []byte
	var disabled, baseEnded, baseExpires int64
	others := []any{&f.Destination, &f.failures, &disabled, &baseEnded, &baseExpires, &sends, &stamps}
	err := tx.QueryRow(ctx, text, tx.Tenant, id, hash).
		Scan(slices.Concat(row.Targets(), others, account.Targets(), f.Challenge.Targets(), f.Delivery.Targets())...)
	if db.IsNoRows(err) {
		return nil, flow.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	account.Decode(f.ClientID, s.Limits.RememberDays)
	f.usable = disabled == 0
	s.budgeted(f, tx.Tenant, stamps)
	if text == flowWithSends && tx.Attempt == 1 {
		f.sends = ratelimit.FromStored(s.accountSends(tx, f.Spender()), sends)
	}
	f.beganFrom.EndedAt, f.beganFrom.ExpiresAt = db.Time(baseEnded), db.Time(baseExpires)
	return f, row.Decode()
}

// loadByID reads a flow that something other than its browser names: a link or a report.
func (s *Service) loadByID(ctx context.Context, tx *db.Tx, id string) (*activeFlow, error) {
	var hash []byte
	err := tx.QueryRow(ctx, `SELECT token_hash FROM flows WHERE tenant_id = $1 AND id = $2`, tx.Tenant, id).Scan(&hash)
	if db.IsNoRows(err) {
		return nil, flow.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return s.loadByHash(ctx, tx, id, hash)
}
