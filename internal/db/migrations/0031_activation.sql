-- When a person last signed in, as far as the session of that sign-in has been deleted. 0: never, or their sessions
-- tell.
ALTER TABLE users ADD COLUMN signed_in_at BIGINT NOT NULL DEFAULT 0;

-- An owner or admin who is about to switch two-factor authentication on for their company proves first that
-- mail reaches them, with a code.
CREATE TABLE activations (
    tenant_id         TEXT   NOT NULL,
    id                TEXT   NOT NULL,
    user_id           TEXT   NOT NULL,
    security_version  BIGINT NOT NULL,
    email             TEXT   NOT NULL,
    reference         TEXT   NOT NULL,
    code_mac          BYTEA  NOT NULL,
    tries_left        BIGINT NOT NULL,
    sends             BIGINT NOT NULL,
    begun_at          BIGINT NOT NULL,
    sent_at           BIGINT NOT NULL,
    ends_at           BIGINT NOT NULL,
    proved_at         BIGINT NOT NULL,
    closed_at         BIGINT NOT NULL,
    closed_because    TEXT   NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
-- A person has one under way at the most.
CREATE UNIQUE INDEX activations_one_open ON activations (tenant_id, user_id) WHERE closed_at = 0;
CREATE INDEX activations_old ON activations (ends_at);

-- Lists of a company's people are in the order of their addresses.
CREATE INDEX users_by_email_key ON users (tenant_id, email_key);
