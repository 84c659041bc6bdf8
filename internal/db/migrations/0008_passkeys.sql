-- The challenge that a passkey answered last: of two answers to one challenge, at once or
-- one after the other, the second changes no row.
ALTER TABLE passkeys ADD COLUMN last_challenge TEXT NOT NULL DEFAULT '';

-- Challenges of sign-ins by passkey, which are stored nowhere until they are answered
-- rightly. A row keeps one from being answered again; it is swept after its time.
CREATE TABLE spent_challenges (
    hash        TEXT   NOT NULL PRIMARY KEY,
    expires_at  BIGINT NOT NULL
);
CREATE INDEX spent_challenges_old ON spent_challenges (expires_at);
