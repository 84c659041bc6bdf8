-- The roles of which the rules that a company considers require two-factor authentication, as in roles.
ALTER TABLE tenants ADD COLUMN shadow_roles TEXT NOT NULL DEFAULT '';
