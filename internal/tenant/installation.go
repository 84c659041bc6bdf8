package tenant

import (
	"context"
	"time"

	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/secret"
	"countersign/internal/typed"
)

// MaxRememberDays is the ceiling for remembered browsers (ALO-8).
const MaxRememberDays = 30

// Installation is the vendor's own settings.
type Installation struct {
	Name         string
	SupportEmail string
	SupportURL   string
	SupportPhone string
	Mandate      Mandate // what tenants inherit
	RememberDays int     // 0 to MaxRememberDays
	Methods      Methods // what companies may allow
	Accent       string  // "#rrggbb" in place of our colour; "" = ours
	LogoHash     string  // SHA-256 of the logo (SetLogo); "" = ours
	SetUpAt      time.Time
	Version      int64 // grows with each change of what a decision reads
}

// Ensure creates the installation's row where there is none, and says whether it did.
func Ensure(ctx context.Context, tx *db.Tx) (created bool, err error) {
	n, err := tx.Exec(ctx, `
		INSERT INTO installation (id, name, support_email, support_url, support_phone, mandate, mandate_from,
			remember_days, setup_hash, set_up_at, created_at)
		VALUES ($1, 'Countersign', '', '', '', $2, 0, $3, NULL, 0, $4) ON CONFLICT (id) DO NOTHING`,
		db.Installation, string(DefaultOff), MaxRememberDays, tx.Now)
	return n > 0, err
}

// OfferSetUp returns a new set-up token in place of any older one, or nothing once the
// installation has been set up (SEC-123).
func OfferSetUp(ctx context.Context, tx *db.Tx) (secret.Text, error) {
	token, hash := secret.NewToken()
	n, err := tx.Exec(ctx, `UPDATE installation SET setup_hash = $1
		WHERE id = $2 AND set_up_at = 0`, hash, db.Installation)
	if err != nil || n == 0 {
		return "", err
	}
	return token, nil
}

// ClaimSetUp spends the set-up token; only the first right one succeeds, ever.
func ClaimSetUp(ctx context.Context, tx *db.Tx, token string) error {
	n, err := tx.Exec(ctx, `UPDATE installation SET set_up_at = $1, setup_hash = NULL
		WHERE id = $2 AND set_up_at = 0 AND setup_hash = $3`,
		tx.Now, db.Installation, secret.Hash(token))
	if err == nil && n == 0 {
		return fault.New(fault.Denied, "setup.problem.token")
	}
	return err
}

// LoadInstallation reads the settings.
func LoadInstallation(ctx context.Context, tx *db.Tx) (Installation, error) {
	var i Installation
	err := tx.QueryRow(ctx, `
		SELECT name, support_email, support_url, support_phone, mandate, mandate_from, remember_days, methods,
			accent, logo_hash, set_up_at, version FROM installation WHERE id = $1`, db.Installation).
		Scan(&i.Name, &i.SupportEmail, &i.SupportURL, &i.SupportPhone, &i.Mandate.Mode, db.ScanTime(&i.Mandate.From),
			&i.RememberDays, &i.Methods, &i.Accent, &i.LogoHash, db.ScanTime(&i.SetUpAt), &i.Version)
	return i, err
}

// SaveInstallation writes the settings over those that i was loaded from; SetUpAt and the logo are not
// among them. It fails with ErrConflict where someone else has written since, so that the unit of
// work is run again.
func SaveInstallation(ctx context.Context, tx *db.Tx, i Installation) error {
	name, err := CleanName(i.Name)
	if err != nil {
		return err
	}
	for _, line := range []string{i.SupportEmail, i.SupportURL, i.SupportPhone} {
		if err := typed.Visible(line); err != nil {
			return fault.New(fault.Invalid, "text.unseen").Because(err)
		}
	}
	if i.RememberDays < 0 || i.RememberDays > MaxRememberDays {
		return fault.New(fault.Invalid, "tenant.remember_days")
	}
	if i.Mandate.Mode == Inherit {
		return fault.New(fault.Invalid, "tenant.unknown_mode")
	}
	accent, err := CleanAccent(i.Accent)
	if err != nil {
		return err
	}
	methods, err := i.Methods.Clean()
	if err != nil {
		return err
	}
	n, err := tx.Exec(ctx, `
		UPDATE installation SET name = $1, support_email = $2, support_url = $3, support_phone = $4, mandate = $5,
			mandate_from = $6, remember_days = $7, methods = $8, accent = $9, version = version + 1
		WHERE id = $10 AND version = $11`,
		name, i.SupportEmail, i.SupportURL, i.SupportPhone, string(i.Mandate.Mode), i.Mandate.From, i.RememberDays,
		string(methods), accent, db.Installation, i.Version)
	if err == nil && n == 0 {
		err = db.ErrConflict
	}
	if err != nil {
		return err
	}
	return tx.Notify(ctx, db.TopicInstallation)
}
