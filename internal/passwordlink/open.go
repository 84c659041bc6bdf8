package passwordlink

import (
	"context"
	"time"

	"countersign/internal/authenticator/outofband"
	"countersign/internal/authenticator/password"
	"countersign/internal/client"
	"countersign/internal/db"
	"countersign/internal/policy/facts"
	"countersign/internal/secret"
	"countersign/internal/user"
)

// Link is the state of a mailed link, and what its page may show.
type Link struct {
	State            outofband.LinkState // any but LinkElsewhere
	Invitation       bool
	Withdrawn        bool   // of an invitation, with LinkExpired
	Email            string // empty unless State is LinkReady
	AppName, HomeURL string // of the app that the person was signing in to
	ContinueTo       string
	MinLength        int
}

// loadedLink is a link with its account.
type loadedLink struct {
	Link
	facts.Facts
	old password.Stored
}

// Open reads the state of a link, and changes nothing: mail scanners open links.
func (s *Service) Open(ctx context.Context, ref secret.Reference) (Link, error) {
	o, err := s.load(ctx, ref)
	return o.Link, err
}

func (s *Service) load(ctx context.Context, ref secret.Reference) (o loadedLink, err error) {
	o.State, o.MinLength = outofband.LinkUnknown, password.MinLength
	err = s.DB.View(ctx, ref.Tenant, func(tx *db.Tx) error {
		r := facts.Into(&o.Facts)
		var purpose, key, clientID, because string
		var version, expires, closed int64
		err := tx.QueryRow(ctx, `
			SELECT l.purpose, l.email_key, l.security_version, l.client_id, l.continue_to, l.expires_at,
				l.closed_at, l.closed_because,
				COALESCE(p.hash, ''), COALESCE(p.pepper, ''),`+facts.Columns+`
			FROM password_links l
			JOIN users u ON u.tenant_id = l.tenant_id AND u.id = l.user_id
			JOIN tenants t ON t.tenant_id = l.tenant_id
			JOIN installation i ON i.id = 'installation'
			LEFT JOIN passwords p ON p.tenant_id = u.tenant_id AND p.user_id = u.id
			LEFT JOIN clients c ON c.id = l.client_id
			WHERE l.tenant_id = $1 AND l.id = $2 AND l.token_hash = $3`, tx.Tenant, ref.ID, ref.Hash()).
			Scan(append([]any{&purpose, &key, &version, &clientID, &o.ContinueTo, &expires, &closed, &because,
				&o.old.Hash, &o.old.Pepper}, r.Targets()...)...)
		if db.IsNoRows(err) {
			return nil
		}
		if err != nil {
			return err
		}
		r.Decode(clientID, s.Limits.RememberDays)
		o.Invitation, o.Withdrawn = purpose == invitation, because == withdrawn
		if clientID != client.PortalID {
			o.AppName, o.HomeURL = o.App.Name, o.App.HomeURL
		}
		o.State = o.linkState(tx.Now, key, version, db.Time(expires), db.Time(closed), because)
		if o.State == outofband.LinkReady {
			o.Email = o.User.Email
		}
		return nil
	})
	return o, err
}

// linkState is LinkReady for a link that is unused and not expired, and whose account has not changed.
func (o loadedLink) linkState(now time.Time, key string, version int64, expires, closed time.Time,
	because string) outofband.LinkState {
	currentKey, err := user.EmailKey(o.User.Email)
	same := err == nil && currentKey == key && o.User.SecurityVersion == version
	switch {
	case because == string(outofband.LinkUsed), because == string(outofband.LinkReplaced):
		return outofband.LinkState(because)
	case !closed.IsZero(), !now.Before(expires), !same, !o.User.DisabledAt.IsZero(), !o.Tenant.SuspendedAt.IsZero():
		return outofband.LinkExpired
	}
	return outofband.LinkReady
}
