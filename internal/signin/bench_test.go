package signin_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/db/dbtest"
	"countersign/internal/gate"
	"countersign/internal/signin"
	"countersign/internal/user"
)

// The steps of a sign-in on both engines, eight claimants at a time, without the cost of
// Argon2id (64 KiB instead of 19 MiB), so that everything else shows.
func benchmarkEach(b *testing.B, fn func(b *testing.B, h *house)) {
	for name, dsn := range map[string]func(testing.TB) string{"sqlite": dbtest.SQLiteURL,
		"postgres": dbtest.PostgresURL} {
		b.Run(name, func(b *testing.B) {
			c := &clock{at: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)}
			h := build(b, dbtest.Open(b, dsn(b), c.now), c)
			h.Limits.SecondFactorFailuresPerDay, h.Limits.PerMonth, h.Limits.WrongAnswers = 1<<30, 1<<30, 1<<30
			fn(b, h)
		})
	}
}

func BenchmarkPasswordAndMail(b *testing.B) {
	benchmarkEach(b, func(b *testing.B, h *house) {
		var n atomic.Int64
		for i := range b.N {
			h.newUser(h.company, fmt.Sprintf("person%d@company.test", i), user.Agent)
		}
		b.ReportAllocs()
		b.SetParallelism(4)
		b.ResetTimer()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				a := attempt(fmt.Sprintf("person%d@company.test", n.Add(1)-1), rightPassword, "dashboard")
				if _, err := h.SubmitPassword(b.Context(), a); err != nil {
					b.Error(err)
				}
			}
		})
	})
}

func BenchmarkWrongCode(b *testing.B) {
	benchmarkEach(b, func(b *testing.B, h *house) {
		var n atomic.Int64
		flows := make([]signin.AnswerCode, 64)
		for i := range flows {
			address := fmt.Sprintf("person%d@company.test", i)
			h.newUser(h.company, address, user.Agent)
			flows[i] = h.askOnly(address)
		}
		b.ReportAllocs()
		b.SetParallelism(4)
		b.ResetTimer()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				// Throttled answers cost the same up to the comparison; the step is what is measured.
				_, _ = h.Respond(b.Context(), *flows[n.Add(1)%64].Flow,
					authenticator.Response{Code: "no code"}, false, visitor)
			}
		})
	})
}

func BenchmarkRightCode(b *testing.B) {
	benchmarkEach(b, func(b *testing.B, h *house) {
		h.Limits.SendsPerHour, h.Limits.SendsPerDay = 1<<30, 1<<30
		type waiting struct {
			ask  signin.AnswerCode
			code string
		}
		ready := make([]waiting, b.N)
		for i := range ready {
			address := fmt.Sprintf("person%d@company.test", i)
			h.newUser(h.company, address, user.Agent)
			ready[i].ask = h.askOnly(address)
			ready[i].code = h.newest().Code
			h.post.mails = nil
		}
		var n atomic.Int64
		b.ReportAllocs()
		b.SetParallelism(4)
		b.ResetTimer()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				w := ready[n.Add(1)-1]
				if step, err := h.Respond(b.Context(), *w.ask.Flow, authenticator.Response{Code: w.code}, false,
					visitor); err != nil {
					b.Error(err)
				} else if _, ok := step.(signin.Done); !ok {
					b.Errorf("%T", step)
				}
			}
		})
	})
}

func BenchmarkSessionCheck(b *testing.B) {
	benchmarkEach(b, func(b *testing.B, h *house) {
		done := h.signIn("maria@company.test", "dashboard", false)
		cookie := done.Session.Text().Reveal()
		b.ReportAllocs()
		b.SetParallelism(4)
		b.ResetTimer()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if st, err := h.Gate.CheckSession(b.Context(), cookie, gate.Ask{ClientID: "dashboard"}); err != nil ||
					!st.Enough {
					b.Error(err)
				}
			}
		})
	})
}
