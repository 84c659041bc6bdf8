package passwordlink

import (
	"context"
	"fmt"
	"time"

	"countersign/internal/authenticator/outofband"
	"countersign/internal/db"
	"countersign/internal/message"
	"countersign/internal/message/email"
	"countersign/internal/secret"
	"countersign/internal/session"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// linkMail is a link that is about to be mailed.
type linkMail struct {
	purpose              string
	life                 time.Duration
	clientID, continueTo string
	visitor              session.Visitor // who asked for it; zero where an administrator did
}

// mailLink stores a link of u and queues its mail. Only the token's hash is kept.
func (s *Service) mailLink(ctx context.Context, tx *db.Tx, u user.User, company string, l linkMail) error {
	key, err := user.EmailKey(u.Email)
	if err != nil {
		return err
	}
	i, err := tenant.LoadInstallation(ctx, tx)
	if err != nil {
		return err
	}
	token, hash := secret.NewToken()
	ref := secret.Reference{Tenant: tx.Tenant, ID: tx.NewID(), Token: token}
	ends := tx.Now.Add(l.life)
	_, err = tx.Exec(ctx, `
		INSERT INTO password_links (tenant_id, id, token_hash, user_id, purpose, email_key, security_version, client_id,
			continue_to, sent_at, expires_at, closed_at, closed_because)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, '')`,
		tx.Tenant, ref.ID, hash, u.ID, l.purpose, key, u.SecurityVersion, l.clientID, l.continueTo, tx.Now, ends)
	if err != nil {
		return fmt.Errorf("store password link: %w", err)
	}
	letter := email.PasswordLink{
		Vendor:     i.Name,
		Company:    company,
		Email:      u.Email,
		Invitation: l.purpose == invitation,
		Asked:      l.visitor.IP != "",
		Link:       s.Origin + Path + ref.Text().Reveal(),
		IP:         l.visitor.IP,
		Place:      l.visitor.Place,
		Browser:    l.visitor.Browser,
		At:         tx.Now,
		ExpiresAt:  ends,
	}
	_, err = s.Queue.Put(ctx, tx, message.Outgoing{
		UserID:    u.ID,
		Channel:   "email",
		Purpose:   "password." + l.purpose,
		To:        u.Email,
		Hint:      outofband.Mask(u.Email),
		Language:  u.Language,
		Template:  email.Template(letter),
		Data:      letter,
		ExpiresAt: ends,
	})
	return err
}

// closeAll ends the links of a user that are open.
func closeAll(ctx context.Context, tx *db.Tx, userID, because string) error {
	_, err := tx.Exec(ctx, `
		UPDATE password_links SET closed_at = $1, closed_because = $2
		WHERE tenant_id = $3 AND user_id = $4 AND closed_at = 0`, tx.Now, because, tx.Tenant, userID)
	return err
}
