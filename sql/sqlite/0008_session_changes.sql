-- SPDX-License-Identifier: Apache-2.0
-- Whose sessions are not any more what nodes may remember of them: as in ../mysql, whose comments hold here too.
CREATE TABLE IF NOT EXISTS session_changes (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    realm_id         TEXT NOT NULL CHECK (length(realm_id) <= 32),
    identity_id      TEXT NOT NULL CHECK (length(identity_id) <= 36),
    created_at       INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS session_changes_created ON session_changes (created_at);
