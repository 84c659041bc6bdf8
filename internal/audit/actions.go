package audit

// Action is what an event is about. Every action that is recorded is one of the constants below, so that a search for
// one finds who records it; docs/audit-events.md is printed from their comments.
type Action string

// Result is how what an event is about went.
type Result string

// Results.
const (
	OK      Result = "ok"      // it happened
	Failed  Result = "failed"  // the person gave a wrong password, code or proof
	Refused Result = "refused" // a rule forbade it, or a budget was used up
)

// Signing in.
const (
	SignInPassword     Action = "signin.password"      // a password was checked
	SignInSecondFactor Action = "signin.second_factor" // a code, a link or another second factor was checked
	// a passkey was checked that stands for password and second factor
	SignInPasskey   Action = "signin.passkey"
	SignInCompleted Action = "signin.completed" // a sign-in was finished and a session began
	// no method of the account reaches what the app or the company asks for
	SignInDenied   Action = "signin.denied"
	SignInEnded    Action = "signin.ended"    // a sign-in was left or replaced before it was finished
	SignInUnusual  Action = "signin.unusual"  // a second step was asked for because something about a sign-in was unusual
	SignInStepUp   Action = "signin.step_up"  // a signed-in person was asked for more proof
	SignInDisowned Action = "signin.disowned" // the account's holder reported that a sign-in was not theirs
	ChallengeSent  Action = "challenge.sent"  // a code or link was sent, or was not
	AdmissionSent  Action = "admission.sent"  // a link was mailed that lets another browser try to sign in
	AdmissionUsed  Action = "admission.used"  // such a link was used
)

// Sessions, browsers and tokens.
const (
	SessionEnded      Action = "session.ended"      // one session or all others ended
	BrowserRemembered Action = "browser.remembered" // a browser is not asked for a second factor for some days
	BrowserReplayed   Action = "browser.replayed"   // an older token of a remembered browser was shown: it was copied
	BrowserForgotten  Action = "browser.forgotten"  // one remembered browser or all were forgotten
	TokenIssued       Action = "token.issued"       // an app redeemed a code for tokens
	TokenRefreshed    Action = "token.refreshed"    // an app renewed its tokens
	TokenRefused      Action = "token.refused"      // an app showed a code that was not good for tokens
	TokenReuse        Action = "token.reuse"        // a code or a refresh token was shown again: what came of it ended
	ClientRefused     Action = "client.refused"     // a request of an app that is unknown or set up differently
)

// Accounts.
const (
	UserCreated Action = "user.created" // a person was added
	UserInvited Action = "user.invited" // a person was mailed a link to choose their first password
	// an invitation that was not accepted was taken back
	InvitationWithdrawn Action = "user.invitation_withdrawn"
	UserReminded        Action = "user.reminded" // a person was reminded to set up a sign-in method
	// a person need not set up a method until a date, as the reason says; or, where the reason is "ended", they must
	UserExempted Action = "user.exempted"
	// an administrator ended a person's sessions and unfinished sign-ins
	UserSignedOut Action = "user.signed_out"
	// an administrator invited, reminded or signed out many people at once, or stopped that
	UserBulk         Action = "user.bulk"
	PeopleExported   Action = "user.exported"        // a list of people was exported
	ActivityExported Action = "activity.exported"    // the audit events of a company were exported
	UserRole         Action = "user.role"            // a person's role was changed
	UserAddress      Action = "user.address"         // an administrator changed a person's email address
	UserDisabled     Action = "user.disabled"        // an account was closed
	UserEnabled      Action = "user.enabled"         // an account was opened again
	PasswordSet      Action = "password.set"         // an administrator set a password
	PasswordAsked    Action = "password.asked"       // a link to a new password was asked for
	PasswordReplaced Action = "password.replaced"    // a person chose a new password
	AddressAsked     Action = "address.asked"        // a person began to change their email address
	AddressChanged   Action = "address.changed"      // the code to the new address was checked
	AddressWithdrawn Action = "address.withdrawn"    // a person gave the change up
	AddressRestored  Action = "address.restored"     // the reader of the old address undid the change
	SecondStepOn     Action = "second_step.on"       // a person switched two-factor authentication on
	SecondStepOff    Action = "second_step.off"      // a person switched two-factor authentication off
	NoticeSent       Action = "notice.sent"          // a notice was not sent: its address has had too many messages
	OwnersStuck      Action = "company.owners_stuck" // no owner of a company has a method that works any more
)

// Sign-in methods.
const (
	MethodAdded     Action = "method.added"     // a method was set up, or its first proof was wrong
	MethodRemoved   Action = "method.removed"   // a method was removed
	MethodSuspended Action = "method.suspended" // a method was taken out of use by a report or a review
	MethodRestored  Action = "method.restored"  // a suspended method may be used again
	// all methods of a person were removed, or the wait after a reset ended
	MethodsReset  Action = "methods.reset"
	PasskeyCopied Action = "passkey.copied" // the counter of a passkey ran backwards: there may be two of it
	ReceiverGone  Action = "receiver.gone"  // a browser takes no codes any more
	// a method is lost since a backup: an administrator must let the person in
	AccountProtected Action = "account.protected"
)

// Administration.
const (
	// a person tried to look at something, or to do something, that their role does not allow
	AdministrationRefused Action = "administration.refused"
)

// Companies.
const (
	TenantCreated   Action = "tenant.created"   // a company was added
	TenantRenamed   Action = "tenant.renamed"   // a company got another name
	TenantSuspended Action = "tenant.suspended" // no one of a company can sign in
	TenantResumed   Action = "tenant.resumed"   // a company can sign in again
	// the vendor decided about two-factor authentication of a company
	TenantMandate  Action = "tenant.mandate"
	TenantSwitched Action = "tenant.switched" // a company switched two-factor authentication on or off
	// an owner or admin gave the code with which two-factor authentication can be switched on
	TenantActivation Action = "tenant.activation"
	TenantMethods    Action = "tenant.methods" // the methods that a company allows were changed
	TenantChoice     Action = "tenant.choice"  // the choice of required, adaptive or optional was changed
	// a company changed in how many steps it turns two-factor authentication on, or continued them
	TenantSteps Action = "tenant.steps"
	// no further step begins: too many of those who were asked could not sign in
	TenantStepsStopped Action = "tenant.steps_stopped"
	TenantApps         Action = "tenant.apps"     // in which exempt apps a company requires a second factor anyway
	TenantRoles        Action = "tenant.roles"    // the roles that a company requires a second factor of were changed
	TenantDeadline     Action = "tenant.deadline" // how long people have to set up a method was changed
	// a company tries rules on sign-ins without enforcing them, or ends that
	TenantShadow       Action = "tenant.shadow"
	TenantRememberDays Action = "tenant.remember_days" // how long browsers are remembered was changed
	// the countries that a company may send text messages to were changed
	TenantSMSCountries Action = "tenant.sms_countries"
	// how many failures lock an account, and for how long, was changed
	TenantLock Action = "tenant.lock"
	// the networks that people of a company may sign in from were changed
	TenantNetworks Action = "tenant.networks"
	// the name, logo, colour or support contact that people of a company see was changed
	TenantBranding Action = "tenant.branding"
	// text messages to a country are paused: too few codes are entered
	TextsPaused Action = "texts.paused"
)

// Apps.
const (
	ClientCreated        Action = "client.created"         // an app was added
	ClientChanged        Action = "client.changed"         // an app's settings were changed
	ClientSecretReplaced Action = "client.secret_replaced" // an app got a new secret
	ClientExempted       Action = "client.exempted"        // an app's sign-ins need no second factor
	ClientCovered        Action = "client.covered"         // an app's sign-ins follow the company's rules again
	ClientDisabled       Action = "client.disabled"        // an app was closed
	ClientEnabled        Action = "client.enabled"         // an app was opened again
)

// The installation.
const (
	Begun               Action = "audit.begun"               // a chain of audit events began
	InstallationChanged Action = "installation.changed"      // the vendor's settings were changed
	InstallationCopied  Action = "installation.copied"       // a backup was made
	EpochRaised         Action = "installation.epoch_raised" // everything that was open ended, as after a restore
	// an operator allowed the installation to serve again
	EpochAcknowledged Action = "installation.epoch_acknowledged"
	// methods were compared with a newer copy of the events
	EpochReviewed Action = "installation.epoch_reviewed"
	// a setting became stricter, which is the minimum now
	MinimumRaised     Action = "configminimum.raised"
	MinimumAccepted   Action = "configminimum.accepted" // an operator accepted a less strict setting
	KeysRotated       Action = "keys.rotated"           // a new signing key was made
	KeysRetired       Action = "keys.retired"           // a signing key was withdrawn
	KeysMasterAdded   Action = "keys.master_added"      // a key file brought another master key
	KeysMasterDropped Action = "keys.master_dropped"    // a master key was removed
)
