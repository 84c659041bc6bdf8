-- Apps that the vendor exempts and of which the company requires a second step anyway: ids apart by spaces.
ALTER TABLE tenants ADD COLUMN covered_apps TEXT NOT NULL DEFAULT '';
