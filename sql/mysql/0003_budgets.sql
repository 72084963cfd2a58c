-- SPDX-License-Identifier: Apache-2.0
-- How many codes were sent to and tried for one person or address within a window of time, on all nodes. id is a keyed hash of whose
-- budget it is.
CREATE TABLE IF NOT EXISTS code_budgets (
    id               VARCHAR(128)  NOT NULL PRIMARY KEY,
    realm_id         VARCHAR(32)   NOT NULL,
    begins_at        BIGINT        NOT NULL,
    used             INTEGER       NOT NULL,
    KEY code_budgets_begins (begins_at)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET ascii COLLATE ascii_bin;
