-- SPDX-License-Identifier: Apache-2.0
-- What a decision rested on is compared when it is written: as in ../mysql, whose comments hold here too.

ALTER TABLE identities ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE identities ADD COLUMN session_epoch INTEGER NOT NULL DEFAULT 0;

ALTER TABLE identity_credentials ADD COLUMN version INTEGER NOT NULL DEFAULT 1;

ALTER TABLE sessions ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN old_aal TEXT CHECK (length(old_aal) <= 8);
ALTER TABLE sessions ADD COLUMN old_methods TEXT CHECK (length(old_methods) <= 2048);
ALTER TABLE sessions ADD COLUMN old_authenticated_at INTEGER NOT NULL DEFAULT 0;
