-- The roles of which a company requires two-factor authentication, apart by spaces; empty: of everyone.
ALTER TABLE tenants ADD COLUMN roles TEXT NOT NULL DEFAULT '';
