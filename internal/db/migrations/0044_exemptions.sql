-- Until when a person need not set up a method yet, why, and who decided it (the id of an administrator, or of what they
-- used). A factor that is set up protects the account all the same.
ALTER TABLE users ADD COLUMN exempt_until BIGINT NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN exempt_reason TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN exempt_by TEXT NOT NULL DEFAULT '';
