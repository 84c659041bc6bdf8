-- The newest code of an authenticator app that was right for another time: its step, and how
-- many steps away it was. A second one, as far away, teaches how wrong the device's clock is.
ALTER TABLE totp_secrets ADD COLUMN stray_step BIGINT NOT NULL DEFAULT 0;
ALTER TABLE totp_secrets ADD COLUMN stray_by BIGINT NOT NULL DEFAULT 0;
