-- SPDX-License-Identifier: Apache-2.0
-- What people let other sites know of them: as in ../mysql, whose comments hold here too.
CREATE TABLE IF NOT EXISTS fedcm_grants (
    identity_id      TEXT NOT NULL CHECK (length(identity_id) <= 36),
    client_id        TEXT NOT NULL CHECK (length(client_id) <= 128),
    realm_id         TEXT NOT NULL CHECK (length(realm_id) <= 32),
    fields           INTEGER NOT NULL,
    created_at       INTEGER NOT NULL,
    PRIMARY KEY (identity_id, client_id),
    FOREIGN KEY (identity_id) REFERENCES identities (id) ON DELETE CASCADE
);
