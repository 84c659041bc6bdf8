-- RSA keys, for apps that know no ES256. They have a table of their own: the version before
-- reads every row of signing_keys and knows EC keys only.
CREATE TABLE rsa_signing_keys (
    id           TEXT   NOT NULL PRIMARY KEY,
    algorithm    TEXT   NOT NULL,
    sealed       BYTEA  NOT NULL,
    created_at   BIGINT NOT NULL,
    active_from  BIGINT NOT NULL,
    retired_at   BIGINT NOT NULL
);

ALTER TABLE clients ADD COLUMN signing_alg TEXT NOT NULL DEFAULT 'ES256';
ALTER TABLE clients ADD COLUMN pkce TEXT NOT NULL DEFAULT 'required';
