package email

import (
	"strconv"
	"strings"
	"time"
)

// ProtectionLowered tells owners and admins that the two-factor authentication of their company is less strict now.
type ProtectionLowered struct {
	Vendor, Company string
	Changes         []LoweredSetting
	By              ChangedBy
}

// LoweredSetting is one setting, as it was and as it is now.
type LoweredSetting struct {
	Setting Setting
	Was, Is SettingValue
}

// Setting names what a company or its vendor decides.
type Setting string

// The settings, and what their values use: a Word, a Number or an At.
const (
	SettingSwitch       Setting = "switch"        // "on", "off", and At where it begins later
	SettingChoice       Setting = "choice"        // "required", "adaptive", "optional"
	SettingRoles        Setting = "roles"         // roles, apart by spaces; empty: everyone
	SettingSteps        Setting = "steps"         // Number of days between steps; 0: everyone at once
	SettingApps         Setting = "apps"          // names of exempt apps in which it is required anyway; empty: none
	SettingMethods      Setting = "methods"       // kinds, apart by spaces
	SettingRememberDays Setting = "remember_days" // Number
	SettingDeadline     Setting = "deadline"      // At; zero: none
	SettingMandate      Setting = "mandate"       // "mandatory", "default_on", "default_off", and At
	SettingSetUpDays    Setting = "set_up_days"   // Number
	SettingSetUpLaters  Setting = "set_up_laters" // Number; 0: no limit
	SettingLockAfter    Setting = "lock_after"    // Number of failures
	SettingLockMinutes  Setting = "lock_minutes"  // Number
	SettingNetworks     Setting = "networks"      // networks, as they are shown; empty: anywhere
)

// SettingValue is the value of a setting.
type SettingValue struct {
	Word   string
	Number int
	At     time.Time
}

func (ProtectionLowered) kind() string { return "protection_lowered" }

func (c ProtectionLowered) letter(w *writer) letter {
	vendor, company := cleanName(c.Vendor), defang(c.Company)
	lead := w.say("mail.lowered.text", "Company", company)
	var facts []line
	for _, s := range c.Changes {
		facts = append(facts, line{w.setting(s.Setting, vendor), w.say("mail.changed.value",
			"Is", w.settingValue(s.Setting, s.Is), "Was", w.settingValue(s.Setting, s.Was))})
	}
	return letter{
		Subject:    w.say("mail.lowered.subject", "Company", company),
		Preheader:  lead,
		Title:      w.say("mail.lowered.title"),
		Lead:       lead,
		Vendor:     vendor,
		FactsTitle: w.say("mail.changed.facts"),
		Facts:      append(facts, w.changedBy(c.By, vendor)...),
		Never:      w.say("mail.changed.ask", "Vendor", vendor),
		Footer:     w.say("mail.footer_alert", "Vendor", vendor),
	}
}

func (w *writer) setting(s Setting, vendor string) string {
	switch s {
	case SettingSwitch:
		return w.say("mail.lowered.switch")
	case SettingChoice:
		return w.say("mail.lowered.choice")
	case SettingRoles:
		return w.say("mail.lowered.roles")
	case SettingSteps:
		return w.say("mail.lowered.steps")
	case SettingApps:
		return w.say("mail.lowered.apps", "Vendor", vendor)
	case SettingMethods:
		return w.say("mail.lowered.methods")
	case SettingRememberDays:
		return w.say("mail.lowered.remember_days")
	case SettingDeadline:
		return w.say("mail.lowered.deadline")
	case SettingSetUpDays:
		return w.say("mail.lowered.set_up_days")
	case SettingSetUpLaters:
		return w.say("mail.lowered.set_up_laters")
	case SettingLockAfter:
		return w.say("mail.lowered.lock_after")
	case SettingNetworks:
		return w.say("mail.lowered.networks")
	case SettingLockMinutes:
		return w.say("mail.lowered.lock_minutes")
	}
	return w.say("mail.lowered.mandate", "Vendor", vendor)
}

func (w *writer) settingValue(s Setting, v SettingValue) string {
	switch s {
	case SettingMethods:
		var names []string
		for kind := range strings.FieldsSeq(v.Word) {
			names = append(names, w.say(methodName(kind)))
		}
		if len(names) > 0 {
			return strings.Join(names, ", ")
		}
	case SettingRoles:
		return w.roleNames(v.Word)
	case SettingSteps:
		if v.Number == 0 {
			return w.say("mail.lowered.at_once")
		}
		return w.say("mail.lowered.in_steps", "Days", strconv.Itoa(v.Number))
	case SettingApps:
		if v.Word == "" {
			return w.say("mail.lowered.no_apps")
		}
		return v.Word
	case SettingSetUpLaters:
		if v.Number == 0 {
			return w.say("mail.lowered.no_limit")
		}
		return strconv.Itoa(v.Number)
	case SettingRememberDays, SettingSetUpDays, SettingLockAfter, SettingLockMinutes:
		return strconv.Itoa(v.Number)
	case SettingNetworks:
		if v.Word == "" {
			return w.say("mail.lowered.anywhere")
		}
		return v.Word
	case SettingDeadline:
		if !v.At.IsZero() {
			return w.words.Date(v.At)
		}
	case SettingSwitch:
		if v.Word == "on" && !v.At.IsZero() {
			return w.say("mail.lowered.on_from", "From", w.words.Time(v.At))
		}
	case SettingMandate:
		if v.Word == "mandatory" && !v.At.IsZero() {
			return w.say("mail.lowered.mandatory_from", "From", w.words.Time(v.At))
		}
	}
	return w.settingWord(v.Word)
}

// roleNames are roles apart by spaces, as people read them; none is everyone.
func (w *writer) roleNames(roles string) string {
	var names []string
	for role := range strings.FieldsSeq(roles) {
		names = append(names, w.say("role."+role))
	}
	if len(names) == 0 {
		return w.say("mail.lowered.required")
	}
	return strings.Join(names, ", ")
}

func (w *writer) settingWord(word string) string {
	switch word {
	case "on":
		return w.say("mail.lowered.on")
	case "off":
		return w.say("mail.lowered.off")
	case "required":
		return w.say("mail.lowered.required")
	case "adaptive":
		return w.say("mail.lowered.adaptive")
	case "optional":
		return w.say("mail.lowered.optional")
	case "default_on":
		return w.say("mail.lowered.default_on")
	case "default_off":
		return w.say("mail.lowered.default_off")
	case "":
		return w.say("mail.lowered.none")
	}
	return w.say("mail.lowered.mandatory")
}
