-- What an installation holds its replicas to.

-- A value that only the installation's own key file opens.
CREATE TABLE canaries (
    id          TEXT   NOT NULL PRIMARY KEY,
    sealed      BYTEA  NOT NULL,
    created_at  BIGINT NOT NULL
);

-- The strictest value that each guarded setting has had, unless an operator took it back.
CREATE TABLE standards (
    name    TEXT   NOT NULL PRIMARY KEY,
    value   BIGINT NOT NULL,
    set_at  BIGINT NOT NULL
);
