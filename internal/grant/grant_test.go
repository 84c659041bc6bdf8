package grant_test

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/internal/db"
	"countersign/internal/db/dbtest"
	"countersign/internal/grant"
	"countersign/internal/secret"
	"countersign/internal/session"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const (
	verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" // RFC 7636, appendix B
	callback = "https://app.test/cb"
)

func challenge(v string) string {
	sum := sha256.Sum256([]byte(v))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// stage is a tenant with one user and one live session.
type stage struct {
	*testing.T
	d                     *db.DB
	tenant, user, session string

	mu sync.Mutex
	at time.Time
}

func (s *stage) now() time.Time { s.mu.Lock(); defer s.mu.Unlock(); return s.at }

func (s *stage) forward(d time.Duration) { s.mu.Lock(); defer s.mu.Unlock(); s.at = s.at.Add(d) }

func each(t *testing.T, fn func(s *stage)) {
	dbtest.Each(t, time.Now, func(t *testing.T, d *db.DB) {
		s := &stage{T: t, d: d, at: start}
		d.Now = s.now
		s.in(db.Installation, func(tx *db.Tx) error {
			made, err := tenant.Create(t.Context(), tx, "", "Harbor", tenant.Company)
			s.tenant = made.ID
			return err
		})
		s.in(s.tenant, func(tx *db.Tx) error {
			made, err := user.Create(t.Context(), tx, "ada@harbor.test", "Ada", user.Agent, "en")
			s.user = made.ID
			return err
		})
		s.session = s.signIn()
		fn(s)
	})
}

func (s *stage) signIn() (id string) {
	s.in(s.tenant, func(tx *db.Tx) error {
		made, _, err := session.Issue(s.Context(), tx,
			session.Session{UserID: s.user, ClientID: "dash", SecurityVersion: 1, ExpiresAt: db.Forever})
		id = made.ID
		return err
	})
	return id
}

func (s *stage) in(tenant string, fn func(tx *db.Tx) error) {
	s.Helper()
	if err := s.d.InTx(s.Context(), tenant, fn); err != nil {
		s.Fatal(err)
	}
}

func (s *stage) endSession() {
	s.in(s.tenant, func(tx *db.Tx) error {
		return session.EndLine(s.Context(), tx, s.session, session.SignedOut)
	})
}

// count counts the rows of the tenant that match.
func (s *stage) count(from string) (n int) {
	s.Helper()
	if err := s.d.View(s.Context(), s.tenant, func(tx *db.Tx) error {
		return tx.QueryRow(s.Context(), `SELECT COUNT(*) FROM `+from+` AND tenant_id = $1`, s.tenant).Scan(&n)
	}); err != nil {
		s.Fatal(err)
	}
	return n
}

func (s *stage) code(scope string) (code string) {
	s.Helper()
	err := s.d.InTx(s.Context(), s.tenant, func(tx *db.Tx) error {
		text, err := grant.IssueCode(s.Context(), tx,
			grant.Code{ClientID: "dash", UserID: s.user, SessionID: s.session, RedirectURI: callback, Scope: scope,
				Nonce: "n1", CodeChallenge: challenge(verifier)}, time.Minute)
		code = text.Reveal()
		return err
	})
	if err != nil {
		s.Fatal(err)
	}
	return code
}

// keys mark the refresh tokens of all these tests.
var keys = secret.NewKeys(start)

func redemption(code string) grant.Redemption {
	return grant.Redemption{Keys: keys, Code: code, ClientID: "dash", RedirectURI: callback, Verifier: verifier,
		AccessLife: 10 * time.Minute, RefreshLife: 30 * 24 * time.Hour}
}

func (s *stage) redeem(r grant.Redemption) (grant.Family, error) {
	return grant.Redeem(s.Context(), s.d, r)
}

func (s *stage) refresh(token secret.Text) (grant.Family, error) {
	return grant.Refresh(s.Context(), s.d, renewal(token))
}

func renewal(token secret.Text) grant.Renewal {
	return grant.Renewal{Keys: keys, Token: token.Reveal(), ClientID: "dash"}
}

func (s *stage) alive(f grant.Family) (ok bool) {
	s.Helper()
	err := s.d.View(s.Context(), s.tenant, func(tx *db.Tx) error {
		var n int
		err := tx.QueryRow(s.Context(), `SELECT COUNT(*) FROM refresh_families
			WHERE tenant_id = $1 AND id = $2 AND session_id = $3 AND ended_at = 0`, tx.Tenant, f.ID, s.session).Scan(&n)
		ok = n == 1
		return err
	})
	if err != nil {
		s.Fatal(err)
	}
	return ok
}

func (s *stage) family() grant.Family {
	s.Helper()
	f, err := s.redeem(redemption(s.code("openid offline_access")))
	if err != nil {
		s.Fatal(err)
	}
	return f
}

func TestACodeBuysTokensOnce(t *testing.T) {
	each(t, func(s *stage) {
		code := s.code("openid email")
		if tenant, id, err := grant.Holder(s.Context(), s.d, code); err != nil || tenant != s.tenant ||
			id != s.session {
			s.Error(tenant, id, err)
		}
		before := s.d.Statements()
		f, err := s.redeem(redemption(code))
		if n := s.d.Statements() - before; n > 3 {
			s.Errorf("%d statements", n)
		}
		if err != nil || f.UserID != s.user || f.SessionID != s.session || f.Nonce != "n1" ||
			f.Scope != "openid email" || f.Refresh != "" || !s.alive(f) {
			s.Errorf("%+v, %v", f, err)
		}
	})
}

// TestATK136 covers replay at once and later: the tokens of the first use end.
func TestATK136ReplayEndsTheFirstTokens(t *testing.T) {
	for _, wait := range []time.Duration{0, 30 * time.Second, 2 * time.Minute} {
		each(t, func(s *stage) {
			code := s.code("openid offline_access")
			f, err := s.redeem(redemption(code))
			if err != nil {
				s.Fatal(err)
			}
			s.forward(wait)
			if _, err := s.redeem(redemption(code)); !errors.Is(err, grant.ErrInvalid) {
				s.Error(err)
			}
			if s.alive(f) {
				s.Error("the first tokens live on")
			}
			if _, err := s.refresh(f.Refresh); !errors.Is(err, grant.ErrInvalid) {
				s.Error("refreshed after a replay", err)
			}
		})
	}
}

func TestATK135AnyMismatchKillsTheCode(t *testing.T) {
	for name, spoil := range map[string]func(*grant.Redemption){
		"other client":       func(r *grant.Redemption) { r.ClientID = "phone" },
		"other redirect":     func(r *grant.Redemption) { r.RedirectURI += "/" },
		"no redirect":        func(r *grant.Redemption) { r.RedirectURI = "" },
		"other verifier":     func(r *grant.Redemption) { r.Verifier = strings.Repeat("x", 43) },
		"no verifier":        func(r *grant.Redemption) { r.Verifier = "" },
		"challenge as proof": func(r *grant.Redemption) { r.Verifier = challenge(verifier) },
		"sign-in not enough": func(r *grant.Redemption) { r.Refuse = "not_enough" },
		"short verifier":     func(r *grant.Redemption) { r.Verifier = verifier[:42] },
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(s *stage) {
				code := s.code("openid")
				r := redemption(code)
				spoil(&r)
				if _, err := s.redeem(r); !errors.Is(err, grant.ErrInvalid) {
					s.Error(err)
				}
				if _, err := s.redeem(redemption(code)); !errors.Is(err, grant.ErrInvalid) {
					s.Error("the code survived", err)
				}
				if n := s.count(`refresh_families WHERE 1 = 1`); n != 0 {
					s.Errorf("%d families", n)
				}
			})
		})
	}
}

func TestACodeDiesWithTimeAndWithItsSession(t *testing.T) {
	each(t, func(s *stage) {
		late := s.code("openid")
		s.forward(time.Minute)
		if _, err := s.redeem(redemption(late)); !errors.Is(err, grant.ErrInvalid) {
			s.Error("redeemed after 60 s", err)
		}
		orphan := s.code("openid")
		s.endSession()
		if _, err := s.redeem(redemption(orphan)); !errors.Is(err, grant.ErrInvalid) {
			s.Error("redeemed for a session that is over", err)
		}
	})
}

func TestCodesThatNeverWereLeaveNoTrace(t *testing.T) {
	each(t, func(s *stage) {
		token, _ := secret.NewToken()
		code := s.code("openid")
		id := strings.Split(code, ".")[1]
		for _, bad := range []string{"", "x", s.tenant + "." + id, s.tenant + "." + id + "." + token.Reveal(),
			"t2." + id + "." + strings.Split(code, ".")[2]} {
			if _, err := s.redeem(redemption(bad)); !errors.Is(err, grant.ErrInvalid) {
				s.Errorf("%q: %v", bad, err)
			}
		}
		if n := s.count(`audit_events WHERE 1 = 1`); n != 0 {
			s.Errorf("%d audit rows", n)
		}
		if _, err := s.redeem(redemption(code)); err != nil {
			s.Error("a stranger's guess killed the code", err)
		}
	})
}

func TestACodeRedeemedAHundredTimesAtOnce(t *testing.T) {
	each(t, func(s *stage) {
		code := s.code("openid offline_access")
		won := race(100, func() bool { _, err := s.redeem(redemption(code)); return err == nil })
		if won != 1 {
			s.Errorf("%d redemptions", won)
		}
		if n := s.count(`refresh_families WHERE ended_at = 0`); n != 0 {
			s.Errorf("%d families live after a replay", n)
		}
	})
}

func race(n int, try func() bool) (won int) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	for range n {
		wg.Go(func() {
			ok := try()
			mu.Lock()
			defer mu.Unlock()
			if ok {
				won++
			}
		})
	}
	wg.Wait()
	return won
}
