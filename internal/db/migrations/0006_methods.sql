-- What the vendor and a company allow as a second step, as words; empty: everything.
ALTER TABLE installation ADD COLUMN methods TEXT NOT NULL DEFAULT '';
ALTER TABLE tenants ADD COLUMN methods TEXT NOT NULL DEFAULT '';
-- 'optional': each user decides; empty: required of everybody where it is on.
ALTER TABLE tenants ADD COLUMN choice TEXT NOT NULL DEFAULT '';
-- Until then people without a method are reminded, afterwards set-up comes first.
ALTER TABLE tenants ADD COLUMN set_up_by BIGINT NOT NULL DEFAULT 0;
-- When this user switched their own second step on, where it is theirs to decide.
ALTER TABLE users ADD COLUMN second_step_at BIGINT NOT NULL DEFAULT 0;

-- An authenticator that is being set up. Its state is sealed, and erased at the end.
CREATE TABLE drafts (
    tenant_id   TEXT   NOT NULL,
    id          TEXT   NOT NULL,
    token_hash  BYTEA  NOT NULL,
    user_id     TEXT   NOT NULL,
    kind        TEXT   NOT NULL,
    label       TEXT   NOT NULL,
    holder      TEXT   NOT NULL,
    sealed      BYTEA,
    tries_left  BIGINT NOT NULL,
    sends       BIGINT NOT NULL,
    begun_at    BIGINT NOT NULL,
    ends_at     BIGINT NOT NULL,
    closed_at   BIGINT NOT NULL,
    closed_because TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX drafts_of_user ON drafts (tenant_id, user_id);
CREATE INDEX drafts_old ON drafts (ends_at);

-- Authenticator apps. last_step is the newest time step that was ever accepted: no step up
-- to it is accepted again, on any path. drift is in steps.
CREATE TABLE totp_secrets (
    tenant_id         TEXT   NOT NULL,
    authenticator_id  TEXT   NOT NULL,
    user_id           TEXT   NOT NULL,
    sealed            BYTEA  NOT NULL,
    last_step         BIGINT NOT NULL,
    drift             BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, authenticator_id),
    FOREIGN KEY (tenant_id, authenticator_id) REFERENCES authenticators (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX totp_secrets_of_user ON totp_secrets (tenant_id, user_id);

-- Printed codes; salted slow hashes.
CREATE TABLE backup_codes (
    tenant_id         TEXT   NOT NULL,
    authenticator_id  TEXT   NOT NULL,
    number            BIGINT NOT NULL,
    hash              TEXT   NOT NULL,
    used_at           BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, authenticator_id, number),
    FOREIGN KEY (tenant_id, authenticator_id) REFERENCES authenticators (tenant_id, id) ON DELETE CASCADE
);

-- Passkeys and security keys. credential holds the whole record as JSON; the guarded
-- columns are the ones that change with use.
CREATE TABLE passkeys (
    tenant_id         TEXT   NOT NULL,
    authenticator_id  TEXT   NOT NULL,
    user_id           TEXT   NOT NULL,
    credential_key    TEXT   NOT NULL,
    credential        BYTEA  NOT NULL,
    sign_count        BIGINT NOT NULL,
    synced            BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, authenticator_id),
    FOREIGN KEY (tenant_id, authenticator_id) REFERENCES authenticators (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX passkeys_of_user ON passkeys (tenant_id, user_id);

-- A credential id belongs to one account of the installation, and finds it when somebody
-- signs in without typing an address.
CREATE TABLE passkey_directory (
    credential_key    TEXT NOT NULL PRIMARY KEY,
    tenant_id         TEXT NOT NULL,
    user_id           TEXT NOT NULL,
    authenticator_id  TEXT NOT NULL
);

-- Browsers that receive codes (RFC 8030). The subscription is sealed.
CREATE TABLE push_subscriptions (
    tenant_id         TEXT   NOT NULL,
    authenticator_id  TEXT   NOT NULL,
    user_id           TEXT   NOT NULL,
    sealed            BYTEA  NOT NULL,
    gone_at           BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, authenticator_id),
    FOREIGN KEY (tenant_id, authenticator_id) REFERENCES authenticators (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX push_subscriptions_of_user ON push_subscriptions (tenant_id, user_id);

-- Money reserved for text messages, in micro-units of the account's currency: one row per
-- account of spending (the installation, a company, a country, a prefix) and day.
CREATE TABLE message_costs (
    tenant_id  TEXT   NOT NULL,
    account    TEXT   NOT NULL,
    day        BIGINT NOT NULL,
    reserved   BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, account, day)
);
CREATE INDEX message_costs_old ON message_costs (day);
