-- After how many wrong passwords or codes a company's people wait, and for how long. 0: as the installation says.
ALTER TABLE tenants ADD COLUMN lock_after BIGINT NOT NULL DEFAULT 0;
ALTER TABLE tenants ADD COLUMN lock_minutes BIGINT NOT NULL DEFAULT 0;

-- Whose the addresses of a mail domain are, with what that company decides about tries before a password is known to be
-- right. An address that no one has is treated as one of the same domain that someone has, so that neither can be told
-- from the other. tenant_id is empty where several companies have addresses there: none of them decides.
CREATE TABLE mail_domains (
    email_domain  TEXT   NOT NULL PRIMARY KEY,
    tenant_id     TEXT   NOT NULL,
    lock_after    BIGINT NOT NULL DEFAULT 0,
    lock_minutes  BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX mail_domains_by_tenant ON mail_domains (tenant_id);
INSERT INTO mail_domains (email_domain, tenant_id)
    SELECT k.email_domain, CASE WHEN MIN(k.tenant_id) = MAX(k.tenant_id) THEN MIN(k.tenant_id) ELSE '' END
    FROM (SELECT SUBSTR(email_key, LENGTH(RTRIM(email_key, REPLACE(email_key, '@', ''))) + 1) AS email_domain, tenant_id
        FROM directory) k
    GROUP BY k.email_domain;
