-- Budgets that belong to no company: those of addresses, sources and browsers. Where companies are
-- spread over machines, they are read and written by statements of their own.
--
-- What was counted up to now counts here, too. A program of the version before goes on with its
-- rows in budgets; the program keeps both while it may run. A later migration deletes those.
CREATE TABLE installation_budgets (
    name       TEXT   NOT NULL,
    subject    TEXT   NOT NULL,
    stamps     BYTEA  NOT NULL,
    touched_at BIGINT NOT NULL,
    expected   BYTEA,
    PRIMARY KEY (name, subject)
);
CREATE INDEX installation_budgets_old ON installation_budgets (touched_at);
INSERT INTO installation_budgets (name, subject, stamps, touched_at)
    SELECT name, subject, stamps, touched_at FROM budgets WHERE tenant_id = 'installation';
