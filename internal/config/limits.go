package config

import (
	"errors"
	"fmt"
	"time"
)

const day = 24 * time.Hour

// check holds the numbers to bounds: above, where more would weaken a sign-in; below,
// where less would lock people out.
func (l Limits) check() error {
	var mistakes []error
	count := func(key string, got, least, most int) {
		if got < least || got > most {
			mistakes = append(mistakes, fmt.Errorf("limits.%s must be between %d and %d", key, least, most))
		}
	}
	span := func(key string, got, least, most time.Duration) {
		if got < least || got > most {
			mistakes = append(mistakes,
				fmt.Errorf("limits.%s must be between %s and %s", key, shortDuration(least), shortDuration(most)))
		}
	}
	if l.CodeLength != 6 && l.CodeLength != 8 {
		mistakes = append(mistakes, errors.New("limits.code_length must be 6 or 8"))
	}
	l.checkSteps(count, span)
	l.checkTokens(count, span)
	return errors.Join(mistakes...)
}

// checkSteps bounds what a sign-in may cost. Ten minutes are the most that NIST SP 800-63B-4
// section 3.1.3.2 lets a code live, a hundred the failures of section 3.2.2.
func (l Limits) checkSteps(count func(string, int, int, int),
	span func(string, time.Duration, time.Duration, time.Duration)) {
	span("code_ttl", l.CodeTTL, time.Minute, 10*time.Minute)
	count("wrong_answers", l.WrongAnswers, 1, 10)
	count("new_codes", l.NewCodes, 0, 10)
	span("resend_interval", l.ResendInterval, time.Second, 10*time.Minute)
	span("flow_life", l.FlowLife, time.Minute, time.Hour)
	count("sends_per_hour", l.SendsPerHour, 1, 60)
	count("sends_per_day", l.SendsPerDay, 1, 200)
	count("second_factor_failures_per_day", l.SecondFactorFailuresPerDay, 1, 100)
	count("second_factor_failures_per_month", l.PerMonth, 1, 300)
	count("max_consecutive_failures", l.MaxConsecutiveFailures, 3, 100)
	count("password_slow_from", l.PasswordSlowFrom, 1, 20)
	span("password_slow_max", l.PasswordSlowMax, time.Second, time.Hour)
	count("lock_after_max", l.LockAfterMax, 3, 20)
	count("failures_per_source", l.FailuresPerSource, 1, 10_000)
	span("failures_per_source_window", l.FailuresPerSourceWindow, time.Minute, day)
}

func (l Limits) checkTokens(count func(string, int, int, int),
	span func(string, time.Duration, time.Duration, time.Duration)) {
	span("invitation_life", l.InvitationLife, time.Hour, 7*day)
	span("session_life", l.SessionLife, time.Minute, 30*day)
	span("session_idle", l.SessionIdle, time.Minute, 30*day)
	span("long_session_life", l.LongSessionLife, time.Minute, 30*day)
	count("remember_days", l.RememberDays, 0, 30)
	span("authorization_code_life", l.AuthorizationCodeLife, 5*time.Second, 10*time.Minute)
	span("access_token_life", l.AccessTokenLife, time.Minute, time.Hour)
	span("refresh_token_life", l.RefreshTokenLife, time.Minute, 90*day)
	count("argon2.memory_kib", l.Argon2.MemoryKiB, 19456, 4<<20)
	count("argon2.passes", l.Argon2.Passes, 2, 20)
	count("argon2.parallel", l.Argon2.Parallel, 0, 256)
	count("argon2.queue", l.Argon2.Queue, 1, 10_000)
}
