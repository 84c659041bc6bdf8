-- Until when an address that a person has moved away from is kept for them, so that nobody
-- else can take it while the change may still be undone; 0 for the address in use.
ALTER TABLE directory ADD COLUMN held_until BIGINT NOT NULL DEFAULT 0;
CREATE INDEX directory_held ON directory (held_until) WHERE held_until > 0;

-- Changes of email addresses: asked for, confirmed with the code that went to the new
-- address, and for a while undone by the reader of the old one.
CREATE TABLE email_changes (
    tenant_id         TEXT   NOT NULL,
    id                TEXT   NOT NULL,
    user_id           TEXT   NOT NULL,
    flow_id           TEXT   NOT NULL,
    from_email        TEXT   NOT NULL,
    from_key          TEXT   NOT NULL,
    to_email          TEXT   NOT NULL,
    to_key            TEXT   NOT NULL,
    security_version  BIGINT NOT NULL,
    reference         TEXT   NOT NULL,
    code_mac          BYTEA  NOT NULL,
    tries_left        BIGINT NOT NULL,
    ip                TEXT   NOT NULL,
    place             TEXT   NOT NULL,
    browser           TEXT   NOT NULL,
    begun_at          BIGINT NOT NULL,
    ends_at           BIGINT NOT NULL,
    closed_at         BIGINT NOT NULL,
    closed_because    TEXT   NOT NULL,
    confirmed_at      BIGINT NOT NULL,
    undo_until        BIGINT NOT NULL,
    undone_at         BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
-- A person has at most one change under way.
CREATE UNIQUE INDEX email_changes_one_open ON email_changes (tenant_id, user_id) WHERE closed_at = 0;
CREATE INDEX email_changes_of_user ON email_changes (tenant_id, user_id, undo_until);
CREATE INDEX email_changes_of_flow ON email_changes (tenant_id, flow_id);
CREATE INDEX email_changes_old ON email_changes (ends_at);
