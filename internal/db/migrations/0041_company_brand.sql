-- What a company's people see on sign-in pages and in mails in place of the vendor's name, logo, colour and support
-- contact. Empty: the vendor's. logo is a PNG that we have drawn again ourselves.
CREATE TABLE brands (
    tenant_id     TEXT   NOT NULL,
    name          TEXT   NOT NULL,
    accent        TEXT   NOT NULL,
    support_email TEXT   NOT NULL,
    support_url   TEXT   NOT NULL,
    support_phone TEXT   NOT NULL,
    logo_hash     TEXT   NOT NULL,
    logo_width    BIGINT NOT NULL,
    logo_height   BIGINT NOT NULL,
    logo          BYTEA,
    PRIMARY KEY (tenant_id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (tenant_id)
);
