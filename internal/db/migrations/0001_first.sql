-- One text for SQLite and PostgreSQL. Instants are microseconds since 1970; 0 means
-- "has not happened". Every tenant's table starts its key with tenant_id, so that the
-- database itself refuses a reference across tenants and the tables can be distributed.

-- The installation's own rows -------------------------------------------------------

CREATE TABLE installation (
    id              TEXT   NOT NULL PRIMARY KEY,
    name            TEXT   NOT NULL,
    support_email   TEXT   NOT NULL,
    support_url     TEXT   NOT NULL,
    support_phone   TEXT   NOT NULL,
    mandate         TEXT   NOT NULL,
    mandate_from    BIGINT NOT NULL,
    remember_days   BIGINT NOT NULL,
    setup_hash      BYTEA,
    set_up_at       BIGINT NOT NULL,
    created_at      BIGINT NOT NULL
);

CREATE TABLE installation_texts (
    name      TEXT NOT NULL,
    language  TEXT NOT NULL,
    body      TEXT NOT NULL,
    PRIMARY KEY (name, language)
);

CREATE TABLE clients (
    id            TEXT   NOT NULL PRIMARY KEY,
    name          TEXT   NOT NULL,
    kind          TEXT   NOT NULL,
    secret_hash   BYTEA,
    home_url      TEXT   NOT NULL,
    exempt_until  BIGINT NOT NULL,
    created_at    BIGINT NOT NULL,
    disabled_at   BIGINT NOT NULL
);

CREATE TABLE client_uris (
    client_id  TEXT NOT NULL REFERENCES clients (id),
    kind       TEXT NOT NULL,
    uri        TEXT NOT NULL,
    PRIMARY KEY (client_id, kind, uri)
);

CREATE TABLE signing_keys (
    id           TEXT   NOT NULL PRIMARY KEY,
    algorithm    TEXT   NOT NULL,
    sealed       BYTEA  NOT NULL,
    created_at   BIGINT NOT NULL,
    active_from  BIGINT NOT NULL,
    retired_at   BIGINT NOT NULL
);

-- Tenants and their people ----------------------------------------------------------

CREATE TABLE tenants (
    tenant_id       TEXT   NOT NULL PRIMARY KEY,
    name            TEXT   NOT NULL,
    kind            TEXT   NOT NULL,
    mandate         TEXT   NOT NULL,
    mandate_from    BIGINT NOT NULL,
    switched_on_at  BIGINT NOT NULL,
    switched_off_at BIGINT NOT NULL,
    remember_days   BIGINT NOT NULL,
    created_at      BIGINT NOT NULL,
    suspended_at    BIGINT NOT NULL
);

CREATE TABLE users (
    tenant_id            TEXT   NOT NULL REFERENCES tenants (tenant_id),
    id                   TEXT   NOT NULL,
    email                TEXT   NOT NULL,
    email_key            TEXT   NOT NULL,
    name                 TEXT   NOT NULL,
    role                 TEXT   NOT NULL,
    language             TEXT   NOT NULL,
    security_version     BIGINT NOT NULL,
    password_flagged_at  BIGINT NOT NULL,
    created_at           BIGINT NOT NULL,
    disabled_at          BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

-- The one table that crosses tenants: an address finds its tenant and user.
CREATE TABLE directory (
    email_key  TEXT NOT NULL PRIMARY KEY,
    tenant_id  TEXT NOT NULL,
    user_id    TEXT NOT NULL,
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);

CREATE TABLE authenticators (
    tenant_id     TEXT   NOT NULL,
    id            TEXT   NOT NULL,
    user_id       TEXT   NOT NULL,
    kind          TEXT   NOT NULL,
    label         TEXT   NOT NULL,
    failures      BIGINT NOT NULL,
    bound_at      BIGINT NOT NULL,
    last_used_at  BIGINT NOT NULL,
    disabled_at   BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX authenticators_of_user ON authenticators (tenant_id, user_id);

CREATE TABLE passwords (
    tenant_id  TEXT   NOT NULL,
    user_id    TEXT   NOT NULL,
    hash       TEXT   NOT NULL,
    pepper     TEXT   NOT NULL,
    set_at     BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, user_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);

CREATE TABLE outofband_addresses (
    tenant_id         TEXT   NOT NULL,
    authenticator_id  TEXT   NOT NULL,
    address           TEXT   NOT NULL,
    verified_at       BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, authenticator_id),
    FOREIGN KEY (tenant_id, authenticator_id) REFERENCES authenticators (tenant_id, id)
);

-- Signing in ------------------------------------------------------------------------

CREATE TABLE flows (
    tenant_id         TEXT   NOT NULL,
    id                TEXT   NOT NULL,
    token_hash        BYTEA  NOT NULL,
    user_id           TEXT   NOT NULL,
    client_id         TEXT   NOT NULL,
    continue_to       TEXT   NOT NULL,
    want_acr          TEXT   NOT NULL,
    security_version  BIGINT NOT NULL,
    stepping_up       TEXT   NOT NULL,
    proofs            TEXT   NOT NULL,
    challenge_id      TEXT   NOT NULL,
    sends             BIGINT NOT NULL,
    ip                TEXT   NOT NULL,
    place             TEXT   NOT NULL,
    browser           TEXT   NOT NULL,
    started_at        BIGINT NOT NULL,
    expires_at        BIGINT NOT NULL,
    closed_at         BIGINT NOT NULL,
    closed_because    TEXT   NOT NULL,
    disowned_at       BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX flows_open_of_user ON flows (tenant_id, user_id) WHERE closed_at = 0;
CREATE INDEX flows_old ON flows (expires_at);

CREATE TABLE challenges (
    tenant_id         TEXT   NOT NULL,
    id                TEXT   NOT NULL,
    flow_id           TEXT   NOT NULL,
    user_id           TEXT   NOT NULL,
    authenticator_id  TEXT   NOT NULL,
    kind              TEXT   NOT NULL,
    reference         TEXT   NOT NULL,
    state             BYTEA  NOT NULL,
    tries_left        BIGINT NOT NULL,
    message_id        TEXT   NOT NULL,
    issued_at         BIGINT NOT NULL,
    expires_at        BIGINT NOT NULL,
    closed_at         BIGINT NOT NULL,
    closed_because    TEXT   NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, flow_id) REFERENCES flows (tenant_id, id) ON DELETE CASCADE
);
-- A flow has at most one open challenge.
CREATE UNIQUE INDEX challenges_one_open ON challenges (tenant_id, flow_id) WHERE closed_at = 0;
CREATE INDEX challenges_of_flow ON challenges (tenant_id, flow_id);

CREATE TABLE sessions (
    tenant_id         TEXT   NOT NULL,
    id                TEXT   NOT NULL,
    token_hash        BYTEA  NOT NULL,
    user_id           TEXT   NOT NULL,
    client_id         TEXT   NOT NULL,
    flow_id           TEXT   NOT NULL,
    continues         TEXT   NOT NULL,
    acr               TEXT   NOT NULL,
    amr               TEXT   NOT NULL,
    remembered_id     TEXT   NOT NULL,
    security_version  BIGINT NOT NULL,
    ip                TEXT   NOT NULL,
    place             TEXT   NOT NULL,
    browser           TEXT   NOT NULL,
    authenticated_at  BIGINT NOT NULL,
    created_at        BIGINT NOT NULL,
    last_seen_at      BIGINT NOT NULL,
    fresh_at          BIGINT NOT NULL,
    idle_micros       BIGINT NOT NULL,
    expires_at        BIGINT NOT NULL,
    ended_at          BIGINT NOT NULL,
    ended_because     TEXT   NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX sessions_of_user ON sessions (tenant_id, user_id);
CREATE INDEX sessions_old ON sessions (expires_at);
CREATE INDEX sessions_of_flow ON sessions (tenant_id, flow_id);

CREATE TABLE remembered_browsers (
    tenant_id         TEXT   NOT NULL,
    id                TEXT   NOT NULL,
    token_hash        BYTEA  NOT NULL,
    previous_hash     BYTEA  NOT NULL,
    user_id           TEXT   NOT NULL,
    client_id         TEXT   NOT NULL,
    flow_id           TEXT   NOT NULL,
    security_version  BIGINT NOT NULL,
    ip                TEXT   NOT NULL,
    place             TEXT   NOT NULL,
    browser           TEXT   NOT NULL,
    proved_at         BIGINT NOT NULL,
    rotated_at        BIGINT NOT NULL,
    expires_at        BIGINT NOT NULL,
    ended_at          BIGINT NOT NULL,
    ended_because     TEXT   NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX remembered_browsers_old ON remembered_browsers (expires_at);
CREATE INDEX remembered_browsers_of_user ON remembered_browsers (tenant_id, user_id);

-- What clients were granted ---------------------------------------------------------

CREATE TABLE authorization_codes (
    tenant_id       TEXT   NOT NULL,
    id              TEXT   NOT NULL,
    secret_hash     BYTEA  NOT NULL,
    client_id       TEXT   NOT NULL,
    user_id         TEXT   NOT NULL,
    session_id      TEXT   NOT NULL,
    redirect_uri    TEXT   NOT NULL,
    scope           TEXT   NOT NULL,
    nonce           TEXT   NOT NULL,
    code_challenge  TEXT   NOT NULL,
    issued_at       BIGINT NOT NULL,
    expires_at      BIGINT NOT NULL,
    redeemed_at     BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, id)
);
CREATE INDEX authorization_codes_of_session ON authorization_codes (tenant_id, session_id);
CREATE INDEX authorization_codes_old ON authorization_codes (expires_at);

-- One row per line of refresh tokens: only the newest token's hash is kept, so an
-- older one can be told from the newest without a list. Its id is the id of the code
-- that began it, so a replayed code finds what to revoke.
CREATE TABLE refresh_families (
    tenant_id      TEXT   NOT NULL,
    id             TEXT   NOT NULL,
    secret_hash    BYTEA  NOT NULL,
    client_id      TEXT   NOT NULL,
    user_id        TEXT   NOT NULL,
    session_id     TEXT   NOT NULL,
    scope          TEXT   NOT NULL,
    generation     BIGINT NOT NULL,
    created_at     BIGINT NOT NULL,
    expires_at     BIGINT NOT NULL,
    ended_at       BIGINT NOT NULL,
    ended_because  TEXT   NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, id)
);
CREATE INDEX refresh_families_old ON refresh_families (expires_at);
CREATE INDEX refresh_families_of_session ON refresh_families (tenant_id, session_id);

-- Mechanism -------------------------------------------------------------------------

CREATE TABLE budgets (
    tenant_id  TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    subject    TEXT   NOT NULL,
    stamps     BYTEA  NOT NULL,
    touched_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, name, subject)
);
CREATE INDEX budgets_old ON budgets (touched_at);

CREATE TABLE jobs (
    tenant_id      TEXT   NOT NULL,
    id             TEXT   NOT NULL,
    kind           TEXT   NOT NULL,
    args           TEXT   NOT NULL,
    attempts       BIGINT NOT NULL,
    run_at         BIGINT NOT NULL,
    claimed_until  BIGINT NOT NULL,
    done_at        BIGINT NOT NULL,
    failed_at      BIGINT NOT NULL,
    last_error     TEXT   NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX jobs_due ON jobs (run_at) WHERE done_at = 0 AND failed_at = 0;
CREATE INDEX jobs_done ON jobs (done_at) WHERE done_at > 0;

CREATE TABLE messages (
    tenant_id    TEXT   NOT NULL,
    id           TEXT   NOT NULL,
    user_id      TEXT   NOT NULL,
    channel      TEXT   NOT NULL,
    purpose      TEXT   NOT NULL,
    hint         TEXT   NOT NULL,
    sealed       BYTEA,
    state        TEXT   NOT NULL,
    host         TEXT   NOT NULL,
    attempts     BIGINT NOT NULL,
    queued_at    BIGINT NOT NULL,
    state_at     BIGINT NOT NULL,
    next_try_at  BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX messages_of_user ON messages (tenant_id, user_id);
CREATE INDEX messages_by_id ON messages (id);
CREATE INDEX messages_old ON messages (expires_at);

CREATE TABLE audit_events (
    tenant_id       TEXT   NOT NULL,
    id              TEXT   NOT NULL,
    at              BIGINT NOT NULL,
    action          TEXT   NOT NULL,
    result          TEXT   NOT NULL,
    actor_id        TEXT   NOT NULL,
    user_id         TEXT   NOT NULL,
    client_id       TEXT   NOT NULL,
    method          TEXT   NOT NULL,
    level           TEXT   NOT NULL,
    subject_id      TEXT   NOT NULL,
    request_id      TEXT   NOT NULL,
    reason          TEXT   NOT NULL,
    ip              TEXT   NOT NULL,
    place           TEXT   NOT NULL,
    browser         TEXT   NOT NULL,
    personal_salt   BYTEA,
    personal_hash   BYTEA  NOT NULL,
    seq             BIGINT NOT NULL,
    chain           BYTEA,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX audit_events_unsealed ON audit_events (tenant_id, id) WHERE seq = 0;
CREATE UNIQUE INDEX audit_events_sealed ON audit_events (tenant_id, seq) WHERE seq > 0;
CREATE INDEX audit_events_of_user ON audit_events (tenant_id, user_id, id);

CREATE TABLE audit_heads (
    tenant_id  TEXT   NOT NULL PRIMARY KEY,
    seq        BIGINT NOT NULL,
    chain      BYTEA  NOT NULL,
    seal       BYTEA  NOT NULL
);
