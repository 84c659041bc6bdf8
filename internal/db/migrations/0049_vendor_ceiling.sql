-- What the vendor allows one company at the most: methods as in methods, days as in remember_days. Empty and -1: what it
-- allows all companies. What a company decides for itself stays beside it.
ALTER TABLE tenants ADD COLUMN vendor_methods TEXT NOT NULL DEFAULT '';
ALTER TABLE tenants ADD COLUMN vendor_days BIGINT NOT NULL DEFAULT -1;
