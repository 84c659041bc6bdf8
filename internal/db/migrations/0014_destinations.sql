-- What the budget of messages to a challenge's destination is kept under, so that it is read
-- together with the flow when a new code is asked for. Empty: the version before wrote the
-- row, or nothing was sent.
ALTER TABLE challenges ADD COLUMN sent_key TEXT NOT NULL DEFAULT '';
