-- What a writer of a budget has read, so that one statement can spend several budgets and
-- only where nobody was faster. It means nothing once the row is written.
ALTER TABLE budgets ADD COLUMN expected BYTEA;
