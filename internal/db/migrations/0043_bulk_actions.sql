-- What an administrator does to many people at once. One action of a kind is under way in a company at a time.
CREATE TABLE bulk_actions (
    tenant_id         TEXT    NOT NULL,
    id                TEXT    NOT NULL,
    kind              TEXT    NOT NULL,
    browsers          BOOLEAN NOT NULL,
    actor_id          TEXT    NOT NULL,
    session_id        TEXT    NOT NULL,
    security_version  BIGINT  NOT NULL,
    left_out          TEXT    NOT NULL,
    started_at        BIGINT  NOT NULL,
    touched_at        BIGINT  NOT NULL,
    ended_at          BIGINT  NOT NULL,
    ended_because     TEXT    NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX bulk_actions_running ON bulk_actions (tenant_id, kind) WHERE ended_at = 0;
CREATE INDEX bulk_actions_old ON bulk_actions (started_at);

-- Whom it is done to. outcome: empty while they wait, then done or why not.
CREATE TABLE bulk_people (
    tenant_id  TEXT   NOT NULL,
    action_id  TEXT   NOT NULL,
    user_id    TEXT   NOT NULL,
    outcome    TEXT   NOT NULL,
    ended_at   BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, action_id, user_id),
    FOREIGN KEY (tenant_id, action_id) REFERENCES bulk_actions (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);

CREATE INDEX bulk_people_waiting ON bulk_people (tenant_id, action_id, user_id) WHERE outcome = '';

-- What someone did to others, for searching the activity by who did it. What people do to their own account is found
-- by audit_events_of_user.
CREATE INDEX audit_events_by_other ON audit_events (tenant_id, actor_id, id)
    WHERE actor_id <> user_id AND actor_id <> '';
