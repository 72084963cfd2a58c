-- SPDX-License-Identifier: Apache-2.0
-- What is good once only, and what only one account may have: as in ../mysql, whose comments hold here too.

ALTER TABLE identity_credentials ADD COLUMN spent INTEGER NOT NULL DEFAULT 0;

ALTER TABLE flows ADD COLUMN spent INTEGER NOT NULL DEFAULT 0;

CREATE TABLE IF NOT EXISTS identity_keys (
    realm_id         TEXT NOT NULL CHECK (length(realm_id) <= 32),
    key_hash         TEXT NOT NULL CHECK (length(key_hash) <= 64),
    credential_id    TEXT NOT NULL CHECK (length(credential_id) <= 36),
    PRIMARY KEY (realm_id, key_hash),
    FOREIGN KEY (credential_id) REFERENCES identity_credentials (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS identity_keys_credential ON identity_keys (credential_id);
