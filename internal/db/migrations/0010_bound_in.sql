-- The sign-in in whose session or flow an authenticator was set up, so that "this wasn't me"
-- takes it away again.
ALTER TABLE authenticators ADD COLUMN bound_in TEXT NOT NULL DEFAULT '';
