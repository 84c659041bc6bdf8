-- A company can turn on two-factor authentication in three steps: so many days lie between them (0: everyone is asked at
-- once), and no further step begins if more than so many percent of those asked could not sign in (0: whatever happens).
ALTER TABLE tenants ADD COLUMN step_days BIGINT NOT NULL DEFAULT 0;
ALTER TABLE tenants ADD COLUMN step_stop BIGINT NOT NULL DEFAULT 0;
-- When the steps were stopped, when they were last continued, and by how much the steps that had not begun moved then.
ALTER TABLE tenants ADD COLUMN steps_stopped_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE tenants ADD COLUMN steps_resumed_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE tenants ADD COLUMN steps_delay BIGINT NOT NULL DEFAULT 0;
