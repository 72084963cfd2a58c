-- SPDX-License-Identifier: Apache-2.0
-- How many codes were sent to and tried for one person or address within a window of time, on all nodes. id is a keyed hash of whose
-- budget it is.
CREATE TABLE IF NOT EXISTS code_budgets (
    id               TEXT NOT NULL PRIMARY KEY CHECK (length(id) <= 128),
    realm_id         TEXT NOT NULL CHECK (length(realm_id) <= 32),
    begins_at        INTEGER NOT NULL,
    used             INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS code_budgets_begins ON code_budgets (begins_at);
