-- Rules that a company considers and that every sign-in is judged by besides its own, without consequences, from an
-- instant to another. 0: none.
ALTER TABLE tenants ADD COLUMN shadow_methods TEXT NOT NULL DEFAULT '';
ALTER TABLE tenants ADD COLUMN shadow_choice TEXT NOT NULL DEFAULT '';
ALTER TABLE tenants ADD COLUMN shadow_from BIGINT NOT NULL DEFAULT 0;
ALTER TABLE tenants ADD COLUMN shadow_until BIGINT NOT NULL DEFAULT 0;

-- Who would have been asked for more, or stopped, the first time that it happened since shadow_from.
CREATE TABLE shadow_results (
    tenant_id  TEXT   NOT NULL,
    began_at   BIGINT NOT NULL,
    user_id    TEXT   NOT NULL,
    outcome    TEXT   NOT NULL,
    client_id  TEXT   NOT NULL,
    at         BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, began_at, user_id, outcome),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX shadow_results_old ON shadow_results (at);
