package tenant

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/mail"
	"net/url"
	"regexp"
	"strings"

	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/typed"
)

// Brand is what the people of a company see in place of the vendor's own. What is empty stays the vendor's.
type Brand struct {
	Name         string
	Accent       string // "#rrggbb"
	SupportEmail string
	SupportURL   string // https
	SupportPhone string
	Logo         BrandLogo // see SetPicture
}

// BrandLogo names a company's logo.
type BrandLogo struct {
	Hash          string // in its address; empty: there is none
	Width, Height int
}

// Supported reports whether the company names a support contact of its own.
func (b Brand) Supported() bool { return b.SupportEmail+b.SupportURL+b.SupportPhone != "" }

// ShownName is the name that the people of a company see, whose name is company; empty: the vendor's. A company's logo
// never stands next to the name of someone else.
func (b Brand) ShownName(company string) string {
	if b.Name == "" && b.Logo.Hash != "" {
		return company
	}
	return b.Name
}

// Bounds of a support contact.
const (
	maxSupportEmail = 254
	maxSupportURL   = 300
)

var (
	errSupportEmail = fault.New(fault.Invalid, "brand.bad_email")
	errSupportURL   = fault.New(fault.Invalid, "brand.bad_url")
	errSupportPhone = fault.New(fault.Invalid, "brand.bad_phone")
)

var phoneForm = regexp.MustCompile(`^\+?[0-9](?:[ ./()-]*[0-9]){2,19}$`)

// Clean returns b in its stored form. It fails with Invalid at the first part that is none: pages draw it to everyone
// in the company, the accent into a style sheet and the address into a link.
func (b Brand) Clean() (Brand, error) {
	var err error
	if b.Name = strings.TrimSpace(b.Name); b.Name != "" {
		if b.Name, err = CleanName(b.Name); err != nil {
			return b, err
		}
	}
	if b.Accent, err = CleanAccent(b.Accent); err != nil {
		return b, err
	}
	b.SupportEmail, b.SupportPhone = strings.TrimSpace(b.SupportEmail), strings.TrimSpace(b.SupportPhone)
	if b.SupportEmail != "" && !goodMailbox(b.SupportEmail) {
		return b, errSupportEmail
	}
	if b.SupportPhone != "" && !phoneForm.MatchString(b.SupportPhone) {
		return b, errSupportPhone
	}
	b.SupportURL, err = cleanSupportURL(b.SupportURL)
	return b, err
}

// goodMailbox reports whether s is one bare address.
func goodMailbox(s string) bool {
	a, err := mail.ParseAddress(s)
	return err == nil && a.Name == "" && a.Address == s && len(s) <= maxSupportEmail && typed.Plain(s) == nil &&
		!strings.ContainsAny(s, " \"<>?&,;:")
}

// cleanSupportURL accepts an https address without a user, which could make it look like someone else's.
func cleanSupportURL(s string) (string, error) {
	if s = strings.TrimSpace(s); s == "" {
		return "", nil
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Opaque != "" ||
		len(s) > maxSupportURL || typed.Plain(s) != nil || strings.ContainsAny(s, "\\ ") {
		return "", errSupportURL
	}
	return u.String(), nil
}

// LoadBrand reads the brand of tx.Tenant; the zero Brand where it has none.
func LoadBrand(ctx context.Context, tx *db.Tx) (b Brand, err error) {
	err = tx.QueryRow(ctx, `
		SELECT name, accent, support_email, support_url, support_phone, logo_hash, logo_width, logo_height FROM brands
		WHERE tenant_id = $1`, tx.Tenant).
		Scan(&b.Name, &b.Accent, &b.SupportEmail, &b.SupportURL, &b.SupportPhone, &b.Logo.Hash, &b.Logo.Width,
			&b.Logo.Height)
	if db.IsNoRows(err) {
		return Brand{}, nil
	}
	return b, err
}

// SaveBrand writes the brand of tx.Tenant, without its logo. Every program that serves is told. Invalid as Clean says.
func SaveBrand(ctx context.Context, tx *db.Tx, b Brand) error {
	b, err := b.Clean()
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO brands (tenant_id, name, accent, support_email, support_url, support_phone, logo_hash, logo_width,
			logo_height)
		VALUES ($1, $2, $3, $4, $5, $6, '', 0, 0)
		ON CONFLICT (tenant_id) DO UPDATE SET name = excluded.name, accent = excluded.accent,
			support_email = excluded.support_email, support_url = excluded.support_url,
			support_phone = excluded.support_phone`,
		tx.Tenant, b.Name, b.Accent, b.SupportEmail, b.SupportURL, b.SupportPhone)
	if err != nil {
		return err
	}
	return tx.Notify(ctx, db.TopicBrands)
}

// SetPicture replaces the logo of tx.Tenant's brand, which SaveBrand has written; the zero Picture removes it. Its
// hash is of the image and a value that no one can guess, so that anyone who has the image cannot find out whether a
// company uses it.
func SetPicture(ctx context.Context, tx *db.Tx, p Picture) error {
	hash := ""
	if p.PNG != nil {
		sum := sha256.Sum256(append([]byte(tx.NewID()), p.PNG...))
		hash = hex.EncodeToString(sum[:16])
	}
	return changed(tx.Exec(ctx, `
		UPDATE brands SET logo = $1, logo_hash = $2, logo_width = $3, logo_height = $4 WHERE tenant_id = $5`,
		p.PNG, hash, p.Width, p.Height, tx.Tenant))
}

// PictureOf is the PNG of tx.Tenant's logo with that hash; nil where it has no such logo.
func PictureOf(ctx context.Context, tx *db.Tx, hash string) (logo []byte, err error) {
	err = tx.QueryRow(ctx, `SELECT logo FROM brands WHERE tenant_id = $1
		AND logo_hash = $2 AND logo_hash <> ''`, tx.Tenant, hash).Scan(&logo)
	if db.IsNoRows(err) {
		return nil, nil
	}
	return logo, err
}
