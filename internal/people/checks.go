package people

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/policy"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// The checks of a company's people before two-factor authentication is required of them, as saved views. Accounts that
// are disabled are in none of them.
const (
	NoWayIn         SavedView = "no_way_in"
	WaitAfterReset  SavedView = "wait_after_reset"
	MailStops       SavedView = "mail_stops"
	MailBounces     SavedView = "mail_bounces"
	SharedMailbox   SavedView = "shared_mailbox"
	MailUnproved    SavedView = "mail_unproved"
	NeverInvited    SavedView = "never_invited"
	InvitationEnded SavedView = "invitation_ended"
	NeverUsed       SavedView = "accepted_never_signed_in"
)

// Checks are the checks, the most urgent first. Those of Stopping are people whom the rules stop at sign-in.
var (
	Checks = []SavedView{NoWayIn, WaitAfterReset, MailStops, OneMethodOwners, SharedMailbox, MailBounces,
		MailUnproved, NeverInvited, InvitationEnded, NeverUsed}
	Stopping = []SavedView{NoWayIn, WaitAfterReset, MailStops}
)

// The results of a trial of rules, as saved views: people whom the rules would have stopped, made to set up a method,
// or asked for a second step since the trial began.
const (
	TrialStopped SavedView = "trial_stopped"
	TrialSetUp   SavedView = "trial_set_up"
	TrialAsked   SavedView = "trial_asked"
)

// Trials are those views, the most urgent first.
var Trials = []SavedView{TrialStopped, TrialSetUp, TrialAsked}

var trialOutcomes = map[SavedView]tenant.ShadowOutcome{
	TrialStopped: tenant.ShadowStopped,
	TrialSetUp:   tenant.ShadowSetUp,
	TrialAsked:   tenant.ShadowAsked,
}

// Coming are rules that a company considers: which methods are allowed, who decides, and of which roles a second step
// is required. The checks ask what happens once they apply and no deadline for set-up is left.
type Coming struct {
	Methods tenant.Methods
	Choice  tenant.Choice
	Roles   tenant.Roles
}

// comingRules are the rules that the checks ask about, with what works in this installation.
type comingRules struct {
	allowed  policy.Allowed
	asked    string // holds for a user u of whom a second step is required
	bindable []authenticator.Kind
}

// coming are the rules of the checks: those that a company considers, or else those that it has. Where two-factor
// authentication is off, it counts as on.
func coming(
	t tenant.Tenant, i tenant.Installation, now time.Time, c *Coming, bindable []authenticator.Kind,
) comingRules {
	if c != nil {
		t.Methods, t.Choice, t.Roles = c.Methods, c.Choice, c.Roles
	}
	t.SwitchedOnAt, t.Steps = now, tenant.Steps{}
	return comingRules{
		allowed:  policy.AllowedIn(t, i),
		asked:    requiredOf(t, i, now).condition(),
		bindable: bindable,
	}
}

// Conditions on a user u.
const (
	hasMailbox = user.HasWorking + `a.kind = 'email')`
	hasCodes   = user.HasWorking + `a.kind = 'backup')`
	accepted   = `p.user_id IS NOT NULL`

	// a second factor once, and none now, other than by the person's own removal
	orphaned = `(NOT EXISTS (SELECT 1 FROM authenticators a WHERE a.tenant_id = u.tenant_id AND a.user_id = u.id
		AND a.kind IN ` + user.FactorKinds + `) AND u.first_factor_at > 0 AND u.released_at = 0)`

	// The newest mail that was handed to a server came back, and it went to the address that they have now.
	// CROSS JOIN makes SQLite begin with those mails, of which there are few.
	mailBounces = `u.id IN (SELECT m.user_id
		FROM messages m CROSS JOIN authenticators a CROSS JOIN outofband_addresses o
		WHERE a.tenant_id = m.tenant_id AND a.user_id = m.user_id AND a.kind = 'email'
			AND o.tenant_id = a.tenant_id AND o.authenticator_id = a.id
			AND m.tenant_id = $2 AND m.state = 'bounced' AND m.channel = 'email' AND m.queued_at >= o.verified_at
			AND NOT EXISTS (SELECT 1 FROM messages later
				WHERE later.tenant_id = m.tenant_id AND later.user_id = m.user_id AND later.channel = 'email'
					AND later.state IN ('accepted', 'delivered') AND later.queued_at >= m.queued_at))`

	// No code and no link that went to the address has come back.
	mailUnproved = `EXISTS (SELECT 1 FROM authenticators a
		JOIN outofband_addresses o ON o.tenant_id = a.tenant_id AND o.authenticator_id = a.id
		WHERE a.tenant_id = u.tenant_id AND a.user_id = u.id AND a.kind = 'email'
			AND (a.last_used_at = 0 OR a.last_used_at < o.verified_at))`

	// OFFSET makes PostgreSQL look up the sessions of each: it would join those of the whole company.
	neverSignedIn = `(u.signed_in_at = 0 AND NOT EXISTS (SELECT 1 FROM sessions s
		WHERE s.tenant_id = u.tenant_id AND s.user_id = u.id LIMIT 1 OFFSET 0))`

	// Links are kept for a month after their end.
	everInvited = `EXISTS (SELECT 1 FROM password_links l
		WHERE l.tenant_id = u.tenant_id AND l.user_id = u.id AND l.purpose = 'invitation')`
	invitationWithdrawn = `EXISTS (SELECT 1 FROM password_links l
		WHERE l.tenant_id = u.tenant_id AND l.user_id = u.id AND l.closed_because = 'withdrawn')`
	invitationOpen = `EXISTS (SELECT 1 FROM password_links l
		WHERE l.tenant_id = u.tenant_id AND l.user_id = u.id AND l.purpose = 'invitation'
			AND l.closed_at = 0 AND l.expires_at > %s)`
)

// condition is who is in a check: a condition on a user u with their password p; each %s in it stands for the instant.
// TestChecksFindWhomPolicyStops compares the stopping ones with what policy decides.
func (r comingRules) condition(v SavedView) string {
	switch v {
	case OneMethodOwners:
		return `u.role = 'owner' AND u.role <> 'agent' AND (SELECT count(*) FROM authenticators a
			WHERE a.tenant_id = u.tenant_id AND a.user_id = u.id AND a.disabled_at = 0 AND a.kind IN ` +
			kindList(r.allowed.Factors()) + ") < 2"
	case NoWayIn:
		return r.asked + " AND " + accepted + " AND NOT (" + r.opens() + " OR " + r.waits() + ")"
	case WaitAfterReset:
		return r.waits() + " AND " + r.asked + " AND " + accepted + " AND NOT (" + r.opens() + ")"
	case MailStops:
		return mailBounces + " AND " + r.asked + " AND " + accepted + " AND (" + r.byMailbox() + ") AND NOT (" +
			r.byMethod() + ")"
	case MailBounces:
		return mailBounces + " AND NOT (" + r.condition(MailStops) + ")"
	case SharedMailbox:
		return "(" + inOneMailbox + " OR " + sharedName + ")"
	case MailUnproved:
		return accepted + " AND " + mailUnproved
	case NeverInvited:
		return "p.user_id IS NULL AND (NOT " + everInvited + " OR " + invitationWithdrawn + ")"
	case InvitationEnded:
		return "p.user_id IS NULL AND " + everInvited + " AND NOT " + invitationOpen + " AND NOT " + invitationWithdrawn
	case NeverUsed:
		return accepted + " AND " + neverSignedIn
	}
	if outcome, known := trialOutcomes[v]; known {
		return inTrial + "'" + string(outcome) + "')"
	}
	return "FALSE"
}

// inTrial begins a condition on a user u, which an outcome and a parenthesis end.
const inTrial = `u.id IN (SELECT r.user_id FROM shadow_results r
	JOIN tenants now ON now.tenant_id = r.tenant_id AND now.shadow_from = r.began_at
	WHERE r.tenant_id = $2 AND r.outcome = `

// opens holds for people who get in as policy decides, if need be by setting up a method first. The way that most
// people use comes first, so that the rest is rarely evaluated.
func (r comingRules) opens() string {
	if r.allowed.Allows(authenticator.Email) {
		return r.byMailbox() + " OR " + r.byMethod()
	}
	return r.byMethod() + " OR " + r.byMailbox()
}

// byMethod is who has a method besides the mailbox that gets them in.
func (r comingRules) byMethod() string {
	out := user.HasWorking + "a.kind IN " + kindList(r.works(r.allowed.Factors())) + ")"
	if r.allowed.Allows(authenticator.Backup) && slices.Contains(r.bindable, authenticator.Backup) {
		out += " OR " + hasCodes
	}
	if r.enrollable() { // what is ruled out opens the set-up of something allowed
		out += " OR EXISTS (SELECT 1 FROM authenticators a WHERE a.tenant_id = u.tenant_id AND a.user_id = u.id" +
			" AND a.kind IN " + user.FactorKinds + ") AND " + user.HasWorking + "a.kind IN " +
			kindList(append(r.works(allFactors()), r.works([]authenticator.Kind{authenticator.Backup})...)) + ")"
	}
	return out
}

// byMailbox is whom the mailbox gets in, by itself or by opening the set-up of a method.
func (r comingRules) byMailbox() string {
	confirms := "u.password_flagged_at > 0"
	if r.allowed.Allows(authenticator.Email) {
		confirms = "TRUE"
	}
	out := user.MailboxProtects + " AND " + hasMailbox + " AND (" + confirms
	if !r.enrollable() {
		return out + ")"
	}
	reset := "NOT " + waiting
	return out + " OR " + reset + ") OR " + orphaned + " AND u.recovery_until > %s AND " + reset + " AND " + hasMailbox
}

// waiting holds while a reset of the password by mail keeps the mailbox from opening a set-up.
var waiting = "(u.password_reset_at > 0 AND u.password_reset_at + " +
	strconv.FormatInt(policy.ResetWait.Microseconds(), 10) + " > %s)"

// waits is who may set up a method once that time is over.
func (r comingRules) waits() string {
	if !r.enrollable() {
		return "FALSE"
	}
	return waiting + " AND " + user.MailboxProtects
}

// enrollable reports whether people can set up something that counts as a second factor.
func (r comingRules) enrollable() bool {
	return slices.ContainsFunc(r.bindable, func(k authenticator.Kind) bool {
		return authenticator.TraitsOf[k].Possession && r.allowed.Allows(k)
	})
}

// works are those of the kinds that this installation can ask for.
func (r comingRules) works(kinds []authenticator.Kind) (out []authenticator.Kind) {
	for _, k := range kinds {
		if slices.Contains(r.bindable, k) {
			out = append(out, k)
		}
	}
	return out
}

func allFactors() []authenticator.Kind { return policy.Allowed{}.Factors() }

// kindList is kinds as SQL lists them.
func kindList(kinds []authenticator.Kind) string {
	out := []string{"''"}
	for _, k := range kinds {
		out = append(out, "'"+string(k)+"'")
	}
	return "(" + strings.Join(out, ", ") + ")"
}

// The mailbox that an address leads to: what stands behind a plus before the @ does not matter, and neither do dots at
// Gmail. Both databases can cut a text only where a run of given characters ends: fromPlus and fromAt are what is left
// of an address from its first plus, and from its @.
const (
	printable = ` !"#$%&''()*,-./0123456789:;<=>?[\]^_` + "`" + `abcdefghijklmnopqrstuvwxyz{|}~`
	fromPlus  = `ltrim(u.email_key, '` + printable + `@')`
	fromAt    = `ltrim(u.email_key, '` + printable + `+')`
	localPart = `CASE WHEN ` + fromPlus + ` LIKE '+%@%'
		THEN substr(u.email_key, 1, length(u.email_key) - length(` + fromPlus + `))
		ELSE substr(u.email_key, 1, length(u.email_key) - length(` + fromAt + `)) END`
	mailbox = `CASE WHEN ` + fromAt + ` IN ('@gmail.com', '@googlemail.com')
		THEN replace(` + localPart + `, '.', '') || '@gmail.com' ELSE ` + localPart + ` || ` + fromAt + ` END`
)

// variant holds for a user u whose address is one of several for the same mailbox. Every other
// address is a mailbox by itself.
// The index users_mailbox_variants has its condition.
const variant = `(u.email_key LIKE '%+%@%' OR u.email_key LIKE '%@gmail.com' OR u.email_key LIKE '%@googlemail.com')`

// variants are the mailboxes of those addresses.
const variants = `SELECT ` + mailbox + ` AS box FROM users u
	WHERE u.tenant_id = $2 AND u.disabled_at = 0 AND ` + variant

// inOneMailbox holds for a user u whose mailbox someone else of the company has, too.
var inOneMailbox = `CASE WHEN ` + variant + `
	THEN ` + mailbox + ` IN (SELECT v.box FROM (` + variants + `) v GROUP BY v.box HAVING count(*) > 1)
		OR EXISTS (SELECT 1 FROM users o WHERE o.tenant_id = $2 AND o.disabled_at = 0
			AND o.email_key = ` + mailbox + ` AND NOT ` + strings.ReplaceAll(variant, "u.", "o.") + `)
	ELSE u.email_key IN (` + variants + `) END`

// sharedNames are addresses that several people read as a rule (RFC 2142, and what companies use besides).
var sharedNames = strings.Fields(`info office contact support help helpdesk sales marketing billing accounts accounting
	invoices orders team staff reception frontdesk front.desk hello mail admin administrator service customerservice
	webmaster postmaster hostmaster noc security abuse jobs hr recepcion oficina ventas soporte contacto kontakt buero`)

// sharedName holds for a user u with such an address. Its first letters are compared first, which rules out most
// addresses.
var sharedName = func() string {
	var names, beginnings []string
	for _, name := range sharedNames {
		names = append(names, "'"+name+"'")
		if beginning := "'" + (name + "@")[:3] + "'"; !slices.Contains(beginnings, beginning) {
			beginnings = append(beginnings, beginning)
		}
	}
	return "(substr(u.email_key, 1, 3) IN (" + strings.Join(beginnings, ", ") + ") AND " + localPart +
		" IN (" + strings.Join(names, ", ") + "))"
}()
