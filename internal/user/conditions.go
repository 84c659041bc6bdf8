package user

// HasWorking begins a condition on the user u: they have an authenticator a that works. The caller ends it with a
// condition on a and a parenthesis.
const HasWorking = `EXISTS (SELECT 1 FROM authenticators a
	WHERE a.tenant_id = u.tenant_id AND a.user_id = u.id AND a.disabled_at = 0 AND `

// MailboxProtects holds for a user u whose account is protected by the mailbox alone, as policy.Account.Protection
// decides.
const MailboxProtects = `(NOT EXISTS (` + factorOf + `) AND (u.first_factor_at = 0 OR u.released_at > 0))`
