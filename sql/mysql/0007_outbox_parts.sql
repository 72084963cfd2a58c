-- SPDX-License-Identifier: Apache-2.0
-- What waits to be sent is more than mail: courier_messages is the outbox of all of it, `via` says whose it is. Where `sealed` is longer
-- than a column can hold, it says "*" and how many rows here have it.
CREATE TABLE IF NOT EXISTS outbox_parts (
    message_id       CHAR(36)      NOT NULL,
    part             INTEGER       NOT NULL,
    realm_id         VARCHAR(32)   NOT NULL,
    sealed           TEXT          NOT NULL,
    PRIMARY KEY (message_id, part),
    FOREIGN KEY (message_id) REFERENCES courier_messages (id) ON DELETE CASCADE
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET ascii COLLATE ascii_bin;
