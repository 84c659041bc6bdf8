package config

import (
	"fmt"
	"time"
)

// Guard is one of the numbers that a sign-in's safety rests on, in a form that can be
// stored and compared without knowing what it is.
type Guard struct {
	Key      string // "limits.code_ttl"
	Value    int64  // microseconds where Duration
	Duration bool
	More     bool // a larger value is the stricter one
}

// Weaker reports whether a is less strict than b.
func (g Guard) Weaker(a, b int64) bool {
	if g.More {
		return a < b
	}
	return a > b
}

// Show writes a value as the configuration file would have it.
func (g Guard) Show(value int64) string {
	if g.Duration {
		return shortDuration(time.Duration(value) * time.Microsecond)
	}
	return fmt.Sprint(value)
}

// Guards are the limits that no replica may loosen by itself. What only divides the
// machine's strength (argon2.parallel, argon2.queue) is not among them.
func (l Limits) Guards() []Guard {
	var all []Guard
	count := func(key string, value int, more bool) {
		all = append(all, Guard{Key: "limits." + key, Value: int64(value), More: more})
	}
	span := func(key string, value time.Duration, more bool) {
		all = append(all, Guard{
			Key:      "limits." + key,
			Value:    value.Microseconds(),
			Duration: true,
			More:     more,
		})
	}
	count("argon2.memory_kib", l.Argon2.MemoryKiB, true)
	count("argon2.passes", l.Argon2.Passes, true)
	count("code_length", l.CodeLength, true)
	span("code_ttl", l.CodeTTL, false)
	count("wrong_answers", l.WrongAnswers, false)
	count("new_codes", l.NewCodes, false)
	span("resend_interval", l.ResendInterval, true)
	span("flow_life", l.FlowLife, false)
	count("sends_per_hour", l.SendsPerHour, false)
	count("sends_per_day", l.SendsPerDay, false)
	count("second_factor_failures_per_day", l.SecondFactorFailuresPerDay, false)
	count("second_factor_failures_per_month", l.PerMonth, false)
	count("max_consecutive_failures", l.MaxConsecutiveFailures, false)
	count("password_slow_from", l.PasswordSlowFrom, false)
	span("password_slow_max", l.PasswordSlowMax, true)
	count("lock_after_max", l.LockAfterMax, false)
	count("failures_per_source", l.FailuresPerSource, false)
	span("failures_per_source_window", l.FailuresPerSourceWindow, true)
	span("invitation_life", l.InvitationLife, false)
	span("session_life", l.SessionLife, false)
	span("session_idle", l.SessionIdle, false)
	span("long_session_life", l.LongSessionLife, false)
	count("remember_days", l.RememberDays, false)
	span("authorization_code_life", l.AuthorizationCodeLife, false)
	span("access_token_life", l.AccessTokenLife, false)
	span("refresh_token_life", l.RefreshTokenLife, false)
	return all
}
