-- The few addresses that may be one of several for the same mailbox, so that a list need not look at everyone's.
CREATE INDEX users_mailbox_variants ON users (tenant_id, email_key)
    WHERE (email_key LIKE '%+%@%' OR email_key LIKE '%@gmail.com' OR email_key LIKE '%@googlemail.com');

-- Accounts that are closed are few: those that are open are counted as all but these.
CREATE INDEX users_disabled ON users (tenant_id, email_key) WHERE disabled_at > 0;
