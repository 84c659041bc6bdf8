-- How many people of a company have which status of two-factor authentication, once a day: for the chart of how it
-- spreads. day is the beginning of a day, UTC.
CREATE TABLE adoption_days (
    tenant_id  TEXT   NOT NULL,
    day        BIGINT NOT NULL,
    people     BIGINT NOT NULL,
    activated  BIGINT NOT NULL,
    pending    BIGINT NOT NULL,
    counted_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, day)
);
CREATE INDEX adoption_days_by_day ON adoption_days (day);
