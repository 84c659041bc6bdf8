-- How often what a decision reads of a row has changed: every statement that sets such a column
-- adds one in the same statement. Wrong answers, drift, last use and language add nothing.
-- A version is compared by the write that ends a sign-in, and by callers of interfaces later.
--
-- A program of the version before sets columns and adds nothing here. That stays safe while both
-- run side by side: it still adds to users.security_version with everything that ends what is
-- open, and the write that ends a sign-in looks at security_version, at the address of a code and
-- at every column that stops a sign-in by itself. Any other change by an old program counts as
-- made right after that write, as if it had come a few milliseconds later.
ALTER TABLE tenants ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE installation ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE clients ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE users ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
