package company

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"countersign/internal/access"
	"countersign/internal/authenticator"
	"countersign/internal/db"
	"countersign/internal/message/email"
	"countersign/internal/notify"
	"countersign/internal/people"
	"countersign/internal/policy"
	"countersign/internal/tenant"
)

// tellLowered emails the owners and admins of a company if a change has made its two-factor authentication less strict,
// no matter who made it. The person who made it gets the email, too (SEC-74).
func (s *Service) tellLowered(ctx context.Context, tx *db.Tx, a access.Actor, was, is tenant.Tenant) error {
	i, err := tenant.LoadInstallation(ctx, tx)
	if err != nil {
		return fmt.Errorf("load installation: %w", err)
	}
	by, err := people.ChangedBy(ctx, tx, a)
	if err != nil {
		return err
	}
	r := s.rulesOf(i, tx.Now)
	c := sameRules(r, was, is)
	if was.Apps != is.Apps {
		if c.names, err = appNames(ctx, tx); err != nil {
			return err
		}
	}
	if err := s.sendLowered(ctx, tx, by, c); err != nil {
		return err
	}
	return s.sendAnnounced(ctx, tx, by, c)
}

// sendLowered tells the owners and admins of a company what a change has made less strict, if anything.
func (s *Service) sendLowered(ctx context.Context, tx *db.Tx, by email.ChangedBy, c change) error {
	changes := c.lowered()
	if len(changes) == 0 {
		return nil
	}
	return s.Notifier.SendToAdmins(ctx, tx, notify.Notice{
		Purpose: "company.lowered",
		Content: email.ProtectionLowered{
			Vendor:  c.after.installation.Name,
			Company: c.is.Name,
			Changes: changes,
			By:      by,
		},
	})
}

// rules are what applies to all companies.
type rules struct {
	installation tenant.Installation
	days         int // how long browsers may be remembered
	lock         tenant.AccountLock
	now          time.Time
}

func (s *Service) rulesOf(i tenant.Installation, now time.Time) rules {
	return rules{
		installation: i,
		days:         min(i.RememberDays, s.Gate.Limits.RememberDays),
		lock:         s.defaultLock(),
		now:          now,
	}
}

// change is a company before and after something was changed: its own settings, or those for all companies.
type change struct {
	before, after rules
	was, is       tenant.Tenant
	names         map[string]string // of apps, by id; nil where no list of apps changes
}

// sameRules is a change of a company while what applies to all stays as it is.
func sameRules(r rules, was, is tenant.Tenant) change {
	return change{
		before: r,
		after:  r,
		was:    was,
		is:     is,
	}
}

// namesOf are the names of apps as emails show them.
func (c change) namesOf(apps tenant.Apps) string {
	var out []string
	for _, id := range apps.IDs() {
		out = append(out, cmp.Or(c.names[id], id))
	}
	return strings.Join(out, ", ")
}

// lowered lists the settings that are less strict than they were. It leaves out settings that have no effect because
// the vendor decides otherwise, and choice and deadline if no second step was required before. A planned start that is
// canceled or postponed counts as less strict.
func (c change) lowered() (out []email.LoweredSetting) {
	b, r, was, is := c.before, c.after, c.was, c.is
	add := func(lower bool, setting email.Setting, was, is email.SettingValue) {
		if lower {
			out = append(out, email.LoweredSetting{Setting: setting, Was: was, Is: is})
		}
	}
	before, after := b.decide(was), r.decide(is)
	add(before.Required && !after.Required, email.SettingSwitch, word("on"), word("off"))
	if !before.Required && !after.Required {
		planned, now := r.ownStart(was), r.ownStart(is)
		then := email.SettingValue{Word: "on", At: now}
		if now.IsZero() {
			then.Word = "off"
		}
		add(!planned.IsZero() && (now.IsZero() || now.After(planned)), email.SettingSwitch,
			email.SettingValue{Word: "on", At: planned}, then)
	}
	add(before.Required && choiceStrictness(is.Choice) < choiceStrictness(was.Choice), email.SettingChoice,
		word(choiceText(was.Choice)), word(choiceText(is.Choice)))
	add(before.Required && c.leavesMoreOut(), email.SettingRoles, word(string(was.Roles)), word(string(is.Roles)))
	add(before.Required && after.Required && fewerSteps(b, r, was, is), email.SettingSteps,
		email.SettingValue{Number: was.Steps.Days}, email.SettingValue{Number: is.Steps.Days})
	add(before.Required && len(was.Apps.Without(is.Apps)) > 0, email.SettingApps,
		word(c.namesOf(was.Apps)), word(c.namesOf(is.Apps)))
	add(weaker(b.allowed(was), r.allowed(is)), email.SettingMethods,
		word(kinds(b.allowed(was))), word(kinds(r.allowed(is))))
	add(after.RememberDays > before.RememberDays, email.SettingRememberDays,
		email.SettingValue{Number: before.RememberDays}, email.SettingValue{Number: after.RememberDays})
	add(before.Required && is.SetUpBy.After(was.SetUpBy) && is.SetUpBy.After(r.now), email.SettingDeadline,
		email.SettingValue{At: was.SetUpBy}, email.SettingValue{At: is.SetUpBy})
	add(before.Required && is.SetUpDays > was.SetUpDays, email.SettingSetUpDays,
		email.SettingValue{Number: was.SetUpDays}, email.SettingValue{Number: is.SetUpDays})
	add(before.Required && moreLaters(was, is), email.SettingSetUpLaters,
		email.SettingValue{Number: was.SetUpLaters}, email.SettingValue{Number: is.SetUpLaters})
	wasLock, isLock := r.lockOf(was), r.lockOf(is)
	add(isLock.After > wasLock.After, email.SettingLockAfter,
		email.SettingValue{Number: wasLock.After}, email.SettingValue{Number: isLock.After})
	add(isLock.Minutes < wasLock.Minutes, email.SettingLockMinutes,
		email.SettingValue{Number: wasLock.Minutes}, email.SettingValue{Number: isLock.Minutes})
	add(networksLowered(was, is), email.SettingNetworks, word(shownNetworks(was)), word(shownNetworks(is)))
	mandate, now := was.Mandate.OrInherited(b.installation.Mandate), is.Mandate.OrInherited(r.installation.Mandate)
	add(r.loosened(mandate, now), email.SettingMandate, mandateValue(mandate), mandateValue(now))
	return out
}

// leavesMoreOut reports whether the list of roles leaves out a role of which a second step was required. It is false if
// the company no longer requires it of anyone: the choice says so already.
func (c change) leavesMoreOut() bool {
	if c.was.Roles == c.is.Roles || c.is.Choice == tenant.Optional {
		return false
	}
	for _, role := range tenant.OptionalRoles() {
		was := policy.RequiredOf(role, c.was, c.before.installation, c.after.now)
		if was && !policy.RequiredOf(role, c.is, c.after.installation, c.after.now) {
			return true
		}
	}
	return false
}

// fewerSteps reports whether people have to wait for a step who did not before.
func fewerSteps(before, after rules, was, is tenant.Tenant) bool {
	now := policy.StepsBegun(is, after.installation, after.now)
	return now < policy.StepsBegun(was, before.installation, before.now)
}

// moreLaters reports whether people may now finish more sign-ins before they set up a method; 0 means no limit.
func moreLaters(was, is tenant.Tenant) bool {
	return was.SetUpLaters > 0 && (is.SetUpLaters == 0 || is.SetUpLaters > was.SetUpLaters)
}

// choiceStrictness orders choices; one that is not known is as strict as Required.
func choiceStrictness(c tenant.Choice) int {
	switch c {
	case tenant.Optional:
		return 0
	case tenant.Adaptive:
		return 1
	}
	return 2
}

// ownStart is the start that a company has planned by itself; zero where it has none.
func (r rules) ownStart(t tenant.Tenant) time.Time {
	if !t.SwitchedOnAt.After(r.now) {
		return time.Time{}
	}
	return t.SwitchedOnAt
}

// lockOf is how a company locks accounts: its own setting, else the installation's.
func (r rules) lockOf(t tenant.Tenant) tenant.AccountLock {
	if t.Lock.IsSet() {
		return t.Lock
	}
	return r.lock
}

func word(w string) email.SettingValue { return email.SettingValue{Word: w} }

func mandateValue(m tenant.Mandate) email.SettingValue {
	return email.SettingValue{Word: string(m.Mode), At: m.From}
}

// decide is policy's decision about a person who has turned two-factor authentication on, if that is up to them.
func (r rules) decide(t tenant.Tenant) policy.Decision {
	return policy.Evaluate(policy.Input{
		Now:              r.now,
		Installation:     r.installation.Mandate,
		InstallationDays: r.days,
		Methods:          r.installation.Methods,
		Tenant:           t,
		OwnChoice:        true,
	})
}

func (r rules) allowed(t tenant.Tenant) policy.Allowed {
	return policy.AllowedIn(t, r.installation)
}

// weaker reports whether a method is newly allowed that is weaker than one that was allowed before: people who have the
// stronger one may now use the weaker one.
func weaker(was, is policy.Allowed) bool {
	stronger := false
	for _, k := range authenticator.SecondSteps { // strongest first
		if k == authenticator.Backup {
			continue // goes with the others
		}
		if stronger && is.Allows(k) && !was.Allows(k) {
			return true
		}
		stronger = stronger || was.Allows(k)
	}
	return false
}

// kinds are the allowed second steps, separated by spaces.
func kinds(a policy.Allowed) string {
	var out []string
	for _, k := range authenticator.SecondSteps {
		if a.Allows(k) {
			out = append(out, string(k))
		}
	}
	return strings.Join(out, " ")
}

// loosened reports whether the vendor requires less than before, or the same from a later day.
func (r rules) loosened(was, is tenant.Mandate) bool {
	if strictness(is.Mode) != strictness(was.Mode) {
		return strictness(is.Mode) < strictness(was.Mode)
	}
	return is.Mode != tenant.DefaultOff && is.From.After(was.From) && is.From.After(r.now)
}

// strictness orders the modes. One that this version does not know is as strict as Mandatory.
func strictness(m tenant.Mode) int {
	switch m {
	case tenant.DefaultOff:
		return 0
	case tenant.DefaultOn:
		return 1
	}
	return 2
}
