-- What belongs to the installation refers to no row of a company: where companies are spread over
-- machines, the directory is on every one of them, and such a reference cannot be kept. The
-- program writes both in one transaction.
--
-- The old table is renamed first: on PostgreSQL that keeps others from writing to it until the
-- rows are copied, and they go on with the new one.
ALTER TABLE directory RENAME TO directory_before;
CREATE TABLE directory (
    email_key   TEXT   NOT NULL PRIMARY KEY,
    tenant_id   TEXT   NOT NULL,
    user_id     TEXT   NOT NULL,
    held_until  BIGINT NOT NULL DEFAULT 0
);
INSERT INTO directory (email_key, tenant_id, user_id, held_until)
    SELECT email_key, tenant_id, user_id, held_until FROM directory_before;
DROP TABLE directory_before;
CREATE INDEX directory_held ON directory (held_until) WHERE held_until > 0;
