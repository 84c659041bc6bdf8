-- The protection level of an account (see internal/policy/protection.go).
-- When the account got its first second factor; set once, never cleared.
ALTER TABLE users ADD COLUMN first_factor_at BIGINT NOT NULL DEFAULT 0;
-- When the person, having shown one, removed the last; 0 again once another is set up.
ALTER TABLE users ADD COLUMN released_at BIGINT NOT NULL DEFAULT 0;
-- Until then the person may set up a method with the password and the mailbox, once.
ALTER TABLE users ADD COLUMN recovery_until BIGINT NOT NULL DEFAULT 0;
-- The person's own deadline for set-up, stored at the first sign-in that met one.
ALTER TABLE users ADD COLUMN set_up_by BIGINT NOT NULL DEFAULT 0;
-- Set up in a sign-in that was reported: proves nothing until someone decides. disabled_at is set with it.
ALTER TABLE authenticators ADD COLUMN suspended_at BIGINT NOT NULL DEFAULT 0;

UPDATE users SET first_factor_at = (
    SELECT min(a.bound_at) FROM authenticators a
    WHERE a.tenant_id = users.tenant_id AND a.user_id = users.id AND a.kind IN ('sms', 'totp', 'passkey', 'push'))
WHERE EXISTS (
    SELECT 1 FROM authenticators a
    WHERE a.tenant_id = users.tenant_id AND a.user_id = users.id AND a.kind IN ('sms', 'totp', 'passkey', 'push'));
