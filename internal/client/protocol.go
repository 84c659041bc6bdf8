package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"countersign/internal/db"
)

// signingAlgs are the algorithms that a client's tokens can be signed with (RFC 7518 3.1), the
// usual one first.
var signingAlgs = []string{"ES256", "RS256"}

func checkSigningAlg(alg string) error {
	if !slices.Contains(signingAlgs, alg) {
		return fmt.Errorf("the signing algorithm must be one of %s", strings.Join(signingAlgs, ", "))
	}
	return nil
}

// SetSigningAlg changes what the client's tokens are signed with from now on, ES256 or RS256.
// ErrUnknown where there is no such client.
func SetSigningAlg(ctx context.Context, tx *db.Tx, id, alg string) error {
	if err := checkSigningAlg(alg); err != nil {
		return invalid(err)
	}
	return change(ctx, tx, `UPDATE clients SET signing_alg = $1, version = version + 1 WHERE id = $2`, alg, id)
}

const (
	pkceRequired = "required"
	pkceOptional = "optional"
)

func pkce(optional bool) string {
	if optional {
		return pkceOptional
	}
	return pkceRequired
}

// errPKCE: nothing but PKCE ties a code to a client that has no secret (RFC 9700 2.1.1).
var errPKCE = errors.New(
	"PKCE is optional for confidential clients only: a client without a secret has nothing else that protects its codes")

// SetPKCE says whether the client may ask for a code without PKCE (RFC 7636). Only a
// confidential client may. ErrUnknown where there is no such client.
func SetPKCE(ctx context.Context, tx *db.Tx, id string, optional bool) error {
	var err error
	if optional {
		err = change(ctx, tx, `UPDATE clients SET pkce = $1, version = version + 1
			WHERE id = $2 AND kind = 'confidential'`, pkceOptional, id)
	} else {
		err = change(ctx, tx, `UPDATE clients SET pkce = $1, version = version + 1 WHERE id = $2`, pkceRequired, id)
	}
	if _, known := ByID(ctx, tx, id); errors.Is(err, ErrUnknown) && known == nil {
		return invalid(errPKCE)
	}
	return err
}
