package push

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"strings"
	"sync"
	"time"

	"countersign/internal/db"
	"countersign/internal/secret"
)

// Identity is the key by which push services know this installation (RFC 8292). Browsers
// bind their subscriptions to it, so that it is made once and never changed.
type Identity struct {
	DB   *db.DB
	Keys *secret.Keys

	mu  sync.Mutex
	key *ecdsa.PrivateKey
}

// keyID is the one row of push_keys.
const keyID = "vapid"

func place() []string { return []string{"push_keys", "sealed", keyID} }

// Key returns the installation's key, and makes it where there is none. Of two replicas that
// make one at the same moment both return the one that was stored first.
func (i *Identity) Key(ctx context.Context) (*ecdsa.PrivateKey, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.key != nil {
		return i.key, nil
	}
	sealed, err := i.stored(ctx)
	if db.IsNoRows(err) {
		if err = i.make(ctx); err == nil {
			sealed, err = i.stored(ctx)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read the push key: %w", err)
	}
	i.key, err = i.open(sealed)
	return i.key, err
}

// Look reads the key as Key does, and makes none where there is none: then made is false.
func (i *Identity) Look(ctx context.Context) (made bool, err error) {
	sealed, err := i.stored(ctx)
	if db.IsNoRows(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read the push key: %w", err)
	}
	_, err = i.open(sealed)
	return true, err
}

func (i *Identity) stored(ctx context.Context) (sealed []byte, err error) {
	err = i.DB.View(ctx, db.Installation, func(tx *db.Tx) error {
		return tx.QueryRow(ctx, `SELECT sealed FROM push_keys WHERE id = $1`, keyID).Scan(&sealed)
	})
	return sealed, err
}

func (i *Identity) make(ctx context.Context) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("make a push key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("encode the push key: %w", err)
	}
	return i.DB.InTx(ctx, db.Installation, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO push_keys (id, sealed, created_at) VALUES ($1, $2, $3)
			ON CONFLICT (id) DO NOTHING`, keyID, i.Keys.Seal(der, place()...), tx.Now)
		return err
	})
}

func (i *Identity) open(sealed []byte) (*ecdsa.PrivateKey, error) {
	der, err := i.Keys.Open(sealed, place()...)
	if err != nil {
		return nil, fmt.Errorf("open the push key: %w", err)
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, errors.New("the push key is not readable")
	}
	private, ok := key.(*ecdsa.PrivateKey)
	if !ok {
		return nil, errors.New("the push key is of another kind")
	}
	return private, nil
}

// Public is the key as browsers want it: applicationServerKey of the W3C Push API.
func (i *Identity) Public(ctx context.Context) (string, error) {
	key, err := i.Key(ctx)
	if err != nil {
		return "", err
	}
	return publicOf(key)
}

func publicOf(key *ecdsa.PrivateKey) (string, error) {
	point, err := key.PublicKey.Bytes()
	return base64.RawURLEncoding.EncodeToString(point), err
}

// proofLife is how long a signed request is good for; RFC 8292 section 2 allows a day.
const proofLife = 2 * time.Hour

// authorization proves to one push service who sends (RFC 8292 section 3).
func authorization(key *ecdsa.PrivateKey, endpoint *url.URL, subject string, now time.Time) (string, error) {
	claims, err := json.Marshal(map[string]any{"aud": endpoint.Scheme + "://" + endpoint.Host,
		"exp": now.Add(proofLife).Unix(), "sub": subject})
	if err != nil {
		return "", err
	}
	text := base64.RawURLEncoding.EncodeToString([]byte(`{"typ":"JWT","alg":"ES256"}`)) + "." +
		base64.RawURLEncoding.EncodeToString(claims)
	digest := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
	if err != nil {
		return "", fmt.Errorf("sign a push: %w", err)
	}
	var signature [64]byte // RFC 7518 section 3.4
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	public, err := publicOf(key)
	return "vapid t=" + text + "." + base64.RawURLEncoding.EncodeToString(signature[:]) + ", k=" + public, err
}

// Subject is how a push service may reach the operator of the installation (RFC 8292 section
// 2.1): an https address, or a mail address with "mailto:" exactly once, which one of them
// insists on. The first of the candidates that is either is taken; empty where none is.
func Subject(candidates ...string) string {
	for _, c := range candidates {
		if u, err := url.Parse(c); err == nil && u.Scheme == "https" && u.Host != "" {
			return c
		}
		if a, err := mail.ParseAddress(strings.TrimPrefix(c, "mailto:")); err == nil {
			return "mailto:" + a.Address
		}
	}
	return ""
}
