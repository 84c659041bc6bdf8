package console

import (
	"countersign/internal/audit"
	"countersign/internal/company"
	"countersign/internal/people"
	"countersign/internal/sharing"
)

// What is known by its name in code is said with a sentence of these tables; what is in none has no sentence.

var resultKeys = map[audit.Result]string{
	audit.OK:      "console.result.ok",
	audit.Failed:  "console.result.failed",
	audit.Refused: "console.result.refused",
}

var viewKeys = map[people.SavedView]string{
	people.AllPeople:        "console.view.all",
	people.OneMethodOwners:  "console.view.owners_with_one_method",
	people.WeakMethods:      "console.view.email_or_sms_only",
	people.NeverSignedIn:    "console.view.never_signed_in",
	people.Invited:          "console.view.invited",
	people.DisabledAccounts: "console.view.disabled_accounts",
	people.NoWayIn:          "console.view.no_way_in",
	people.WaitAfterReset:   "console.view.wait_after_reset",
	people.MailStops:        "console.view.mail_stops",
	people.MailBounces:      "console.view.mail_bounces",
	people.SharedMailbox:    "console.view.shared_mailbox",
	people.MailUnproved:     "console.view.mail_unproved",
	people.NeverInvited:     "console.view.never_invited",
	people.InvitationEnded:  "console.view.invitation_ended",
	people.NeverUsed:        "console.view.accepted_never_signed_in",
	people.TrialStopped:     "console.view.trial_stopped",
	people.TrialSetUp:       "console.view.trial_set_up",
	people.TrialAsked:       "console.view.trial_asked",
}

// checkKeys say why a finding matters, and what to do.
var checkKeys = map[people.SavedView]string{
	people.OneMethodOwners: "console.check.owners_with_one_method",
	people.NoWayIn:         "console.check.no_way_in",
	people.WaitAfterReset:  "console.check.wait_after_reset",
	people.MailStops:       "console.check.mail_stops",
	people.MailBounces:     "console.check.mail_bounces",
	people.SharedMailbox:   "console.check.shared_mailbox",
	people.MailUnproved:    "console.check.mail_unproved",
	people.NeverInvited:    "console.check.never_invited",
	people.InvitationEnded: "console.check.invitation_ended",
	people.NeverUsed:       "console.check.accepted_never_signed_in",
	people.TrialStopped:    "console.check.trial_stopped",
	people.TrialSetUp:      "console.check.trial_set_up",
	people.TrialAsked:      "console.check.trial_asked",
}

var likelihoodKeys = map[sharing.Likelihood]string{
	sharing.Low:        "console.sharing.low",
	sharing.Likely:     "console.sharing.likely",
	sharing.VeryLikely: "console.sharing.very_likely",
}

// likelihoodTones are how the likelihoods are coloured.
var likelihoodTones = map[sharing.Likelihood]string{
	sharing.Low:        "disabled",
	sharing.Likely:     "pending",
	sharing.VeryLikely: "failed",
}

var groupKeys = map[company.ActivityGroup]string{
	"sign_ins": "console.activity.sign_ins",
	"methods":  "console.activity.methods",
	"people":   "console.activity.people",
	"rules":    "console.activity.rules",
	"sessions": "console.activity.sessions",
}

var byKeys = map[company.ActivityBy]string{
	company.BySelf:   "console.activity.by_self",
	company.ByOther:  "console.activity.by_other",
	company.ByServer: "console.activity.by_vendor",
}

// doneKeys is a closed list: an address must not put words on a page.
var doneKeys = map[string]string{
	"added":     "console.done.added",
	"address":   "console.done.address",
	"invited":   "console.done.invited",
	"withdrawn": "console.done.withdrawn",
	"disabled":  "console.done.disabled",
	"enabled":   "console.done.enabled",
	"role":      "console.done.role",
	"reset":     "console.done.reset",
	"restored":  "console.done.restored",
	"reminded":  "console.done.reminded",
	"on":        "console.done.on",
	"planned":   "console.done.planned",
	"off":       "console.done.off",
	"methods":   "console.done.methods",
	"days":      "console.done.days",
	"imported":  "console.done.imported",
	"trial":     "console.done.trial",
	"no_trial":  "console.done.no_trial",
	"lock":      "console.done.lock",
	"set_up":    "console.done.set_up",
	"ask":       "console.done.ask",
	"roles":     "console.done.roles",
	"everyone":  "console.done.everyone",
	"continued": "console.done.continued",
	"apps":      "console.done.apps",
	"networks":  "console.done.networks",
	"branding":  "console.done.branding",
	"defaults":  "console.done.unbranded",
	"no_logo":   "console.done.no_logo",

	"signed_out":      "console.done.signed_out",
	"exempted":        "console.done.exempted",
	"exemption_ended": "console.done.exemption_ended",
}

var actionKeys = map[audit.Action]string{
	audit.AdministrationRefused: "audit.administration.refused",
	audit.AccountProtected:      "audit.account.protected",
	audit.AddressAsked:          "audit.address.asked",
	audit.AddressChanged:        "audit.address.changed",
	audit.AddressRestored:       "audit.address.restored",
	audit.AddressWithdrawn:      "audit.address.withdrawn",
	audit.AdmissionSent:         "audit.admission.sent",
	audit.AdmissionUsed:         "audit.admission.used",
	audit.BrowserForgotten:      "audit.browser.forgotten",
	audit.BrowserRemembered:     "audit.browser.remembered",
	audit.BrowserReplayed:       "audit.browser.replayed",
	audit.ChallengeSent:         "audit.challenge.sent",
	audit.ClientRefused:         "audit.client.refused",
	audit.OwnersStuck:           "audit.company.owners_stuck",
	audit.MethodAdded:           "audit.method.added",
	audit.MethodRemoved:         "audit.method.removed",
	audit.MethodRestored:        "audit.method.restored",
	audit.MethodSuspended:       "audit.method.suspended",
	audit.MethodsReset:          "audit.methods.reset",
	audit.NoticeSent:            "audit.notice.sent",
	audit.PasskeyCopied:         "audit.passkey.copied",
	audit.PasswordAsked:         "audit.password.asked",
	audit.PasswordReplaced:      "audit.password.replaced",
	audit.PasswordSet:           "audit.password.set",
	audit.ReceiverGone:          "audit.receiver.gone",
	audit.SecondStepOff:         "audit.second_step.off",
	audit.SecondStepOn:          "audit.second_step.on",
	audit.SessionEnded:          "audit.session.ended",
	audit.SignInCompleted:       "audit.signin.completed",
	audit.SignInDenied:          "audit.signin.denied",
	audit.SignInDisowned:        "audit.signin.disowned",
	audit.SignInEnded:           "audit.signin.ended",
	audit.SignInPasskey:         "audit.signin.passkey",
	audit.SignInPassword:        "audit.signin.password",
	audit.SignInSecondFactor:    "audit.signin.second_factor",
	audit.SignInStepUp:          "audit.signin.step_up",
	audit.SignInUnusual:         "audit.signin.unusual",
	audit.TenantActivation:      "audit.tenant.activation",
	audit.TenantBranding:        "audit.tenant.branding",
	audit.TenantChoice:          "audit.tenant.choice",
	audit.TenantCreated:         "audit.tenant.created",
	audit.TenantSteps:           "audit.tenant.steps",
	audit.TenantStepsStopped:    "audit.tenant.steps_stopped",
	audit.TenantRoles:           "audit.tenant.roles",
	audit.TenantApps:            "audit.tenant.apps",
	audit.TenantDeadline:        "audit.tenant.deadline",
	audit.TenantShadow:          "audit.tenant.shadow",
	audit.TenantLock:            "audit.tenant.lock",
	audit.TenantMandate:         "audit.tenant.mandate",
	audit.TenantMethods:         "audit.tenant.methods",
	audit.TenantNetworks:        "audit.tenant.networks",
	audit.TenantRememberDays:    "audit.tenant.remember_days",
	audit.TenantRenamed:         "audit.tenant.renamed",
	audit.TenantResumed:         "audit.tenant.resumed",
	audit.TenantSMSCountries:    "audit.tenant.sms_countries",
	audit.TenantSuspended:       "audit.tenant.suspended",
	audit.TenantSwitched:        "audit.tenant.switched",
	audit.TextsPaused:           "audit.texts.paused",
	audit.TokenIssued:           "audit.token.issued",
	audit.TokenRefreshed:        "audit.token.refreshed",
	audit.TokenRefused:          "audit.token.refused",
	audit.TokenReuse:            "audit.token.reuse",
	audit.UserAddress:           "audit.user.address",
	audit.UserCreated:           "audit.user.created",
	audit.UserDisabled:          "audit.user.disabled",
	audit.UserEnabled:           "audit.user.enabled",
	audit.UserInvited:           "audit.user.invited",
	audit.InvitationWithdrawn:   "audit.user.invitation_withdrawn",
	audit.UserReminded:          "audit.user.reminded",
	audit.UserExempted:          "audit.user.exempted",
	audit.PeopleExported:        "audit.user.exported",
	audit.ActivityExported:      "audit.activity.exported",
	audit.UserRole:              "audit.user.role",
	audit.UserSignedOut:         "audit.user.signed_out",
	audit.UserBulk:              "audit.user.bulk",
}
