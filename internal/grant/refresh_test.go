package grant_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"countersign/internal/grant"
	"countersign/internal/secret"
)

func TestATK141RefreshReuseEndsTheFamily(t *testing.T) {
	each(t, func(s *stage) {
		f1 := s.family()
		before := s.d.Statements()
		f2, err := s.refresh(f1.Refresh)
		if err != nil || f2.Refresh == f1.Refresh || f2.ID != f1.ID || f2.UserID != s.user ||
			!f2.Until.Equal(f1.Until) {
			s.Fatalf("%+v, %v", f2, err)
		}
		if n := s.d.Statements() - before; n > 2 {
			s.Errorf("%d statements", n)
		}
		f3, err := s.refresh(f2.Refresh)
		if err != nil {
			s.Fatal(err)
		}
		if _, err := s.refresh(f1.Refresh); !errors.Is(err, grant.ErrInvalid) {
			s.Error(err)
		}
		if _, err := s.refresh(f3.Refresh); !errors.Is(err, grant.ErrInvalid) {
			s.Error("the newest token survived reuse", err)
		}
		if s.alive(f3) {
			s.Error("the family lives on")
		}
	})
}

func TestATK141TwentyRefreshesAtOnce(t *testing.T) {
	each(t, func(s *stage) {
		f := s.family()
		// the winner, and one that shares its token
		if won := race(20, func() bool { _, err := s.refresh(f.Refresh); return err == nil }); won > 2 {
			s.Errorf("%d answers for one token", won)
		}
		if n := s.count(`refresh_families WHERE 1 = 1`); n != 1 {
			s.Errorf("%d families", n)
		}
	})
}

func TestRefreshIsBoundToItsClient(t *testing.T) {
	each(t, func(s *stage) {
		f := s.family()
		r := renewal(f.Refresh)
		r.ClientID = "phone"
		if _, err := grant.Refresh(s.Context(), s.d, r); !errors.Is(err, grant.ErrInvalid) {
			s.Error(err)
		}
		if s.alive(f) {
			s.Error("a token in a stranger's hands lives on")
		}
	})
}

func TestRefreshEndsWithTimeAndWithTheSession(t *testing.T) {
	each(t, func(s *stage) {
		old := s.family()
		s.forward(30 * 24 * time.Hour)
		if _, err := s.refresh(old.Refresh); !errors.Is(err, grant.ErrInvalid) {
			s.Error("refreshed after 30 days", err)
		}
		orphan := s.family()
		s.endSession()
		if _, err := s.refresh(orphan.Refresh); !errors.Is(err, grant.ErrInvalid) {
			s.Error("refreshed for a session that is over", err)
		}
		if n := s.count(`refresh_families WHERE ended_because = 'reuse'`); n != 0 {
			s.Error("what is only over was called reuse")
		}
	})
}

// TestGrantsAreAudited holds each outcome to its row, in the tenant that it concerns.
func TestGrantsAreAudited(t *testing.T) {
	each(t, func(s *stage) {
		f := s.family()
		next, err := s.refresh(f.Refresh)
		if err != nil {
			s.Fatal(err)
		}
		s.forward(11 * time.Second)
		_, _ = s.refresh(f.Refresh)
		_, _ = s.refresh(next.Refresh)
		code := s.code("openid")
		wrong := redemption(code)
		wrong.ClientID = "phone"
		_, _ = s.redeem(wrong)
		spent := s.code("openid")
		_, _ = s.redeem(redemption(spent))
		_, _ = s.redeem(redemption(spent))
		for what, want := range map[string]int{
			`action = 'token.issued' AND result = 'ok'`: 2, `action = 'token.refreshed' AND result = 'ok'`: 1,
			`action = 'token.reuse' AND reason = 'older_refresh_token'`: 1,
			`action = 'token.reuse' AND reason = 'code_spent'`:          1,
			`action = 'token.refused' AND reason = 'other_client'`:      1, `user_id = '` + s.user + `'`: 6,
		} {
			if n := s.count(`audit_events WHERE ` + what); n != want {
				s.Errorf("%s: %d rows, want %d", what, n, want)
			}
		}
	})
}

func TestSweepLeavesWhatMayStillBeReplayed(t *testing.T) {
	each(t, func(s *stage) {
		f := s.family()
		s.forward(2 * time.Hour)
		if n, err := grant.Sweep(s.Context(), s.d); n != 0 || err != nil {
			s.Error(n, err)
		}
		s.forward(25 * time.Hour)
		if n, err := grant.Sweep(s.Context(), s.d); n != 1 || err != nil || !s.alive(f) {
			s.Error(n, err)
		}
		s.forward(31 * 24 * time.Hour)
		if n, err := grant.Sweep(s.Context(), s.d); n != 1 || err != nil {
			s.Error(n, err)
		}
	})
}

// guard: IsBound. The names of a family stand in every access token (gid, tid).
func TestAMadeUpRefreshTokenEndsNothing(t *testing.T) {
	each(t, func(s *stage) {
		f := s.family()
		random, _ := secret.NewToken()
		foreign, _ := secret.NewKeys(start).NewBound("refresh", s.tenant, f.ID)
		for _, token := range []secret.Text{random, foreign} {
			if _, err := s.refresh(secret.Reference{Tenant: s.tenant, ID: f.ID, Token: token}.Text()); !errors.Is(err,
				grant.ErrInvalid) {
				s.Error(err)
			}
		}
		if _, err := s.refresh(f.Refresh); err != nil {
			s.Errorf("the genuine token died: %v", err)
		}
	})
}

func TestARefusedScopeChangesNothing(t *testing.T) {
	each(t, func(s *stage) {
		f := s.family()
		r := renewal(f.Refresh)
		r.Scope = "openid email"
		if _, err := grant.Refresh(s.Context(), s.d, r); !errors.Is(err, grant.ErrScope) {
			s.Errorf("more than was granted: %v", err)
		}
		r.Scope = "openid"
		g, err := grant.Refresh(s.Context(), s.d, r)
		if err != nil || g.Scope != "openid" {
			s.Fatalf("%+v, %v", g, err)
		}
		if g, err = s.refresh(g.Refresh); err != nil || g.Scope != "openid offline_access" {
			s.Errorf("the family was narrowed for good: %+v, %v", g, err)
		}
	})
}

// TestATK141_ReuseUnderARefusal: a refresh token of a sign-in that is not enough now stays
// good for later, and a stolen or older one ends the family nevertheless.
func TestATK141_ReuseUnderARefusal(t *testing.T) {
	each(t, func(s *stage) {
		refused := func(token secret.Text, clientID string) {
			s.Helper()
			r := renewal(token)
			r.ClientID, r.Refuse = clientID, "sign_in_not_enough"
			if _, err := grant.Refresh(s.Context(), s.d, r); !errors.Is(err, grant.ErrInvalid) {
				s.Error(err)
			}
		}
		f1 := s.family()
		refused(f1.Refresh, "dash")
		f2, err := s.refresh(f1.Refresh)
		if err != nil {
			s.Fatal("a refusal cost the token", err)
		}
		f3, err := s.refresh(f2.Refresh)
		if err != nil {
			s.Fatal(err)
		}
		refused(f1.Refresh, "dash")
		if s.alive(f3) {
			s.Error("an older token under a refusal left the family alive")
		}
		other := s.family()
		refused(other.Refresh, "phone")
		if s.alive(other) {
			s.Error("another client under a refusal left the family alive")
		}
		if n := s.count(`audit_events WHERE action = 'token.reuse'`); n != 2 {
			s.Errorf("%d reuses in the audit", n)
		}
	})
}

// TestATK141_TwoTabsRenewAtOnce: the same client gets the same token once more for the one it
// has just used. Everything else about an older token ends the family as before.
func TestATK141_TwoTabsRenewAtOnce(t *testing.T) {
	each(t, func(s *stage) {
		for name, c := range map[string]struct {
			client string
			after  func(f1, f2 grant.Family)
			good   bool
			lives  bool
		}{
			"at once":         {"dash", func(_, _ grant.Family) {}, true, true},
			"after 9 seconds": {"dash", func(_, _ grant.Family) { s.forward(9 * time.Second) }, true, true},
			"after 10":        {"dash", func(_, _ grant.Family) { s.forward(10 * time.Second) }, false, false},
			"another client":  {"phone", func(_, _ grant.Family) {}, false, false},
			"a second time": {"dash",
				func(f1, _ grant.Family) { _, _ = s.refresh(f1.Refresh) }, false, false},
			"after the next was used": {"dash",
				func(_, f2 grant.Family) { _, _ = s.refresh(f2.Refresh) }, false, false},
			"while the sign-in is refused": {"dash", func(f1, _ grant.Family) {
				r := renewal(f1.Refresh)
				r.Refuse = "sign_in_not_enough"
				_, _ = grant.Refresh(s.Context(), s.d, r)
			}, true, true},
			"after the clock went back": {"dash", func(_, _ grant.Family) { s.forward(-time.Hour) }, false, false},
		} {
			f1 := s.family()
			f2, err := s.refresh(f1.Refresh)
			if err != nil {
				s.Fatal(err)
			}
			c.after(f1, f2)
			r := renewal(f1.Refresh)
			r.ClientID = c.client
			f3, err := grant.Refresh(s.Context(), s.d, r)
			if (err == nil) != c.good ||
				c.good && (f3.Refresh != f2.Refresh || f3.UserID != s.user || f3.Scope != f2.Scope) {
				s.Errorf("%s: %+v, %v", name, f3, err)
			}
			if s.alive(f2) != c.lives {
				s.Errorf("%s: alive %v", name, !c.lives)
			}
			if c.good { // both tabs hold one token: the second to bring it is inside its grace again
				if f4, err := s.refresh(f2.Refresh); err != nil || f4.Refresh == f2.Refresh {
					s.Errorf("%s: the shared token: %v", name, err)
				}
			}
		}
	})
}

// TestATK141_RaceOfTwoTabs: both tabs get the same token, on every interleaving.
func TestATK141_RaceOfTwoTabs(t *testing.T) {
	each(t, func(s *stage) {
		for range 20 {
			f := s.family()
			var mu sync.Mutex
			got := map[secret.Text]int{}
			race(2, func() bool {
				next, err := s.refresh(f.Refresh)
				if err != nil {
					s.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				got[next.Refresh]++
				return true
			})
			if len(got) != 1 || !s.alive(f) {
				s.Errorf("%d different tokens, alive %v", len(got), s.alive(f))
			}
		}
	})
}
