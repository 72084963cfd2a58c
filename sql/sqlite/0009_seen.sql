-- SPDX-License-Identifier: Apache-2.0
-- When a session was last used: as in ../mysql, whose comments hold here too.
ALTER TABLE sessions ADD COLUMN seen_at INTEGER NOT NULL DEFAULT 0;
