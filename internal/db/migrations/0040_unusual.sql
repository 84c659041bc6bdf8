-- What is unusual about a sign-in, as words apart by spaces, in a company that asks for a second step only then.
ALTER TABLE flows ADD COLUMN unusual TEXT NOT NULL DEFAULT '';
