-- How far a copy of the audit events reached that was read after a return to an earlier
-- state; 0 = none was read.
ALTER TABLE epochs ADD COLUMN audit_until BIGINT NOT NULL DEFAULT 0;
