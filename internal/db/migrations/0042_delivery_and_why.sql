-- The mail domain or the country that a message goes to. Empty: neither, or the version before wrote the row.
ALTER TABLE messages ADD COLUMN destination TEXT NOT NULL DEFAULT '';

-- What became of the messages that a company queued in an hour, by mail domain or country: each message counts in one
-- of the first five columns. timed and within_ count those that a server took, by the seconds until then. last_problem
-- is the instant, in microseconds, and the kind of the newest problem. It is one text, so that the greatest is the newest.
CREATE TABLE delivery_hours (
    tenant_id    TEXT   NOT NULL,
    channel      TEXT   NOT NULL,
    destination  TEXT   NOT NULL,
    hour         BIGINT NOT NULL,
    accepted     BIGINT NOT NULL,
    delivered    BIGINT NOT NULL,
    delayed      BIGINT NOT NULL,
    bounced      BIGINT NOT NULL,
    failed       BIGINT NOT NULL,
    timed        BIGINT NOT NULL,
    within_2     BIGINT NOT NULL,
    within_10    BIGINT NOT NULL,
    within_30    BIGINT NOT NULL,
    within_60    BIGINT NOT NULL,
    within_300   BIGINT NOT NULL,
    last_problem TEXT   NOT NULL,
    PRIMARY KEY (tenant_id, channel, destination, hour)
);
CREATE INDEX delivery_hours_by_hour ON delivery_hours (hour);

-- The vendor's own words have a version, so that two operators do not write over each other. An empty text is kept:
-- its version goes on.
ALTER TABLE installation_texts ADD COLUMN version BIGINT NOT NULL DEFAULT 0;
