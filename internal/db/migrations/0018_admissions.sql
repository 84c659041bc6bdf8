-- Whose budgets a sign-in spends from: empty, those that strangers of the account share;
-- otherwise those of one browser that the account knows.
ALTER TABLE flows ADD COLUMN known_by TEXT NOT NULL DEFAULT '';

-- Links that were mailed to people whose new browser would have to wait. One is good once;
-- the browser in which it is used may then try with budgets of its own until admitted_until.
CREATE TABLE admissions (
    tenant_id         TEXT   NOT NULL,
    id                TEXT   NOT NULL,
    user_id           TEXT   NOT NULL,
    security_version  BIGINT NOT NULL,
    token_hash        BYTEA  NOT NULL,
    sent_at           BIGINT NOT NULL,
    expires_at        BIGINT NOT NULL,
    used_at           BIGINT NOT NULL,
    browser_hash      BYTEA  NOT NULL,
    admitted_until    BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX admissions_old ON admissions (expires_at);
