-- Codes that were refused no longer teach anything about a clock: two of them in a row are
-- what someone who stole codes has.
ALTER TABLE totp_secrets DROP COLUMN stray_step;
ALTER TABLE totp_secrets DROP COLUMN stray_by;
