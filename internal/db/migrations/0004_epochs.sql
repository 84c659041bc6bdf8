-- Keys outside the database that the database needs, and what happens when an older copy
-- takes the database's place.

-- The generations of the key file. mark proves that a file holds the very key.
CREATE TABLE master_keys (
    id          TEXT   NOT NULL PRIMARY KEY,
    mark        BYTEA  NOT NULL,
    seals_from  BIGINT NOT NULL,
    added_at    BIGINT NOT NULL,
    dropped_at  BIGINT NOT NULL
);

-- Each time that the database went back to an earlier state: everything that was open has
-- been ended. number 0 is a restore that is not finished.
CREATE TABLE epochs (
    number           BIGINT NOT NULL PRIMARY KEY,
    because          TEXT   NOT NULL,
    copy_of          BIGINT NOT NULL,
    raised_at        BIGINT NOT NULL,
    acknowledged_at  BIGINT NOT NULL
);
