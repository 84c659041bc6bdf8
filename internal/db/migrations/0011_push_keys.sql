-- The key by which push services know this installation (RFC 8292): one row, sealed.
CREATE TABLE push_keys (
    id          TEXT   NOT NULL PRIMARY KEY,
    sealed      BYTEA  NOT NULL,
    created_at  BIGINT NOT NULL
);
