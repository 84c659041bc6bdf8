-- The countries whose numbers a company takes, of those that the installation takes: codes
-- apart by spaces, empty for all of them.
ALTER TABLE tenants ADD COLUMN sms_countries TEXT NOT NULL DEFAULT '';
-- The message whose words this one carries to another receiver of the same person.
ALTER TABLE messages ADD COLUMN copy_of TEXT NOT NULL DEFAULT '';
CREATE INDEX messages_by_original ON messages (tenant_id, copy_of) WHERE copy_of <> '';
