package policy

import (
	"slices"
	"testing"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/tenant"
)

// TestProtectionHoldsOverTheWholeModel explores every combination of a small model and holds
// each decision to the rules of the protection level: where a second step applies, nothing
// opens below it, and nothing weaker opens the set-up of a method.
func TestProtectionHoldsOverTheWholeModel(t *testing.T) {
	kinds := []authenticator.Kind{authenticator.TOTP, authenticator.SMS, authenticator.Passkey, authenticator.Backup}
	states := []string{"none", "works", "lost"}
	cases := 0
	product(len(states), len(kinds), func(state []int) {
		acc := Account{Has: slices.Clone(both)}
		for i, k := range kinds {
			switch states[state[i]] {
			case "works":
				acc.Has = append(acc.Has, k)
			case "lost":
				acc.Lost = append(acc.Lost, k)
			}
		}
		exploreAccount(t, acc, &cases)
	})
	if cases < 100_000 {
		t.Fatalf("%d cases: the model has shrunk", cases)
	}
}

// product calls fn with every sequence of n digits below base.
func product(base, n int, fn func(digits []int)) {
	digits := make([]int, n)
	for {
		fn(digits)
		i := 0
		for ; i < n; i++ {
			if digits[i]++; digits[i] < base {
				break
			}
			digits[i] = 0
		}
		if i == n {
			return
		}
	}
}

// resets are when a password was set through the mailbox: never, which comes first, just
// within the wait, just before it.
var resets = []time.Time{{}, now.Add(-ResetWait + time.Microsecond), now.Add(-ResetWait)}

func exploreAccount(t *testing.T, acc Account, cases *int) {
	t.Helper()
	instants := []time.Time{{}, past, future}
	allowed := []tenant.Methods{"", "email", "totp", "passkey sms"}
	product(3, 4, func(at []int) {
		if at[0] == 2 || at[1] == 2 { // these two are never in the future
			return
		}
		acc := acc
		acc.FirstFactorAt, acc.ReleasedAt, acc.RecoveryUntil, acc.SetUpBy = instants[at[0]], instants[at[1]],
			instants[at[2]], instants[at[3]]
		for _, methods := range allowed {
			for bits := range 128 {
				in := Input{
					Now:              now,
					InstallationDays: 30,
					Account:          acc,
					Bindable:         kindsWithoutEmail(),
					Proofs:           proofsOf(acc, bits&3),
					PasswordFlagged:  bits&4 != 0,
					OwnPages:         bits&8 != 0,
					Installation: tenant.Mandate{
						Mode: tenant.Mandatory,
					},
					Tenant: tenant.Tenant{Methods: methods, RememberDays: tenant.InheritDays},
				}
				if bits&16 != 0 {
					in.Tenant.SetUpBy = now.AddDate(73, 0, 0)
				}
				if bits&64 != 0 { // a newcomer, and one whose stored time was tampered with
					in.Tenant.SetUpDays, in.Newcomer = tenant.MaxSetUpDays+9, true
					in.NewcomerUntil = now.AddDate(73, 0, 0)
				}
				if bits&(64|16) == 64|16 {
					in.Tenant.SetUpLaters, in.LatersUsed = 2, 2
				}
				if bits&32 != 0 {
					in.Installation.Mode, in.Want = tenant.DefaultOff, []Level{EmailConfirmed}
				}
				var free Decision // what it would be without a reset, which is the first
				for i, at := range resets {
					in.ResetAt = at
					*cases++
					d := Evaluate(in)
					if i == 0 {
						free = d
					}
					holdToProtection(t, in, d)
					holdToReset(t, in, d, free)
				}
			}
		}
	})
}

func kindsWithoutEmail() []authenticator.Kind {
	return slices.DeleteFunc(
		slices.Clone(authenticator.SecondSteps),
		func(k authenticator.Kind) bool { return k == authenticator.Email },
	)
}

// proofsOf are the password alone, with the mailbox, with the first method that works, or
// with the last.
func proofsOf(acc Account, which int) []authenticator.Proof {
	switch works := acc.Has[len(both):]; {
	case which == 1:
		return pwdEmail
	case which == 2 && len(works) > 0:
		return append(slices.Clone(pwd), authenticator.Proof{Kind: works[0], At: now})
	case which == 3 && len(works) > 0:
		return append(slices.Clone(pwdEmail), authenticator.Proof{Kind: works[len(works)-1], At: now})
	}
	return pwd
}

// holdToProtection restates rules 1, 2, 5, 6 and 9 without policy's own words.
func holdToProtection(t *testing.T, in Input, d Decision) { // no t.Helper: it costs as much as what is tested
	factors := []authenticator.Kind{authenticator.SMS, authenticator.TOTP, authenticator.Push, authenticator.Passkey}
	held, everHeld := false, !in.FirstFactorAt.IsZero() && in.ReleasedAt.IsZero()
	for _, k := range slices.Concat(in.Has, in.Lost) {
		held = held || slices.Contains(factors, k)
	}
	level := EmailConfirmed
	if held || everHeld {
		level = TwoFactor
	}
	if got := in.Protection(); got != level {
		t.Fatalf("protection %s, want %s: %+v", got, level, in)
	}
	switch d.Outcome {
	case Allow:
		if !Reached(in.Proofs).AtLeast(level) {
			t.Fatalf("opened with %v below %s: %+v", in.Proofs, level, in)
		}
	case SetUp:
		recovering := !held && in.RecoveryUntil.After(now)
		if !Reached(in.Proofs).AtLeast(level) && !(recovering && Reached(in.Proofs).AtLeast(EmailConfirmed)) {
			t.Fatalf("a set-up opened with %v below %s: %+v", in.Proofs, level, in)
		}
	case Challenge:
		for _, k := range d.Offer {
			if !slices.Contains(in.Has, k) {
				t.Fatalf("asks for %s, which proves nothing: %+v", k, in)
			}
		}
	}
	if in.Tenant.SetUpLaters > 0 && in.LatersUsed >= in.Tenant.SetUpLaters && !d.SetUpBy.IsZero() {
		t.Fatalf("goes on until %s, with all sign-ins used: %+v", d.SetUpBy, in)
	}
	if !d.SetUpBy.IsZero() &&
		(held || !in.FirstFactorAt.IsZero() || d.SetUpBy.After(now.Add(tenant.MaxSetUp)) ||
			!in.Account.SetUpBy.IsZero() && d.SetUpBy.After(in.Account.SetUpBy)) {
		t.Fatalf("a deadline of %s: %+v", d.SetUpBy, in)
	}
}

// holdToReset restates that a reset link and an email code are one proof: within the wait,
// what the mailbox alone would open for set-up stays closed, and the decision says until when.
func holdToReset(t *testing.T, in Input, d, free Decision) {
	held := slices.ContainsFunc(slices.Concat(in.Has, in.Lost), Factor)
	waits := !in.ResetAt.IsZero() && now.Before(in.ResetAt.Add(24*time.Hour)) && !held
	opens := d.Outcome == SetUp || d.Outcome == Challenge && d.ForSetUp
	wouldOpen := free.Outcome == SetUp || free.Outcome == Challenge && free.ForSetUp
	switch {
	case !waits:
		if d.Outcome != free.Outcome || d.ForSetUp != free.ForSetUp || !d.SetUpFrom.IsZero() {
			t.Fatalf("a reset matters where it should not: %+v, %+v", d, in)
		}
	case opens && !Reached(in.Proofs).AtLeast(TwoFactor):
		t.Fatalf("a set-up opened with %v after a reset: %+v", in.Proofs, in)
	case d.Outcome == Allow && free.Outcome != Allow:
		t.Fatalf("a reset opened a session: %+v", in)
	case wouldOpen && !opens && d.Outcome != Deny:
		t.Fatalf("%s in place of a set-up: %+v", d.Outcome, in)
	case wouldOpen && !opens && !d.NeedsAdmin && !d.SetUpFrom.Equal(in.ResetAt.Add(24*time.Hour)):
		t.Fatalf("the wait ends %s: %+v", d.SetUpFrom, in)
	case !wouldOpen && !d.SetUpFrom.IsZero():
		t.Fatalf("a wait that helps no one, until %s: %+v", d.SetUpFrom, in)
	}
}

// TestATK177_AnExemptionPostponesSetUpOnly: with one, the mailbox does where a method would have to be set up first;
// it is nothing for an account that a second factor protects, and nothing once it is over.
func TestATK177_AnExemptionPostponesSetUpOnly(t *testing.T) {
	exempt := func(change func(*Input)) Decision {
		return Evaluate(input(func(in *Input) {
			in.Tenant.SwitchedOnAt, in.Tenant.Methods, in.ExemptUntil = past, "totp passkey", future
			in.Proofs = pwdEmail
			change(in)
		}))
	}
	if d := exempt(func(*Input) {}); d.Outcome != Allow || !d.Exempt || !d.SetUpBy.Equal(future) {
		t.Errorf("an exemption: %+v", d)
	}
	if d := exempt(func(in *Input) { in.Proofs = pwd }); d.Outcome != Challenge || d.Need != EmailConfirmed {
		t.Errorf("an exemption opens with the password alone: %+v", d)
	}
	if d := exempt(func(in *Input) { in.Tenant.SetUpBy = future.Add(time.Hour) }); d.Exempt ||
		!d.SetUpBy.Equal(future.Add(time.Hour)) {
		t.Errorf("an exemption shortens the company's deadline: %+v", d)
	}
	for name, change := range map[string]func(*Input){
		"over":                  func(in *Input) { in.ExemptUntil = past },
		"with an app":           func(in *Input) { in.Has = append(slices.Clone(both), authenticator.TOTP) },
		"with a disabled app":   func(in *Input) { in.Lost = []authenticator.Kind{authenticator.TOTP} },
		"with an app once":      func(in *Input) { in.FirstFactorAt = past },
		"with a removed method": func(in *Input) { in.FirstFactorAt, in.ReleasedAt = past, past },
	} {
		if d := exempt(change); d.Outcome == Allow || d.Exempt {
			t.Errorf("%s: %+v", name, d)
		}
	}
}
