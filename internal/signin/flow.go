package signin

import (
	"context"
	"strings"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/challenge"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/secret"
	"countersign/internal/session"
)

var errFlowGone = fault.New(fault.NotFound, "signin.flow_over")

// flow is a half-signed-in claimant: its cookie opens nothing but the steps of this flow.
type flow struct {
	ID, ContinueTo  string
	ClientID        string
	WantACR         []string
	SecurityVersion int64  // of the user when the password was right; a change since ends the flow
	SteppingUp      string // the session that this flow began from
	Sends           int
	Visitor         session.Visitor
	StartedAt       time.Time
	ExpiresAt       time.Time
	ClosedAt        time.Time
	ClosedBecause   string
	world
	Proofs     []authenticator.Proof
	Challenges []challenge.Challenge // newest first
	remembered session.Remembered
	rememberBy secret.Reference
}

// begin stores a new flow with its first proof and returns what the browser keeps.
func (s *Service) begin(ctx context.Context, tx *db.Tx, f *flow, first authenticator.Proof) (secret.Reference, error) {
	token, hash := secret.NewToken()
	f.ID, f.StartedAt, f.ExpiresAt = tx.NewID(), tx.Now, tx.Now.Add(s.Limits.FlowLife)
	_, err := tx.Exec(ctx, `
		INSERT INTO flows (tenant_id, id, token_hash, user_id, client_id, continue_to, want_acr, security_version, stepping_up, sends, ip, place, browser, started_at, expires_at, closed_at, closed_because, disowned_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, $10, $11, $12, $13, $14, 0, '', 0)`,
		tx.Tenant, f.ID, hash, f.User.ID, f.ClientID, f.ContinueTo, strings.Join(f.WantACR, " "), f.SecurityVersion, f.SteppingUp,
		f.Visitor.IP, f.Visitor.Place, f.Visitor.Browser, f.StartedAt, f.ExpiresAt)
	if err != nil {
		return secret.Reference{}, err
	}
	return secret.Reference{Tenant: tx.Tenant, ID: f.ID, Token: token}, f.prove(ctx, tx, first)
}

// load reads a flow and its world; a reference that is not this browser's is NotFound.
func (s *Service) load(ctx context.Context, tx *db.Tx, ref secret.Reference) (*flow, error) {
	return s.loadByHash(ctx, tx, ref.ID, ref.Hash())
}

// hold is load for a transaction that will change the flow. It takes the flow's row first,
// so that two requests of one flow wait for each other here and never in a circle.
func (s *Service) hold(ctx context.Context, tx *db.Tx, ref secret.Reference) (*flow, error) {
	n, err := tx.Exec(ctx, `UPDATE flows SET sends = sends WHERE tenant_id = $1 AND id = $2 AND token_hash = $3`, tx.Tenant, ref.ID, ref.Hash())
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, errFlowGone
	}
	return s.load(ctx, tx, ref)
}

func (s *Service) loadByHash(ctx context.Context, tx *db.Tx, id string, hash []byte) (*flow, error) {
	f := &flow{ID: id}
	r := reader{w: &f.world}
	var want string
	var started, expires, closed int64
	err := tx.QueryRow(ctx, `
		SELECT f.client_id, f.continue_to, f.want_acr, f.security_version, f.stepping_up, f.sends, f.ip, f.place, f.browser, f.started_at, f.expires_at, f.closed_at, f.closed_because,`+worldColumns+`
		FROM flows f
		JOIN users u ON u.tenant_id = f.tenant_id AND u.id = f.user_id
		JOIN tenants t ON t.tenant_id = f.tenant_id
		JOIN installation i ON i.id = 'installation'
		LEFT JOIN clients c ON c.id = f.client_id
		WHERE f.tenant_id = $1 AND f.id = $2 AND f.token_hash = $3`, tx.Tenant, id, hash).
		Scan(append([]any{&f.ClientID, &f.ContinueTo, &want, &f.SecurityVersion, &f.SteppingUp, &f.Sends, &f.Visitor.IP, &f.Visitor.Place, &f.Visitor.Browser,
			&started, &expires, &closed, &f.ClosedBecause}, r.targets()...)...)
	if db.IsNoRows(err) {
		return nil, errFlowGone
	}
	if err != nil {
		return nil, err
	}
	f.WantACR, f.StartedAt, f.ExpiresAt, f.ClosedAt = strings.Fields(want), db.Time(started), db.Time(expires), db.Time(closed)
	r.settle(f.ClientID)
	if err := f.loadProofs(ctx, tx); err != nil {
		return nil, err
	}
	f.Challenges, err = challenge.OfFlow(ctx, tx, f.ID)
	return f, err
}

func (f *flow) loadProofs(ctx context.Context, tx *db.Tx) error {
	rows, err := tx.Query(ctx, `SELECT kind, authenticator_id, proved_at FROM flow_proofs WHERE tenant_id = $1 AND flow_id = $2 ORDER BY proved_at, kind`, tx.Tenant, f.ID)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var p authenticator.Proof
		var at int64
		if err := rows.Scan(&p.Kind, &p.AuthenticatorID, &at); err != nil {
			return err
		}
		p.At = db.Time(at)
		f.Proofs = append(f.Proofs, p)
	}
	return rows.Err()
}

// over says why the flow cannot go on; empty when it can.
func (f *flow) over(now time.Time) string {
	switch {
	case !f.ClosedAt.IsZero():
		return f.ClosedBecause
	case !now.Before(f.ExpiresAt):
		return Expired
	case !f.open() || f.SecurityVersion != f.User.SecurityVersion:
		return Changed
	}
	return ""
}

// overStep draws the end of a flow.
func (f *flow) overStep(reason string) Over {
	return Over{AppName: f.App.Name, Reason: reason, ContinueTo: f.ContinueTo, HomeURL: f.App.HomeURL}
}

// prove adds a proof to the flow.
func (f *flow) prove(ctx context.Context, tx *db.Tx, p authenticator.Proof) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO flow_proofs (tenant_id, flow_id, kind, authenticator_id, proved_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (tenant_id, flow_id, kind) DO UPDATE SET authenticator_id = excluded.authenticator_id, proved_at = excluded.proved_at`,
		tx.Tenant, f.ID, string(p.Kind), p.AuthenticatorID, p.At)
	f.Proofs = append(f.Proofs, p)
	return err
}

// close ends the flow; only the first caller gets true.
func (f *flow) close(ctx context.Context, tx *db.Tx, because string) (first bool, err error) {
	n, err := tx.Exec(ctx, `UPDATE flows SET closed_at = $1, closed_because = $2 WHERE tenant_id = $3 AND id = $4 AND closed_at = 0`, tx.Now, because, tx.Tenant, f.ID)
	if err != nil || n == 0 {
		return false, err
	}
	f.ClosedAt, f.ClosedBecause = tx.Now, because
	return true, nil
}

// current is the newest challenge when it is still open, else nil.
func (f *flow) current(now time.Time) *challenge.Challenge {
	if len(f.Challenges) > 0 && f.Challenges[0].Open(now) {
		return &f.Challenges[0]
	}
	return nil
}

// authenticatedAt is the oldest proof: a session is as fresh as its stalest part.
func (f *flow) authenticatedAt() time.Time {
	oldest := f.Proofs[0].At
	for _, p := range f.Proofs {
		if p.At.Before(oldest) {
			oldest = p.At
		}
	}
	return oldest
}

// loadByID reads a flow that something other than its browser names: a link or a report.
func (s *Service) loadByID(ctx context.Context, tx *db.Tx, id string) (*flow, error) {
	var hash []byte
	err := tx.QueryRow(ctx, `SELECT token_hash FROM flows WHERE tenant_id = $1 AND id = $2`, tx.Tenant, id).Scan(&hash)
	if db.IsNoRows(err) {
		return nil, errFlowGone
	}
	if err != nil {
		return nil, err
	}
	return s.loadByHash(ctx, tx, id, hash)
}

// worldOf reads what policy looks at for a user and a client.
func (s *Service) worldOf(ctx context.Context, tx *db.Tx, userID, clientID string) (w world, err error) {
	r := reader{w: &w}
	err = tx.QueryRow(ctx, `
		SELECT `+worldColumns+`
		FROM users u
		JOIN tenants t ON t.tenant_id = u.tenant_id
		JOIN installation i ON i.id = 'installation'
		LEFT JOIN clients c ON c.id = $1
		WHERE u.tenant_id = $2 AND u.id = $3`, clientID, tx.Tenant, userID).Scan(r.targets()...)
	r.settle(clientID)
	return w, err
}
