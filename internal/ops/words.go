package ops

import (
	"strings"

	"countersign/internal/audit"
)

// Labels come from these lists and from nowhere else; what is not in them is "other". A
// reason that someone typed, or an address in the wrong field, can then become no label.
var (
	actions = labels(
		audit.SignInPassword, audit.SignInSecondFactor, audit.SignInPasskey, audit.SignInCompleted,
		audit.SignInDenied, audit.SignInEnded, audit.SignInStepUp, audit.SignInUnusual, audit.SignInDisowned,
		audit.ChallengeSent,
		audit.AdmissionSent, audit.AdmissionUsed, audit.SessionEnded, audit.BrowserRemembered,
		audit.BrowserReplayed, audit.BrowserForgotten, audit.TokenIssued, audit.TokenRefreshed,
		audit.TokenRefused, audit.TokenReuse, audit.ClientRefused, audit.UserCreated, audit.UserInvited,
		audit.InvitationWithdrawn, audit.UserReminded, audit.UserExempted, audit.UserSignedOut, audit.UserBulk,
		audit.PeopleExported, audit.ActivityExported, audit.TenantActivation,
		audit.UserRole, audit.UserAddress, audit.UserDisabled, audit.UserEnabled, audit.PasswordSet,
		audit.PasswordAsked, audit.PasswordReplaced, audit.AddressAsked, audit.AddressChanged,
		audit.AddressWithdrawn, audit.AddressRestored, audit.SecondStepOn, audit.SecondStepOff,
		audit.NoticeSent, audit.OwnersStuck, audit.AdministrationRefused, audit.MethodAdded,
		audit.MethodRemoved, audit.MethodSuspended,
		audit.MethodRestored, audit.MethodsReset, audit.PasskeyCopied, audit.ReceiverGone,
		audit.AccountProtected, audit.TenantCreated, audit.TenantRenamed, audit.TenantSuspended,
		audit.TenantResumed, audit.TenantMandate, audit.TenantSwitched, audit.TenantMethods,
		audit.TenantChoice, audit.TenantRoles, audit.TenantSteps, audit.TenantStepsStopped,
		audit.TenantApps, audit.TenantDeadline, audit.TenantShadow, audit.TenantLock,
		audit.TenantNetworks, audit.TenantBranding, audit.TenantRememberDays, audit.TenantSMSCountries,
		audit.TextsPaused, audit.ClientCreated, audit.ClientChanged, audit.ClientSecretReplaced,
		audit.ClientExempted, audit.ClientCovered, audit.ClientDisabled, audit.ClientEnabled, audit.Begun,
		audit.InstallationChanged, audit.InstallationCopied, audit.EpochRaised, audit.EpochAcknowledged,
		audit.EpochReviewed, audit.MinimumRaised, audit.MinimumAccepted, audit.KeysRotated, audit.KeysRetired,
		audit.KeysMasterAdded, audit.KeysMasterDropped,
	)
	results = labels(audit.OK, audit.Failed, audit.Refused)
	methods = list(`password email pwd otp mfa swk sms totp passkey lookup push backup user`)
	reasons = list(`
		wrong_password unknown_address account_or_app_closed throttled ceiling switched_off country gone paused typed
		link wrong_code wrong_link older_code replaced already_used no_state no_open_challenge too_many_messages
		level_unreachable no_usable_method needs_admin remembered_browser step_up reported older_token signed_out
		superseded not_me code_replay token_replay expired cancelled changed restart unmet done code_spent
		withdrawn other_client other_redirect_uri wrong_verifier code_expired session_ended older_refresh_token repeated
		account_closed address_taken ended_by_owner method_changed password_changed address_changed changed no_number
		method_set_up taken malformed other_challenge other_origin other_ceremony other_relying_party other_user
		user_not_present unknown_credential user_not_verified backup_state_without_eligibility bad_signature
		other_credential_id unsupported_algorithm counter_regressed already_bound bad_assertion bad_request
		policy_restriction bad_authenticator_data bad_response attestation_not_verified bad_attestation bad_metadata
		bad_attestation_certificate unsupported_key unsupported_by_standard unsupported_by_library reset invitation
		password_reset network ended new_browser new_country impossible_travel many_failures
		disabled owner admin user access.denied access.self access.role company.locked user.unknown
		tenant.unknown unknown_client unregistered_redirect_uri unregistered_logout_uri wrong_client_secret`)
	limits = list(
		`
		password.account password.here password.device password.source password.inside
		second.account send.account send.destination
		warning.account flow.account noise.account link.source code.session draft.account password.change
		flow.passkey way.flow passkey.copied address.account address.destination number.destination alert.destination
		step.session deed.session client.refused reset.account reset.source reset.password password.turn send.known
		admission.account admission.source refused.actor invitation.address invitation.company reminder.account
		reminder.company change.person person.taken activation.account alert.company alert.failures`)
	levels   = list(`urn:countersign:acr:1 urn:countersign:acr:1e urn:countersign:acr:2 phr`)
	channels = list(`email sms push`)
	states   = list(`queued accepted delivered delayed bounced failed`)
	verbs    = list(`GET HEAD POST PUT PATCH DELETE OPTIONS`)
)

const other = "other"

type words map[string]string

// labels are the words of actions or results.
func labels[T ~string](all ...T) words {
	out := words{"": ""}
	for _, w := range all {
		out[string(w)] = string(w)
	}
	return out
}

// list maps each word to itself, so that a label never holds on to a caller's memory.
func list(text string) words {
	out := words{"": ""}
	for w := range strings.FieldsSeq(text) {
		out[w] = w
	}
	return out
}

func (w words) orOther(s string) string {
	if k, ok := w[s]; ok {
		return k
	}
	return other
}

// all is known for each of several words, at most four.
func (w words) all(s string) string {
	if k, ok := w[s]; ok {
		return k
	}
	if strings.Count(s, " ") > 3 {
		return other
	}
	for word := range strings.SplitSeq(s, " ") {
		if _, ok := w[word]; !ok || word == "" {
			return other
		}
	}
	return strings.Clone(s)
}

// Method is an HTTP method as a label: a client may write anything there.
func Method(m string) string { return verbs.orOther(m) }

// statusClass is the status class of an answer.
func statusClass(status int) string {
	switch {
	case status >= 200 && status < 300:
		return "2xx"
	case status >= 300 && status < 400:
		return "3xx"
	case status >= 400 && status < 500:
		return "4xx"
	case status >= 500 && status < 600:
		return "5xx"
	}
	return "none"
}
