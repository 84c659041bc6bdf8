-- The refresh token before the newest, and when it was replaced: for some seconds the same
-- client gets the newest for it once more, because two tabs renew at once.
ALTER TABLE refresh_families ADD COLUMN previous_hash BYTEA;
ALTER TABLE refresh_families ADD COLUMN rotated_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE refresh_families ADD COLUMN grace_used_at BIGINT NOT NULL DEFAULT 0;
