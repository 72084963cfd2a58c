-- SPDX-License-Identifier: Apache-2.0
-- What waits to be sent and is longer than a column: as in ../mysql, whose comments hold here too.
CREATE TABLE IF NOT EXISTS outbox_parts (
    message_id       TEXT NOT NULL CHECK (length(message_id) <= 36),
    part             INTEGER NOT NULL,
    realm_id         TEXT NOT NULL CHECK (length(realm_id) <= 32),
    sealed           TEXT NOT NULL CHECK (length(sealed) <= 65535),
    PRIMARY KEY (message_id, part),
    FOREIGN KEY (message_id) REFERENCES courier_messages (id) ON DELETE CASCADE
);
