-- The vendor's own logo (a PNG that we have drawn again ourselves) and colour on every page.
ALTER TABLE installation ADD COLUMN accent TEXT NOT NULL DEFAULT '';
ALTER TABLE installation ADD COLUMN logo_hash TEXT NOT NULL DEFAULT '';
ALTER TABLE installation ADD COLUMN logo BYTEA;
