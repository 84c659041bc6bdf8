package lookup_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/authenticator/authenticatortest"
	"countersign/internal/authenticator/lookup"
	"countersign/internal/authenticator/password"
	"countersign/internal/db"
	"countersign/internal/db/dbtest"
	"countersign/internal/locale"
	"countersign/internal/secret"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

func pool(t testing.TB) *password.Pool {
	t.Helper()
	p, err := password.NewPool(secret.NewKeys(noon), password.Cost{MemoryKiB: 64, Passes: 1, Lanes: 1}, 2, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestSuite(t *testing.T) {
	authenticatortest.Run(t, authenticatortest.Kind{Kind: authenticator.Backup,
		New: func(t *testing.T, _ *db.DB) authenticatortest.Rig {
			p := pool(t)
			v := lookup.Verifier{Hash: p.HashCode, Match: p.MatchCode}
			return authenticatortest.Rig{Verifier: v,
				Bind: func(t *testing.T, d *db.DB, who authenticator.Subject, tenant string) authenticatortest.Device {
					var s lookup.Sheet
					draft, _ := authenticatortest.SetUp(t, d, v, authenticator.Backup, who, tenant, "",
						func(d authenticator.PendingEnrollment) authenticator.Response {
							s = sheet(t, d)
							return authenticator.Response{Code: s.Codes[0].Text}
						})
					return authenticatortest.Device{
						ID: draft.ID, Spellings: spellings, // the code of set-up is not spent
						Answer: func(*testing.T, authenticatortest.Challenge) authenticator.Response {
							return authenticator.Response{Code: s.Codes[2].Text}
						},
					}
				}}
		}})
}

func sheet(t testing.TB, d authenticator.PendingEnrollment) lookup.Sheet {
	t.Helper()
	s, err := lookup.Show(d)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func spellings(r authenticator.Response) (out []authenticator.Response) {
	c := r.Code
	for _, s := range []string{strings.ToLower(c), strings.ReplaceAll(c, "-", ""), strings.ReplaceAll(c, "-", " "),
		strings.Replace(c, "-", ". ", 1), strings.NewReplacer("0", "O", "1", "l").Replace(c), " " + c + "\r\n"} {
		out = append(out, authenticator.Response{Code: s})
	}
	return out
}

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

const company = "harbor"

// desk is one person with backup codes, and a count of what is hashed.
type desk struct {
	lookup.Verifier
	t        testing.TB
	d        *db.DB
	who      authenticator.Subject
	compared atomic.Int64
}

func each(t *testing.T, fn func(t *testing.T, k *desk)) {
	t.Helper()
	c := authenticatortest.NewClock(noon)
	dbtest.Each(t, c.Now, func(t *testing.T, d *db.DB) { fn(t, newDesk(t, d)) })
}

func newDesk(t testing.TB, d *db.DB) *desk {
	p, k := pool(t), &desk{t: t, d: d}
	k.Verifier = lookup.Verifier{Hash: p.HashCode,
		Match: func(ctx context.Context, tenant, userID, hash, code string) (bool, error) {
			k.compared.Add(1)
			return p.MatchCode(ctx, tenant, userID, hash, code)
		}}
	k.in(db.Installation, func(ctx context.Context, tx *db.Tx) error {
		if _, err := tenant.Ensure(ctx, tx); err != nil {
			return err
		}
		_, err := tenant.Create(ctx, tx, company, "Harbor", tenant.Company)
		return err
	})
	k.in(company, func(ctx context.Context, tx *db.Tx) error {
		u, err := user.Create(ctx, tx, "maria@harbor.test", "Maria", user.Agent, "en")
		k.who = authenticator.Subject{UserID: u.ID, Email: u.Email, Vendor: "Vendor", Company: "Harbor"}
		return err
	})
	return k
}

func (k *desk) in(tenant string, fn func(ctx context.Context, tx *db.Tx) error) {
	k.t.Helper()
	if err := k.d.InTx(k.t.Context(), tenant, func(tx *db.Tx) error { return fn(k.t.Context(), tx) }); err != nil {
		k.t.Fatal(err)
	}
}

func (k *desk) propose() (authenticator.PendingEnrollment, lookup.Sheet) {
	k.t.Helper()
	state, err := k.Prepare(k.t.Context())
	if err != nil {
		k.t.Fatal(err)
	}
	d := authenticator.PendingEnrollment{Begun: noon, State: state}
	k.in(company, func(ctx context.Context, tx *db.Tx) (err error) {
		d.ID = tx.NewID()
		d.State, err = k.Propose(ctx, tx, k.who, d, "AAAA")
		return err
	})
	return d, sheet(k.t, d)
}

func (k *desk) confirm(d authenticator.PendingEnrollment, typed string) authenticator.Verdict {
	k.t.Helper()
	v, err := authenticatortest.Confirm(k.t.Context(), k.d, k.Verifier, authenticator.Backup, k.who, company, d,
		authenticator.Response{Code: typed})
	if err != nil {
		k.t.Fatal(err)
	}
	return v
}

func (k *desk) bind() lookup.Sheet {
	k.t.Helper()
	d, s := k.propose()
	if v := k.confirm(d, s.Codes[4].Text); !v.OK || v.AuthenticatorID != d.ID {
		k.t.Fatalf("%+v", v)
	}
	return s
}

func (k *desk) verify(typed string) (v authenticator.Verdict) {
	k.t.Helper()
	a := authenticator.Authenticator{UserID: k.who.UserID, Kind: authenticator.Backup}
	r, err := k.Compare(k.t.Context(), k.d, a, company, authenticator.Response{Code: typed})
	if err != nil {
		k.t.Fatal(err)
	}
	k.in(company, func(ctx context.Context, tx *db.Tx) (err error) {
		v, err = k.Verify(ctx, tx, a, authenticator.ChallengeContext{}, nil, r)
		return err
	})
	return v
}

func (k *desk) remaining() (n int) {
	k.t.Helper()
	k.in(company, func(ctx context.Context, tx *db.Tx) (err error) {
		n, err = lookup.Remaining(ctx, tx, k.who.UserID)
		return err
	})
	return n
}

// TestALP6 and TestALP9: ten codes, each good once, and the person is told how many are left.
func TestALP9_EachCodeOnceAndTheRestIsCounted(t *testing.T) {
	each(t, func(t *testing.T, k *desk) {
		if n := k.remaining(); n != 0 {
			t.Errorf("%d of none", n)
		}
		s := k.bind()
		if len(s.Codes) != 10 || k.remaining() != 10 {
			t.Fatalf("%d codes, %d remain", len(s.Codes), k.remaining())
		}
		for i, c := range s.Codes {
			left := 9 - i
			want, args := "lookup.notice.left", fmt.Sprint([]any{"Count", left})
			switch {
			case left == 0:
				want, args = "lookup.notice.none", "[]"
			case left <= 2:
				want = "lookup.notice.few"
			}
			v := k.verify(c.Text)
			if !v.OK || v.Notice != want || fmt.Sprint(v.NoticeArgs) != args || k.remaining() != left {
				t.Errorf("%d left: %+v", left, v)
			}
			if v := k.verify(c.Text); v.OK || v.Reason != "already_used" || v.Notice != "" || k.remaining() != left {
				t.Errorf("twice: %+v", v)
			}
		}
	})
}

// TestATK035: a fresh set ends the old one, wholly; another's codes are nothing here.
func TestATK035_AFreshSetEndsTheOldOne(t *testing.T) {
	each(t, func(t *testing.T, k *desk) {
		old := k.bind()
		if !k.verify(old.Codes[0].Text).OK {
			t.Fatal("wrong")
		}
		d, fresh := k.propose()
		if !k.verify(old.Codes[1].Text).OK {
			t.Error("the old set ends before the new one is confirmed")
		}
		if v := k.confirm(d, old.Codes[3].Text); v.OK || k.remaining() != 8 {
			t.Errorf("confirmed by an old code: %+v", v)
		}
		if v := k.confirm(d, "9"+fresh.Codes[7].Text[1:]); v.OK {
			t.Error("confirmed by a code with another's number")
		}
		if v := k.confirm(d, strings.ToLower(fresh.Codes[9].Text[3:])); !v.OK { // without its number
			t.Fatalf("%+v", v)
		}
		for _, c := range old.Codes {
			if v := k.verify(c.Text); v.OK {
				t.Errorf("old code %d is right", c.Number)
			}
		}
		if !k.verify(fresh.Codes[9].Text).OK || k.remaining() != 9 {
			t.Error("the code of set-up was spent")
		}
		k.in(company, func(ctx context.Context, tx *db.Tx) error {
			all, err := authenticator.Of(ctx, tx, k.who.UserID)
			if len(all) != 1 || all[0].ID != d.ID {
				t.Errorf("%+v", all)
			}
			return err
		})
	})
}

// Of two fresh sets at once, in two tabs, one stays.
func TestTwoFreshSetsAtOnceLeaveOne(t *testing.T) {
	each(t, func(t *testing.T, k *desk) {
		for range 5 {
			var wg sync.WaitGroup
			for range 4 {
				d, s := k.propose()
				wg.Go(func() {
					_, err := authenticatortest.Confirm(t.Context(), k.d, k.Verifier, authenticator.Backup, k.who,
						company, d, authenticator.Response{Code: s.Codes[0].Text})
					if err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if n := k.remaining(); n != 10 {
				t.Fatalf("%d codes", n)
			}
		}
	})
}

// TestATK017: whatever is typed, no more than one slow comparison is made, and none for what
// cannot be a code.
func TestATK017_OneSlowComparisonAtMost(t *testing.T) {
	each(t, func(t *testing.T, k *desk) {
		compare := func(typed string, want int64, reason string) {
			t.Helper()
			before := k.compared.Load()
			if v := k.verify(typed); v.OK || v.Reason != reason {
				t.Errorf("%q: %+v", typed, v)
			}
			if n := k.compared.Load() - before; n != want {
				t.Errorf("%q: %d comparisons, want %d", typed, n, want)
			}
		}
		compare("3-0000-0000-00000", 1, "wrong_code") // no one has codes yet
		s := k.bind()
		compare("3-0000-0000-00000", 1, "wrong_code")
		compare("4"+s.Codes[2].Text[1:], 1, "wrong_code")
		compare(s.Codes[2].Text[2:], 0, "no_number")
		for _, junk := range authenticatortest.Junk {
			before := k.compared.Load()
			if k.verify(junk); k.compared.Load()-before > 1 {
				t.Errorf("%.40q: %d comparisons", junk, k.compared.Load()-before)
			}
		}
		if v := k.verify(s.Codes[2].Text); !v.OK {
			t.Fatalf("%+v", v)
		}
		compare(s.Codes[2].Text, 1, "already_used")
		if v := k.verify(s.Codes[5].Text[2:]); v.Notice != "lookup.notice.number" || k.remaining() != 9 {
			t.Errorf("without its number: %+v", v)
		}
	})
}

// What was compared before a set was replaced, disabled or used is not good after it.
func TestAComparisonIsJudgedByWhatIsNow(t *testing.T) {
	each(t, func(t *testing.T, k *desk) {
		a := authenticator.Authenticator{UserID: k.who.UserID, Kind: authenticator.Backup}
		late := func(between func(id string)) authenticator.Verdict {
			s := k.bind()
			r, err := k.Compare(t.Context(), k.d, a, company, authenticator.Response{Code: s.Codes[0].Text})
			if err != nil {
				t.Fatal(err)
			}
			var of struct{ Set string }
			if err := json.Unmarshal([]byte(r.Compared), &of); err != nil {
				t.Fatal(err)
			}
			between(of.Set)
			var v authenticator.Verdict
			k.in(company, func(ctx context.Context, tx *db.Tx) (err error) {
				v, err = k.Verify(ctx, tx, a, authenticator.ChallengeContext{}, nil, r)
				return err
			})
			return v
		}
		if v := late(func(string) {}); !v.OK {
			t.Fatalf("%+v", v)
		}
		if r, err := k.Compare(t.Context(), k.d, a, "quay",
			authenticator.Response{Code: k.bind().Codes[0].Text}); err != nil ||
			strings.Contains(r.Compared, `"OK":true`) {
			t.Errorf("compared for another company: %s %v", r.Compared, err)
		}
		if v := late(func(string) { k.bind() }); v.OK {
			t.Error("the set was replaced meanwhile")
		}
		if v := late(func(id string) {
			k.in(company, func(ctx context.Context, tx *db.Tx) error {
				return authenticator.Failed(ctx, tx, authenticator.Authenticator{ID: id}, 1)
			})
		}); v.OK {
			t.Error("the set was disabled meanwhile")
		}
		k.in(company, func(ctx context.Context, tx *db.Tx) error {
			v, err := k.Verify(ctx, tx, a, authenticator.ChallengeContext{}, nil,
				authenticator.Response{Code: "3-0000-0000-00000"})
			if v.OK || v.Reason == "" {
				t.Errorf("right without a comparison: %+v", v)
			}
			return err
		})
	})
}

// TestSEC022: at rest there are salted slow hashes and nothing else.
func TestSEC022_CodesAreStoredHashed(t *testing.T) {
	each(t, func(t *testing.T, k *desk) {
		s := k.bind()
		k.in(company, func(ctx context.Context, tx *db.Tx) error {
			rows, err := tx.Query(ctx, `SELECT number, hash FROM backup_codes WHERE tenant_id = $1
				ORDER BY number`, company)
			if err != nil {
				return err
			}
			defer rows.Close()
			seen := map[string]bool{}
			for rows.Next() {
				var n int
				var hash string
				if err := rows.Scan(&n, &hash); err != nil {
					return err
				}
				plain := strings.ReplaceAll(s.Codes[n-1].Text, "-", "")
				if !strings.HasPrefix(hash, "$argon2id$") ||
					strings.Contains(strings.ToUpper(hash), plain[len(plain)-13:]) || seen[hash] {
					t.Errorf("code %d is stored as %s", n, hash)
				}
				seen[hash] = true
			}
			if len(seen) != 10 {
				t.Errorf("%d rows", len(seen))
			}
			return rows.Err()
		})
	})
}

func TestTheFileSaysWhatItIs(t *testing.T) {
	c, err := locale.New()
	if err != nil {
		t.Fatal(err)
	}
	s := lookup.Sheet{Vendor: "Vendor", Account: "maria@harbor.test", Company: "Harbor", Made: noon}
	for i := range 10 {
		s.Codes = append(s.Codes, lookup.Code{Number: i + 1, Text: fmt.Sprintf("%d-ABCD-EFGH-JKMNP", i+1)})
	}
	for _, lang := range c.Languages() {
		text := s.File(c.In(lang))
		for _, want := range []string{"Vendor", "maria@harbor.test", "Harbor", "2026", "\r\n 1-ABCD-EFGH-JKMNP\r\n",
			"\r\n10-ABCD-EFGH-JKMNP\r\n"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s lacks %q:\n%s", lang, want, text)
			}
		}
		if strings.Contains(text, "lookup.") || strings.Count(text, "\n") != strings.Count(text, "\r\n") {
			t.Errorf("%s:\n%s", lang, text)
		}
	}
	if fmt.Sprintf("%v %+v", s, s)+s.LogValue().String() != "[hidden] [hidden][hidden]" {
		t.Errorf("%v", s)
	}
}

func TestARubbishDraftIsAnError(t *testing.T) {
	for _, state := range []string{"", "{", "{}", `{"Codes":["A"],"Hashes":["B"]}`} {
		d := authenticator.PendingEnrollment{State: []byte(state)}
		if _, err := lookup.Show(d); err == nil {
			t.Errorf("%q was shown", state)
		}
		if _, err := (lookup.Verifier{}).Propose(t.Context(), nil, authenticator.Subject{}, d, ""); err == nil {
			t.Errorf("%q was proposed", state)
		}
	}
}

// BenchmarkVerify is all of an answer but its slow comparison.
func BenchmarkVerify(b *testing.B) {
	k := newDesk(b, dbtest.Open(b, dbtest.SQLiteURL(b), authenticatortest.NewClock(noon).Now))
	k.Match = func(context.Context, string, string, string, string) (bool, error) { return true, nil }
	s := k.bind()
	b.ReportAllocs()
	for b.Loop() {
		k.in(company, func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE backup_codes SET used_at = 0 WHERE tenant_id = $1`, company)
			return err
		})
		if v := k.verify(s.Codes[0].Text); !v.OK {
			b.Fatalf("%+v", v)
		}
	}
}
