-- When the password was last set through a mailed reset link; 0 = never, or people decided since.
-- For 24 hours the mailbox then opens no set-up of a method (see internal/policy/protection.go).
ALTER TABLE users ADD COLUMN password_reset_at BIGINT NOT NULL DEFAULT 0;

-- Mailed links with which a person sets a password: a reset, or the invitation of someone who has
-- none. Each is good once, and only while the person's address and security version are as they
-- were when it was sent.
CREATE TABLE password_links (
    tenant_id         TEXT   NOT NULL,
    id                TEXT   NOT NULL,
    token_hash        BYTEA  NOT NULL,
    user_id           TEXT   NOT NULL,
    purpose           TEXT   NOT NULL,
    email_key         TEXT   NOT NULL,
    security_version  BIGINT NOT NULL,
    client_id         TEXT   NOT NULL,
    continue_to       TEXT   NOT NULL,
    sent_at           BIGINT NOT NULL,
    expires_at        BIGINT NOT NULL,
    closed_at         BIGINT NOT NULL,
    closed_because    TEXT   NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX password_links_of_user ON password_links (tenant_id, user_id, closed_at);
CREATE INDEX password_links_old ON password_links (expires_at);
