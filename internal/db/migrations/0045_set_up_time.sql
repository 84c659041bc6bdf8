-- How long newcomers have to set up a method, in days from their first sign-in (0: no time of their own), and how many
-- sign-ins someone may finish before they set one up (0: no limit).
ALTER TABLE tenants ADD COLUMN set_up_days BIGINT NOT NULL DEFAULT 0;
ALTER TABLE tenants ADD COLUMN set_up_laters BIGINT NOT NULL DEFAULT 0;
-- The end of a newcomer's own time, stored at their first sign-in, and how many of the sign-ins before set-up they have
-- used. Neither is ever given anew.
ALTER TABLE users ADD COLUMN newcomer_until BIGINT NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN set_up_laters_used BIGINT NOT NULL DEFAULT 0;
-- What people are given by an action that gives them more time to set up a method: until when, and why.
ALTER TABLE bulk_actions ADD COLUMN exempt_until BIGINT NOT NULL DEFAULT 0;
ALTER TABLE bulk_actions ADD COLUMN reason TEXT NOT NULL DEFAULT '';
