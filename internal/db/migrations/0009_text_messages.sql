-- How often a message was handed over to somebody who takes money for it, and what the one
-- who took it calls it: receipts name it so.
ALTER TABLE messages ADD COLUMN submits BIGINT NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN handed_as TEXT NOT NULL DEFAULT '';
CREATE INDEX messages_by_handle ON messages (handed_as) WHERE handed_as <> '';
-- What may be spent, as the last reservation knew it, and when somebody was told that no
-- more may be.
ALTER TABLE message_costs ADD COLUMN ceiling BIGINT NOT NULL DEFAULT 0;
ALTER TABLE message_costs ADD COLUMN told_at BIGINT NOT NULL DEFAULT 0;
