package tenant

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"image/png"
	"regexp"
	"strings"

	"countersign/internal/db"
	"countersign/internal/fault"
)

// Limits of a logo: bytes of the file, and pixels on a side.
const (
	maxLogoBytes = 256 << 10
	minLogoSide  = 16
	maxLogoSide  = 1024
)

var (
	errLogo   = fault.New(fault.Invalid, "tenant.bad_logo")
	errAccent = fault.New(fault.Invalid, "tenant.bad_accent")
)

var accentForm = regexp.MustCompile(`^#[0-9a-f]{6}$`)

// CleanAccent is a colour as #rrggbb in small letters; an empty one is ours. It fails for
// anything else: what is stored here is written into a style sheet.
func CleanAccent(s string) (string, error) {
	s = strings.ToLower(strings.TrimSpace(s))
	if s != "" && !accentForm.MatchString(s) {
		return "", errAccent
	}
	return s, nil
}

// CleanLogo decodes a PNG and encodes it again, so that only an image is left of a file: no
// script, no metadata, nothing behind its end. SVG is refused because it can hold scripts. The
// size is read before anything is decoded.
func CleanLogo(file []byte) ([]byte, error) {
	if len(file) > maxLogoBytes {
		return nil, errLogo
	}
	c, err := png.DecodeConfig(bytes.NewReader(file))
	if err != nil {
		return nil, errLogo.Because(err)
	}
	if min(c.Width, c.Height) < minLogoSide || max(c.Width, c.Height) > maxLogoSide {
		return nil, errLogo
	}
	img, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, errLogo.Because(err)
	}
	var out bytes.Buffer
	if err := png.Encode(&out, img); err != nil {
		return nil, errLogo.Because(err)
	}
	return out.Bytes(), nil
}

// SetLogo replaces the logo; nil removes it. The bytes come from CleanLogo.
func SetLogo(ctx context.Context, tx *db.Tx, logo []byte) error {
	hash := ""
	if logo != nil {
		sum := sha256.Sum256(logo)
		hash = hex.EncodeToString(sum[:])
	}
	_, err := tx.Exec(ctx, `UPDATE installation SET logo = $1, logo_hash = $2
		WHERE id = $3`, logo, hash, db.Installation)
	return err
}

// Logo is the PNG of the logo; nil where there is none.
func Logo(ctx context.Context, tx *db.Tx) (logo []byte, err error) {
	err = tx.QueryRow(ctx, `SELECT logo FROM installation WHERE id = $1`, db.Installation).Scan(&logo)
	return logo, err
}
