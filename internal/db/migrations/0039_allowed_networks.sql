-- The networks that a company's people may sign in from, one a line with a comment after a space; empty: from anywhere.
-- network_scope says whom and where it concerns.
ALTER TABLE tenants ADD COLUMN networks TEXT NOT NULL DEFAULT '';
ALTER TABLE tenants ADD COLUMN network_scope TEXT NOT NULL DEFAULT '';
ALTER TABLE mail_domains ADD COLUMN networks TEXT NOT NULL DEFAULT '';
