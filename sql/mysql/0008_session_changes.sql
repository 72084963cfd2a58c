-- SPDX-License-Identifier: Apache-2.0
-- Whose sessions are not any more what nodes may remember of them: written in the transaction of each such change, read by every node once
-- a second, deleted after some minutes. identity_id is empty for all of a realm.
CREATE TABLE IF NOT EXISTS session_changes (
    id               BIGINT        NOT NULL AUTO_INCREMENT PRIMARY KEY,
    realm_id         VARCHAR(32)   NOT NULL,
    identity_id      CHAR(36)      NOT NULL,
    created_at       BIGINT        NOT NULL,
    KEY session_changes_created (created_at)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET ascii COLLATE ascii_bin;
