-- The hash of what a browser was given when a change of address began in it. A change from
-- before has none: it opens in no browser, and is begun again.
ALTER TABLE email_changes ADD COLUMN token_hash BYTEA NOT NULL DEFAULT '';
