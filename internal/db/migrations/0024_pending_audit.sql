-- What ended a session or a sign-in while the audit could not be written: the rows wait here,
-- as they are to be written, and move into audit_events in the order of their ids.
CREATE TABLE pending_audit_events (
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
    PRIMARY KEY (tenant_id, id)
);
-- How many text messages a company sent to a country in each minute, and how many of their
-- codes were entered.
CREATE TABLE text_answers (
    tenant_id  TEXT   NOT NULL,
    country    TEXT   NOT NULL,
    minute     BIGINT NOT NULL,
    sent       BIGINT NOT NULL,
    answered   BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, country, minute)
);
